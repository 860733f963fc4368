"""What a course is, and where its parts are found. Depends on no machine."""

from typing import TYPE_CHECKING

from labkit.lazy import on_first_use

if TYPE_CHECKING:
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
    )
    from labkit.course.outcome import CannotTellError, NotMetError, expect, not_met
    from labkit.course.selection import select
    from labkit.course.verdict import Verdict
else:
    __getattr__ = on_first_use(
        __name__,
        {
            "Aim": "model",
            "Artefact": "model",
            "Beginning": "model",
            "CannotTellError": "outcome",
            "CheckSpec": "model",
            "Course": "model",
            "Drill": "model",
            "Files": "artefacts",
            "HandedIn": "handed",
            "Limits": "model",
            "Load": "model",
            "Mutation": "model",
            "NotMetError": "outcome",
            "Origin": "model",
            "Step": "model",
            "Verdict": "verdict",
            "check": "declare",
            "course_root": "finder",
            "expect": "outcome",
            "find_workspace": "artefacts",
            "load_checks": "finder",
            "load_course": "finder",
            "not_met": "outcome",
            "select": "selection",
            "step": "declare",
        },
    )

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
    "select",
    "step",
]
