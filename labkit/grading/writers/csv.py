"""A table with a row per check, for a spreadsheet or a statistics program.

Columns have the names of `labkit/result/v1`; numbers have a dot whatever the language.
"""

from __future__ import annotations

from labkit.grading.model import LEARNER, CheckResult, GradeResult, StepResult
from labkit.grading.writers.safe import cleaned
from labkit.grading.writers.sheet import as_text, guarded

COLUMNS = (
    LEARNER, "course", "started", "step", "slug", "check", "title", "verdict", "points",
    "points_max", "message", "expected", "seen", "where", "because", "hint", "seconds",
)  # fmt: skip


def as_csv(result: GradeResult) -> str:
    """The result as CSV: a header and a row per check."""
    result = cleaned(result)
    rows = [_row(result, step, check) for step in result.steps for check in step.checks]
    return as_text([COLUMNS, *([guarded(value) for value in row] for row in rows)])


def _row(result: GradeResult, step: StepResult, check: CheckResult) -> list[str | float]:
    record = check.to_json()
    record |= {
        LEARNER: result.learner,
        "course": result.course,
        "started": result.started,
        "step": step.number,
        "slug": step.slug,
        "check": check.id,
    }
    return [record.get(name, "") for name in COLUMNS]
