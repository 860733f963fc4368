"""What a course is, and where its parts are found. Depends on no machine."""

from labkit.course.artefacts import Files, find_workspace
from labkit.course.declare import check, step
from labkit.course.finder import course_root, load_checks, load_course
from labkit.course.handed import HandedIn
from labkit.course.model import (
    Aim,
    Artefact,
    Beginning,
    CheckSpec,
    Course,
    Drill,
    Limits,
    Load,
    Mutation,
    Origin,
    Step,
    Verdict,
)
from labkit.course.outcome import CannotTellError, NotMetError, expect, not_met

__all__ = [
    "Aim",
    "Artefact",
    "Beginning",
    "CannotTellError",
    "CheckSpec",
    "Course",
    "Drill",
    "Files",
    "HandedIn",
    "Limits",
    "Load",
    "Mutation",
    "NotMetError",
    "Origin",
    "Step",
    "Verdict",
    "check",
    "course_root",
    "expect",
    "find_workspace",
    "load_checks",
    "load_course",
    "not_met",
    "step",
]
