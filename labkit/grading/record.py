"""The record of a run: what is reported, with which credit, and a result file that stays true."""

from __future__ import annotations

import datetime
import hashlib
import time
from collections.abc import Mapping
from typing import Any

from labkit import __version__
from labkit.course import Artefact, Course, Origin, Step, Submission, Verdict
from labkit.errors import LabkitError
from labkit.grading.context import Context
from labkit.grading.graph import Graph
from labkit.grading.model import (
    DECIMALS,
    ArtefactRecord,
    CheckResult,
    GradeResult,
    StepResult,
)
from labkit.grading.plan import Scope
from labkit.grading.writers.json_file import write_json
from labkit.locale import _, language


class Record:
    """What is written down of a run while it goes on.

    With `keep`, `context.out/result.json` is written anew at each `save`, so that it is valid at
    any instant, also after a kill.
    """

    def __init__(
        self,
        context: Context,
        *,
        keep: bool,
        learner: str = "",
        submission: Mapping[str, Any] | None = None,
    ) -> None:
        self.started = time.monotonic()
        self.result = _empty(context, learner, look=keep)
        self.result.submission = dict(submission) if submission is not None else None
        self._context = context
        self._keep = keep
        self._gaps = gaps_of(context.course, context.submission)
        self._filled: dict[str, str] = {}
        self._reported: set[str] = set()

    def plan(
        self, planned: Mapping[str, CheckResult], graph: Graph, scope: Scope, credit: float
    ) -> None:
        """Take in the checks of the scope, still open. Ancestors are asked, not reported."""
        result = self.result
        steps = {step.number: step for step in result.steps}
        for check in planned.values():
            node = graph.nodes[check.id]
            if scope.holds(node):
                steps[node.step].checks.append(check)
                self._reported.add(check.id)
        result.steps = [step for step in result.steps if step.checks]
        if self._context.submission:  # a part of the steps is marked out of what that part is worth
            nodes = graph.nodes.values()
            worth = sum(node.spec.points for node in nodes if node.step in scope.steps)
            result.score_max = round(worth, DECIMALS)
        _set_credit(result, credit)
        for step in result.steps:
            if step.number in self._gaps:
                for check in step.checks:
                    check.credit = 0.0
        self._filled = filled_of(graph, self._context.submission)
        take_credit(result, self._filled)
        self.save()

    def reports(self, check: CheckResult) -> bool:
        """Whether a check belongs to what is reported."""
        return check.id in self._reported

    def save(self) -> None:
        """Bring the record up to date, and its file."""
        self.result.seconds = time.monotonic() - self.started
        self.result.drills = list(self._context.drills.values())
        if self._keep:
            write_json(self.result, self._context.out / "result.json")

    def complete(self) -> None:
        """Every check has been asked: mark what a submission lacks, and say that this is all."""
        mark_gaps(self.result, self._gaps)
        mark_filled(self.result, self._filled)
        self.result.complete = True
        self.save()


def _empty(context: Context, learner: str, *, look: bool) -> GradeResult:
    course = context.course
    now = datetime.datetime.now(datetime.UTC)
    return GradeResult(
        course=course.name,
        labkit=__version__,
        lab={"name": context.lab.name, **(context.lab.provider.describe() if look else {})},
        started=now.isoformat(timespec="seconds"),
        score_max=course.points_max,
        learner=learner,
        steps=[
            StepResult(
                step.number,
                step.letter,
                step.slug,
                step.title(language()),
                artefacts=_artefacts(context, step) if look else [],
            )
            for step in course.steps
        ],
    )


def gaps_of(course: Course, submission: Submission | None) -> dict[int, str]:
    """Step -> the artefacts, in words, that a submission lacks and that all of it depends on."""
    if submission is None:
        return {}
    has = set(submission.sources)
    wanted = {step.number: course.artefacts_of(step) for step in course.steps}
    return {
        number: ", ".join(sorted(artefacts))
        for number, artefacts in wanted.items()
        if artefacts and not artefacts & has
    }


def mark_gaps(result: GradeResult, gaps: Mapping[int, str]) -> None:
    """What a gap is worth: its first check is failed, all others are blocked by that one."""
    first: dict[str, CheckResult] = {}  # what is missing -> the check that says so
    for step in result.steps:
        missing = gaps.get(step.number, "")
        for check in step.checks if missing else ():
            cause = first.setdefault(missing, check)
            if cause is check:
                check.verdict, check.because, check.where = Verdict.FAILED, "", ""
                check.expected, check.seen = (
                    _("{files} in the submission", files=missing),
                    _("none"),
                )
                check.message = _("it is missing from the submission: {files}", files=missing)
            else:
                check.verdict, check.because = Verdict.BLOCKED, cause.id
                check.message = _("waits for: {check}", check=cause.title)


def filled_of(graph: Graph, submission: Submission | None) -> dict[str, str]:
    """Check -> the artefact that it judges, where a submission has none and the reference's is."""
    if submission is None:
        return {}
    judged = {name: node.spec.judges for name, node in graph.nodes.items()}
    return {name: path for name, path in judged.items() if path and submission.filled(path)}


def take_credit(result: GradeResult, filled: Mapping[str, str]) -> None:
    """What the reference brings earns nothing, not even while it is open."""
    for check in result.checks:
        if check.id in filled:
            check.credit = 0.0


def mark_filled(result: GradeResult, filled: Mapping[str, str]) -> None:
    """Say of each check that passes by the reference alone what would have to be submitted."""
    for check in result.checks:
        if check.id in filled and check.verdict is Verdict.PASSED:
            check.message = _(
                "no points: by the course's own {file}, which is missing from the submission",
                file=filled[check.id],
            )


def _artefacts(context: Context, step: Step) -> list[ArtefactRecord]:
    """Each artefact of a step, as submitted or as it lies on the machines, and whose it is."""
    return [_artefact(context, artefact) for artefact in step.artefacts]


def _artefact(context: Context, artefact: Artefact) -> ArtefactRecord:
    if context.submission is not None:
        data = context.submission.original.get(artefact.path, b"")
    else:
        data = _on_machine(context, artefact)
    if not data:
        return ArtefactRecord(artefact.path, Origin.MISSING, "")
    references = {artefact.reference_path, artefact.later, artefact.distinction} - {""}
    folder = context.course.root / "steps" / "reference"
    same = any((folder / name).read_bytes() == data for name in references)
    origin = Origin.REFERENCE if same else Origin.OWN
    return ArtefactRecord(artefact.path, origin, hashlib.sha256(data).hexdigest())


def _on_machine(context: Context, artefact: Artefact) -> bytes:
    """What lies on the first machine where the artefact is expected; nothing if it is not told."""
    try:
        text = context.shell(artefact.machines[0]).read(artefact.remote, root=artefact.sudo)
    except LabkitError:
        return b""
    return (text or "").encode()


def _set_credit(result: GradeResult, reference_credit: float) -> None:
    """Points of a step whose artefacts are the course's own are the instructor's to weigh."""
    for step in result.steps:
        if step.artefacts and all(
            artefact.origin is Origin.REFERENCE for artefact in step.artefacts
        ):
            for check in step.checks:
                check.credit = reference_credit
