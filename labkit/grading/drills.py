"""Drills within a grading run: performed once, recorded in the result."""

from __future__ import annotations

from labkit.course import CannotTellError, Verdict, not_met
from labkit.errors import UsageError
from labkit.grading.context import Context
from labkit.load.drill import run_drill
from labkit.load.record import DrillResult
from labkit.load.words import LIMIT_WORDS
from labkit.locale import _, number


def perform_drill(context: Context, name: str, *, bar: str = "") -> DrillResult:
    """Run a drill of the course against the lab and keep its record in the run's context.

    It is judged at `bar`, the context's own unless given. UsageError if the course has no drill of
    this name.
    """
    drill = next((drill for drill in context.course.drills if drill.name == name), None)
    if drill is None:
        known = ", ".join(drill.name for drill in context.course.drills)
        raise UsageError(
            _("there is no drill {name!r} (there are: {known})", name=name, known=known),
            then="labkit drill --list",
        )
    result = run_drill(
        drill,
        context.lab,
        {machine: context.shell(machine) for machine in context.course.blueprint.names},
        bar=bar or context.bar,
        course_root=context.course.root,
        out=context.out / "drills",
        reporter=context.reporter,
        seed=context.seed,
    )
    context.drills[name] = result.to_json()
    return result


def must_have_passed(result: DrillResult) -> None:
    """End a check as its drill has ended, saying which limits that broke.

    `CannotTellError` of a drill without a verdict, `NotMetError` of one that failed.
    """
    settle = f"labkit drill {result.name}"
    if result.verdict is Verdict.INCONCLUSIVE:
        raise CannotTellError(result.message, settle=settle)
    if result.verdict is Verdict.FAILED:
        broken = [limit for limit in result.limits if limit.held is False]
        at_most = [f"{_(LIMIT_WORDS[limit.name])} ≤ {number(limit.limit)}" for limit in broken]
        not_met(
            expected=", ".join(at_most) or _("the service is healthy again"),
            seen=result.message,
            where=settle,
        )
