"""Where a user's own folders are: the XDG base directory specification, version 0.8."""

from __future__ import annotations

import os
from pathlib import Path


def base_folder(variable: str, usual: str) -> Path:
    """The folder that a variable names, else `usual` below the home folder.

    A path that is not absolute is none, says the specification: it would be another folder
    wherever labkit is started, and lie within a submission that somebody grades as `.`.
    """
    named = Path(os.environ.get(variable, ""))
    return named if named.is_absolute() else Path.home() / usual
