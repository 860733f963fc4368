"""The arithmetic of availability: rows and readings in, numbers and a verdict out. Pure.

What is measured and why is in the project's notes on high availability: losses over *scheduled*
requests, so that a generator that stops sending cannot hide them; GET and POST apart, because
only one of them may be repeated; detection as the balancer itself tells it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

from labkit.course.model import Limits
from labkit.course.verdict import Verdict
from labkit.load.plan import LoadPlan
from labkit.load.readings import FAILED, REDISPATCHED, SERVED, Watched
from labkit.load.rows import GENERATOR_ERROR, UNANSWERED, Row
from labkit.load.run import LoadRun
from labkit.locale import _, number

# A generator that is later, or sends less, did not offer the load that the limits are about
# (2 of 137 runs on a busy 2-core machine were later than this).
MAX_LATENESS_S = 0.25
MIN_SENT_SHARE = 0.98

# Client and balancer counted the same losses in 11 of 11 runs within 1 %; more than this is a
# broken measurement, not a broken service.
RECONCILE_SHARE = 0.03
RECONCILE_REQUESTS = 3

BIN_S = 0.25  # of the series for pictures
BIN_REQUESTS = 5  # at the least: few and uneven ones would look like a service that flickers


@dataclass(frozen=True)
class Fault:
    """When a fault acted, in epoch seconds.

    `called` is when it was asked for, `at` the best estimate of when it took effect (see
    `effective`), `healed` when it was due to end. `servers` is how many it takes away, if known.
    """

    called: float
    at: float
    healed: float
    servers: int | None = None

    @property
    def sure_until(self) -> float:
        """Until when it surely lasted: its end is armed after the call and before it takes effect.

        On a busy computer that may be a second before `healed`.
        """
        return self.called + (self.healed - self.at)


@dataclass(frozen=True)
class Measured:
    """What a run cost. Counts are requests, times seconds; None is not measured or not there.

    `detect_s` is from the fault to the first server out of the rotation, `recover_s` from the
    heal to all of them back; `outage_s` from the fault to the last lost request's arrival.
    Of the `failed_early`, before the fault, `silent_early` got no answer at all: these alone may be
    the network's fault or the computer's.
    `predicted_loss` is rate / servers x detection time where that holds: one server of several is
    gone, and nobody repeats its requests elsewhere.
    `loss_bound` is the 95 % upper bound of the loss rate (share) when nothing was lost: 3 / n.
    """

    scheduled: int
    scheduled_post: int
    sent: int
    rows: int
    failed_get: int
    failed_post: int
    failed_early: int
    silent_early: int
    slow: int
    worst_lateness_s: float
    outage_s: float | None  # None: it did not end
    longest_gap_s: float
    lost_server: bool
    detect_s: float | None
    recover_s: float | None
    flaps: int | None
    balance: Mapping[str, int]
    predicted_loss: float | None
    answered_5xx: int
    balancer_failed: int | None
    loss_bound: float | None
    duplicates: int | None = None  # POSTs executed more than once
    ghosts: int | None = None  # POSTs executed although the client was told that they were lost
    uneven: int | None = None
    untrue: int | None = None  # answers that claim something false
    own_errors: int = 0
    watcher_late_s: float = 0.0

    @property
    def failed(self) -> int:
        return self.failed_get + self.failed_post

    @property
    def slow_share(self) -> float:
        return self.slow / self.scheduled

    @property
    def failed_share(self) -> float:
        return self.failed / self.scheduled


def effective(called: float, returned: float, rows: Sequence[Row], watched: Watched) -> float:
    """When a fault took effect (epoch s), somewhere between its call and its return.

    A call over SSH takes some tenths of a second, as long as a good detection time. The first
    request lost to the fault dates it to about two intervals of the load; without one, it is
    taken to lie in the middle of what its first trace leaves open.
    """
    lost = [row for row in rows if not row.ok and row.ended >= called]
    loss = watched.first_loss(called)
    latest = min([returned, *(row.ended for row in lost)] + ([loss] if loss is not None else []))
    arrivals = [row.scheduled for row in lost if called <= row.scheduled <= latest]
    return min(arrivals) if arrivals else (called + latest) / 2


def measure(
    run: LoadRun,
    watched: Watched,
    *,
    slow_s: float,
    fault: Fault | None,
    executed: Sequence[str] | None = None,
    whole_at: float | None = None,
    untrue: int | None = None,
    predictable: bool = False,
) -> Measured:
    """All numbers of one run; `slow_s` in seconds from the scheduled start to the answer.

    `executed` are the ids of POSTs as the servers have them, one per execution. `whole_at` is
    when the service was seen to be whole again after the load (epoch s). `predictable`: one
    server of several is taken away, and each of its requests is lost unless somebody repeats it.
    """
    plan, rows = run.plan, run.rows
    end = run.started + plan.duration_s
    failed = [row for row in rows if not row.ok]
    after = [row for row in failed if fault is None or row.ended >= fault.called]
    early = [row for row in failed if fault is not None and row.ended < fault.called]
    detect = _detect(watched, fault)
    duplicates, ghosts = _executions(rows, executed)
    shares = balance(run, watched, fault)
    masked = watched.counted(REDISPATCHED, run.started, end) != 0
    return Measured(
        scheduled=plan.count,
        scheduled_post=sum(arrival.method == "POST" for arrival in plan.arrivals()),
        sent=plan.count - run.unsent,
        rows=len(rows),
        failed_get=sum(row.method != "POST" for row in failed),
        failed_post=sum(row.method == "POST" for row in failed),
        failed_early=len(early),
        silent_early=sum(row.error in UNANSWERED for row in early),
        slow=sum(row.ok and row.ended - row.scheduled > slow_s for row in rows),
        worst_lateness_s=run.worst_lateness_s,
        outage_s=_outage(rows, after, fault, whole_at),
        longest_gap_s=longest_gap(rows, run.started, end),
        lost_server=detect is not None,
        detect_s=detect,
        recover_s=_recover(watched, fault),
        flaps=_flaps(watched, fault),
        balance=shares,
        predicted_loss=(
            predicted_loss(plan.rate, len(watched.servers()), detect)
            if predictable and not masked
            else None
        ),
        answered_5xx=sum(row.status >= 500 for row in failed),
        balancer_failed=_balancer_failed(watched, run),
        loss_bound=None if failed else 3 / plan.count,
        duplicates=duplicates,
        ghosts=ghosts,
        uneven=_uneven(shares, len(watched.servers())),
        untrue=untrue,
        watcher_late_s=watched.worst_lateness(run.started, end),
        own_errors=sum(row.error.startswith(GENERATOR_ERROR) for row in failed),
    )


def longest_gap(rows: Sequence[Row], begin: float, end: float) -> float:
    """The longest time (s) between two right answers, the ends of the run included.

    With a server that survives it stays short whatever is lost; it shows total blackouts.
    """
    answers = sorted(min(row.ended, end) for row in rows if row.ok)
    instants = [begin, *answers, end]
    return max(later - earlier for earlier, later in pairwise(instants))


def predicted_loss(rate: float, servers: int, detect_s: float | None) -> float | None:
    """Requests lost to one refused server of several taken in turn, until it is detected."""
    if detect_s is None or servers == 0:
        return None
    return rate / servers * detect_s


def balance(run: LoadRun, watched: Watched, fault: Fault | None) -> dict[str, int]:
    """Requests per server before the fault: as the answers say it, else as the watcher does.

    A request counts once it was sent: who answers late is owed the answer, not short of visitors.
    """
    until = fault.called if fault else run.started + run.plan.duration_s
    named = Counter(row.server for row in run.rows if row.server and row.started < until)
    if named:
        return dict(sorted(named.items()))
    counts = {}
    for server in watched.servers():
        grown = watched.counted(SERVED + server, run.started, until)
        if grown is not None:
            counts[server] = grown
    return counts


def _executions(
    rows: Sequence[Row], executed: Sequence[str] | None
) -> tuple[int | None, int | None]:
    """Duplicates and ghosts; (None, None) unless the servers' list holds every good POST.

    A list that lacks what certainly was executed would also lack what was executed twice.
    """
    times = Counter(executed or ())
    good = {row.post_id for row in rows if row.ok and row.post_id}
    if not good or not good <= times.keys():
        return None, None
    lost = {row.post_id for row in rows if not row.ok and row.post_id}
    return sum(count > 1 for count in times.values()), sum(times[one] > 0 for one in lost)


def _detect(watched: Watched, fault: Fault | None) -> float | None:
    if fault is None:
        return None
    loss = watched.first_loss(fault.called)
    return None if loss is None else max(0.0, loss - fault.at)


def _recover(watched: Watched, fault: Fault | None) -> float | None:
    if fault is None:
        return None
    restored = watched.restored(fault.called)
    return None if restored is None else max(0.0, restored - fault.healed)


def _flaps(watched: Watched, fault: Fault | None) -> int | None:
    if not watched.readings:
        return None
    return watched.flaps(fault.called if fault else None, fault.servers if fault else None)


def _outage(
    rows: Sequence[Row], failed: Sequence[Row], fault: Fault | None, whole_at: float | None
) -> float | None:
    """From the fault to the last lost request's arrival (s).

    When the very last request of the load is lost, the outage lasts until the service was seen
    to be back; None if it was not.
    """
    if fault is None or not failed:
        return 0.0
    last = max(row.scheduled for row in failed)
    if last >= max(row.scheduled for row in rows):
        if whole_at is None:
            return None
        last = max(last, whole_at)
    return max(0.0, last - fault.at)


def _uneven(shares: Mapping[str, int], servers: int) -> int | None:
    """By how many requests the servers' shares differ; one that was given none counts."""
    if not shares:
        return None
    fewest = min(shares.values()) if len(shares) >= servers else 0
    return max(shares.values()) - fewest


