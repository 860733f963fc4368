"""What a class says of the checks: how hard each is, and whether it tells good work from poor.

Facility and corrected item-total correlation, as item analysis has them (R. L. Ebel and
D. A. Frisbie, Essentials of Educational Measurement, 5th ed., 1991, chapter 13) and as Moodle and
PrairieLearn show them of their questions. What is blocked or inconclusive is missing: nobody knows
whether the learner would have passed, and a zero would blame the check for another's failure.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from labkit.course import Verdict
from labkit.grading.model import CheckResult, GradeResult

# Near 0 the standard error of a correlation is 1/sqrt(n - 1): 0.19 for 30 learners.
FEW = 30
POOR = 0.2  # Ebel and Frisbie's: below it, the item is poor, and is rejected or improved


@dataclass(frozen=True)
class Item:
    """A check over a class. Shares from 0 to 1, correlations from -1 to 1."""

    id: str
    title: str
    step: int
    passed: int
    failed: int
    blocked: int
    inconclusive: int
    correlation: float | None  # None: all have passed, all have failed, or there are too few

    @property
    def told(self) -> int:
        """Of how many learners it is known."""
        return self.passed + self.failed

    @property
    def facility(self) -> float | None:
        """The share of those who passed; None if nobody is known."""
        return self.passed / self.told if self.told else None

    @property
    def few(self) -> bool:
        """Whether the figures rest on too few learners to judge the check by."""
        return self.told < FEW

    @property
    def poor(self) -> bool:
        """Whether it hardly tells good work from poor."""
        return self.correlation is not None and self.correlation < POOR

    @property
    def contrary(self) -> bool:
        """Whether who does well otherwise fails it: below zero by two standard errors."""
        return (
            self.correlation is not None
            and self.told > 1
            and (self.correlation < -2 / math.sqrt(self.told - 1))
        )


def items(results: Sequence[GradeResult]) -> list[Item]:
    """Every check of the results, in the order of the course."""
    known = {
        check.id: (step.number, check)
        for result in results
        for step in result.steps
        for check in step.checks
    }
    by_learner = [{check.id: check for check in result.checks} for result in results]
    order = sorted(known, key=lambda one: known[one][0])  # stable: within a step as they come
    return [_item(one, *known[one], by_learner) for one in order]


def _item(
    name: str, step: int, check: CheckResult, by_learner: Sequence[dict[str, CheckResult]]
) -> Item:
    found = [(one[name], one) for one in by_learner if name in one]
    count = Counter(mine.verdict for mine, _all in found)
    pairs = [
        (float(mine.verdict is Verdict.PASSED), rest)
        for mine, of_learner in found
        if mine.verdict in _TOLD and (rest := _rest(name, of_learner)) is not None
    ]
    return Item(
        name, check.title, step, count[Verdict.PASSED], count[Verdict.FAILED],
        count[Verdict.BLOCKED], count[Verdict.INCONCLUSIVE], _correlation(pairs),
    )  # fmt: skip


_TOLD = (Verdict.PASSED, Verdict.FAILED)


def _rest(name: str, checks: dict[str, CheckResult]) -> float | None:
    """What a learner reached in the other checks: the share of the points that could be told.

    A share and not a sum, since what is missing differs from learner to learner.
    """
    told = [one for one in checks.values() if one.id != name and one.verdict in _TOLD]
    most = sum(one.points_max for one in told)
    reached = sum(one.points_max for one in told if one.verdict is Verdict.PASSED)
    return reached / most if most else None


def _correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Pearson's; None where it is not defined."""
    try:
        return statistics.correlation([one for one, _rest in pairs], [rest for _one, rest in pairs])
    except statistics.StatisticsError:
        return None
