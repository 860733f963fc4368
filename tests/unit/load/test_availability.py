"""The arithmetic of availability, on rows and readings made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from labkit.course.model import Limits
from labkit.course.verdict import Verdict
from labkit.load.availability import (
    Fault,
    Judged,
    Measured,
    compare,
    doubts,
    effective,
    judge,
    longest_gap,
    measure,
    predicted_loss,
    reconcile,
    series,
)
from labkit.load.plan import LoadPlan
from labkit.load.readings import Reading, Watched
from labkit.load.rows import UNANSWERED, Row
from labkit.load.run import LoadRun

T0 = 1_000_000.0
PLAN = LoadPlan("http://127.0.0.1", rate=10, count=100, post_share=0.3, patience_s=5, seed=1,
                run="r", rows="rows.jsonl")  # fmt: skip
FAULT = Fault(called=T0 + 3, at=T0 + 3, healed=T0 + 6, servers=1)


def rows(lost: range = range(0), *, status: int = 503, took: float = 0.01) -> list[Row]:
    """A run of `PLAN` in which the arrivals in `lost` failed."""
    made = []
    for index, arrival in enumerate(PLAN.arrivals()):
        due = T0 + arrival.offset_s
        ok = index not in lost
        made.append(
            Row(due, due, due + took, arrival.method, 200 if ok else status, "", 2,
                "" if ok else f"status {status}", arrival.post_id, ok)
        )  # fmt: skip
    return made


def load(made: list[Row], **changes: float) -> LoadRun:
    run = LoadRun(PLAN, T0, tuple(made), worst_lateness_s=0.01, unsent=0, complete=True)
    return replace(run, **changes)  # type: ignore[arg-type]


def watched(*lines: tuple[float, str, str, int], repeated: int = 0) -> Watched:
    """Readings as (seconds, web1's state, web2's state, failures counted).

    `repeated` requests were given to another server in the meantime.
    """
    return Watched(
        [
            Reading(
                T0 + at,
                {"web1": one, "web2": two},
                {
                    "failed": n,
                    "served.web1": 5 * int(at + 1),
                    "redispatches": repeated if index else 0,
                },
            )
            for index, (at, one, two, n) in enumerate(lines)
        ]
    )


KILLED = (
    (-1, "UP", "UP", 0), (2, "UP", "UP", 0), (5, "DOWN", "UP", 10), (7, "UP", "UP", 10),
    (10, "UP", "UP", 10),
)  # fmt: skip
KILL = watched(*KILLED)
LOST = range(30, 50, 2)  # every second request, from the fault at 3 s to the detection at 5 s


def test_a_clean_run_loses_nothing_and_bounds_the_rate() -> None:
    clean = watched((-1, "UP", "UP", 0), (10, "UP", "UP", 0))
    measured = measure(load(rows()), clean, slow_s=1, fault=None)
    assert (measured.failed, measured.slow, measured.flaps) == (0, 0, 0)
    assert measured.loss_bound == pytest.approx(0.03)
    assert doubts(measured) == []


def test_a_kill_is_measured() -> None:
    measured = measure(load(rows(LOST)), KILL, slow_s=1, fault=FAULT, predictable=True)
    posts = sum(a.method == "POST" for i, a in enumerate(PLAN.arrivals()) if i in LOST)
    assert (measured.failed, measured.failed_post) == (10, posts)
    assert measured.detect_s == pytest.approx(2)
    assert measured.recover_s == pytest.approx(1)
    assert measured.outage_s == pytest.approx(1.8)
    assert measured.predicted_loss == pytest.approx(10)
    assert (measured.balancer_failed, measured.answered_5xx, measured.flaps) == (10, 10, 0)
    assert measured.duplicates is None
    assert measured.ghosts is None


def test_the_longest_gap_includes_both_ends() -> None:
    made = rows(range(20))
    assert longest_gap(made, T0, T0 + 10) == pytest.approx(2.01)
    assert longest_gap([], T0, T0 + 10) == 10
    assert longest_gap(rows(range(60, 100)), T0, T0 + 10) == pytest.approx(4.09)


def test_slow_counts_right_answers_from_when_they_were_due() -> None:
    late = [replace(row, started=row.scheduled + 0.9, ended=row.scheduled + 1.1) for row in rows()]
    assert measure(load(late), KILL, slow_s=1, fault=FAULT).slow == 100


def test_predicted_loss_is_the_share_of_one_server() -> None:
    assert predicted_loss(100, 2, 4.6) == pytest.approx(230)
    assert predicted_loss(100, 2, None) is None
    assert predicted_loss(100, 0, 4.6) is None


def test_the_fault_is_dated_by_the_first_lost_request() -> None:
    made = rows(range(33, 40))
    assert effective(T0 + 3, T0 + 4, made, KILL) == pytest.approx(T0 + 3.3)


def test_without_lost_requests_the_fault_lies_in_the_middle_of_what_is_open() -> None:
    quick = watched((0, "UP", "UP", 0), (3.2, "DOWN", "UP", 0))
    assert effective(T0 + 3, T0 + 4, rows(), quick) == pytest.approx(T0 + 3.1)
    assert effective(T0 + 3, T0 + 4, rows(), Watched()) == pytest.approx(T0 + 3.5)


def test_a_server_that_comes_and_goes_flaps() -> None:
    states = ["UP", "DOWN", "UP", "DOWN", "UP"]
    seen = watched(*((3.0 + i, state, "UP", 0) for i, state in enumerate(states)))
    measured = measure(load(rows()), seen, slow_s=1, fault=FAULT)
    assert measured.flaps == 1
    assert measured.recover_s == pytest.approx(1)  # back for good at 7 s


def test_another_server_than_the_fault_takes_is_a_flap() -> None:
    seen = watched((2, "UP", "UP", 0), (4, "DOWN", "DOWN", 0), (8, "UP", "UP", 0))
    assert seen.flaps(T0 + 3, expected=1) == 1
    assert seen.flaps(T0 + 3) == 0
    assert seen.flaps(None) == 2


def test_a_server_that_is_never_checked_serves() -> None:
    assert Reading(0, {"web1": "UNCHECKED", "web2": "UP"}).all_serve
    assert not Reading(0, {"web1": "DRAIN", "web2": "UP"}).all_serve
    assert not Reading(0, {}).all_serve


def test_a_counter_that_was_reset_is_unknown() -> None:
    seen = watched((0, "UP", "UP", 50), (9, "UP", "UP", 3))
    assert seen.counted("failed", T0, T0 + 9) is None
    assert seen.counted("no such", T0, T0 + 9) is None


def base() -> Measured:
    return measure(load(rows(LOST)), KILL, slow_s=1, fault=FAULT, predictable=True)


def broken(measured: Measured, limits: Limits) -> list[tuple[str, float, float | None]]:
    """The limits that do not hold, as (name, limit, seen); FAILED means that there is one."""
    judged = compare(measured, limits)
    found = [(one.name, one.limit, one.seen) for one in judged if one.held is False]
    assert judge(measured, judged) is (Verdict.FAILED if found else Verdict.PASSED)
    return found


def names(measured: Measured, limits: Limits) -> list[str]:
    return [name for name, _limit, _seen in broken(measured, limits)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"worst_lateness_s": 0.3}, "300 ms late"),
        ({"watcher_late_s": 0.3}, "the balancer's states were read 300 ms late"),
        ({"sent": 97}, "only 97 of 100"),
        ({"failed_early": 1, "silent_early": 1}, "1 requests got no answer before the fault"),
        ({"rows": 99}, "of 100 requests only 99 left a trace"),
        ({"own_errors": 2}, "ran out of ports"),
        ({"balancer_failed": 14}, "the balancer counted 14"),
        ({"balancer_failed": 6}, "the balancer counted 6"),
    ],
)
def test_a_measurement_that_cannot_be_trusted_is_inconclusive(
    change: dict[str, float], words: str
) -> None:
    doubtful = replace(base(), **change)  # type: ignore[arg-type]
    assert any(words in doubt for doubt in doubts(doubtful))
    for limit in (1000, 0):
        assert judge(doubtful, compare(doubtful, Limits(lost=limit))) is Verdict.INCONCLUSIVE


def test_requests_that_the_client_gave_up_need_not_be_counted_by_the_balancer() -> None:
    assert reconcile(replace(base(), answered_5xx=0, balancer_failed=0)) == ""
    assert reconcile(replace(base(), answered_5xx=0, balancer_failed=10)) == ""
    assert reconcile(replace(base(), balancer_failed=None)) == ""


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        (Limits(lost=10, detect_s=2.1, recover_s=1.1, flaps=0), []),
        (Limits(lost=9), ["lost"]),
        (Limits(lost_get=0, lost_post=0), ["lost_get", "lost_post"]),
        (Limits(detect_s=1.9, recover_s=0.9), ["detect_s", "recover_s"]),
        (Limits(outage_s=1.81, gap_s=0.21), []),
        (Limits(outage_s=1.79), ["outage_s"]),
        (Limits(gap_s=0.19), ["gap_s"]),
        (Limits(duplicates=0, ghosts=0, untrue=0), []),  # not measured: no verdict either way
    ],
)
def test_limits(limits: Limits, found: list[str]) -> None:
    assert doubts(base()) == []
    assert names(base(), limits) == found


def test_what_was_not_measured_neither_holds_nor_breaks() -> None:
    judged = compare(base(), Limits(duplicates=0, ghosts=0, untrue=0, early=None))
    assert judged == [Judged(name, 0, None, None) for name in ("duplicates", "ghosts", "untrue")]


@pytest.mark.parametrize("name", ["duplicates", "ghosts", "uneven", "untrue"])
def test_what_was_counted_is_judged(name: str) -> None:
    counted = replace(base(), **{name: 2})  # type: ignore[arg-type]
    assert broken(counted, Limits(**{name: 2})) == []
    assert broken(counted, Limits(**{name: 1})) == [(name, 1, 2)]


def test_never_detected_breaks_a_detection_limit_and_no_recovery_limit() -> None:
    blind = replace(base(), detect_s=None, recover_s=None, lost_server=False, predicted_loss=None)
    assert names(blind, Limits(detect_s=7, recover_s=6)) == ["detect_s"]


def test_never_back_breaks_a_recovery_limit() -> None:
    gone = replace(base(), recover_s=None)
    assert broken(gone, Limits(recover_s=6)) == [("recover_s", 6, None)]


# -- lost before anything was broken


def early(error: str, status: int = 0) -> Measured:
    """The kill, with one request lost before it: its error, and its status if it has one."""
    made = rows(LOST)
    made[10] = replace(made[10], ok=False, status=status, error=error)
    seen = watched(*KILLED[:1], *((at, one, two, n + 1) for at, one, two, n in KILLED[1:]))
    return measure(load(made), seen if status else KILL, slow_s=1, fault=FAULT, predictable=True)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("status 503", 503),
        ("an error in the page", 200),
        ("refused", 0),
        ("reset", 0),
        ("closed without an answer", 0),
        ("broken answer", 0),
        ("too long an answer", 200),
    ],
)
def test_hostile_answer_before_the_fault_is_the_services_own_failure(
    error: str, status: int
) -> None:
    """Otherwise one wrong answer in a thousand would buy a doubt, for ever."""
    assert doubts(early(error, status)) == []
    assert broken(early(error, status), Limits(lost=100)) == [("early", 0, 1)]


@pytest.mark.parametrize("error", UNANSWERED)
def test_silence_before_the_fault_may_be_anybodys(error: str) -> None:
    assert doubts(early(error)) == ["1 requests got no answer before the fault"]


def test_losses_before_the_fault_are_none_that_detection_explains() -> None:
    lost = range(5)
    made = [replace(row, ok=row.ok and index not in lost) for index, row in enumerate(rows(LOST))]
    measured = measure(load(made), KILL, slow_s=1, fault=FAULT, predictable=True)
    assert measured.failed_early == 5
    assert doubts(replace(measured, balancer_failed=None)) == []


# -- how long it was away


def outage(lost: range, whole_at: float | None = None) -> float | None:
    made = measure(load(rows(lost)), KILL, slow_s=1, fault=FAULT, whole_at=whole_at)
    return made.outage_s


def test_an_outage_lasts_until_the_last_lost_request() -> None:
    assert outage(range(0)) == 0
    assert outage(range(30, 99)) == pytest.approx(6.8)
    # What was seen after the load has no say while the load itself saw the end.
    assert outage(range(30, 99), T0 + 40) == pytest.approx(6.8)


def test_an_outage_that_outlasts_the_load_ends_when_the_service_is_seen_to_be_whole() -> None:
    assert outage(range(30, 100), T0 + 14) == pytest.approx(11)
    assert outage(range(99, 100), T0 + 9) == pytest.approx(6.9)  # not before the last request


def test_an_outage_whose_end_was_not_seen_breaks_any_limit() -> None:
    assert outage(range(30, 100)) is None
    endless = replace(base(), outage_s=None)
    assert broken(endless, Limits(outage_s=1000)) == [("outage_s", 1000, None)]


# -- how evenly the servers were used


def uneven(*served: str) -> int | None:
    """The measured difference if the first requests were answered by these servers."""
    named = [replace(row, server=name) for row, name in zip(rows(), served, strict=False)]
    return measure(load([*named, *rows()[len(named) :]]), KILL, slow_s=1, fault=FAULT).uneven


def test_shares_before_the_fault_are_compared() -> None:
    assert uneven(*("web1", "web2") * 15) == 0
    assert uneven(*("web1", "web1", "web2") * 10) == 10
    # What is answered after the fault, at 3 s, is not: the one that is left gets everything.
    assert uneven(*("web1", "web2") * 15, *("web2",) * 70) == 0


def test_who_answers_late_was_given_as_many_as_the_other() -> None:
    """A second late on a busy computer: what was asked before the fault was shared evenly."""
    answered = [
        replace(row, server="web2" if index % 2 else "web1", ended=row.ended + index % 2)
        for index, row in enumerate(rows())
    ]
    assert measure(load(answered), KILL, slow_s=1, fault=FAULT).uneven == 0


def test_a_server_that_was_given_nothing_counts() -> None:
    assert uneven(*("web1",) * 30) == 30


def test_without_anybodys_count_nothing_is_said_of_shares() -> None:
    assert measure(load(rows()), Watched(), slow_s=1, fault=FAULT).uneven is None


# -- losses and the time of detection


def doubted(seen: Watched, *, lost: range = LOST, predictable: bool = True) -> list[str]:
    """The doubts, the balancer's own count of losses left aside."""
    measured = measure(load(rows(lost)), seen, slow_s=1, fault=FAULT, predictable=predictable)
    return doubts(replace(measured, balancer_failed=None))