def _balancer_failed(watched: Watched, run: LoadRun) -> int | None:
    if not watched.readings:
        return None
    return watched.counted(FAILED, run.started, watched.readings[-1].at)


# Verdicts -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Judged:
    """One limit and what was seen; `held` is None when it was not measured."""

    name: str
    limit: float
    seen: float | None
    held: bool | None


def doubts(measured: Measured) -> list[str]:
    """Why the measurement itself cannot be trusted: each a sentence, none if it can."""
    found = []
    if measured.worst_lateness_s > MAX_LATENESS_S:
        found.append(
            _(
                "the load generator was {late} ms late (at most {most} ms)",
                late=f"{measured.worst_lateness_s * 1000:.0f}",
                most=f"{MAX_LATENESS_S * 1000:.0f}",
            )
        )
    if measured.watcher_late_s > MAX_LATENESS_S:
        found.append(
            _(
                "the balancer's states were read {late} ms late (at most {most} ms)",
                late=f"{measured.watcher_late_s * 1000:.0f}",
                most=f"{MAX_LATENESS_S * 1000:.0f}",
            )
        )
    if measured.sent < MIN_SENT_SHARE * measured.scheduled:
        found.append(
            _(
                "only {sent} of {scheduled} requests could be sent",
                sent=measured.sent,
                scheduled=measured.scheduled,
            )
        )
    elif measured.rows < measured.scheduled:
        found.append(
            _(
                "of {scheduled} requests only {rows} left a trace",
                scheduled=measured.scheduled,
                rows=measured.rows,
            )
        )
    if measured.own_errors:
        found.append(
            _(
                "the load generator ran out of ports or files, or failed, {count} times",
                count=measured.own_errors,
            )
        )
    if measured.silent_early:
        found.append(
            _("{count} requests got no answer before the fault", count=measured.silent_early)
        )
    return [*found, *filter(None, (reconcile(measured), _reconcile_theory(measured)))]


