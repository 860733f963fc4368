"""One submission on a lab of its own: machines up, its files carried through the steps, graded.

Nothing of a submission runs on the grader's computer: its files are read as bytes and go to
machines that are removed afterwards.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit.classroom.folder import Folder
from labkit.course import Course, Files, HandedIn, Step, StepFunction
from labkit.errors import LabkitError, NothingToGradeError, StepFailedError
from labkit.grading import Context, GradeResult, Hooks, Scope, grade, write_open
from labkit.grading.stepping import call_one
from labkit.lab import Lab, Say, open_lab, open_shells
from labkit.locale import _
from labkit.remote import Echo, Shells

LAB_PREFIX = "sub-"


@dataclass(frozen=True)
class Stumble:
    """A step that could not be carried out to its end, and why."""

    step: Step
    what: str
    where: str


@dataclass
class Carried:
    """What became of the steps of a submission."""

    stumbles: list[Stumble] = field(default_factory=list)


@dataclass(frozen=True)
class Job:
    """A step, or its beginning, as one piece of work on some machines."""

    step: Step
    run: StepFunction
    on: tuple[str, ...]
    after: frozenset[int]  # the jobs, by their places in the plan, that end before this one begins


def jobs(steps: Sequence[Step]) -> list[Job]:
    """The work of these steps, in their order, and what each piece has to wait for.

    A piece waits for what was before it on its machines, so that each machine sees the steps in
    their order, and for the steps that it needs, wherever they are carried out. A needed step that
    is not among `steps` is taken for done.
    """
    planned: list[Job] = []
    ends: dict[str, int] = {}  # slug -> its last job

    def plan(step: Step, run: StepFunction, on: Sequence[str], needs: Sequence[str]) -> None:
        shared = {place for place, job in enumerate(planned) if set(job.on) & set(on)}
        needed = {ends[slug] for slug in needs if slug in ends}
        planned.append(Job(step, run, tuple(on), frozenset(shared | needed)))
        ends[step.slug] = len(planned) - 1

    for step in steps:
        if step.shows:
            continue
        if step.beginning:
            plan(step, step.beginning.run, step.beginning.on, step.beginning.needs)
        plan(step, step.run, step.on, (*step.needs, step.slug))
    return planned


def carry(
    course: Course,
    steps: Sequence[Step],
    shells: Shells,
    handed: HandedIn,
    *,
    on_begin: Callable[[Step], None] = lambda _step: None,
) -> Carried:
    """Carry a submission through steps on machines where nothing stands in its way.

    Each machine sees the steps in their order; what does not wait for another goes on beside it. A
    step that fails is noted and the next one tried: what is right in a later artefact still counts.
    When a machine is lost, nothing more is begun: the checks will say what cannot be told.
    """
    planned = jobs(steps)
    errors = _side_by_side(course, planned, shells, handed, on_begin)
    stumbles = [Stumble(step, error.what, error.where) for step, error in errors]
    if all(isinstance(error, StepFailedError) for _step, error in errors):
        try:
            course.settle(shells)
        except LabkitError as error:
            last = planned[-1].step if planned else course.steps[-1]
            stumbles.append(Stumble(last, error.what, error.where))
    return Carried(stumbles)


def _side_by_side(
    course: Course,
    planned: Sequence[Job],
    shells: Shells,
    handed: HandedIn,
    on_begin: Callable[[Step], None],
) -> list[tuple[Step, LabkitError]]:
    """Do jobs, each as soon as it may begin; the errors that they ended with, in their order."""
    files = {job.step.slug: Files(course.root, None, handed=handed) for job in planned}
    errors: dict[int, LabkitError] = {}
    begun: set[str] = set()
    waiting = list(range(len(planned)))
    ended: set[int] = set()
    with ThreadPoolExecutor(max_workers=max(1, len(shells))) as pool:
        running: dict[Future[None], int] = {}
        try:
            while True:
                lost = any(not isinstance(one, StepFailedError) for one in errors.values())
                for place in [one for one in waiting if planned[one].after <= ended and not lost]:
                    job = planned[place]
                    waiting.remove(place)
                    if job.step.slug not in begun:
                        begun.add(job.step.slug)
                        on_begin(job.step)
                    done = pool.submit(call_one, job.run, job.on, shells, files[job.step.slug])
                    running[done] = place
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    place = running.pop(future)
                    ended.add(place)
                    error = future.exception()
                    if isinstance(error, LabkitError):
                        errors[place] = error
                        rest = [one for one in waiting if planned[one].step is planned[place].step]
                        waiting = [one for one in waiting if one not in rest]
                        ended.update(rest)  # the step has failed with its beginning
                    elif error:
                        raise error
        except BaseException:
            for shell in shells.values():
                shell.close()  # what still runs ends at once instead of at its limit
            raise
    return [(planned[place].step, errors[place]) for place in sorted(errors)]


@contextmanager
def fresh_lab(say: Say, provider: str = "", name: str = "") -> Iterator[Lab]:
    """Machines of their own under a name of their own; gone again at the end, whatever happens."""
    lab = open_lab(name or f"{LAB_PREFIX}{uuid.uuid4().hex[:8]}", provider)
    try:
        lab.provider.up(say)
        yield lab
    finally:
        lab.provider.destroy(say)
        shutil.rmtree(lab.state, ignore_errors=True)  # keys of machines that are gone


@dataclass(frozen=True)
class Wishes:
    """What whoever grades a submission wants."""

    steps: frozenset[int]  # graded; what comes before them is carried out as well
    drills: bool = True
    fill: bool = True
    forward: bool = True  # what later steps need and the student's own cannot give is given
    student: str = ""
    reference_credit: float = 1.0
    seed: int | None = None


@dataclass
class Shown:
    """What whoever shows the run is told."""

    say: Say = lambda _line: None
    on_step: Callable[[Step], None] = lambda _step: None
    checks: Hooks = field(default_factory=Hooks)
    echo: Echo | None = None


def grade_submission(
    course: Course, folder: Folder, lab: Lab, out: Path, wishes: Wishes, shown: Shown | None = None
) -> GradeResult:
    """Carry a submission through the steps on a fresh lab and grade what it does there.

    `out/result.json` is valid at any instant. NothingToGradeError if the course recognises nothing
    in the folder.
    """
    from labkit.classroom.forward import Forward
    from labkit.classroom.held import Held

    shown = shown or Shown()
    handed = recognised(course, folder, fill=wishes.fill)
    out.mkdir(parents=True, exist_ok=True)
    context = Context(course=course, lab=lab, out=out, handed=handed, seed=wishes.seed,
                      say=shown.say)  # fmt: skip
    scope = Scope(wishes.steps, disturbing=wishes.drills, drills=wishes.drills)
    student = wishes.student or folder.name
    write_open(context, scope, student=student)
    shells = open_shells(lab, shown.echo)
    context.shells = shells
    held = Held(course, shells)

    def bring(what: HandedIn) -> Carried:
        return held.bring(what, max(wishes.steps), on_begin=shown.on_step)

    carried = bring(handed)
    try:
        return grade(
            context,
            scope,
            shown.checks,
            student=student,
            reference_credit=wishes.reference_credit,
            submission=record(course, folder, handed, carried),
            again=Forward(course, handed, bring) if wishes.forward else None,
        )
    finally:
        context.close()


def recognised(course: Course, folder: Folder, *, fill: bool = True) -> HandedIn:
    """What the course finds in a folder. NothingToGradeError if that is nothing at all."""
    reference = course.root / "steps" / "reference"
    handed = course.recognise(folder.files, reference, fill=fill, executable=folder.executable)
    if not handed.sources:
        raise NothingToGradeError(
            _("nothing in {folder} looks like a file of this practical", folder=folder.name),
            where=", ".join(list(folder.files)[:5]),
            then=_("labkit init FOLDER   shows which files a student writes"),
        )
    return handed


def record(course: Course, folder: Folder, handed: HandedIn, carried: Carried) -> dict[str, Any]:
    """The submission in the result file: what was read, skipped, changed, filled, and stumbled."""
    wanted = {one.path for step in course.steps for one in step.artefacts}
    stumbles = [
        _("step {number} ({slug}): {what}", number=one.step.number, slug=one.step.slug,
          what=one.what[:600])
        for one in carried.stumbles
    ]  # fmt: skip
    return {
        "files": len(folder.files),
        "skipped": [{"path": path, "why": why} for path, why in folder.skipped],
        "notes": [*handed.notes, *stumbles],
        "filled": sorted(wanted - set(handed.sources)) if handed.fill else [],
    }
