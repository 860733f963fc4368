"""A grading run from beginning to end: plan it, ask the checks, keep the record true."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from labkit.course import Verdict
from labkit.grading.context import Context
from labkit.grading.model import CheckResult, GradeResult
from labkit.grading.plan import Scope, plan
from labkit.grading.plugin import Run
from labkit.grading.record import Record
from labkit.grading.run import collected
from labkit.locale import _
from labkit.reporting import SILENT, CheckBegan, CheckEnded, Reporter

RUN_LIMIT_S = 1200.0


@dataclass(frozen=True)
class Again:
    """What is asked once more, of machines that were changed for it."""

    asked: Collection[str]
    taken: Collection[str]  # for passed: what the change gives in their place
    carried: tuple[str, ...]  # the artefacts that the machines have of the reference


AskAgain = Callable[[Mapping[str, CheckResult]], Again | None]


def grade(
    context: Context,
    scope: Scope,
    reporter: Reporter = SILENT,
    *,
    learner: str = "",
    reference_credit: float = 1.0,
    keep: bool = True,
    known: Mapping[str, CheckResult] | None = None,
    submission_record: Mapping[str, Any] | None = None,
    again: AskAgain | None = None,
) -> GradeResult:
    """Run the checks in a scope and return what they found; `reporter` is told of each.

    `again` is called with all that was asked, those included that are not reported, whenever they
    have been: what it wants to know once more is asked then, until it returns None.

    Of a submission (`context.submission`), a step is worth nothing if all that it depends on is
    missing there: at the end its first check is failed and the others are blocked by it, whatever
    the reference that filled the gap does.

    With `keep`, `context.out/result.json` is written anew after each check, so that it is valid
    at any instant, also after a kill. Raises `LabkitError` if the checks themselves cannot be
    read. Ancestors in `known` are taken as they are and not asked again.
    """
    known = dict(known or {})
    record = Record(context, keep=keep, learner=learner, submission=submission_record)
    checks = collected(context.course)
    planned = plan(checks.graph, scope, known)
    record.plan(planned, checks.graph, scope, reference_credit)

    def started_one(check: CheckResult) -> None:
        if record.reports(check):
            reporter.tell(CheckBegan(check.id))

    def ended_one(check: CheckResult) -> None:
        if record.reports(check):
            record.save()
            reporter.tell(CheckEnded(check.id, check.verdict.value, check.seconds))

    checks.ask(Run(context, planned, known, record.started + RUN_LIMIT_S, started_one, ended_one))
    while again and (more := again(planned)):
        fresh = {name: _reopened(check) for name, check in planned.items() if name in more.asked}
        rest = {name: check for name, check in planned.items() if name not in fresh}
        rest |= {name: replace(rest[name], verdict=Verdict.PASSED) for name in more.taken}
        deadline = time.monotonic() + RUN_LIMIT_S
        checks.ask(Run(context, fresh, known | rest, deadline, started_one, ended_one))
        for name, check in fresh.items():
            _take(planned[name], check, more.carried)
        record.save()
    if scope.drills:
        from labkit.grading.mention import award  # with all that makes a load

        record.result.mention = award(context, record.result)
    record.complete()
    return record.result


def _reopened(check: CheckResult) -> CheckResult:
    """A check as it was before it was asked."""
    return CheckResult(check.id, check.title, check.points_max, message=_("not run yet"),
                       hints=check.hints, credit=check.credit)  # fmt: skip


def _take(former: CheckResult, now: CheckResult, carried: tuple[str, ...]) -> None:
    """Let a check have ended as it did now; what fails both times has failed on its own."""
    if former.verdict is now.verdict is Verdict.FAILED:
        return
    for field in fields(CheckResult):
        setattr(former, field.name, getattr(now, field.name))
    former.carried = carried


def write_open(context: Context, scope: Scope, *, learner: str = "") -> GradeResult:
    """Write the result of a run before it begins: every check is planned, and open."""
    record = Record(context, keep=True, learner=learner)
    graph = collected(context.course).graph
    record.plan(plan(graph, scope), graph, scope, credit=1.0)
    return record.result
