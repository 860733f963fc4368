"""A learner's workspace as it begins: the given files, and those to be written, empty."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from labkit.course.model import Course
from labkit.errors import UsageError
from labkit.locale import _


def write_starter(
    course: Course, folder: Path, own: Mapping[str, bytes] | None = None, *, other: str
) -> None:
    """Write it; `own` are files that this learner has in the place of those given to all.

    UsageError if anything of it is there already: nothing is changed then. `other` is the command
    for another folder.
    """
    starter = course.root / "steps" / "starter"
    given = {
        path.relative_to(starter).as_posix(): path.read_bytes()
        for path in sorted(starter.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    files = {**given, **(own or {})}
    there = next((folder / path for path in files if (folder / path).exists()), None)
    if there:
        raise UsageError(
            _("{folder} already holds a project; nothing was changed", folder=folder),
            where=str(there),
            then=other,
        )
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        target.chmod(0o644)