@pytest.mark.parametrize("count", [7, 10, 13])
def test_losses_near_what_detection_predicts_are_believed(count: int) -> None:
    assert doubted(KILL, lost=range(30, 30 + count)) == []


@pytest.mark.parametrize("count", [6, 14])
def test_losses_that_detection_does_not_explain_are_doubted(count: int) -> None:
    assert doubted(KILL, lost=range(30, 30 + count)) == [
        f"{count} requests were lost, where 10 follow from 2.00 s of detection"
    ]


def test_many_losses_may_differ_from_the_theory_by_three_percent() -> None:
    near = replace(base(), failed_get=1000, failed_post=0, balancer_failed=None)
    for predicted, believed in ((970.0, True), (969.0, False), (1030.0, True), (1032.0, False)):
        assert (doubts(replace(near, predicted_loss=predicted)) == []) is believed


def test_where_requests_are_repeated_elsewhere_or_nothing_is_predictable_theory_is_silent() -> None:
    assert doubted(watched(*KILLED, repeated=3), lost=range(0)) == []
    assert doubted(KILL, lost=range(0), predictable=False) == []
    assert doubted(KILL, lost=range(0)) != []


def test_a_balancer_that_does_not_say_whether_it_repeats_is_not_held_to_theory() -> None:
    mute = Watched([replace(one, counters={}) for one in KILL.readings])
    assert doubted(mute, lost=range(0)) == []


