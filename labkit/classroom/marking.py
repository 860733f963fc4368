"""A result, marked as the teacher wants it: on another scale, with other points, less when late.

The verdicts stay as the lab found them. Points of a check are those of the course times what the
teacher gives the step, over what the counted checks of the step are worth together; the whole is
then brought to the scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from labkit.classroom.settings import Settings
from labkit.course import Origin
from labkit.grading.explain import Declared
from labkit.grading.model import DECIMALS, GradeResult, StepResult
from labkit.locale import _, number
from labkit.words import span


@dataclass(frozen=True)
class Mark:
    """A mark: `low` is certain, `high` what could still be reached, both after lateness."""

    low: float
    high: float
    most: float
    late_percent: float = 0.0
    letter: str = ""  # "C", or "B – C" for a range; "" without letters

    @property
    def score(self) -> float | None:
        """The mark, or None while it is a range."""
        return self.low if self.low == self.high else None


class Marking:
    """Marks results of a course by a teacher's settings; `checks` are what the course declares."""

    def __init__(self, checks: Mapping[str, Declared], settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self._checks = checks
        worth: dict[str, float] = {}
        for one in checks.values():
            if self._counts(one):
                worth[one.step.slug] = worth.get(one.step.slug, 0.0) + one.spec.points
        wanted = {slug: self.settings.points.get(slug, points) for slug, points in worth.items()}
        self.most = self.settings.scale or sum(wanted.values())
        to_scale = self.most / (sum(wanted.values()) or 1)
        self._factors = {
            slug: to_scale * wanted[slug] / points for slug, points in worth.items() if points
        }

    def marked(self, result: GradeResult) -> GradeResult:
        """The result in points of the teacher's scale, before lateness; titles as one speaks now.

        What does not count stays, for information: a check without points is no loss. Of a part
        of the steps, as with `--steps`, the marks are out of what that part is worth.
        """
        steps = [self._step(step) for step in result.steps]
        whole = sum(self._worth(step.slug) for step in result.steps)
        return replace(result, steps=steps, score_max=round(whole, DECIMALS))

    def mark(self, result: GradeResult, *, late: str = "") -> Mark:
        """The mark of a result, as it comes from the lab, submitted so late."""
        marked = self.marked(result)
        percent = self.settings.late.percent(late)
        low, high = (
            round(points * (1 - percent / 100), DECIMALS)
            for points in (marked.score_low, marked.score_high)
        )
        most = marked.score_max
        letters = [self.settings.letter(points / most if most else 0) for points in (high, low)]
        return Mark(low, high, most, percent, " – ".join(dict.fromkeys(filter(None, letters))))

    def note(self, result: GradeResult, *, late: str = "") -> str:
        """What a learner is told of lateness and of the letter, "" if there is nothing to say."""
        mark = self.mark(result, late=late)
        told = []
        if mark.late_percent:
            told.append(
                _("Handed in late ({late}): {percent} % are taken off, {mark} of {most} are left.",
                  late=late, percent=number(mark.late_percent), mark=span(mark.low, mark.high),
                  most=number(mark.most))
            )  # fmt: skip
        if mark.letter:
            told.append(_("The mark as a letter: {letter}.", letter=mark.letter))
        return " ".join(told)

    def _step(self, step: StepResult) -> StepResult:
        factor = self._factors.get(step.slug, 0.0)
        given = bool(step.artefacts) and all(
            one.origin is Origin.REFERENCE for one in step.artefacts
        )
        credit = self.settings.reference_credit if given else 1.0
        checks = []
        for check in step.checks:
            one = self._checks.get(check.id)
            counts = factor if one and self._counts(one) else 0.0
            checks.append(
                replace(
                    check,
                    title=_(one.sentence) if one else check.title,
                    points_max=check.points_max * counts,
                    credit=check.credit * credit,
                )
            )
        return replace(step, checks=checks)

    def _worth(self, slug: str) -> float:
        """What a step is worth on the scale."""
        factor = self._factors.get(slug, 0.0)
        return factor * sum(
            one.spec.points
            for one in self._checks.values()
            if one.step.slug == slug and self._counts(one)
        )

    def _counts(self, check: Declared) -> bool:
        settings = self.settings
        if settings.steps is not None and check.step.number not in settings.steps:
            return False
        return (
            not check.spec.drill or settings.drills is None or check.spec.drill in settings.drills
        )
