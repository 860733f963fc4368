"""Every form of a result that is text, by its name."""

from __future__ import annotations

from collections.abc import Callable

from labkit.grading.model import GradeResult
from labkit.grading.writers.csv import as_csv
from labkit.grading.writers.gradescope import as_gradescope
from labkit.grading.writers.html import as_html
from labkit.grading.writers.json_file import as_json
from labkit.grading.writers.junit import as_junit
from labkit.grading.writers.moodle import as_moodle

WRITERS: dict[str, Callable[[GradeResult], str]] = {
    "json": as_json,
    "junit": as_junit,
    "html": as_html,
    "csv": as_csv,
    "gradescope": as_gradescope,
    "moodle": as_moodle,
}
