"""What a step leaves: a checkpoint if no later step held before, and its own kind of error."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from labkit.course import CannotTellError, Course, Files, NotMetError, Step, Verdict
from labkit.errors import LabkitError, NotReadyError, StepFailedError
from labkit.grading import Context, Scope, stepping
from labkit.grading.model import CheckResult
from labkit.grading.stepping import call_one, carry_out

SLUGS = ("one", "two", "three")


class Machines:
    """What holds on them, by slug; the last step holds as soon as the one before it does."""

    def __init__(self, *hold: str) -> None:
        self.hold = set(hold)

    def verdict(self, slug: str) -> Verdict:
        holds = slug in self.hold or (slug == "three" and "two" in self.hold)
        return Verdict.PASSED if holds else Verdict.FAILED

    def step(self, number: int, slug: str) -> Step:
        return Step(
            number,
            slug,
            "abc"[number - 1],
            (),
            lambda _shells, _files: self.hold.add(slug),
            titles={"en": slug, "fr": slug},
        )

    def grade(self, context: Context, scope: Scope, **_options: object) -> SimpleNamespace:
        steps = [step for step in context.course.steps if step.number in scope.steps]
        checks = [
            CheckResult(f"{step.slug}.is", step.slug, 1, verdict=self.verdict(step.slug))
            for step in steps
        ]
        return SimpleNamespace(checks=checks)


def kept(
    machines: Machines, monkeypatch: pytest.MonkeyPatch, *numbers: int, wanted: bool = True
) -> list[int]:
    """The steps after which a checkpoint would be kept, when these are carried out."""
    monkeypatch.setattr(stepping, "grade", machines.grade)
    steps = tuple(machines.step(number, slug) for number, slug in enumerate(SLUGS, 1))
    course = cast(
        "Course",
        SimpleNamespace(
            steps=steps,
            root=Path(),
            step=lambda slug: next(one for one in steps if one.slug == slug),
        ),
    )
    context = cast("Context", SimpleNamespace(course=course, workspace=None))
    found: list[int] = []
    carry_out(context, [steps[number - 1] for number in numbers], {},
              keep=(lambda step: found.append(step.number)) if wanted else None)  # fmt: skip
    return found


def test_each_step_that_brings_the_machines_further_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert kept(Machines(), monkeypatch, 1, 2, 3) == [1, 2, 3]


def test_a_step_with_nothing_to_do_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept(Machines("one"), monkeypatch, 1, 2) == [2]


def test_a_step_done_again_beneath_a_later_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would not be the state right after that step: the later one is there, too."""
    assert kept(Machines("one", "three"), monkeypatch, 2) == []
    assert kept(Machines("two"), monkeypatch, 1) == []


class Lost(Machines):
    """Steps 1 and 2 do not hold any more, and nobody is judged whose predecessor does not."""

    def grade(self, context: Context, scope: Scope, **options: object) -> SimpleNamespace:
        given = cast("dict[str, CheckResult]", options.get("known") or {})
        result = super().grade(context, scope)
        for check in result.checks:
            if check.id == "three.is" and "two" not in self.hold | {
                name.partition(".")[0] for name, one in given.items() if one.verdict == "passed"
            }:
                check.verdict = Verdict.BLOCKED
        return result


def test_a_step_whose_image_was_lost_is_done_again_beneath_what_stands_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether the later step holds by itself counts, not that it is blocked for the moment."""
    assert kept(Lost("one", "three"), monkeypatch, 2) == []


def test_a_later_step_that_holds_because_of_it_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As HAProxy's statistics and its failover hold with the file of an earlier step."""
    assert kept(Machines("one"), monkeypatch, 2) == [2]


def test_nobody_asks_where_no_checkpoint_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept(Machines(), monkeypatch, 1, wanted=False) == []


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (NotMetError(expected="a list", seen="a text", where="lb"), StepFailedError),
        (CannotTellError("the engine is gone", settle="labkit doctor"), NotReadyError),
    ],
)
def test_what_a_step_finds_as_checks_do_ends_it_as_steps_end(
    found: Exception, kind: type[LabkitError]
) -> None:
    """As it was, grading a submission broke off: the grader itself had failed."""

    def run(_shells: object, _files: object) -> None:
        raise found

    with pytest.raises(kind) as caught:
        call_one(run, (), {}, cast("Files", None))
    assert type(caught.value) is kind
