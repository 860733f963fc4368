"""One submission on a lab of its own: machines up, its files carried through the steps, graded.

Nothing of a submission runs on the grader's computer: its files are read as bytes and go to
machines that are removed afterwards.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit.classroom.folder import Folder
from labkit.course import Course, Files, HandedIn, Step
from labkit.errors import LabkitError, NothingToGradeError, StepFailedError
from labkit.grading import Context, GradeResult, Hooks, Scope, grade, write_open
from labkit.grading.stepping import call
from labkit.lab import Lab, Say, open_lab, open_shells
from labkit.locale import _
from labkit.remote import Echo, Shell

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


def carry(
    course: Course,
    steps: Sequence[Step],
    shells: Mapping[str, Shell],
    handed: HandedIn,
    *,
    on_begin: Callable[[Step], None] = lambda _step: None,
) -> Carried:
    """Carry a submission through steps, in order, on machines where nothing stands in its way.

    A step that fails is noted and the next one tried: what is right in a later artefact still
    counts. When a machine is lost, nothing more is tried: the checks will say what cannot be told.
    """
    carried = Carried()
    try:
        for step in steps:
            if step.shows:
                continue
            on_begin(step)
            try:
                call(step, shells, Files(course.root, None, handed=handed))
            except StepFailedError as error:
                carried.stumbles.append(Stumble(step, error.what, error.where))
        course.settle(shells)
    except LabkitError as error:
        carried.stumbles.append(Stumble(step, error.what, error.where))
    return carried


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
    last = max(wishes.steps)
    steps = [step for step in course.steps if step.number <= last]
    carried = carry(course, steps, shells, handed, on_begin=shown.on_step)
    try:
        return grade(
            context,
            scope,
            shown.checks,
            student=student,
            reference_credit=wishes.reference_credit,
            submission=record(course, folder, handed, carried),
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
    wanted = {one.path for step in course.steps for one in (*step.artefacts, *step.beside)}
    stumbles = [
        _("step {number} ({slug}): {what}", number=one.step.number, slug=one.step.slug,
          what=one.what[:600])
        for one in carried.stumbles
    ]  # fmt: skip
    return {
        "files": len(folder.files),
        "skipped": [{"path": path, "why": why} for path, why in folder.skipped],
        "notes": [*handed.notes, *stumbles],
        "filled": sorted(filter(handed.filled, wanted)),
    }