def reconcile(measured: Measured) -> str:
    """Why the client's count and the balancer's contradict each other; "" if they do not.

    The balancer must have counted every server error that the client was answered with, and
    nothing beyond the client's losses: between the two are requests that the client gave up.
    """
    counted = measured.balancer_failed
    if counted is None:
        return ""
    slack = max(RECONCILE_REQUESTS, math.ceil(RECONCILE_SHARE * max(measured.failed, counted)))
    if measured.answered_5xx - slack <= counted <= measured.failed + slack:
        return ""
    return _(
        "the client lost {lost} requests ({errors} to server errors),"
        " the balancer counted {counted}",
        lost=measured.failed,
        errors=measured.answered_5xx,
        counted=counted,
    )


def _reconcile_theory(measured: Measured) -> str:
    """Why the losses contradict the time that detection took; "" if they do not."""
    predicted = measured.predicted_loss
    if predicted is None or measured.detect_s is None:
        return ""
    lost = measured.failed - measured.failed_early
    slack = max(RECONCILE_REQUESTS, math.ceil(RECONCILE_SHARE * max(lost, predicted)))
    if abs(lost - predicted) <= slack:
        return ""
    return _(
        "{lost} requests were lost, where {predicted} follow from {seconds} s of detection",
        lost=lost,
        predicted=round(predicted),
        seconds=number(measured.detect_s, ".2f"),
    )


