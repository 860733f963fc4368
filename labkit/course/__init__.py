"""What a course is, and where its parts are found. Depends on no machine."""

from typing import TYPE_CHECKING

from labkit.lazy import on_first_use

if TYPE_CHECKING:
    from labkit.course.artefacts import Files, find_workspace
    from labkit.course.blueprint import Blueprint, MachineSpec, read_blueprint
    from labkit.course.declare import check, load_checks, step, step_of
    from labkit.course.finder import course_root, find_blueprint, load_course
    from labkit.course.handed import HandedIn
    from labkit.course.model import (
        Aim,
        Artefact,
        CheckSpec,
        Course,
        Drill,
        Fault,
        FindAim,
        Glance,
        Judge,
        Limits,
        Load,
        Mutation,
        Origin,
        Outage,
        PowerCut,
        Recognise,
        Request,
        Step,
        StepFunction,
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
            "Blueprint": "blueprint",
            "CannotTellError": "outcome",
            "CheckSpec": "model",
            "Course": "model",
            "Drill": "model",
            "Fault": "model",
            "Files": "artefacts",
            "FindAim": "model",
            "Glance": "model",
            "HandedIn": "handed",
            "Judge": "model",
            "Limits": "model",
            "Load": "model",
            "MachineSpec": "blueprint",
            "Mutation": "model",
            "NotMetError": "outcome",
            "Origin": "model",
            "Outage": "model",
            "PowerCut": "model",
            "Recognise": "model",
            "Request": "model",
            "Step": "model",
            "StepFunction": "model",
            "Verdict": "verdict",
            "check": "declare",
            "course_root": "finder",
            "expect": "outcome",
            "find_blueprint": "finder",
            "find_workspace": "artefacts",
            "load_checks": "declare",
            "load_course": "finder",
            "not_met": "outcome",
            "read_blueprint": "blueprint",
            "select": "selection",
            "step": "declare",
            "step_of": "declare",
        },
    )

__all__ = [
    "Aim",
    "Artefact",
    "Blueprint",
    "CannotTellError",
    "CheckSpec",
    "Course",
    "Drill",
    "Fault",
    "Files",
    "FindAim",
    "Glance",
    "HandedIn",
    "Judge",
    "Limits",
    "Load",
    "MachineSpec",
    "Mutation",
    "NotMetError",
    "Origin",
    "Outage",
    "PowerCut",
    "Recognise",
    "Request",
    "Step",
    "StepFunction",
    "Verdict",
    "check",
    "course_root",
    "expect",
    "find_blueprint",
    "find_workspace",
    "load_checks",
    "load_course",
    "not_met",
    "read_blueprint",
    "select",
    "step",
    "step_of",
]
