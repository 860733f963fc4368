"""Grading: the pytest plugin, verdicts, marks, writers of reports."""

from typing import TYPE_CHECKING

from labkit.lazy import on_first_use

if TYPE_CHECKING:
    from labkit.grading.context import Context
    from labkit.grading.drills import must_have_passed, perform_drill
    from labkit.grading.model import CheckResult, GradeResult, StepResult
    from labkit.grading.plan import Scope, everything, quick
    from labkit.grading.session import Again, grade, write_open
else:
    __getattr__ = on_first_use(
        __name__,
        {
            "Again": "session",
            "CheckResult": "model",
            "Context": "context",
            "GradeResult": "model",
            "Scope": "plan",
            "StepResult": "model",
            "everything": "plan",
            "grade": "session",
            "must_have_passed": "drills",
            "perform_drill": "drills",
            "quick": "plan",
            "write_open": "session",
        },
    )

__all__ = [
    "Again",
    "CheckResult",
    "Context",
    "GradeResult",
    "Scope",
    "StepResult",
    "everything",
    "grade",
    "must_have_passed",
    "perform_drill",
    "quick",
    "write_open",
]
