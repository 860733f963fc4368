"""A grading run from beginning to end: choose the checks, run them, keep the result file true."""

from __future__ import annotations

import datetime
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from labkit import __version__
from labkit.course import Artefact, Course, HandedIn, Origin, Step, Verdict
from labkit.errors import LabkitError
from labkit.grading.context import Context
from labkit.grading.graph import Node
from labkit.grading.mention import award
from labkit.grading.model import (
    DECIMALS,
    ArtefactRecord,
    CheckResult,
    GradeResult,
    StepResult,
)
from labkit.grading.plugin import CheckPlugin
from labkit.grading.writers.json_file import write_json
from labkit.locale import _, language

RUN_LIMIT_S = 1200.0


@dataclass(frozen=True)
class Scope:
    """Which checks a run is about. Ancestors are run as well, but not reported."""

    steps: frozenset[int]
    disturbing: bool = False  # also those that stop or load something
    drills: bool = False  # also those that judge a drill

    def holds(self, node: Node) -> bool:
        """Whether a check belongs to the run."""
        if node.spec.disturbs and not self.disturbing:
            return False
        if node.spec.drill and not self.drills:
            return False
        return node.step in self.steps


@dataclass
class Hooks:
    """What whoever shows the run wants to be told."""

    on_start: Callable[[CheckResult], None] = lambda _result: None
    on_result: Callable[[CheckResult], None] = lambda _result: None


def everything(course: Course) -> Scope:
    """All checks of all steps, drills included."""
    return Scope(frozenset(step.number for step in course.steps), disturbing=True, drills=True)


def quick(course: Course, steps: set[int] | None = None) -> Scope:
    """The checks that disturb nothing: post-conditions, and what `labkit check` asks."""
    wanted = steps if steps is not None else {step.number for step in course.steps}
    return Scope(frozenset(wanted))


def grade(
    context: Context,
    scope: Scope,
    hooks: Hooks | None = None,
    *,
    student: str = "",
    reference_credit: float = 1.0,
    keep: bool = True,
    known: Mapping[str, CheckResult] | None = None,
    submission: Mapping[str, Any] | None = None,
    ask: bool = True,
) -> GradeResult:
    """Run the checks in a scope and return what they found.

    Of a submission (`context.handed`), a step is worth nothing if all that it rests on is missing
    there: at the end its first check is failed and the others are blocked by it, whatever the
    reference that filled the gap does.

    With `keep`, `context.out/result.json` is written anew after each check, so that it is valid
    at any instant, also after a kill. Without `ask` that is all: every check is planned, and open.
    Raises `LabkitError` if the checks themselves cannot be
    read. Ancestors in `known` are taken as they are and not asked again.
    """
    hooks = hooks or Hooks()
    started = time.monotonic()
    result = _empty(context, student, look=keep)
    result.submission = dict(submission) if submission is not None else None
    gaps = gaps_of(context.course, context.handed)
    reported: dict[str, CheckResult] = {}

    def planned(checks: list[CheckResult]) -> None:
        steps = {step.number: step for step in result.steps}
        for check in checks:
            node = plugin.graph.nodes[check.id]
            if scope.holds(node):
                steps[node.step].checks.append(check)
                reported[check.id] = check
        result.steps = [step for step in result.steps if step.checks]
        if context.handed:  # a part of the steps is marked out of what that part is worth
            nodes = plugin.graph.nodes.values()
            worth = sum(node.spec.points for node in nodes if node.step in scope.steps)
            result.score_max = round(worth, DECIMALS)
        _set_credit(result, reference_credit)
        for step in result.steps:
            if step.number in gaps:
                for check in step.checks:
                    check.credit = 0.0
        save()

    def save() -> None:
        result.seconds = time.monotonic() - started
        result.drills = list(context.drills.values())
        if keep:
            write_json(result, context.out / "result.json")

    def started_one(check: CheckResult) -> None:
        if check.id in reported:
            hooks.on_start(check)

    def ended_one(check: CheckResult) -> None:
        if check.id in reported:
            save()
            hooks.on_result(check)

    plugin = CheckPlugin(
        context,
        scope.holds,
        started_one,
        ended_one,
        on_planned=planned,
        deadline=started + RUN_LIMIT_S,
        known=known or {},
    )
    _run_pytest(context, plugin, *([] if ask else ["--collect-only"]))
    if not ask:
        return result
    if scope.drills:
        result.mention = award(context, result)
    mark_gaps(result, gaps)
    result.complete = True
    save()
    return result


def _run_pytest(context: Context, plugin: CheckPlugin, *options: str) -> None:
    folder = context.course.root / "checks"
    with _nobodys_settings():
        code = pytest.main(
            [
                str(folder),
                f"--rootdir={context.course.root}",
                f"--config-file={folder / 'pytest.ini'}",
                "-p",
                "no:terminal",
                "-p",
                "no:cacheprovider",
                "-p",
                "no:logging",
                "--capture=no",
                *options,
            ],
            plugins=[plugin],
        )
    if plugin.errors or code in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        raise LabkitError(
            _("the course's checks cannot be read:\n{errors}", errors="\n".join(plugin.errors[:3])),
            where=str(folder),
            then="python -m pytest --collect-only checks",
        )
    if code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt


@contextmanager
def _nobodys_settings() -> Iterator[None]:
    """Keep pytest from what whoever grades has set, or installed, for tests of their own.

    PYTEST_ADDOPTS="-k name" would leave out checks; see docs.pytest.org, "Environment variables".
    """
    theirs = {name: value for name, value in os.environ.items() if name.startswith("PYTEST_")}
    for name in theirs:
        del os.environ[name]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        os.environ.update(theirs)


def _empty(context: Context, student: str, *, look: bool) -> GradeResult:
    course = context.course
    now = datetime.datetime.now(datetime.UTC)
    return GradeResult(
        course=course.name,
        labkit=__version__,
        lab={"name": context.lab.name, **(context.lab.provider.describe() if look else {})},
        started=now.isoformat(timespec="seconds"),
        score_max=course.points_max,
        student=student,
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


def gaps_of(course: Course, handed: HandedIn | None) -> dict[int, str]:
    """Step -> the artefacts, in words, that a submission has not and that all of it rests on."""
    if handed is None:
        return {}
    has = set(handed.sources)
    resting = {step.number: course.rests_on(step) for step in course.steps}
    return {
        number: ", ".join(sorted(artefacts))
        for number, artefacts in resting.items()
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
                check.message = _("it is missing in the submission: {files}", files=missing)
            else:
                check.verdict, check.because = Verdict.BLOCKED, cause.id
                check.message = _("waits for: {check}", check=cause.title)


def _artefacts(context: Context, step: Step) -> list[ArtefactRecord]:
    """Each artefact of a step, as handed in or as it lies on the machines, and whose it is."""
    return [_artefact(context, artefact) for artefact in step.artefacts]


def _artefact(context: Context, artefact: Artefact) -> ArtefactRecord:
    if context.handed is not None:
        data = context.handed.original.get(artefact.path, b"")
    else:
        data = _on_machine(context, artefact)
    if not data:
        return ArtefactRecord(artefact.path, Origin.MISSING, "")
    references = {artefact.reference_path, artefact.later, artefact.hardened} - {""}
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
        if step.artefacts and all(one.origin is Origin.REFERENCE for one in step.artefacts):
            for check in step.checks:
                check.credit = reference_credit
