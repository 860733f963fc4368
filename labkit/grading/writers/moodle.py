"""A row for Moodle's grade import (Grades, Import, CSV file), UTF-8, comma, dot decimals.

The teacher maps one user column, one grade column and its feedback; feedback without its grade
column would wipe grades, so both are always there. A single unknown user or a grade that is not a
number aborts a whole import (Moodle's `gradeimport_csv_load_data`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from labkit.errors import UsageError
from labkit.grading.model import GradeResult
from labkit.grading.writers.summary import causes, caveat, mark, printable
from labkit.locale import _

USER_COLUMNS = ("username", "idnumber", "email")


def as_moodle(result: GradeResult) -> str:
    """The result as a header and one row. UsageError if nobody knows whose result it is."""
    return as_moodle_table([result])


def as_moodle_table(results: Iterable[GradeResult]) -> str:
    """Results of one course as a header and a row per student.

    UsageError if a result has no student, or if the results are of several courses.
    """
    results = list(results)
    headers = {_header(result) for result in results}
    if len(headers) != 1:
        raise UsageError(_("a table for Moodle is about one course"))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(headers.pop())
    table.writerows(_row(result) for result in results)
    return printable(text.getvalue())


def _header(result: GradeResult) -> tuple[str, ...]:
    item = f"labkit {result.course} (/{result.score_max:g})"  # becomes the grade item's name
    return (*USER_COLUMNS, item, "feedback")


def _row(result: GradeResult) -> list[str]:
    """A student is known by one name, whichever kind it is: no user cell may be blank."""
    if not result.student:
        raise UsageError(
            _("a row for Moodle needs the student's name"),
            then="labkit grade --student NAME -o moodle",
        )
    grade = "" if result.score is None else f"{result.score:g}"
    return [*(result.student for _column in USER_COLUMNS), grade, _feedback(result)]


def _feedback(result: GradeResult) -> str:
    told = [f"{mark(result)}.", caveat(result)]
    for cause in causes(result):
        told.append(
            _("Step {number}: {title} {why}.", number=cause.step.number,
              title=cause.check.title, why=cause.check.message)
        )  # fmt: skip
    return " ".join(" ".join(part.split()) for part in told if part)
