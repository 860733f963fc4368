"""The practical's own checks, read from its modules and not by what collects them."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from types import FunctionType
from typing import NamedTuple

from labkit.course import CheckSpec, Step, load_course
from tests import ROOT

COURSE = load_course()


class Check(NamedTuple):
    """A check as its module has it."""

    id: str
    step: Step
    function: FunctionType
    spec: CheckSpec

    @property
    def sentence(self) -> str:
        """What the student reads."""
        return inspect.getdoc(self.function) or ""


def check_file(step: Step) -> Path:
    return ROOT / "checks" / f"test_{step.number:02}_{step.slug.replace('-', '_')}.py"


def functions_of(step: Step) -> dict[str, FunctionType]:
    """The tests of a step's module in their order there, checks or not."""
    module = importlib.import_module(f"checks.{check_file(step).stem}")
    return {
        name: value
        for name, value in vars(module).items()
        if name.startswith("test_") and inspect.isfunction(value)
    }


def checks() -> list[Check]:
    """Every check of the course, in the course's order."""
    return [
        Check(f"{step.slug}.{name.removeprefix('test_')}", step, function, spec)
        for step in COURSE.steps
        for name, function in functions_of(step).items()
        if isinstance(spec := vars(function).get("labkit_check"), CheckSpec)
    ]


CHECKS = checks()
