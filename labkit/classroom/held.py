"""What the machines hold of submissions, step by step: only what differs is done anew.

It is remembered as a signature per step: of the artefacts that the step brings, and of the steps
that it needs. A step whose signature another submission shares stays as it is; the others are
undone by the course's own functions and carried out again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping

from labkit.classroom.carrying import Carried, carry
from labkit.course import Course, Files, Step, Submission
from labkit.remote import Shell

Signatures = dict[int, str]


class Held:
    """What some machines hold."""

    def __init__(self, course: Course, shells: Mapping[str, Shell]) -> None:
        self.course = course
        self.shells = shells
        self.signatures: Signatures = {}

    def bring(
        self,
        submission: Submission,
        last: int,
        *,
        on_begin: Callable[[Step], None] = lambda _step: None,
        on_undo: Callable[[Step], object] = lambda _step: None,
    ) -> Carried:
        """Bring the machines from what they hold to what a submission brings, up to a step."""
        wanted = signatures(self.course, submission)
        steps = [step for step in self.course.steps if step.number <= last]
        held = self.signatures
        dirty = {step.number for step in steps if held.get(step.number) != wanted[step.number]}
        for step in reversed(self.course.steps):
            if step.number in held and (step.number in dirty or self._depends_on(step, dirty)):
                if step.undo:
                    step.undo({name: self.shells[name] for name in step.on})
                del held[step.number]
                on_undo(step)
        todo = [step for step in steps if step.number not in held]
        carried = carry(self.course, todo, self.shells, submission, on_begin=on_begin)
        held.update({step.number: wanted[step.number] for step in todo})
        return carried

    def _depends_on(self, step: Step, dirty: set[int]) -> bool:
        needed = (self.course.step(slug) for slug in step.needs)
        return any(one and (one.number in dirty or self._depends_on(one, dirty)) for one in needed)


def signatures(course: Course, submission: Submission) -> Signatures:
    """Step -> a hash of all that decides what it brings to the machines."""
    files = Files(course.root, None, submission=submission)
    artefacts = {one.path for step in course.steps for one in (*step.artefacts, *step.beside)}
    claimed = {path for artefact, path in submission.sources.items() if artefact in artefacts}
    brought = {path: data for path, data in submission.files.items() if path not in claimed}
    brought |= {files.at(path): files.given(path) for path in course.given}
    rest = _hash(
        *(f"{path} {_hash(data)}" for path, data in sorted(brought.items())),
        json.dumps(dict(submission.targets), sort_keys=True),
        *sorted(submission.executable),
    )
    found: Signatures = {}
    slugs: dict[str, str] = {}
    for step in course.steps:
        own = [files.content(artefact) for artefact in (*step.artefacts, *step.beside)]
        parts = [step.slug, *(slugs[slug] for slug in step.needs)]
        parts += [] if step.is_the_labs else [rest]
        parts += [f"{one.artefact.path} {one.sha256}" for one in own]
        parts += [one.path for one in step.beside if one.path in submission.spared]
        options = submission.options.items()
        parts += [f"{name} {said}" for name, said in options if name.startswith(f"{step.slug}:")]
        slugs[step.slug] = found[step.number] = _hash(*parts)
    return found


def _hash(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
        digest.update(b"\0")
    return digest.hexdigest()[:16]
