"""The arithmetic of the mark: what is certain, what is open, what a step is worth."""

from __future__ import annotations

import pytest

from labkit.course import Verdict
from labkit.grading.model import CheckResult, GradeResult, StepResult

P, F, B, I = Verdict.PASSED, Verdict.FAILED, Verdict.BLOCKED, Verdict.INCONCLUSIVE  # noqa: E741


def graded(*checks: tuple[Verdict, float], credit: float = 1.0) -> GradeResult:
    """A result of one step whose checks have these verdicts and points."""
    step = StepResult(3, "c", "build", "Build")
    for place, (verdict, points) in enumerate(checks):
        step.checks.append(
            CheckResult(f"build.c{place}", "It works.", points, verdict, credit=credit)
        )
    return GradeResult("course", "0.1.0", {"name": "lab"}, "2026-03-02T09:00:00+00:00", 20,
                       steps=[step])  # fmt: skip


def test_only_what_passed_is_worth_points() -> None:
    result = graded((P, 1.5), (F, 2), (B, 1))
    assert (result.score, result.score_low, result.score_high) == (1.5, 1.5, 1.5)
    assert [check.points for check in result.checks] == [1.5, 0, 0]


def test_what_could_not_be_told_makes_a_range_and_no_mark() -> None:
    result = graded((P, 1.5), (I, 0.75), (F, 2))
    assert result.score is None
    assert (result.score_low, result.score_high) == (1.5, 2.25)
    assert result.to_json()["score"] is None


def test_a_doubt_about_nothing_leaves_the_mark_whole() -> None:
    assert graded((P, 1), (I, 0)).score == 1


def test_a_check_that_has_not_run_is_open_not_zero() -> None:
    fresh = CheckResult("build.image", "There is an image.", 2)
    result = graded((P, 1))
    result.steps[0].checks.append(fresh)
    assert fresh.verdict is I
    assert (result.score, result.score_low, result.score_high) == (None, 1, 3)
    assert not result.complete


def test_credit_weighs_what_passed_and_what_may_yet_pass() -> None:
    result = graded((P, 2), (I, 1), credit=0.5)
    assert (result.score_low, result.score_high) == (1, 1.5)


def test_credit_of_nothing_is_a_mark_not_a_range() -> None:
    assert graded((P, 2), (I, 1), credit=0).score == 0


def test_a_mark_is_rounded_once_not_per_check() -> None:
    assert graded(*[(P, 0.25)] * 3, credit=1 / 3).score == 0.25


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ([P, P], P),
        ([P, B], B),
        ([B, I, P], I),
        ([P, I, F, B], F),
        ([], P),
    ],
)
def test_a_step_is_as_bad_as_the_worst_of_its_checks(
    found: list[Verdict], verdict: Verdict
) -> None:
    assert graded(*[(one, 1.0) for one in found]).steps[0].verdict is verdict


def test_only_a_failed_check_gives_its_first_hint_away() -> None:
    check = CheckResult("build.image", "There is an image.", 1, F, hints=("look", "type", "do"))
    assert check.to_json()["hint"] == "look"
    check.verdict = I
    assert check.to_json()["hint"] == ""


def test_counts_are_over_all_steps() -> None:
    result = graded((P, 1), (P, 1), (I, 1))
    assert [result.count(verdict) for verdict in (P, F, B, I)] == [2, 0, 0, 1]
