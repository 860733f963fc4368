"""A lab that grades one case after the other, doing only what differs between them.

The order of the cases is a matter of speed alone, and `labkit grade --submission` gives the same
verdicts.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from labkit.accuracy.corpus import Case
from labkit.accuracy.matrix import Disagreement, Outcome, compare
from labkit.classroom import Carried
from labkit.classroom.forward import Forward
from labkit.classroom.held import Held, signatures
from labkit.course import Course, Submission, Verdict
from labkit.errors import LabkitError
from labkit.grading import Again, CheckResult, Context, GradeResult, Scope, grade
from labkit.grading.record import filled_of, gaps_of, mark_gaps, take_credit
from labkit.grading.run import collected
from labkit.lab import Lab, open_shells
from labkit.remote import SshShell
from labkit.reporting import Say


class Bench:
    """One lab, used again."""

    def __init__(self, course: Course, lab: Lab, out: Path, say: Say) -> None:
        self.course = course
        self.lab = lab
        self.out = out
        self.say = say
        self.shells: dict[str, SshShell] = {}
        self.held = Held(course, self.shells)
        self.sound: dict[int, tuple[str, dict[str, CheckResult]]] = {}  # verified, and with what
        self._latest: tuple[Case, Submission] | None = None  # as it was recognised

    def close(self) -> None:
        """Close the connections and remove the lab."""
        for shell in self.shells.values():
            shell.close()
        self.shells = {}
        self.held = Held(self.course, self.shells)
        self.sound = {}
        self.lab.provider.destroy(lambda _line: None)

    def ready(self) -> None:
        """Machines that run, and a shell on each."""
        if not self.shells:
            self.lab.provider.up(self.say)
            self.shells = open_shells(self.lab)
            self.held = Held(self.course, self.shells)

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

    def disagreements(self, case: Case, outcome: Outcome) -> list[Disagreement]:
        """What tools that are not ours say otherwise of a case that was graded just now."""
        judged = {Verdict.PASSED, Verdict.FAILED}
        wanted = [one for one in self.course.opinions if outcome.verdicts.get(one.check) in judged]
        if not wanted:
            return []
        submission = self._recognised(case)
        found = []
        for opinion in wanted:
            verdict = outcome.verdicts[opinion.check]
            said = opinion.says(submission, self.shells)
            refused_what_passes = bool(said) and verdict == Verdict.PASSED
            accepted_what_fails = said == "" and verdict == Verdict.FAILED and opinion.whole
            if refused_what_passes or accepted_what_fails:
                found.append(Disagreement(opinion.tool, opinion.check, verdict, said or ""))
        return found

    def _once(self, case: Case) -> Outcome:
        graded = case.expected.steps
        try:
            submission = self._recognised(case)
            carried = self._make_ready(submission, max(graded))
            forward = Forward(
                self.course, submission, lambda now: self._make_ready(now, max(graded))
            )
            result = self._grade(submission, graded, forward)
            gaps = gaps_of(self.course, submission)
            mark_gaps(result, {number: gaps[number] for number in gaps if number in graded})
            take_credit(result, filled_of(collected(self.course).graph, submission))
            outcome = _outcome(case, result, "")
        except LabkitError as error:
            return _outcome(case, None, str(error))
        outcome.failed_steps = [
            f"{failed.step.slug}: {failed.what[-200:]}" for failed in carried.failed_steps
        ]
        return outcome

    def _make_ready(self, submission: Submission, last: int) -> Carried:
        """Bring the lab from what it holds to what a submission needs, up to a step."""
        self.ready()
        return self.held.bring(
            submission, last, on_undo=lambda step: self.sound.pop(step.number, None)
        )

    def _recognised(self, case: Case) -> Submission:
        if self._latest is None or self._latest[0] is not case:
            reference = self.course.root / "steps" / "reference"
            self._latest = case, self.course.recognise(case.files, reference)
        return self._latest[1]

    def _grade(
        self, submission: Submission, graded: frozenset[int], forward: Forward
    ) -> GradeResult:
        """These steps, and those before them whose state has not been verified yet."""
        first = min(graded)
        before = {number for number in self.held.signatures if number < first}
        verified = {number for number in before if self._verified(number)}
        unverified = before - verified
        known = {name: one for number in verified for name, one in self.sound[number][1].items()}
        context = Context(course=self.course, lab=self.lab, out=self.out, submission=submission)
        context.shells = self.shells
        found: dict[str, CheckResult] = {}

        def once_more(results: Mapping[str, CheckResult]) -> Again | None:
            """As found on the machines: at its end a grading marks what a submission lacks."""
            if not found:
                found.update((name, replace(one)) for name, one in results.items())
            return forward(results)

        result = grade(context, Scope(graded | unverified), keep=False, known=known,
                       again=once_more)  # fmt: skip
        for step in result.steps:
            if step.number in unverified and not forward.given:
                checks = {one.id: found[one.id] for one in step.checks}
                sound = all(one.verdict is Verdict.PASSED for one in checks.values())
                if sound and step.number in self.held.signatures:
                    self.sound[step.number] = (self.held.signatures[step.number], checks)
        return result

    def _verified(self, number: int) -> bool:
        return self.sound.get(number, ("", {}))[0] == self.held.signatures[number]

    def _follow_hint(self, case: Case) -> bool:
        """Whether the check that caught the case passes once its third hint has been followed."""
        fixed = with_fix(self.course, case)
        if fixed is None:
            return False
        outcome = self._once(fixed)
        return outcome.verdicts.get(case.expected.caught_by) == Verdict.PASSED


def with_fix(course: Course, case: Case) -> Case | None:
    """The case with its fix applied; None if the fix finds nothing to replace."""
    fix = case.expected.fix
    assert fix is not None
    reference = course.root / "steps" / "reference"
    data = case.files.get(fix.file)
    if data is None:
        submission = course.recognise(case.files, reference)
        data = submission.fitted.get(fix.file)
        if data is None and (reference / fix.file).exists():
            data = (reference / fix.file).read_bytes()
    text = (data or b"").decode("utf-8", "replace")
    if fix.replace not in text:
        return None
    files = {**case.files, fix.file: text.replace(fix.replace, fix.by).encode()}
    return Case(f"{case.name} (fixed)", case.kind, files, case.expected)


SHORTEST, LONGEST = 6, 24  # a group of cases for one lab


def in_groups(course: Course, cases: Sequence[Case], labs: int = 1) -> list[list[Case]]:
    """The cases, those that share the most beside each other, cut where they share little.

    A group is what one lab grades without a pause: what its cases share is brought once. Of few
    cases each of so many labs gets some. Those whose cases take longest come first, so that at the
    end no lab waits for another.
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
    return sorted(groups, key=lambda group: -sum(case.expected.takes for case in group))


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
