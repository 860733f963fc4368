"""What a bar is worth against the balancer's own settings, and one run judged at every bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from labkit.course.model import Drill, Limits, Load
from labkit.course.verdict import Verdict
from labkit.load.availability import Fault
from labkit.load.judging import LOSS_MARGIN, PROMISE_MARGIN_S, Run, promised, record
from labkit.load.plan import LoadPlan
from labkit.load.readings import Reading, Watched
from labkit.load.rows import Row
from labkit.load.run import LoadRun
from labkit.load.timeline import text

T0 = 1_000_000.0
PLAN = LoadPlan("http://127.0.0.1", rate=50, count=500, post_share=0.0, patience_s=5, seed=9,
                run="r", rows="rows.jsonl")  # fmt: skip
BAR = Limits(lost=342, detect_s=13.0, recover_s=10.0, outage_s=20.0)


def test_whoever_checks_sooner_must_notice_sooner() -> None:
    """12 s are promised by HAProxy's defaults, 1.7 s by the hardened reference."""
    assert (PROMISE_MARGIN_S, LOSS_MARGIN) == (1.0, 1.05)
    quick = promised(BAR, 1.7, 50.0, 2)
    # Half of 50/s for 2.7 s is 67.5, and 5 % more: 70.9.
    assert quick == replace(BAR, detect_s=pytest.approx(2.7), lost=71)
    plain = promised(BAR, 12.0, 50.0, 2)
    assert plain == BAR  # 13 s and 342 requests: the bar itself is made of them


def test_whoever_checks_seldom_still_has_to_meet_the_bar() -> None:
    assert promised(BAR, 180.0, 50.0, 2) == BAR


def test_settings_that_promise_nothing_change_nothing() -> None:
    assert promised(BAR, None, 50.0, 2) is BAR


def test_losses_are_narrowed_by_the_share_of_one_server_of_many() -> None:
    assert promised(BAR, 1.0, 50.0, 4).lost == 27  # 50/4 x 2 s x 1.05 = 26.25
    assert promised(BAR, 1.0, 100.0, 2).lost == 105


def test_where_no_server_was_seen_only_the_detection_is_narrowed() -> None:
    assert promised(BAR, 1.0, 50.0, 0) == replace(BAR, detect_s=2.0)


def test_what_the_bar_does_not_limit_no_promise_limits() -> None:
    assert promised(Limits(outage_s=5.0, flaps=0), 0.1, 50.0, 2) == Limits(outage_s=5.0, flaps=0)
    assert promised(Limits(lost=9), 0.1, 50.0, 2) == Limits(lost=9)  # 28.9 would be more
    assert promised(Limits(lost_get=0, detect_s=0.5), 0.1, 50.0, 2).detect_s == 0.5


# -- a whole run


def drill(**details: Any) -> Drill:
    limits = {"course": BAR, "hardened": Limits(lost_get=0, detect_s=1.0)}
    given = {"name": "kill", "titles": {"en": "kill"}, "step": "failover", "entry": "lb",
             "load": Load("website", rate=50),
             "fault": lambda *_: 1, "limits": limits, "predictable": True}  # fmt: skip
    return Drill(**{**given, **details})


def run(
    *,
    detected_after: float = 4.0,
    promise_s: float | None = None,
    restored: str = "",
    executed: Sequence[str] | None = None,
    lost_all: bool = False,
) -> Run:
    """Two servers in turn; web1 is gone at 2 s and DOWN some seconds later, back at 8 s."""
    down = T0 + 2.0 + detected_after
    made, failed = [], 0
    for index, arrival in enumerate(PLAN.arrivals()):
        due = T0 + arrival.offset_s
        lost = T0 + 2.0 <= due < down and (lost_all or index % 2 == 0)
        failed += lost
        made.append(
            Row(due, due, due + 0.01, "GET", 503 if lost else 200, "web1" if index % 2 else "web2",
                0, "status 503" if lost else "", "", not lost)
        )  # fmt: skip
    counters = {"failed": 0, "redispatches": 0}
    up, gone = {"web1": "UP", "web2": "UP"}, {"web1": "DOWN", "web2": "UP"}
    watched = Watched(
        [
            Reading(T0 - 1, up, counters),
            Reading(down, gone, counters | {"failed": failed}),
            Reading(T0 + 8, up, counters | {"failed": failed}),
            Reading(T0 + 11, up, counters | {"failed": failed}),
        ]
    )
    load = LoadRun(PLAN, T0, tuple(made), worst_lateness_s=0.01, unsent=0, complete=True)
    return Run(
        load, watched, Fault(T0 + 2, T0 + 2, T0 + 6, 1), restored,
        None if restored else T0 + 11, executed, promise_s,
    )  # fmt: skip


