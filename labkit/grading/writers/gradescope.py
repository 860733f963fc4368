"""Gradescope's `results.json`, to be put at `/autograder/results/results.json`.

Gradescope knows passed and failed only. What could not be determined is sent as not passed, because
an absent status would be derived from the score, and its output says that it is no failure.
Nothing is hidden: with a hidden test, Gradescope does not show the learner the total.
"""

from __future__ import annotations

import json
from typing import Any

from labkit.course import Verdict
from labkit.grading.model import SCHEMA, CheckResult, GradeResult, StepResult
from labkit.grading.writers.safe import cleaned
from labkit.grading.writers.summary import (
    about_submission,
    causes,
    caveat,
    details,
    doubts,
    mark,
)
from labkit.locale import _, number
from labkit.words import verdict_word

FORMATS = {"output_format": "text", "test_output_format": "text", "test_name_format": "text"}


def as_gradescope(result: GradeResult, *, score: float | None = None, note: str = "") -> str:
    """The result as Gradescope's JSON; the score is what is certain (`score_low`).

    `score` is another one, as after lateness, and `note` says why: Gradescope takes it in the
    place of the sum of the tests.
    """
    result = cleaned(result)
    record = {
        "score": result.score_low if score is None else score,
        "execution_time": round(result.seconds, 1),
        "output": "\n".join(filter(None, (_output(result), note))),
        **FORMATS,
        "visibility": "visible",
        "tests": [
            _test(step, check, f"{step.number}.{place}")
            for step in result.steps
            for place, check in enumerate(step.checks, start=1)
        ],
        "extra_data": _extra(result),
    }
    return json.dumps(record, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def _output(result: GradeResult) -> str:
    lines = [f"{result.course}: {mark(result)}", caveat(result)]
    if result.score is None:
        certain = number(result.score_low)
        lines.append(_("the score here is what is certain: {points}", points=certain))
    for cause in causes(result):
        lines.append(
            _("to settle next: step {number}, {title}",
              number=cause.step.number, title=cause.check.title)
        )  # fmt: skip
    for doubt in doubts(result):
        lines.append(_("could not be determined: {why}", why=doubt.why) + f" ({doubt.settle})")
    for label, said in about_submission(result):
        lines += [f"{label}:", *(f"- {line}" for line in said)]
    return "\n".join(line for line in lines if line)


def _test(step: StepResult, check: CheckResult, place: str) -> dict[str, Any]:
    lines = details(check)
    if check.verdict is not Verdict.PASSED:
        lines = [verdict_word(check.verdict).upper(), *lines]
    if check.verdict is Verdict.INCONCLUSIVE and check.points_max:
        lines.append(
            _("points kept open: {points}", points=number(check.points_max * check.credit))
        )
    return {
        "number": place,
        "name": f"{step.slug}: {check.title}",
        "score": check.points,  # not rounded: the sum is the score
        "max_score": check.points_max,
        "status": "passed" if check.verdict is Verdict.PASSED else "failed",
        "output": "\n".join(lines),
        "tags": [step.slug, str(check.verdict)],
        "visibility": "visible",
        "extra_data": {"id": check.id, "verdict": str(check.verdict), "because": check.because},
    }


def _extra(result: GradeResult) -> dict[str, Any]:
    whole = result.to_json()
    names = ("score", "score_low", "score_high", "score_max", "complete", "mention")
    return {"schema": SCHEMA, **{name: whole[name] for name in names}}
