"""A class that nobody taught: results made up by a seed, for what shows a class."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from labkit.classroom.folder import Folder
from labkit.classroom.intake import Entry
from labkit.classroom.ledger import Ledger, Record
from labkit.course import Course, Verdict
from labkit.grading.explain import Declared
from labkit.grading.model import CheckResult, GradeResult, StepResult
from labkit.load.record import DrillResult

DOUBTFUL = 0.01  # of the checks


def made_class(
    root: Path, count: int, course: Course, checks: Mapping[str, Declared], *, seed: int = 1
) -> tuple[Ledger, list[Entry]]:
    """A ledger with so many students, graded, and their entries."""
    chance, ledger = random.Random(seed), Ledger(root)
    entries = []
    for at in range(count):
        name = f"Student {at:03}"
        entry = Entry(f"student-{at:03}", name, str(1000 + at), Folder(name, {"a": b""}, []))
        result = made_result(course, list(checks.values()), chance, name)
        run = ledger.begin(entry.key)
        (run / "result.json").write_text(json.dumps(result.to_json()), encoding="utf-8")
        unclear = result.count(Verdict.INCONCLUSIVE)
        state = "inconclusive" if unclear else "graded"
        ledger.finish(run, Record(entry.key, name, entry.number, "", state))  # type: ignore[arg-type]
        entries.append(entry)
    return ledger, entries


def made_result(
    course: Course, checks: Sequence[Declared], chance: random.Random, name: str
) -> GradeResult:
    """A student of some skill: a check is passed by its odds, and blocked by one that it needs."""
    skill, seen = chance.betavariate(5, 2), dict[str, CheckResult]()
    for one in checks:
        seen[one.id] = check = CheckResult(one.id, one.sentence, one.spec.points)
        needed = [seen[parent] for parent in one.waits_for if parent in seen]
        cause = next((it for it in needed if it.verdict is not Verdict.PASSED), None)
        if cause:
            told = cause.verdict in (Verdict.FAILED, Verdict.BLOCKED)
            check.verdict = Verdict.BLOCKED if told else Verdict.INCONCLUSIVE
            check.because = cause.because or cause.id
        elif chance.random() < DOUBTFUL:
            check.verdict, check.message = Verdict.INCONCLUSIVE, "web1 did not answer"
        elif chance.random() < skill**0.2:
            check.verdict = Verdict.PASSED
        else:
            check.verdict, check.message = Verdict.FAILED, "the website does not answer"
            check.expected, check.seen, check.where = "200", "502 <b>", "http://web1"
            check.hints = ("Who listens there?",)
    steps = [
        StepResult(step.number, step.letter, step.slug, step.title("en"),
                   [seen[one.id] for one in checks if one.step.slug == step.slug])
        for step in course.steps
    ]  # fmt: skip
    return GradeResult(
        course.name, "0", {"name": "made"}, "2026-01-01T00:00:00+00:00", course.points_max, name,
        complete=True, steps=steps, drills=[_drill(one.name, chance) for one in course.drills],
    )  # fmt: skip


def _drill(name: str, chance: random.Random) -> dict[str, object]:
    verdict = chance.choice((Verdict.PASSED, Verdict.PASSED, Verdict.FAILED))
    return DrillResult(
        name, verdict, "course", "", scheduled=1000, failed_get=chance.randrange(60),
        failed_post=chance.randrange(10), detect_s=chance.uniform(1, 6), runs=1,
    ).to_json()  # fmt: skip
