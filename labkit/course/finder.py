"""Finds the course: the `steps/` and `checks/` folders beside each other, and what is in them."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import labkit
from labkit.course.model import CheckSpec, Course, Step
from labkit.errors import UsageError
from labkit.locale import _


def course_root() -> Path:
    """The folder that holds the course: LABKIT_COURSE, or the one that labkit came with."""
    given = os.environ.get("LABKIT_COURSE", "")
    root = Path(given).resolve() if given else Path(labkit.__file__).resolve().parent.parent
    for folder in ("steps", "checks"):
        if not (root / folder).is_dir():
            raise UsageError(
                _(
                    "there is no course in {root}: the folder {folder}/ is missing",
                    root=root,
                    folder=folder,
                ),
                then=_("LABKIT_COURSE=<a folder with steps/ and checks/>"),
            )
    return root


def load_course() -> Course:
    """Import the course's step modules (`steps/sNN_slug.py`) and put them in order.

    Raises `UsageError` if two steps share a number, letter or slug, or if a step needs one that
    does not come before it.
    """
    root = course_root()
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    package = importlib.import_module("steps")
    steps: list[Step] = []
    for path in sorted((root / "steps").glob("s[0-9][0-9]_*.py")):
        module = importlib.import_module(f"steps.{path.stem}")
        steps += [value for value in vars(module).values() if isinstance(value, Step)]
    steps.sort(key=lambda step: step.number)
    _validate(steps)
    drills = importlib.import_module("checks.drills").DRILLS
    handed_in = importlib.import_module("steps.handed_in")
    mutations = importlib.import_module("checks.mutations").MUTATIONS
    return Course(
        name=package.NAME,
        root=root,
        titles=package.TITLES,
        steps=tuple(steps),
        drills=tuple(drills),
        points_max=package.POINTS_MAX,
        recognise=handed_in.recognise,
        settle=handed_in.settle,
        mutations=tuple(mutations),
        given=tuple(handed_in.GIVEN),
        survey=package.SURVEY,
    )


def _validate(steps: list[Step]) -> None:
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


def load_checks(course: Course) -> dict[str, Callable[..., object]]:
    """The check functions by id (`SLUG.NAME`), in the order of the course; no machine is asked."""
    found: dict[str, Callable[..., object]] = {}
    for step in course.steps:
        for path in sorted((course.root / "checks").glob(f"test_{step.number:02}_*.py")):
            module = importlib.import_module(f"checks.{path.stem}")
            found |= {
                f"{step.slug}.{name.removeprefix('test_')}": value
                for name, value in vars(module).items()
                if isinstance(getattr(value, "labkit_check", None), CheckSpec)
            }
    return found
