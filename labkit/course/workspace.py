"""Where a learner works: their own folder, told from all others."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from labkit.course.model import Course
from labkit.errors import UsageError
from labkit.locale import _


def find_workspace(given: str, start: Path, course: Course) -> Path | None:
    """The learner's folder: the given one, or the nearest at or above `start`, or None.

    It is known by the folders, or files, that the course gives a learner; the course's own starter
    and reference are nobody's workspace.
    """
    if given:
        folder = Path(given)
        if not folder.is_dir():
            raise UsageError(
                _("the workspace {folder} is not a folder", folder=given),
                then=f"labkit init {given}",
            )
        return folder.resolve()
    own = {course.root / "steps" / name for name in ("starter", "reference")}
    marks = {PurePosixPath(path).parts[0] for path in course.given}
    for folder in (start, *start.parents):
        if any((folder / mark).exists() for mark in marks) and folder.resolve() not in own:
            return folder
    return None