def test_series_count_every_request_once() -> None:
    counts = series(PLAN, T0, rows(LOST), slow_s=1)
    assert counts.scheduled == (5,) * 20
    assert (sum(counts.scheduled), sum(counts.failed), sum(counts.slow)) == (100, 10, 0)
    assert counts.failed[6] == 3  # those of 3.0, 3.2 and 3.4 s
    assert counts.failed[5] == 0


def test_a_bin_lasts_a_quarter_of_a_second_and_holds_five_requests_at_least() -> None:
    assert series(PLAN, T0, [], slow_s=1).bin_s == 0.5
    faster = series(replace(PLAN, rate=100, count=1000), T0, [], slow_s=1)
    assert (faster.bin_s, set(faster.scheduled)) == (0.25, {25})


# -- what the servers say that they have carried out


def posts(*, ok: bool, lost: range) -> list[str]:
    return [row.post_id for row in rows(lost) if row.post_id and row.ok is ok]


def executions(executed: list[str] | None) -> tuple[int | None, int | None]:
    made = measure(load(rows(range(30, 60))), KILL, slow_s=1, fault=FAULT, executed=executed)
    return made.duplicates, made.ghosts


def test_each_post_carried_out_once_is_neither_duplicate_nor_ghost() -> None:
    assert executions(posts(ok=True, lost=range(30, 60))) == (0, 0)


def test_a_post_carried_out_twice_is_a_duplicate_and_a_lost_one_a_ghost() -> None:
    good, lost = (posts(ok=ok, lost=range(30, 60)) for ok in (True, False))
    assert len(lost) >= 2
    assert executions([*good, good[0], lost[0], lost[1], lost[1]]) == (2, 2)


@pytest.mark.parametrize("executed", [None, []])
def test_without_the_servers_list_nothing_is_claimed(executed: list[str] | None) -> None:
    assert executions(executed) == (None, None)


def test_a_list_that_lacks_a_good_post_is_not_believed() -> None:
    good = posts(ok=True, lost=range(30, 60))
    assert executions([*good[1:], good[1]]) == (None, None)
