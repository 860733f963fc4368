"""A row for Moodle's grade import (Grades, Import, CSV file), UTF-8, dot decimals.

The teacher maps one user column, one grade column and its feedback; feedback without its grade
column would wipe grades, so both are always there. A single unknown user or a grade that is not a
number aborts a whole import (Moodle's `gradeimport_csv_load_data`); `-` is no grade. Feedback is
read as HTML.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from labkit.errors import UsageError
from labkit.grading.model import GradeResult
from labkit.grading.writers.safe import cleaned
from labkit.grading.writers.sheet import as_text, guarded
from labkit.grading.writers.summary import causes, caveat, doubts, mark
from labkit.locale import _

USER_COLUMNS = ("username", "idnumber", "email")
NO_GRADE = "-"
# A user's name has to match Moodle's to the letter; one like this harms no spreadsheet.
USER_NAME = re.compile(r"[\w.@+-]+")


def as_moodle(result: GradeResult, *, delimiter: str = ",") -> str:
    """The result as a header and one row. UsageError if nobody knows whose result it is."""
    return as_moodle_table([result], delimiter=delimiter)


def as_moodle_table(results: Iterable[GradeResult], *, delimiter: str = ",") -> str:
    """Results of one course as a header and a row per learner.

    Moodle's import form asks for the delimiter: comma, semicolon, colon or tab. UsageError if a
    result has no learner, or if the results are of several courses.
    """
    results = [cleaned(result) for result in results]
    headers = {_header(result) for result in results}
    if len(headers) != 1:
        raise UsageError(_("a table for Moodle is about one course"))
    return as_text([headers.pop(), *map(_row, results)], delimiter=delimiter)


def _header(result: GradeResult) -> tuple[str, ...]:
    item = f"labkit {result.course} (/{result.score_max:g})"  # becomes the grade item's name
    return (*USER_COLUMNS, item, "feedback")


def _row(result: GradeResult) -> list[str | float]:
    """A learner is known by one name, whichever kind it is: no user cell may be blank."""
    learner = " ".join(result.learner.split())
    if not learner:
        raise UsageError(
            _("a row for Moodle needs the learner's name"),
            then="labkit grade --learner NAME -o moodle",
        )
    user = learner if USER_NAME.fullmatch(learner) else guarded(learner)
    grade = NO_GRADE if result.score is None else f"{result.score:g}"
    return [*(user for _column in USER_COLUMNS), grade, guarded(_feedback(result))]


def _feedback(result: GradeResult) -> str:
    told = [f"{mark(result)}.", caveat(result)]
    for cause in causes(result):
        told.append(
            _("Step {number}: {title} {why}.", number=cause.step.number,
              title=cause.check.title, why=cause.check.message)
        )  # fmt: skip
    for doubt in doubts(result):
        told.append(_("could not be determined: {why}", why=doubt.why) + f" ({doubt.settle}).")
    line = " ".join(" ".join(part.split()) for part in told if part)
    return html.escape(line, quote=False)
