"""What several writers say of a result: the mark in words, its causes, its open questions."""

from __future__ import annotations

from dataclasses import dataclass

from labkit.course import Verdict
from labkit.grading.model import CheckResult, GradeResult, StepResult
from labkit.locale import _
from labkit.words import of_most


@dataclass(frozen=True)
class Cause:
    """A failed check that is nobody's consequence, and the checks that wait for it."""

    step: StepResult
    check: CheckResult
    waiting: tuple[CheckResult, ...]


@dataclass(frozen=True)
class Doubt:
    """One reason why something could not be determined, and the command that settles it.

    `checks` are those that it struck, `waiting` those that wait for one of them, `points` what
    all of them together keep open.
    """

    why: str
    settle: str
    checks: tuple[CheckResult, ...]
    waiting: tuple[CheckResult, ...]
    points: float


def causes(result: GradeResult) -> list[Cause]:
    """What to settle next, in the order of the course: each cause once."""
    return [
        Cause(step, check, _waiting(result, [check]))
        for step in result.steps
        for check in step.checks
        if check.verdict is Verdict.FAILED and not check.because
    ]


def doubts(result: GradeResult) -> list[Doubt]:
    """Why the mark is a range, each reason once: a machine that is off strikes many checks."""
    struck: dict[tuple[str, str], list[CheckResult]] = {}
    for step in result.steps:
        again = f"labkit check {step.number}" if result.complete else "labkit grade"
        for check in step.checks:
            if check.verdict is Verdict.INCONCLUSIVE and not check.because:
                why = (check.message, check.where or again)
                struck.setdefault(why, []).append(check)
    return [_doubt(result, *why, checks) for why, checks in struck.items()]


def _doubt(result: GradeResult, why: str, settle: str, checks: list[CheckResult]) -> Doubt:
    waiting = _waiting(result, checks)
    points = sum(check.points_max * check.credit for check in (*checks, *waiting))
    return Doubt(why, settle, tuple(checks), waiting, points)


def _waiting(result: GradeResult, checks: list[CheckResult]) -> tuple[CheckResult, ...]:
    roots = {check.id for check in checks}
    return tuple(check for check in result.checks if check.because in roots)


def mark(result: GradeResult) -> str:
    """The mark, or the range in which it lies, of the course's maximum: "12.5 / 20"."""
    return of_most(result.score_low, result.score_high, result.score_max)


def caveat(result: GradeResult) -> str:
    """Why the mark is not final, in one sentence; "" when it is."""
    if not result.complete:
        return _("The run did not finish: what it did not ask is open, not lost.")
    if result.score is None:
        return _(
            "The mark is a range: what could not be determined is open, not failed "
            "(checks: {count}).",
            count=result.count(Verdict.INCONCLUSIVE),
        )
    return ""


def carried_forward(check: CheckResult) -> str:
    """On what of the reference's a check was judged; "" where all was the learner's own."""
    if not check.carried:
        return ""
    return _("carried forward: on the reference's {files}", files=", ".join(check.carried))


def details(check: CheckResult) -> list[str]:
    """What there is to say of a check beyond its verdict, a line each."""
    if check.verdict is not Verdict.FAILED:
        settle = check.where if check.verdict is Verdict.INCONCLUSIVE else ""
        return [line for line in (check.message, settle, carried_forward(check)) if line]
    told = [
        (_("expected"), check.expected),
        (_("seen"), check.seen),
        (_("where"), check.where),
        (_("hint"), check.hint),
    ]
    lines = [f"{label}: {text}" for label, text in told if text]
    lines += [carried_forward(check)] if check.carried else []
    return lines if check.expected else [line for line in (check.message, *lines) if line]


def about_submission(result: GradeResult) -> list[tuple[str, list[str]]]:
    """What there is to say of a submission: labels and their lines; none where there is none."""
    if result.submission is None:
        return []
    skipped = [f"{file['path']}: {file['why']}" for file in result.submission["skipped"]]
    parts = [
        (_("left out"), skipped),
        (_("missing, done with the course's reference"), result.submission["filled"]),
        (_("noted"), result.submission["notes"]),
    ]
    return [(label, lines) for label, lines in parts if lines]