def compare(measured: Measured, limits: Limits) -> list[Judged]:
    """Every limit that is set, with what was seen."""
    seen: dict[str, float | None] = {
        "lost_get": measured.failed_get,
        "lost_post": measured.failed_post,
        "lost": measured.failed,
        "slow_share": measured.slow_share,
        "detect_s": measured.detect_s,
        "recover_s": measured.recover_s,
        "outage_s": measured.outage_s,
        "gap_s": measured.longest_gap_s,
        "duplicates": measured.duplicates,
        "ghosts": measured.ghosts,
        "flaps": measured.flaps,
        "uneven": measured.uneven,
        "untrue": measured.untrue,
        "early": measured.failed_early,
    }
    judged = []
    for field in fields(Limits):
        limit: Any = getattr(limits, field.name)
        if limit is not None:
            held = _held(field.name, limit, seen[field.name], measured)
            judged.append(Judged(field.name, limit, seen[field.name], held))
    return judged


def _held(name: str, limit: float, seen: float | None, measured: Measured) -> bool | None:
    if seen is not None:
        return seen <= limit
    if name in ("detect_s", "outage_s"):
        return False  # never detected, or never over, is later than any limit
    if name == "recover_s":
        # What never left has nothing to come back from; what did not come back is too late.
        return not measured.lost_server
    return None


def judge(measured: Measured, judged: Sequence[Judged]) -> Verdict:
    """The verdict on what `compare` found; INCONCLUSIVE whenever there are `doubts`."""
    if doubts(measured):
        return Verdict.INCONCLUSIVE
    return Verdict.FAILED if any(one.held is False for one in judged) else Verdict.PASSED


# Pictures -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Series:
    """Requests per bin of `bin_s` seconds, by the time at which they were scheduled."""

    bin_s: float
    scheduled: tuple[int, ...]
    failed: tuple[int, ...]
    slow: tuple[int, ...]


def series(plan: LoadPlan, started: float, rows: Sequence[Row], slow_s: float) -> Series:
    """The counts that a timeline draws."""
    width = max(BIN_S, BIN_REQUESTS / plan.rate)
    bins = max(1, math.ceil(plan.duration_s / width - 1e-9))
    scheduled, failed, slow = [0] * bins, [0] * bins, [0] * bins
    for arrival in plan.arrivals():
        scheduled[_bin(arrival.offset_s, width, bins)] += 1
    for row in rows:
        where = _bin(row.scheduled - started, width, bins)
        failed[where] += not row.ok
        slow[where] += row.ok and row.ended - row.scheduled > slow_s
    return Series(width, tuple(scheduled), tuple(failed), tuple(slow))


def _bin(offset_s: float, width: float, bins: int) -> int:
    # Half a millisecond absorbs what epoch floats lose (0.2 us) and nothing else.
    return min(bins - 1, max(0, int((offset_s + 0.0005) / width)))
