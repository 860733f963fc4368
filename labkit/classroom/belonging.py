"""Whose variant a submission belongs to: a copy has the ports and names of another learner.

It is evidence and no verdict: nobody loses a point by it. Only the files are looked at, so that no
lab is needed, and the same key says the same at any time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from labkit.classroom.folder import Folder
from labkit.classroom.submission import recognised
from labkit.course import Course, ReadingRules, Submission, Trait, variant
from labkit.errors import NothingToGradeError


@dataclass(frozen=True)
class Strange:
    """A trait in which a submission has what another variant has, and not its own."""

    trait: Trait
    own: str
    found: tuple[str, ...]


@dataclass(frozen=True)
class Belonging:
    """What a submission's files say of the variant that they were made for."""

    own: int  # traits with the learner's own value
    strange: tuple[Strange, ...]
    absent: int  # traits of no variant at all: the file is not there, or has another value
    theirs: tuple[str, ...] = ()  # whose variants have everything that is strange
    by_chance: float = 0.0  # how many of a class would fit, were the values drawn by chance

    @property
    def word(self) -> str:
        """`own`, `other`, or `none` if nothing of any variant is there."""
        if self.strange:
            return "other"
        return "own" if self.own else "none"


class Variants:
    """The variants of a class, by the teacher's key; `names` are of its learners, by number."""

    def __init__(self, course: Course, key: str, names: Mapping[str, str]) -> None:
        self._course = course
        self._names = names
        self._of = {number: variant(course, key, number) for number in names}

    def belonging(self, folder: Folder, number: str) -> Belonging:
        """The variant that the submission of the learner with this number belongs to.

        Of several values in a file, as one that was commented out, the own one decides. KeyError
        for a number that is not of the class.
        """
        mine, submission = self._of[number], _recognised(self._course, folder)
        own, strange = 0, list[Strange]()
        for trait in self._course.traits:
            found, given = values_of(trait, submission), mine[trait.name]
            if given in found:
                own += 1
            elif found:
                strange.append(Strange(trait, given, tuple(found)))
        absent = len(self._course.traits) - own - len(strange)
        if not strange:
            return Belonging(own, (), absent)
        others = {who: values for who, values in self._of.items() if who != number}
        fits = [
            self._names[who]
            for who, values in others.items()
            if all(values[one.trait.name] in one.found for one in strange)
        ]
        odds = math.prod(len(one.found) / len(one.trait.values) for one in strange)
        return Belonging(own, tuple(strange), absent, tuple(fits), len(others) * odds)


def values_of(trait: Trait, submission: Submission | None) -> list[str]:
    """The values of a trait that stand as words in the file that is its artefact."""
    if submission is None:
        return []
    usual = submission.targets.get(trait.artefact, trait.artefact)
    path = submission.sources.get(trait.artefact) or usual
    text = submission.files.get(path, b"").decode("utf-8", "replace")
    words = {word.casefold() for word in re.findall(r"\w+", text)}
    return [value for value in trait.values if value.casefold() in words]


def _recognised(course: Course, folder: Folder) -> Submission | None:
    try:
        return recognised(course, folder, ReadingRules(fill=False))
    except NothingToGradeError:
        return None
