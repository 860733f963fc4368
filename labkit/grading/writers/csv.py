"""A table with a row per check, for a spreadsheet or a statistics program.

Columns have the names of `labkit/result/v1`; numbers have a dot whatever the language.
"""

from __future__ import annotations

import csv
import io

from labkit.grading.model import CheckResult, GradeResult, StepResult
from labkit.grading.writers.summary import printable

COLUMNS = (
    "student", "course", "started", "step", "slug", "check", "title", "verdict", "points",
    "points_max", "message", "expected", "seen", "where", "because", "hint", "seconds",
)  # fmt: skip

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(result: GradeResult) -> str:
    """The result as CSV: a header and a row per check."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for step in result.steps:
        for check in step.checks:
            table.writerow([_cell(value) for value in _row(result, step, check)])
    return printable(text.getvalue())


def _row(result: GradeResult, step: StepResult, check: CheckResult) -> list[str | float]:
    record = check.to_json()
    record |= {
        "student": result.student,
        "course": result.course,
        "started": result.started,
        "step": step.number,
        "slug": step.slug,
        "check": check.id,
    }
    return [record.get(name, "") for name in COLUMNS]


def _cell(value: str | float) -> str | float:
    """Text that a spreadsheet would take for a formula is quoted: students write some of it."""
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    return value
