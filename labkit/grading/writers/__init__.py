"""A result, written for people and for other programs. Each writer reads the records alone."""

from __future__ import annotations

from collections.abc import Callable

from labkit.grading.model import GradeResult
from labkit.grading.writers.csv import as_csv
from labkit.grading.writers.gradescope import as_gradescope
from labkit.grading.writers.html import as_html, write_html
from labkit.grading.writers.json_file import as_json, write_json
from labkit.grading.writers.junit import as_junit
from labkit.grading.writers.moodle import as_moodle, as_moodle_table

WRITERS: dict[str, Callable[[GradeResult], str]] = {
    "json": as_json,
    "junit": as_junit,
    "html": as_html,
    "csv": as_csv,
    "gradescope": as_gradescope,
    "moodle": as_moodle,
}

__all__ = ["WRITERS", "as_html", "as_json", "as_moodle_table", "write_html", "write_json"]
