"""What every writer does first and last: no text that steers a reader, no file that is half one.

Titles and hints are the course's, but messages, what was seen, names of servers and of files are
partly a student's. Each writer works on a cleaned copy of the records and only has to escape what
its own format needs.
"""

from __future__ import annotations

import math
import os
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, cast

from labkit.grading.model import GradeResult
from labkit.text import clean

TEXT = 2000  # characters of one text in a report; the whole of it is in the evidence


def cleaned(result: GradeResult) -> GradeResult:
    """A copy whose texts can be shown and encoded; its numbers are all finite or none."""
    return cast("GradeResult", _clean(result))


def write_whole(text: str, path: Path) -> None:
    """Write a file so that a reader, or a kill, never meets half of it; its folder is made.

    OSError if it cannot be written; what was there before is then still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _clean(value: Any) -> Any:
    match value:
        case Enum():  # a verdict is a text, too
            return value
        case str():
            return clean(value, TEXT)
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {_clean(key): _clean(inner) for key, inner in value.items()}
        case list() | tuple():
            return type(value)(_clean(inner) for inner in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{field.name: _clean(getattr(value, field.name)) for field in fields(value)}
        )
    return value
