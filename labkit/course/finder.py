"""Finds the course: in the folder that was named, among those installed, or beside the engine."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import labkit
from labkit.course.blueprint import PACKAGE, Blueprint, read_blueprint
from labkit.course.model import Course, Step
from labkit.errors import UsageError
from labkit.locale import _

GROUP = "labkit.courses"  # of the entry points by which an installed package names its course


def course_root() -> Path:
    """The folder that holds the course: LABKIT_COURSE, or the one that labkit came with."""
    given = os.environ.get("LABKIT_COURSE", "")
    if given and not Path(given).is_dir():
        return _installed(given).root
    root = Path(given).resolve() if given else _own()
    if not (root / PACKAGE / "__init__.py").is_file():
        raise UsageError(
            _("there is no course in {root}: {file} is missing", root=root, file=f"{PACKAGE}/"),
            then=_("labkit --course <a folder with {file} in it>", file=f"{PACKAGE}/"),
        )
    return root


def find_blueprint() -> Blueprint:
    """The blueprint of the course, which is not imported. UsageError as `read_blueprint`."""
    return read_blueprint(course_root())


def load_course() -> Course:
    """The course.

    Raises `UsageError` if there is none, if two steps share a number, letter or slug, or if a
    step needs one that does not come before it.
    """
    given = os.environ.get("LABKIT_COURSE", "")
    if given and not Path(given).is_dir():
        return _installed(given)
    root = course_root()
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    course: Course = importlib.import_module(PACKAGE).COURSE
    _validate(course.steps)
    return course


def _own() -> Path:
    """Where labkit's own course lies: in the package if it was installed, else beside it."""
    package = Path(labkit.__file__).resolve().parent
    installed = package / "practical"
    return installed if installed.is_dir() else package.parent


def _installed(name: str) -> Course:
    """The course that an installed package offers under this name."""
    from importlib.metadata import entry_points  # slow to import, seldom needed

    offered = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in offered:
        raise UsageError(
            _("there is no course {name!r}: no folder, and none that is installed", name=name),
            where=", ".join(sorted(offered)),
            then=_("labkit --course <a folder with {file} in it>", file=f"{PACKAGE}/"),
        )
    course: Course = offered[name].load()
    _validate(course.steps)
    return course


def _validate(steps: Sequence[Step]) -> None:
    seen: set[str] = set()
    for step in steps:
        for key in (str(step.number), step.letter, step.slug):
            if key in seen:
                raise UsageError(
                    _("two steps are called {name!r}", name=key),
                    where=_("step {slug}", slug=step.slug),
                )
            seen.add(key)
        for parent in step.needs:
            if parent not in seen:
                raise UsageError(
                    _(
                        "step {slug} needs {parent}, which does not come before it",
                        slug=step.slug,
                        parent=parent,
                    ),
                    where=f"steps/s{step.number:02}_*.py",
                )
