"""One submission on a lab of its own: machines up, its files carried through the steps, graded.

Nothing of a submission runs on the grader's computer: its files are read as bytes and go to
machines that are removed, or put back, afterwards.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from labkit.classroom.carrying import Carried
from labkit.classroom.folder import Folder
from labkit.classroom.forward import Forward
from labkit.classroom.held import Held
from labkit.course import AS_USUAL, Course, ReadingRules, Step, Submission
from labkit.errors import NothingToGradeError
from labkit.grading import Context, GradeResult, Scope, grade, write_open
from labkit.lab import Lab, open_lab, open_shells
from labkit.lab.lock import hold
from labkit.locale import _
from labkit.reporting import SILENT, Reporter, Say, SubmissionStepBegan

LAB_PREFIX = "sub-"
# Whose contract of the application: the course's, or that of the submission's own code.
APPLICATION = ("as-given", "as-found")


@contextmanager
def fresh_lab(say: Say, provider: str = "", name: str = "") -> Iterator[Lab]:
    """Machines of their own under a name of their own; gone again at the end, whatever happens.

    Vagrant's take minutes to make. They are made once and kept, for one submission at a time:
    each begins at their first snapshot, and they are off when it has ended.
    """
    if provider == "vagrant":
        lab = open_lab(name or f"{LAB_PREFIX}{provider}", provider)
        with hold(lab, "grade --submission"):
            try:
                lab.provider.fresh(say)
                yield lab
            finally:
                lab.provider.down(say)
        return
    lab = open_lab(name or f"{LAB_PREFIX}{uuid.uuid4().hex[:8]}", provider)
    try:
        lab.provider.up(say)
        yield lab
    finally:
        lab.provider.destroy(say)
        shutil.rmtree(lab.state, ignore_errors=True)  # keys of machines that are gone


@dataclass(frozen=True)
class GradeOptions:
    """How a submission is graded, as whoever grades it has chosen."""

    steps: frozenset[int]  # graded; what comes before them is carried out as well
    drills: bool = True
    reading: ReadingRules = AS_USUAL
    forward: bool = True  # what later steps need and the learner's own cannot give is given
    learner: str = ""
    reference_credit: float = 1.0
    seed: int | None = None
    limit_s: float | None = None  # of a class: for one learner, from the machines to the mark

    def to_json(self) -> dict[str, Any]:
        """As evidence has them: flat, the rules of reading beside the others."""
        options = asdict(self)
        return {**options.pop("reading"), **options, "steps": sorted(self.steps)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> GradeOptions:
        """Read back from evidence; what that is too old to know is as usual."""
        names = {field.name for field in fields(ReadingRules)}
        reading = ReadingRules(**{name: data[name] for name in names & data.keys()})
        rest = {name: value for name, value in data.items() if name not in names}
        return cls(**{**rest, "steps": frozenset(data["steps"]), "reading": reading})


def grade_submission(
    course: Course,
    folder: Folder,
    lab: Lab,
    out: Path,
    options: GradeOptions,
    *,
    reporter: Reporter = SILENT,
    commands: Reporter = SILENT,
) -> GradeResult:
    """Carry a submission through the steps on a fresh lab and grade what it does there.

    `commands` is told what is typed on the machines, `reporter` of all else: steps go on side by
    side, so that nobody could follow their output.

    `out/result.json` is valid at any instant. NothingToGradeError if the course recognises nothing
    in the folder.
    """
    submission = recognised(course, folder, options.reading)
    out.mkdir(parents=True, exist_ok=True)
    context = Context(course=course, lab=lab, out=out, submission=submission, seed=options.seed,
                      reporter=reporter)  # fmt: skip
    scope = Scope(options.steps, disturbing=options.drills, drills=options.drills)
    learner = options.learner or folder.name
    write_open(context, scope, learner=learner)
    shells = open_shells(lab, commands)
    context.shells = shells
    held = Held(course, shells)

    def bring(now: Submission) -> Carried:
        def begin(step: Step) -> None:
            reporter.tell(SubmissionStepBegan(step.number, step.slug))

        return held.bring(now, max(options.steps), on_begin=begin)

    try:
        carried = bring(submission)
        return grade(
            context,
            scope,
            reporter,
            learner=learner,
            reference_credit=options.reference_credit,
            submission_record=submission_record(course, folder, submission, carried),
            again=Forward(course, submission, bring) if options.forward else None,
        )
    finally:
        context.close()


def recognised(course: Course, folder: Folder, reading: ReadingRules = AS_USUAL) -> Submission:
    """What the course finds in a folder. NothingToGradeError if that is nothing at all."""
    reference = course.root / "steps" / "reference"
    submission = course.recognise(folder.files, reference, reading, executable=folder.executable)
    if not submission.sources:
        raise NothingToGradeError(
            _("nothing in {folder} looks like a file of this practical", folder=folder.name),
            where=", ".join(list(folder.files)[:5]),
            then=_("labkit init FOLDER   shows which files a learner writes"),
        )
    return submission


def submission_record(
    course: Course, folder: Folder, submission: Submission, carried: Carried
) -> dict[str, Any]:
    """The submission in the result file: what was read, skipped, changed, filled, and which
    steps could not be carried out."""
    wanted = {one.path for step in course.steps for one in (*step.artefacts, *step.beside)}
    failed_steps = [
        _("step {number} ({slug}): {what}", number=one.step.number, slug=one.step.slug,
          what=one.what[:600])
        for one in carried.failed_steps
    ]  # fmt: skip
    return {
        "files": len(folder.files),
        "skipped": [{"path": path, "why": why} for path, why in folder.skipped],
        "notes": [*submission.notes, *failed_steps],
        "filled": sorted(filter(submission.filled, wanted)),
    }
