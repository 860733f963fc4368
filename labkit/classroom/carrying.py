"""The steps of a submission carried out: on each machine in their order, side by side elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from labkit.course import Course, Files, Step, StepFunction, Submission
from labkit.errors import LabkitError, NotReadyError, StepFailedError
from labkit.grading.stepping import call_one
from labkit.locale import _
from labkit.remote import Shells


@dataclass(frozen=True)
class FailedStep:
    """A step that could not be carried out to its end, and why."""

    step: Step
    what: str
    where: str


@dataclass
class Carried:
    """What became of the steps of a submission."""

    failed_steps: list[FailedStep] = field(default_factory=list)


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
    submission: Submission,
    *,
    on_begin: Callable[[Step], None] = lambda _step: None,
) -> Carried:
    """Carry a submission through steps on machines where nothing stands in its way.

    Each machine sees the steps in their order; what does not wait for another goes on beside it. A
    step that fails is noted and the next one tried: what is right in a later artefact still counts.
    When a machine is lost, nothing more is begun: the checks will say what cannot be told.
    NotReadyError when a step fails in which nothing is the learner's: the lab is no ground to judge
    anybody on.
    """
    planned = jobs(steps)
    errors = _side_by_side(course, planned, shells, submission, on_begin)
    for step, error in errors:
        if step.is_the_labs:
            raise NotReadyError(
                _("the lab could not be made ready, step {number} ({slug}): {what}",
                  number=step.number, slug=step.slug, what=error.what),
                where=error.where, then="labkit doctor",
            ) from error  # fmt: skip
    failed_steps = [FailedStep(step, error.what, error.where) for step, error in errors]
    if all(isinstance(error, StepFailedError) for _step, error in errors):
        try:
            course.settle({name: shells[name] for job in planned for name in job.on})
        except LabkitError as error:
            last = planned[-1].step if planned else course.steps[-1]
            failed_steps.append(FailedStep(last, error.what, error.where))
    return Carried(failed_steps)


def _side_by_side(
    course: Course,
    planned: Sequence[Job],
    shells: Shells,
    submission: Submission,
    on_begin: Callable[[Step], None],
) -> list[tuple[Step, LabkitError]]:
    """Do jobs, each as soon as it may begin; the errors that they ended with, in their order."""
    files = {job.step.slug: Files(course.root, None, submission=submission) for job in planned}
    errors: dict[int, LabkitError] = {}
    begun: set[str] = set()
    waiting = list(range(len(planned)))
    ended: set[int] = set()
    with ThreadPoolExecutor(max_workers=max(1, len(shells))) as pool:
        running: dict[Future[None], int] = {}
        try:
            while True:
                lost = any(
                    planned[place].step.is_the_labs or not isinstance(error, StepFailedError)
                    for place, error in errors.items()
                )
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
