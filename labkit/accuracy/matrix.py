"""What was found against what was expected: per case, and per check over all cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from labkit.accuracy.corpus import MUTANT, Case
from labkit.course import Verdict

MARK_SLACK = 0.001  # marks are sums of hundredths


@dataclass(frozen=True)
class Disagreement:
    """A check and a tool that do not say the same of a case; `said` is why the tool refuses it."""

    tool: str
    check: str
    verdict: str  # the check's
    said: str


@dataclass
class Outcome:
    """One case as it was graded, and in what it differs from what was expected."""

    name: str
    kind: str
    made_by: str
    why: str
    caught_by: str
    steps: list[int]
    verdicts: dict[str, str]  # check -> verdict, of the graded steps
    because: dict[str, str]  # blocked check -> its root cause
    messages: dict[str, str]  # failed or inconclusive check -> what was said
    points: float
    failed_steps: list[str] = field(default_factory=list)  # steps that did not come to their end
    seconds: float = 0.0
    tries: int = 1  # more than one: the lab had to be made anew
    problems: list[str] = field(default_factory=list)
    disagreements: list[Disagreement] = field(default_factory=list)
    fixed: bool | None = None  # after the third hint was followed; None: not tried
    round: int = 1

    @property
    def failed(self) -> list[str]:
        return [name for name, verdict in self.verdicts.items() if verdict == Verdict.FAILED]

    @property
    def survived(self) -> bool:
        """A mutant that nothing noticed."""
        return self.kind == MUTANT and bool(self.caught_by) and not self.failed

    @property
    def by_another(self) -> bool:
        """Noticed, but not by the check that was meant to."""
        return bool(self.failed and self.caught_by) and self.caught_by not in self.failed

    def to_json(self) -> dict[str, Any]:
        """As plain data; only the verdicts that are not passed are told one by one."""
        record = asdict(self)
        record["passed"] = sum(one == Verdict.PASSED for one in self.verdicts.values())
        record["verdicts"] = {
            name: verdict for name, verdict in self.verdicts.items() if verdict != Verdict.PASSED
        }
        return record


def compare(case: Case, outcome: Outcome) -> list[str]:
    """In what an outcome differs from what was expected, in words for the authors of checks."""
    expected = case.expected
    problems = []
    meant = {expected.caught_by, *expected.also} - {""}
    for check in sorted(meant):
        verdict = outcome.verdicts.get(check, "not asked")
        if verdict != Verdict.FAILED:
            problems.append(f"{check} should have failed: {verdict}")
    for check in expected.unclear:
        verdict = outcome.verdicts.get(check, "not asked")
        if verdict != Verdict.INCONCLUSIVE:
            problems.append(f"{check} should have been inconclusive: {verdict}")
    known = meant | set(expected.unclear)
    for check, verdict in outcome.verdicts.items():
        cause = outcome.because.get(check, "")
        if check in known or (cause in known and verdict != Verdict.FAILED):
            continue
        said = outcome.messages.get(check) or outcome.messages.get(cause, "")
        if verdict != Verdict.PASSED:
            problems.append(f"{check} was {verdict}{cause and f' by {cause}'}: {said}")
    if expected.mark and not (
        expected.mark[0] - MARK_SLACK <= outcome.points <= expected.mark[1] + MARK_SLACK
    ):
        low, high = expected.mark
        problems.append(f"{outcome.points:g} points, expected {low:g} to {high:g}")
    return problems


@dataclass
class Tally:
    """How a check did over all cases in which it was asked and its answer was known beforehand."""

    check: str
    true_fail: int = 0
    false_fail: int = 0
    false_pass: int = 0
    true_pass: int = 0
    blocked: int = 0
    unclear: int = 0
    mutants_killed: int = 0

    @property
    def precision(self) -> float | None:
        """Of the times it failed something, how often rightly; None if it never did."""
        asked = self.true_fail + self.false_fail
        return self.true_fail / asked if asked else None

    @property
    def recall(self) -> float | None:
        """Of the times it should have failed something, how often it did."""
        meant = self.true_fail + self.false_pass
        return self.true_fail / meant if meant else None

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**asdict(self), "precision": self.precision, "recall": self.recall}


def tally(outcomes: Iterable[tuple[Case, Outcome]]) -> dict[str, Tally]:
    """The confusion matrix, check by check."""
    found: dict[str, Tally] = {}
    for case, outcome in outcomes:
        meant = {case.expected.caught_by, *case.expected.also} - {""}
        for check, verdict in outcome.verdicts.items():
            one = found.setdefault(check, Tally(check))
            if verdict == Verdict.BLOCKED and check not in meant:
                one.blocked += 1
            elif verdict == Verdict.INCONCLUSIVE:
                one.unclear += 1
                one.false_pass += check in meant
            elif verdict == Verdict.FAILED:
                one.true_fail += check in meant
                one.false_fail += check not in meant
                one.mutants_killed += check in meant and case.kind == MUTANT
            else:
                one.false_pass += check in meant
                one.true_pass += check not in meant
    return found


def ratio(part: int, whole: int) -> float | None:
    """A share, None of nothing."""
    return part / whole if whole else None


def totals(tallies: Mapping[str, Tally]) -> tuple[float | None, float | None]:
    """Precision and recall over all checks together."""
    right = sum(one.true_fail for one in tallies.values())
    wrong = sum(one.false_fail for one in tallies.values())
    missed = sum(one.false_pass for one in tallies.values())
    return ratio(right, right + wrong), ratio(right, right + missed)
