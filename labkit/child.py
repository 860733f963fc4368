"""Python processes of our own, started so that nobody else's folder decides what they run.

`python -m` puts the folder that it is started in first on its path: a `locust.py` or a `labkit/` in
a submission would run on the grader's computer. So would what PYTHONPATH, PYTHONSTARTUP and their
like name. Every process of ours is started with what is here.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import labkit

FOLDER = Path(labkit.__file__).resolve().parent  # ours, always there, without settings of any tool


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of our own installation, whatever folder it is started in.

    -P keeps the current folder off the path (Python 3.11). -I would also drop the PYTHONPATH that
    `environment` gives, and the user's own packages, where labkit itself may be installed.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def environment(*roots: Path) -> dict[str, str]:
    """Our environment without what steers Python; labkit, and then `roots`, can be imported."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    path = os.pathsep.join(str(root.resolve()) for root in (FOLDER.parent, *roots))
    return {**kept, "PATH": search_path(), "PYTHONPATH": path}


def search_path() -> str:
    """PATH without entries that mean another program in every folder: "", "." and their like."""
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if Path(entry).is_absolute())
