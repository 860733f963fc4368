"""Mutants: the course's small faults, planted by a program into right answers.

Each operator is applied to the reference or to accepted entries that have its artefact; to which
ones is fixed by its place in the list, so that two runs make the same mutants.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from labkit.accuracy.corpus import MUTANT, Case, Expected
from labkit.course import Course, Files, Mutation, Step, Submission

BASES_EACH = 1  # more of them take as many times as long, and find little


@dataclass(frozen=True)
class Base:
    """A right answer that has an artefact, and where it is."""

    name: str
    submission: Submission
    path: str


def make_mutants(
    course: Course, corpus: Sequence[Case], *, bases_each: int = BASES_EACH
) -> list[Case]:
    """The mutants of every operator, named OPERATOR@BASE or OPERATOR@BASE.2.

    The first base that an operator finds something to change in is another one for each: the
    reference for one in two, an accepted entry for the others.
    """
    reference = course.root / "steps" / "reference"
    nothing = course.recognise({}, reference)
    accepted = [
        (case, course.recognise(case.files, reference))
        for case in corpus
        if case.kind == "accepted"
    ]
    found: list[Case] = []
    for place, mutation in enumerate(course.mutations):
        own = Base("reference", nothing, mutation.artefact)
        entries = list(_entries(mutation, accepted, max(_graded(course, mutation))))
        turn = (place // 2) % max(1, len(entries))
        ordered = [*entries[turn:], *entries[:turn]]
        ordered = [own, *ordered] if place % 2 == 0 else [*ordered, own]
        fertile = 0
        for base in ordered:
            made = list(_mutate(course, mutation, base))
            if bases_each == BASES_EACH:  # of several ways to make the same mistake, one in turn
                made = made[place % len(made) :][:1] if made else []
            found += made
            fertile += bool(made)
            if fertile == bases_each:
                break
    return found


def _entries(
    mutation: Mutation, accepted: Sequence[tuple[Case, Submission]], last: int
) -> Iterator[Base]:
    """The entries that have the artefact and are graded up to a step."""
    for case, submission in accepted:
        source = submission.sources.get(mutation.artefact, mutation.artefact)
        if source in submission.files and last <= max(case.expected.steps):
            yield Base(case.name, submission, source)


def _completed(course: Course, submission: Submission, steps: frozenset[int]) -> dict[str, bytes]:
    """A submission whose gaps in the graded steps are filled: only the mutant itself is wrong."""
    filled = dict(submission.files)
    files = Files(course.root, None, submission=submission)
    graded = [step for step in course.steps if step.number in steps]
    wanted = set().union(*(_whole(course, step) for step in graded))
    # The last step that grades an artefact has all of it.
    for artefact in (one for step in course.steps for one in step.artefacts):
        if artefact.path in wanted and artefact.path not in submission.sources:
            filled[files.at(artefact.path)] = files.content(artefact).data
    for path in course.given:
        filled.setdefault(files.at(path), files.given(path))
    return filled


def _whole(course: Course, step: Step) -> set[str]:
    """The artefacts of a step and of those that it needs: none is fitted to a mutant."""
    needed = (course.step(slug) for slug in step.needs)
    own = {artefact.path for artefact in step.artefacts}
    return own.union(*(_whole(course, one) for one in needed if one))


def _graded(course: Course, mutation: Mutation) -> frozenset[int]:
    """From the step of the artefact to the step of the check that must catch the mutant."""
    first = _first_step(course, mutation.artefact).number
    last = step_of(course, mutation.caught_by).number if mutation.caught_by else first
    return frozenset(range(first, max(first, last) + 1))


def _mutate(course: Course, mutation: Mutation, base: Base) -> Iterator[Case]:
    steps = _graded(course, mutation)
    files = _completed(course, base.submission, steps)
    text = files[base.path].decode("utf-8", "replace")
    for turn, mutated in enumerate(mutation.mutate(text), 1):
        if mutated == text:
            continue
        yield Case(
            name=f"{mutation.name}@{base.name}" + (f".{turn}" if turn > 1 else ""),
            kind=MUTANT,
            files={**files, base.path: mutated.encode()},
            expected=Expected(
                why=mutation.equivalent or mutation.why,
                steps=steps,
                caught_by="" if mutation.equivalent else mutation.caught_by,
                also=() if mutation.equivalent else mutation.also,
            ),
            made_by=mutation.name,
        )


def step_of(course: Course, check: str) -> Step:
    """The step of a check."""
    step = course.step(check.partition(".")[0])
    assert step is not None, check
    return step


def _first_step(course: Course, artefact: str) -> Step:
    return next(
        (step for step in course.steps if artefact in {one.path for one in step.artefacts}),
        course.steps[1],  # a given file, as the API's script: it comes with the project
    )
