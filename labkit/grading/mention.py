"""The mention: a distinction beyond the mark, for a service that passes a higher bar."""

from __future__ import annotations

from labkit.course import Verdict
from labkit.errors import LabkitError
from labkit.grading.context import Context
from labkit.grading.drills import perform_drill
from labkit.grading.model import GradeResult
from labkit.load.words import bar_word
from labkit.locale import _


def award(context: Context, result: GradeResult) -> bool | None:
    """Whether the service deserves the mention; None if that could not be determined.

    The runs that were worth points are judged at the higher bar first, so that nobody waits for
    what is lost already. Only if each of them holds are the drills performed that the course asks
    for besides.
    """
    bar = context.course.distinction
    last = result.steps[-1] if result.steps else None
    if not bar or last is None or last.verdict is not Verdict.PASSED:
        return None
    graded = [drill.name for drill in context.course.drills if bar in drill.limits]
    # A drill that could not even begin has no verdict at any bar.
    found = [
        context.drills[name]["bars"].get(bar, Verdict.INCONCLUSIVE)
        for name in graded
        if name in context.drills
    ]
    if Verdict.FAILED in found:
        return False
    if not found or Verdict.INCONCLUSIVE in found:
        return None
    context.reporter.say(
        _(
            "the bar {bar} holds so far: the drills for the distinction follow",
            bar=bar_word(bar),
        )
    )
    for drill in context.course.drills:
        if drill.mention and drill.name not in context.drills:
            try:
                verdict = perform_drill(context, drill.name, bar=bar).verdict
            except LabkitError as error:  # a machine that is off by now
                context.reporter.say(str(error))
                return None
            if verdict is not Verdict.PASSED:
                return False if verdict is Verdict.FAILED else None
    return True
