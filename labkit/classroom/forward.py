"""One mistake costs one mistake: what later steps stand on is given where a submission cannot.

Each step is judged on the learner's own first. Where what a later one needs is not there then, the
reference's artefact takes the place of the learner's, and what did not pass for want of it is
asked once more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from labkit.course import Course, Foundation, Step, Submission, Verdict
from labkit.errors import LabkitError
from labkit.grading import Again, CheckResult

Results = Mapping[str, CheckResult]


class Forward:
    """Carries one submission forward, foundation by foundation; `grade` calls it in between."""

    def __init__(
        self, course: Course, submission: Submission, bring: Callable[[Submission], object]
    ) -> None:
        self.course = course
        self.submission = submission  # as it is on the machines
        self.given: list[Foundation] = []
        self._bring = bring

    def __call__(self, results: Results) -> Again | None:
        """Give the first foundation that is not there and that something waits for.

        Where the machines cannot be changed any more, what was found stands.
        """
        for foundation in self.course.foundations:
            asked = self._waiting(foundation, results)
            if asked and self._is_missing(foundation, results):
                break
        else:
            return None
        reference = self.course.root / "steps" / "reference"
        self.submission = self.course.carry_forward(self.submission, foundation.artefact, reference)
        self.given.append(foundation)
        try:
            self._bring(self.submission)
        except LabkitError:
            return None
        judged = self._judged(self.given)
        taken = [name for name in results if _slug(name) in judged]
        return Again(asked, taken, tuple(one.artefact for one in self.given))

    def _is_missing(self, foundation: Foundation, results: Results) -> bool:
        """Whether what is the learner's own does not give it; a failure of ours is no reason."""
        if foundation in self.given or not self._is_own(foundation):
            return False
        wanted = [results[name].verdict for name in foundation.gives if name in results]
        return any(verdict is not Verdict.PASSED for verdict in wanted)

    def _is_own(self, foundation: Foundation) -> bool:
        """Whether any of it was handed in, be it what goes into a filled artefact."""
        files, targets = self.submission.files, self.submission.targets
        return foundation.artefact in self.submission.sources or any(
            targets.get(path, path) in files for path in foundation.made_of
        )

    def _waiting(self, foundation: Foundation, results: Results) -> list[str]:
        """The checks of later steps that did not pass."""
        judged = self._judged([*self.given, foundation])
        later = {step.slug for step in self.course.steps if self._stands_on(step, foundation)}
        return [
            name
            for name, result in results.items()
            if _slug(name) in later - judged and result.verdict is not Verdict.PASSED
        ]

    def _stands_on(self, step: Step, foundation: Foundation) -> bool:
        needed = (self.course.step(slug) for slug in step.needs)
        return any(
            one and (one.slug in foundation.judged or self._stands_on(one, foundation))
            for one in needed
        )

    def _judged(self, foundations: Collection[Foundation]) -> set[str]:
        return {slug for one in foundations for slug in one.judged}


def _slug(check: str) -> str:
    return check.partition(".")[0]
