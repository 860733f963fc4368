"""The mention: whose verdicts decide, and that nobody waits for drills once it is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from labkit.course import Blueprint, Course, Drill, Limits, Load, Verdict
from labkit.errors import NotReadyError
from labkit.grading import CheckResult, Context, GradeResult
from labkit.grading import mention as module
from labkit.grading.mention import award
from labkit.grading.model import StepResult
from labkit.load.record import DrillResult
from tests.fakes.told import Told

P, F, B, I = Verdict.PASSED, Verdict.FAILED, Verdict.BLOCKED, Verdict.INCONCLUSIVE  # noqa: E741


def drill(name: str, *, hardened: bool = True, mention: bool = False) -> Drill:
    limits = {"course": Limits(lost=9)} | ({"hardened": Limits(lost=0)} if hardened else {})
    return Drill(
        name, {"en": name}, "failover", "lb", Load("website"), lambda *_: None, limits,
        mention=mention,
    )  # fmt: skip


DRILLS = (
    drill("crash", hardened=False),  # worth points, and asked nothing for the mention
    drill("reload"),
    drill("kill"),
    drill("freeze"),  # neither worth points nor asked for the mention
    drill("hang", mention=True),
    drill("sick", mention=True),
)


def entry(name: str, **bars: Verdict) -> dict[str, Any]:
    """What a run left in the context, as `perform_drill` writes it."""
    verdict = bars.get("course", I)
    return DrillResult(
        name, verdict, "course", "", bars={bar: found.value for bar, found in bars.items()}
    ).to_json()


class Performed:
    """Stands for the lab: which drills were performed, at which bar; how they end."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.ends: dict[str, Verdict] = {}

    def __call__(self, context: Context, name: str, *, bar: str = "") -> DrillResult:
        self.calls.append((name, bar))
        verdict = self.ends.get(name, P)
        result = DrillResult(name, verdict, bar, "", bars={bar: verdict.value})
        context.drills[name] = result.to_json()
        return result


@pytest.fixture
def performed(monkeypatch: pytest.MonkeyPatch) -> Performed:
    made = Performed()
    monkeypatch.setattr(module, "perform_drill", made)
    return made


def context(**drills: dict[str, Any]) -> Context:
    """A run in which these drills were performed for points."""
    course = Course(
        "made",
        Path("/nowhere"),
        {"en": "Made"},
        Blueprint(()),
        [],
        20,
        drills=DRILLS,
        distinction="hardened",
    )
    made = Context(course=course, lab=cast("Any", None), out=Path("/nowhere"))
    made.drills.update(drills)
    return made


def graded(last: Verdict = P, first: Verdict = P) -> GradeResult:
    steps = [
        StepResult(n, "a", f"s{n}", "", checks=[CheckResult(f"s{n}.one", "", 1.0, verdict)])
        for n, verdict in ((1, first), (13, last))
    ]
    return GradeResult("made", "0", {"name": "lab"}, "", 20, steps=steps)


def good() -> Context:
    """The drills that are worth points, all of them at the hardened bar."""
    return context(
        crash=entry("crash", course=P),
        reload=entry("reload", course=P, hardened=P),
        kill=entry("kill", course=P, hardened=P),
    )


def test_who_passes_everything_is_given_the_mention(performed: Performed) -> None:
    told = Told()
    run = good()
    run.reporter = told
    assert award(run, graded()) is True
    assert performed.calls == [("hang", "hardened"), ("sick", "hardened")]
    assert told.said == ["the bar hardened holds so far: the drills for the distinction follow"]
    assert run.drills["hang"]["bar"] == "hardened"


def test_a_drill_that_failed_the_hardened_bar_settles_it_at_once(performed: Performed) -> None:
    run = good()
    run.drills["kill"] = entry("kill", course=P, hardened=F)
    run.reporter = Told(look=lambda _event: pytest.fail("nothing is promised"))
    assert award(run, graded()) is False
    assert performed.calls == []


@pytest.mark.parametrize("last", [F, I, B])
def test_without_the_last_step_there_is_no_mention_to_speak_of(
    performed: Performed, last: Verdict
) -> None:
    assert award(good(), graded(last)) is None
    assert award(good(), GradeResult("made", "0", {}, "", 20)) is None
    assert performed.calls == []


def test_a_step_before_the_last_may_have_lost_points(performed: Performed) -> None:
    assert award(good(), graded(first=F)) is True
    assert len(performed.calls) == 2


def test_a_drill_that_could_not_be_judged_leaves_it_open(performed: Performed) -> None:
    run = good()
    run.drills["kill"] = entry("kill", course=I, hardened=I)
    assert award(run, graded()) is None
    assert performed.calls == []


def test_a_drill_that_could_not_even_begin_leaves_it_open(performed: Performed) -> None:
    """Its record has no verdict at any bar."""
    run = good()
    run.drills["reload"] = entry("reload")
    assert award(run, graded()) is None
    assert performed.calls == []


def test_where_no_drill_was_performed_nothing_is_told(performed: Performed) -> None:
    assert award(context(), graded()) is None
    assert award(context(crash=entry("crash", course=P)), graded()) is None
    assert performed.calls == []


@pytest.mark.parametrize(("end", "told"), [(F, False), (I, None)])
def test_the_first_drill_for_the_mention_that_does_not_pass_is_the_last(
    performed: Performed, end: Verdict, told: bool | None
) -> None:
    performed.ends["hang"] = end
    assert award(good(), graded()) is told
    assert performed.calls == [("hang", "hardened")]


def test_what_was_performed_for_points_is_not_performed_again(performed: Performed) -> None:
    run = good()
    run.drills["hang"] = entry("hang", course=P, hardened=P)
    assert award(run, graded()) is True
    assert performed.calls == [("sick", "hardened")]


def test_a_failure_outweighs_what_could_not_be_judged(performed: Performed) -> None:
    run = good()
    run.drills["reload"] = entry("reload", course=I, hardened=I)
    run.drills["kill"] = entry("kill", course=P, hardened=F)
    assert award(run, graded()) is False
    assert performed.calls == []


def test_a_lab_that_is_gone_by_then_leaves_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def off(*_: Any, **__: Any) -> DrillResult:
        raise NotReadyError("lb is not running", then="labkit up")

    monkeypatch.setattr(module, "perform_drill", off)
    told = Told()
    run = good()
    run.reporter = told
    assert award(run, graded()) is None
    assert "labkit up" in told.said[-1]
