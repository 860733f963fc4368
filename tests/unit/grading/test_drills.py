"""What a drill found is made a check's verdict."""

from __future__ import annotations

import pytest

from labkit.course import CannotTellError, NotMetError, Verdict
from labkit.grading import must_have_passed
from labkit.load.availability import Judged
from labkit.load.record import DrillResult


def ended(verdict: Verdict, *limits: Judged) -> DrillResult:
    return DrillResult("kill", verdict, "course", "231 of 2600 requests lost", limits=limits)


def test_a_drill_that_passed_ends_no_check() -> None:
    must_have_passed(ended(Verdict.PASSED, Judged("lost", 320, 231, True)))


def test_a_drill_that_failed_names_the_limits_that_it_broke_and_no_others() -> None:
    kept, broken = Judged("flaps", 0, 0, True), Judged("lost", 100, 231, False)
    with pytest.raises(NotMetError) as caught:
        must_have_passed(ended(Verdict.FAILED, kept, broken))
    assert caught.value.expected == "requests lost ≤ 100"
    assert caught.value.seen == "231 of 2600 requests lost"
    assert caught.value.where == "labkit drill kill"


def test_a_service_that_did_not_come_back_broke_no_limit() -> None:
    with pytest.raises(NotMetError) as caught:
        must_have_passed(ended(Verdict.FAILED))
    assert caught.value.expected == "the service is healthy again"


def test_a_drill_without_a_verdict_says_what_settles_it() -> None:
    with pytest.raises(CannotTellError) as caught:
        must_have_passed(ended(Verdict.INCONCLUSIVE))
    assert caught.value.settle == "labkit drill kill"
