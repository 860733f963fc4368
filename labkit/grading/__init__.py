"""Grading: the pytest plugin, verdicts, marks, writers of reports."""

from labkit.grading.context import Context
from labkit.grading.drills import perform_drill
from labkit.grading.model import CheckResult, GradeResult, StepResult
from labkit.grading.plan import Scope, everything, quick
from labkit.grading.session import Hooks, grade, write_open

__all__ = [
    "CheckResult",
    "Context",
    "GradeResult",
    "Hooks",
    "Scope",
    "StepResult",
    "everything",
    "grade",
    "perform_drill",
    "quick",
    "write_open",
]
