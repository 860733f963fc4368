"""The campaign of hostile submissions: what it hands in can be read, and how it judges."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from benchmarks.hostile.__main__ import Found, report, table
from benchmarks.hostile.kinds import Kind, hand_in, kinds
from labkit.accuracy.matrix import Outcome
from labkit.classroom import read_submission
from labkit.course import load_course, select
from labkit.grading.explain import read_checks
from steps.recognition import recognise

COURSE = load_course()
REFERENCE = COURSE.root / "steps" / "reference"
KINDS = kinds(9, "/labkit-pwned")


def named(kind: Kind) -> str:
    return f"{kind.family}: {kind.name}"


def test_there_are_sixty_hostile_kinds_and_each_is_another_one() -> None:
    assert len({named(kind) for kind in KINDS}) == len(KINDS) >= 60


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_a_hostile_kind_is_read_and_recognised(kind: Kind, tmp_path: Path) -> None:
    """Else it would try nothing: each comes as far as to the steps that it is about."""
    folder = read_submission(hand_in(kind, tmp_path))
    submission = recognise(folder.files, REFERENCE)
    graded = {step.number for step in select(COURSE, kind.steps)}
    assert any(COURSE.artefacts_of(one) & set(submission.sources) for one in COURSE.steps
               if one.number in graded)  # fmt: skip
    if kind.caught_by:
        assert read_checks(COURSE)[kind.caught_by].step.number in graded


KIND = Kind("page", "a redirect", "6-7", {}, "verify.form")
OUTCOME = Outcome("1", "page", "", "", "", [6, 7], {"verify.form": "failed"}, {}, {}, 0.0)


def found(verdict: str = "failed", **more: tuple[str, ...]) -> Found:
    outcome = dataclasses.replace(
        OUTCOME, verdicts={"verify.form": verdict, "index.valid": "passed"}
    )
    return Found(KIND, outcome, **more)


@pytest.mark.parametrize(
    ("one", "broken"),
    [
        (found(computer=("made /x",)), "reached this computer"),
        (found(machines=("lb:/etc/x",)), "touched a machine beyond its folders"),
        (found("passed"), "passed wrongly"),
        (found("inconclusive"), "inconclusive"),
    ],
)
def test_what_a_hostile_kind_reaches_or_earns_is_not_held(one: Found, broken: str) -> None:
    assert found().held
    assert report([found()], 1).held
    result = report([found(), one], 2)
    assert not one.held
    assert result.held is False
    assert [figure.name for figure in result.figures[1:-1] if figure.median] == [broken]


def test_hostile_kinds_that_were_not_tried_prove_nothing() -> None:
    assert report([found()], 2).held is False
    assert report([], 0).held is False
    assert table([found()], 2).startswith("1 of 2 kinds held, 1 tried")


def test_a_hostile_kind_may_pass_by_what_is_right_in_it() -> None:
    right = dataclasses.replace(found("passed"), kind=dataclasses.replace(KIND, caught_by=""))
    assert right.held
    assert right.verdict == "ignored"
