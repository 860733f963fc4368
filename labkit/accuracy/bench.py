"""A lab that grades one case after the other, doing only what differs between them.

What the machines hold is remembered as a signature per step: of the artefacts that the step
brings, and of the steps that it needs. A step whose signature a case shares stays as it is; the
others are undone by the course's own functions and carried out anew. The order of the cases is
therefore a matter of speed alone, and `labkit grade --submission` gives the same verdicts.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path

from labkit.accuracy.corpus import Case
from labkit.accuracy.matrix import Outcome, compare
from labkit.classroom import Carried, carry
from labkit.course import Course, Files, HandedIn, Step, Verdict
from labkit.errors import LabkitError
from labkit.grading import CheckResult, Context, GradeResult, Scope, grade
from labkit.grading.record import filled_of, gaps_of, mark_gaps, take_credit
from labkit.grading.run import collected
from labkit.lab import Lab, Say, open_shells
from labkit.remote import SshShell

Signatures = dict[int, str]


class Bench:
    """One lab, used again."""

    def __init__(self, course: Course, lab: Lab, out: Path, say: Say) -> None:
        self.course = course
        self.lab = lab
        self.out = out
        self.say = say
        self.shells: dict[str, SshShell] = {}
        self.held: Signatures = {}  # step -> what the machines hold
        self.sound: dict[int, tuple[str, dict[str, CheckResult]]] = {}  # verified, and with what

    def close(self) -> None:
        """Close the connections and remove the lab."""
        for shell in self.shells.values():
            shell.close()
        self.shells = {}
        self.held = {}
        self.sound = {}
        self.lab.provider.destroy(lambda _line: None)

    def ready(self) -> None:
        """Machines that run, and a shell on each."""
        if not self.shells:
            self.lab.provider.up(self.say)
            self.shells = open_shells(self.lab)

    def judge(self, case: Case, *, turn: int = 1, again: bool = True) -> Outcome:
        """Grade a case; on a fresh lab once more if the first answer was none or not expected.

        Both answers count: a second one that differs is a problem of its own.
        """
        started = time.monotonic()
        outcome = self._once(case)
        outcome.problems = compare(case, outcome)
        if outcome.problems and again:
            first = outcome
            self.close()
            outcome = self._once(case)
            outcome.tries = 2
            outcome.problems = compare(case, outcome)
            if not outcome.problems:
                outcome.problems = [f"only on a fresh lab: {one}" for one in first.problems]
        if not outcome.problems and case.expected.fix:
            outcome.fixed = self._follow_hint(case)
            if not outcome.fixed:
                outcome.problems.append("the third hint, followed literally, does not make it pass")
        outcome.seconds = round(time.monotonic() - started, 2)
        outcome.round = turn
        return outcome

    def _once(self, case: Case) -> Outcome:
        graded = case.expected.steps
        try:
            carried = self._make_ready(case, max(graded))
            result = self._grade(graded)
            handed = self._handed(case)
            gaps = gaps_of(self.course, handed)
            mark_gaps(result, {number: gaps[number] for number in gaps if number in graded})
            take_credit(result, filled_of(collected(self.course).graph, handed))
            outcome = _outcome(case, result, "")
        except LabkitError as error:
            return _outcome(case, None, str(error))
        outcome.stumbles = [f"{one.step.slug}: {one.what[-200:]}" for one in carried.stumbles]
        return outcome

    def _make_ready(self, case: Case, last: int) -> Carried:
        """Bring the lab from what it holds to what the case needs, up to a step."""
        self.ready()
        handed = self._handed(case)
        wanted = signatures(self.course, handed)
        steps = [step for step in self.course.steps if step.number <= last and not step.shows]
        dirty = {step.number for step in steps if self.held.get(step.number) != wanted[step.number]}
        for step in reversed(self.course.steps):
            if step.number in self.held and (step.number in dirty or self._rests_on(step, dirty)):
                if step.undo:
                    step.undo({name: self.shells[name] for name in step.on})
                del self.held[step.number]
                self.sound.pop(step.number, None)
        todo = [step for step in steps if step.number not in self.held]
        carried = carry(self.course, todo, self.shells, handed)
        self.held.update({step.number: wanted[step.number] for step in todo})
        return carried

    def _rests_on(self, step: Step, dirty: set[int]) -> bool:
        needed = (self.course.step(slug) for slug in step.needs)
        return any(one and (one.number in dirty or self._rests_on(one, dirty)) for one in needed)

    def _handed(self, case: Case) -> HandedIn:
        reference = self.course.root / "steps" / "reference"
        return self.course.recognise(case.files, reference)

    def _grade(self, graded: frozenset[int]) -> GradeResult:
        """These steps, and those before them whose state has not been verified yet."""
        first = min(graded)
        before = {number for number in self.held if number < first}
        verified = {number for number in before if self._verified(number)}
        unverified = before - verified
        known = {name: one for number in verified for name, one in self.sound[number][1].items()}
        context = Context(course=self.course, lab=self.lab, out=self.out)
        context.shells = self.shells
        result = grade(context, Scope(graded | unverified), keep=False, known=known)
        for step in result.steps:
            if step.number in unverified:
                bad = [one for one in step.checks if one.verdict is not Verdict.PASSED]
                if not bad and step.number in self.held:
                    found = {one.id: one for one in step.checks}
                    self.sound[step.number] = (self.held[step.number], found)
        return result

    def _verified(self, number: int) -> bool:
        return self.sound.get(number, ("", {}))[0] == self.held[number]

    def _follow_hint(self, case: Case) -> bool:
        """Whether the check that caught the case passes once its third hint has been followed."""
        mended = mend(self.course, case)
        if mended is None:
            return False
        outcome = self._once(mended)
        return outcome.verdicts.get(case.expected.caught_by) == Verdict.PASSED


def mend(course: Course, case: Case) -> Case | None:
    """The case with its fix applied; None if the fix finds nothing to replace."""
    fix = case.expected.fix
    assert fix is not None
    reference = course.root / "steps" / "reference"
    data = case.files.get(fix.file)
    if data is None:
        handed = course.recognise(case.files, reference)
        data = handed.fitted.get(fix.file)
        if data is None and (reference / fix.file).exists():
            data = (reference / fix.file).read_bytes()
    text = (data or b"").decode("utf-8", "replace")
    if fix.replace not in text:
        return None
    files = {**case.files, fix.file: text.replace(fix.replace, fix.by).encode()}
    return Case(f"{case.name} (mended)", case.kind, files, case.expected)


def signatures(course: Course, handed: HandedIn) -> Signatures:
    """Step -> a hash of all that decides what it brings to the machines."""
    files = Files(course.root, None, handed=handed)
    artefacts = {one.path for step in course.steps for one in (*step.artefacts, *step.beside)}
    claimed = {path for artefact, path in handed.sources.items() if artefact in artefacts}
    brought = {path: data for path, data in handed.files.items() if path not in claimed}
    brought |= {files.at(path): files.given(path) for path in course.given}
    rest = _hash(
        *(f"{path} {_hash(data)}" for path, data in sorted(brought.items())),
        json.dumps(dict(handed.targets), sort_keys=True),
        *sorted(handed.executable),
    )
    found: Signatures = {}
    slugs: dict[str, str] = {}
    for step in course.steps:
        own = [files.content(artefact) for artefact in (*step.artefacts, *step.beside)]
        parts = [step.slug, *(slugs[slug] for slug in step.needs)]
        parts += [rest] if step.needs else []  # the first step brings nothing of a student's
        parts += [f"{one.artefact.path} {one.sha256}" for one in own]
        options = handed.options.items()
        parts += [one.path for one in step.beside if one.path in handed.spared]
        parts += [f"{name} {said}" for name, said in options if name.startswith(f"{step.slug}:")]
        slugs[step.slug] = found[step.number] = _hash(*parts)
    return found


SHORTEST, LONGEST = 6, 24  # a group of cases for one lab


def in_groups(course: Course, cases: Sequence[Case], labs: int = 1) -> list[list[Case]]:
    """The cases, those that share the most beside each other, cut where they share little.

    A group is what one lab grades without a pause: what its cases share is brought once. Of few
    cases each of so many labs gets some.
    """
    longest = max(SHORTEST, min(LONGEST, -(-len(cases) // labs)))
    reference = course.root / "steps" / "reference"
    half = len(course.steps) // 2

    def key(case: Case) -> list[str]:
        found = signatures(course, course.recognise(case.files, reference))
        last = max(case.expected.steps)
        return [signature for number, signature in found.items() if number <= last]

    groups: list[list[Case]] = []
    before: list[str] = []
    for mine, case in sorted(((key(case), case) for case in cases), key=lambda pair: pair[0]):
        size = len(groups[-1]) if groups else longest
        if size >= longest or (size >= SHORTEST and mine[:half] != before[:half]):
            groups.append([])
        groups[-1].append(case)
        before = mine
    return groups


def _outcome(case: Case, result: GradeResult | None, trouble: str) -> Outcome:
    checks = result.checks if result else []
    asked = [one for one in checks if _step(result, one) in case.expected.steps]
    outcome = Outcome(
        name=case.name,
        kind=case.kind,
        made_by=case.made_by,
        why=case.expected.why,
        caught_by=case.expected.caught_by,
        steps=sorted(case.expected.steps),
        verdicts={one.id: str(one.verdict) for one in asked},
        because={one.id: one.because for one in asked if one.because},
        messages={
            one.id: one.message
            for one in checks
            if one.verdict in (Verdict.FAILED, Verdict.INCONCLUSIVE)
        },
        points=round(sum(one.points for one in asked), 3),
    )
    if trouble:
        outcome.messages["lab"] = trouble
        outcome.verdicts = {"lab": str(Verdict.INCONCLUSIVE)}
    return outcome


def _step(result: GradeResult | None, check: CheckResult) -> int:
    slug = check.id.partition(".")[0]
    return next(one.number for one in (result.steps if result else []) if one.slug == slug)


def _hash(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
        digest.update(b"\0")
    return digest.hexdigest()[:16]
