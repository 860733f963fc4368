"""Submissions: read safely, carried through the steps on a lab of their own, graded."""

from __future__ import annotations

from labkit.classroom.carrying import Carried, carry
from labkit.classroom.folder import Folder, read_folder
from labkit.classroom.intake import read_submission
from labkit.classroom.submission import (
    APPLICATION,
    GradeOptions,
    fresh_lab,
    grade_submission,
    recognised,
)

__all__ = [
    "APPLICATION",
    "Carried",
    "Folder",
    "GradeOptions",
    "carry",
    "fresh_lab",
    "grade_submission",
    "read_folder",
    "read_submission",
    "recognised",
]
