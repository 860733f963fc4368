"""The arithmetic of availability, on rows and readings made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from labkit.course.model import Limits, Verdict
from labkit.load.availability import (
    Fault,
    Measured,
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
from labkit.load.rows import Row
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


def watched(*lines: tuple[float, str, str, int]) -> Watched:
    """Readings as (seconds, web1's state, web2's state, failures counted)."""
    return Watched(
        [
            Reading(
                T0 + at, {"web1": one, "web2": two}, {"failed": n, "served.web1": 5 * int(at + 1)}
            )
            for at, one, two, n in lines
        ]
    )


KILL = watched(
    (-1, "UP", "UP", 0), (2, "UP", "UP", 0), (5, "DOWN", "UP", 10), (7, "UP", "UP", 10),
    (10, "UP", "UP", 10),
)  # fmt: skip


def test_a_clean_run_loses_nothing_and_bounds_the_rate() -> None:
    clean = watched((-1, "UP", "UP", 0), (10, "UP", "UP", 0))
    measured = measure(load(rows()), clean, slow_s=1, fault=None)
    assert (measured.failed, measured.slow, measured.flaps) == (0, 0, 0)
    assert measured.loss_bound == pytest.approx(0.03)
    assert doubts(measured) == []


def test_a_kill_is_measured() -> None:
    measured = measure(load(rows(range(30, 50, 2))), KILL, slow_s=1, fault=FAULT)
    posts = sum(a.method == "POST" for i, a in enumerate(PLAN.arrivals()) if i in range(30, 50, 2))
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
    return measure(load(rows(range(30, 50, 2))), KILL, slow_s=1, fault=FAULT)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"worst_lateness_s": 0.3}, "300 ms late"),
        ({"sent": 97}, "only 97 of 100"),
        ({"failed_early": 1}, "before the fault"),
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
    assert judge(doubtful, Limits(lost=1000))[0] is Verdict.INCONCLUSIVE
    assert judge(doubtful, Limits(lost=0))[0] is Verdict.INCONCLUSIVE


def test_requests_that_the_client_gave_up_need_not_be_counted_by_the_balancer() -> None:
    assert reconcile(replace(base(), answered_5xx=0, balancer_failed=0)) == ""
    assert reconcile(replace(base(), answered_5xx=0, balancer_failed=10)) == ""
    assert reconcile(replace(base(), balancer_failed=None)) == ""


@pytest.mark.parametrize(
    ("limits", "broken"),
    [
        (Limits(lost=10, detect_s=2.1, recover_s=1.1, flaps=0), []),
        (Limits(lost=9), ["lost"]),
        (Limits(lost_get=0, lost_post=0), ["lost_get", "lost_post"]),
        (Limits(detect_s=1.9, recover_s=0.9), ["detect_s", "recover_s"]),
        (Limits(duplicates=0), []),  # not measured: no verdict either way
    ],
)
def test_limits(limits: Limits, broken: list[str]) -> None:
    verdict, names = judge(base(), limits)
    assert [name for name, _, _ in names] == broken
    assert verdict is (Verdict.FAILED if broken else Verdict.PASSED)


def test_never_detected_breaks_a_detection_limit_and_no_recovery_limit() -> None:
    blind = replace(base(), detect_s=None, recover_s=None, lost_server=False)
    _, broken = judge(blind, Limits(detect_s=7, recover_s=6))
    assert [name for name, _, _ in broken] == ["detect_s"]


def test_never_back_breaks_a_recovery_limit() -> None:
    gone = replace(base(), recover_s=None)
    assert judge(gone, Limits(recover_s=6))[1] == [("recover_s", 6, None)]


def test_series_count_every_request_once() -> None:
    counts = series(PLAN, T0, rows(range(30, 50, 2)), slow_s=1)
    assert len(counts.scheduled) == 40
    assert (sum(counts.scheduled), sum(counts.failed), sum(counts.slow)) == (100, 10, 0)
    assert counts.failed[12] == 2  # those of 3.0 and 3.2 s
    assert counts.failed[11] == 0


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
