"""Carrying out steps. A step's checks are its post-conditions: they say whether it is needed,
whether it worked, and where to resume; no flag file ever does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from labkit.course import (
    CannotTellError,
    Course,
    Files,
    NotMetError,
    Step,
    StepFunction,
    Verdict,
)
from labkit.errors import LabkitError, NotReadyError, StepFailedError
from labkit.grading.context import Context
from labkit.grading.model import CheckResult
from labkit.grading.plan import quick
from labkit.grading.session import grade
from labkit.locale import _, language
from labkit.remote import PlannedShell, Shells
from labkit.reporting import SILENT, Reporter, StepBegan, StepEnded

SETTLE_S = 6.0  # what was just started may need: containers 1 to 2 s, HAProxy's checks 4 s
SETTLE_POLL_S = 0.5


class Done(StrEnum):
    """What became of a step."""

    NOTHING_TO_DO = "nothing to do"
    CARRIED_OUT = "carried out"


@dataclass
class StepReport:
    """One step as it was carried out."""

    step: Step
    done: Done
    kept_own: list[str] = field(default_factory=list)  # though the distinction's were asked for


def carry_out(
    context: Context,
    steps: Sequence[Step],
    shells: Shells,
    *,
    catch_up: bool = False,
    distinction: bool = False,
    reporter: Reporter = SILENT,
    keep: Callable[[Step], None] | None = None,
) -> list[StepReport]:
    """Carry out steps in order, doing only what does not hold yet.

    With `distinction` the named ones are carried out in any case, with the references for it.
    `keep` is called after a step that was carried out, if no later one held before: the state
    right after it. (That a later one holds since is a consequence: one step may bring enough for
    another's checks.)

    Raises `NotReadyError` when an earlier step that is needed does not hold (unless `catch_up`,
    which does it first), `StepFailedError` when a step's own checks do not hold afterwards.
    """
    reporter.say(_("looking at what already holds …"))
    course = context.course
    last = max(step.number for step in steps)
    held = _holding(context, {step.number for step in course.steps if step.number <= last})
    wanted = _with_needed(course, steps, held) if catch_up else list(steps)
    before = {step.number for step in course.steps if _holds(step, held)}
    if keep and (distinction or not {step.number for step in wanted} <= before):
        before |= _holding_later(context, last, held)
    reports = []
    for step in wanted:
        if not catch_up:
            _refuse_unless_ready(course, step, held)
        report = _one(context, step, shells, held, reporter, distinction and step in steps)
        reports.append(report)
        furthest = report.done is Done.CARRIED_OUT and max(before, default=0) <= step.number
        if keep and furthest:
            keep(step)
    return reports


def _one(
    context: Context,
    step: Step,
    shells: Shells,
    held: dict[str, CheckResult],
    reporter: Reporter,
    distinction: bool,
) -> StepReport:
    files = Files(context.course.root, context.workspace, distinction=distinction)
    if _holds(step, held) and not distinction:
        report = StepReport(step, Done.NOTHING_TO_DO)
        reporter.tell(_ended(report, 0.0))
        return report
    started = time.monotonic()
    whose = {artefact.path: files.content(artefact).origin.value for artefact in step.artefacts}
    title = step.title(language())
    reporter.tell(StepBegan(step.number, step.letter, step.slug, title, whose))
    call(step, shells, files)
    _verify(context, step, held)
    report = StepReport(step, Done.CARRIED_OUT, files.kept_own())
    reporter.tell(_ended(report, time.monotonic() - started))
    return report


def _ended(report: StepReport, seconds: float) -> StepEnded:
    step = report.step
    return StepEnded(
        step.number,
        step.letter,
        step.slug,
        step.title(language()),
        nothing_to_do=report.done is Done.NOTHING_TO_DO,
        kept_own=tuple(report.kept_own),
        seconds=seconds,
    )


def _holding_later(context: Context, last: int, held: Mapping[str, CheckResult]) -> set[int]:
    """The steps after `last` that hold by themselves; what cannot be told of them does not.

    What they rest on is taken as given: a learner who lost the image of a stack that is up has
    come further than the image.
    """
    later = [step for step in context.course.steps if step.number > last]
    known = {name: replace(check, verdict=Verdict.PASSED) for name, check in held.items()}
    scope = quick(context.course, {step.number for step in later})
    now = {check.id: check for check in grade(context, scope, keep=False, known=known).checks}
    return {step.number for step in later if _holds(step, now)}


def call(step: Step, shells: Shells, files: Files) -> None:
    """Call a step's functions with the shells of their machines."""
    if step.beginning:
        call_one(step.beginning.run, step.beginning.on, shells, files)
    call_one(step.run, step.on, shells, files)


def call_one(run: StepFunction, on: Sequence[str], shells: Shells, files: Files) -> None:
    """Call one function of a step with the shells of these machines.

    What it looks at says what it found as checks do: that something is not met is the step's
    failure, that nobody can tell the machine's.
    """
    try:
        run({name: shells[name] for name in on}, files)
    except NotMetError as error:
        raise StepFailedError(
            _("expected {expected}; seen {seen}", expected=error.expected, seen=error.seen),
            where=error.where,
        ) from error
    except CannotTellError as error:
        raise NotReadyError(error.why, where=", ".join(on), then=error.settle) from error


def plan(course: Course, step: Step, shells: Shells, files: Files) -> list[str]:
    """The commands that a step would type now, asked of the machines but changing nothing."""
    planned = {
        name: PlannedShell(
            name, shells[name].ask, user=shells[name].user, address=shells[name].address
        )
        for name in course_machines(course)
        if name in shells
    }
    call(step, planned, files)
    return [line for shell in planned.values() for line in shell.plan]


def course_machines(course: Course) -> list[str]:
    """Every machine that some step works on."""
    return list(dict.fromkeys(name for step in course.steps for name in step.on))


def _holding(context: Context, numbers: set[int]) -> dict[str, CheckResult]:
    """The checks of these steps as they end now, by id. NotReadyError if one cannot tell."""
    result = grade(context, quick(context.course, numbers), keep=False)
    for check in result.checks:
        if check.verdict is Verdict.INCONCLUSIVE:
            raise NotReadyError(check.message, where=check.id, then=check.where or "labkit status")
    return {check.id: check for check in result.checks}


def _holds(step: Step, held: Mapping[str, CheckResult]) -> bool:
    """Whether every post-condition of a step is known to hold; one without any never does."""
    checks = [check for name, check in held.items() if name.partition(".")[0] == step.slug]
    return bool(checks) and all(check.verdict is Verdict.PASSED for check in checks)


def _refuse_unless_ready(course: Course, step: Step, held: Mapping[str, CheckResult]) -> None:
    for slug in step.needs:
        needed = course.step(slug)
        if needed and not _holds(needed, held):
            raise NotReadyError(
                _(
                    "step {number} needs step {needed} ({slug}), which does not hold yet",
                    number=step.number,
                    needed=needed.number,
                    slug=needed.slug,
                ),
                where=_first_failure(needed, held),
                then=_(
                    "labkit step {needed}   (or: labkit step {number} --catch-up)",
                    needed=needed.number,
                    number=step.number,
                ),
            )


def _first_failure(step: Step, held: Mapping[str, CheckResult]) -> str:
    for name, check in held.items():
        if name.partition(".")[0] == step.slug and check.verdict is Verdict.FAILED:
            return f"{check.title} {check.message}"
    return ""


def _with_needed(
    course: Course, steps: Sequence[Step], held: Mapping[str, CheckResult]
) -> list[Step]:
    """The steps and, before them, all that they need and that does not hold."""
    wanted = {step.number for step in steps}
    todo = list(steps)
    while todo:
        for slug in todo.pop().needs:
            needed = course.step(slug)
            if needed and needed.number not in wanted and not _holds(needed, held):
                wanted.add(needed.number)
                todo.append(needed)
    return [step for step in course.steps if step.number in wanted]


def _verify(context: Context, step: Step, held: dict[str, CheckResult]) -> None:
    known = {name: check for name, check in held.items() if check.verdict is Verdict.PASSED}
    known = {name: check for name, check in known.items() if not name.startswith(f"{step.slug}.")}
    deadline = time.monotonic() + SETTLE_S
    while True:
        result = grade(context, quick(context.course, {step.number}), keep=False, known=known)
        bad = next((check for check in result.checks if check.verdict is not Verdict.PASSED), None)
        if bad is None or bad.verdict is not Verdict.FAILED or time.monotonic() > deadline:
            break
        time.sleep(SETTLE_POLL_S)
    held.update({check.id: check for check in result.checks})
    if bad is None:
        return
    if bad.verdict is Verdict.INCONCLUSIVE:
        raise LabkitError(bad.message, where=bad.id, then=f"labkit check {step.number}")
    raise StepFailedError(
        _(
            "step {number} was carried out, but does not hold: {title}",
            number=step.number,
            title=bad.title,
        )
        + f"\n{bad.message}",
        where=bad.where,
        then=f"labkit hint {step.number}",
    )