def test_one_run_is_judged_at_every_bar() -> None:
    found = record(drill(), "course", run(), 1)
    assert (found.verdict, found.bar) == (Verdict.PASSED, "course")
    assert found.bars == {"course": "passed", "hardened": "failed"}
    assert found.failed_get == 100  # half of 50/s for 4 s
    other = record(drill(), "hardened", run(), 1)
    assert (other.verdict, other.bar, other.bars) == (Verdict.FAILED, "hardened", found.bars)
    assert [one.name for one in other.limits if one.held is False] == ["lost_get", "detect_s"]


def test_the_same_run_fails_where_the_settings_promise_more() -> None:
    """4 s are within the course bar, and too late for one who checks twice a second."""
    found = record(drill(), "course", run(promise_s=1.7), 1)
    assert found.bars == {"course": "failed", "hardened": "failed"}
    broken = {one.name: (one.limit, one.seen) for one in found.limits if one.held is False}
    assert broken == {"detect_s": (pytest.approx(2.7), pytest.approx(4.0)), "lost": (71, 100)}
    assert "requests lost: 100, at most 71" in found.message
    assert "seconds until it was detected: 4, at most 2.7" in found.message


def test_losses_that_contradict_the_detection_prove_nothing_at_any_bar() -> None:
    """Twice as many as one server of two explains: something else was broken."""
    found = record(drill(), "course", run(lost_all=True), 1)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.bars == {"course": "inconclusive", "hardened": "inconclusive"}
    assert found.message == "200 requests were lost, where 100 follow from 4.00 s of detection"
    believed = record(drill(predictable=False), "course", run(lost_all=True), 1)
    assert believed.bars == {"course": "passed", "hardened": "failed"}


def test_what_is_not_whole_again_fails_at_every_bar_but_is_not_more_certain_than_its_run() -> None:
    gone = record(drill(), "course", run(restored="its website lists no students"), 1)
    assert gone.bars == {"course": "failed", "hardened": "failed"}
    assert gone.message.endswith("the service is still not healthy: its website lists no students")
    unsure = record(drill(), "course", run(restored="web1 is DOWN", lost_all=True), 1)
    assert set(unsure.bars.values()) == {"inconclusive"}


def test_how_many_answers_were_untrue_is_asked_of_the_course() -> None:
    seen: list[int] = []

    def false_claims(rows: Sequence[Row], seen_states: Sequence[Reading], fault: Fault) -> int:
        seen.append(len(rows))
        assert set(seen_states[0].states) == {"web1", "web2"}
        assert fault.servers == 1
        return 3

    limits = {"course": Limits(untrue=2), "hardened": Limits(untrue=3)}
    found = record(drill(judge=false_claims, limits=limits), "course", run(), 1)
    assert found.bars == {"course": "failed", "hardened": "passed"}
    assert "answers that claim something false: 3, at most 2" in found.message
    assert seen == [500]
    assert found.samples is not None
    assert found.samples.facts["untrue"] == 3


def test_an_outage_without_end_is_told_as_such() -> None:
    endless = run(detected_after=8.5, restored="web1 is DOWN", lost_all=True)
    found = record(drill(predictable=False), "course", endless, 1)
    assert found.verdict is Verdict.FAILED
    assert "seconds of outage: never, at most 20" in found.message
    assert found.samples is not None
    assert found.samples.facts["outage_s"] is None
    assert text(found)  # and drawn all the same
