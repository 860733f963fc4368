"""From a run to its record: numbers, the verdict at each bar, and the sentence for a person."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from labkit.course.model import Drill, Limits
from labkit.course.verdict import Verdict
from labkit.load.availability import (
    Fault,
    Judged,
    Measured,
    compare,
    doubts,
    judge,
    measure,
    series,
)
from labkit.load.plan import LoadPlan
from labkit.load.readings import Watched
from labkit.load.record import DrillResult, Samples
from labkit.load.run import LoadRun
from labkit.load.words import LIMIT_WORDS
from labkit.locale import _, number

PROMISE_MARGIN_S = 1.0  # a busy computer's, on top of what the settings allow at worst
LOSS_MARGIN = 1.05


@dataclass(frozen=True)
class Run:
    """One run of the sequence, ready to be judged."""

    load: LoadRun
    watched: Watched
    fault: Fault
    restored: str  # "" or why steady state did not come back
    whole_at: float | None  # when it was seen to be back (epoch s)
    executed: Sequence[str] | None  # ids of POSTs, one per execution; None if nobody can say
    promise_s: float | None  # the latest detection that the balancer's settings allow


def record(drill: Drill, bar: str, run: Run, number_of_runs: int) -> DrillResult:
    """What a run found, judged at one bar; the verdicts at the others come along."""
    measured = measure(
        run.load,
        run.watched,
        slow_s=drill.load.slow_s,
        fault=run.fault,
        executed=run.executed,
        whole_at=run.whole_at,
        untrue=drill.judge(run.load.rows, run.watched.readings, run.fault) if drill.judge else None,
        predictable=drill.predictable,
    )
    judged = compare(measured, _limits(drill, bar, run))
    return DrillResult(
        name=drill.name,
        verdict=_verdict(measured, judged, run),
        bar=bar,
        bars={
            name: _verdict(measured, compare(measured, _limits(drill, name, run)), run).value
            for name in drill.limits
        },
        message=_message(measured, judged, run.restored),
        seed=run.load.plan.seed,
        runs=number_of_runs,
        scheduled=measured.scheduled,
        failed_get=measured.failed_get,
        failed_post=measured.failed_post,
        slow=measured.slow,
        detect_s=measured.detect_s,
        recover_s=measured.recover_s,
        longest_gap_s=measured.longest_gap_s,
        duplicates=measured.duplicates,
        ghosts=measured.ghosts,
        flaps=measured.flaps,
        limits=tuple(judged),
        samples=_samples(drill, run, measured),
    )


def _verdict(measured: Measured, judged: Sequence[Judged], run: Run) -> Verdict:
    verdict = judge(measured, judged)
    # What has not come back long after the heal is lost, however few were lost meanwhile.
    return Verdict.FAILED if verdict is Verdict.PASSED and run.restored else verdict


def _limits(drill: Drill, bar: str, run: Run) -> Limits:
    return promised(drill.limits[bar], run.promise_s, drill.load.rate, len(run.watched.servers()))


def promised(limits: Limits, promise_s: float | None, rate: float, servers: int) -> Limits:
    """A bar's limits, narrowed to what the balancer's own settings promise.

    Whoever checks twice a second must notice sooner than the bar admits; whoever checks once a
    minute still has to meet the bar. Losses follow from detection: rate / servers x time.
    """
    if promise_s is None:
        return limits
    latest = promise_s + PROMISE_MARGIN_S
    narrowed = limits
    if limits.detect_s is not None:
        narrowed = replace(narrowed, detect_s=min(limits.detect_s, latest))
    if limits.lost is not None and servers:
        lost = math.ceil(rate / servers * latest * LOSS_MARGIN)
        narrowed = replace(narrowed, lost=min(limits.lost, lost))
    return narrowed


def _samples(drill: Drill, run: Run, measured: Measured) -> Samples:
    begin = run.load.started
    plan: LoadPlan = run.load.plan
    before = [reading for reading in run.watched.readings if reading.at <= begin]
    return Samples(
        duration_s=plan.duration_s,
        series=series(plan, begin, run.load.rows, drill.load.slow_s),
        states=dict(before[-1].states) if before else {},
        changes=tuple(
            (change.at - begin, change.server, change.state)
            for change in run.watched.changes()
            if change.at > begin
        ),
        fault_s=None if drill.control else run.fault.at - begin,
        heal_s=None if drill.control else run.fault.healed - begin,
        facts=_facts(run, measured),
    )


def _facts(run: Run, measured: Measured) -> dict[str, Any]:
    last = run.watched.readings[-1].at if run.watched.readings else 0.0
    names = {name for reading in run.watched.readings for name in reading.counters}
    grown = {name: run.watched.counted(name, run.load.started, last) for name in sorted(names)}
    return {
        "sent": measured.sent,
        "scheduled_post": measured.scheduled_post,
        "worst_lateness_s": round(measured.worst_lateness_s, 4),
        "watcher_late_s": round(measured.watcher_late_s, 4),
        "outage_s": _rounded(measured.outage_s),
        "balance": dict(measured.balance),
        "predicted_loss": _rounded(measured.predicted_loss),
        "promised_detect_s": _rounded(run.promise_s),
        "untrue": measured.untrue,
        "balancer_failed": measured.balancer_failed,
        "loss_bound": measured.loss_bound,
        "counters": grown,
        "restored": not run.restored,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _message(measured: Measured, judged: Sequence[Judged], restored: str) -> str:
    """One line for a person: why it cannot be told, or what was lost and which limits broke."""
    unsure = doubts(measured)
    if unsure:
        return _("; ").join(unsure)
    parts = [
        _(
            "{lost} of {scheduled} requests lost ({share} %)",
            lost=measured.failed,
            scheduled=measured.scheduled,
            share=number(100 * measured.failed_share, ".1f"),
        )
    ]
    for one in judged:
        what = _(LIMIT_WORDS[one.name])
        if one.held is False:
            seen = _("never") if one.seen is None else number(one.seen, ".4g")
            limit = number(one.limit)
            parts.append(_("{what}: {seen}, at most {limit}", what=what, seen=seen, limit=limit))
        elif one.held is None:
            parts.append(_("{what}: not measured", what=what))
    if restored:
        parts.append(_("the service is still not healthy: {reason}", reason=restored))
    return _("; ").join(parts)
