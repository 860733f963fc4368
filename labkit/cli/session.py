"""What a verb needs before it can begin: the lab, the course, shells with a transcript."""

from __future__ import annotations

import datetime
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

import labkit.course
import labkit.grading
import labkit.remote
from labkit.cli import show
from labkit.errors import UsageError
from labkit.lab import Lab, by_hand, open_lab, open_shells
from labkit.lab.lock import hold
from labkit.locale import _, use_course
from labkit.whole import fresh_folder

if TYPE_CHECKING:
    from labkit.course import Course, Step
    from labkit.grading import Context
    from labkit.remote import SshShell

F = TypeVar("F", bound=Callable[..., Any])


def lab_option(function: F) -> F:
    """`--lab` after the verb as well as before it."""
    return click.option("--lab", "lab_name", default="", envvar=[], help="The lab's name.")(
        function
    )


def the_lab(ctx: click.Context, lab_name: str = "", provider: str = "") -> Lab:
    """The lab that the command line names; its provider is found unless one is given."""
    return open_lab(lab_name or ctx.obj["lab"], provider)


@contextmanager
def the_lab_alone(ctx: click.Context, lab_name: str = "", provider: str = "") -> Iterator[Lab]:
    """The lab, held by this command alone, and settled after a command that was killed.

    The one door for every verb that changes a lab; those that only look do not wait.
    """
    lab = the_lab(ctx, lab_name, provider)
    with hold(lab, str(ctx.info_name)):
        lab.provider.settle(show.say)
        yield lab


def the_course() -> Course:
    """The course, its messages in the user's language."""
    course = labkit.course.load_course()
    use_course(course.root)
    return course


def after(course: Course, step: Step) -> str:
    """The command that comes after a step, without `labkit`."""
    following = course.step(str(step.number + 1))
    return f"step {following.number}" if following else "grade"


def yes_option(function: F) -> F:
    """`--yes`: nobody is asked."""
    return click.option("--yes", is_flag=True, help="Do not ask about work that would be lost.")(
        function
    )


def may_be_lost(lab: Lab, *, yes: bool) -> None:
    """Ask before work by hand that no checkpoint holds is lost; `UsageError` if it is to stay.

    Nobody is asked with `yes`, nor where there is no terminal to answer at.
    """
    last = None if yes or not sys.stdin.isatty() else by_hand.since_kept(lab)
    if last:
        when = last.astimezone().strftime("%Y-%m-%d %H:%M")
        warning = _(
            "somebody has worked on the machines by hand since they were last saved ({when}).   "
            "to keep that: {command}",
            when=when,
            command=lab.command("save my-work"),
        )
        # In one piece: a question that is asked at all is asked with its reason.
        if not click.confirm(f"{warning}\n{_('lose it?')}", err=True):
            raise UsageError(_("nothing was changed"), then=lab.command("save my-work"))


def the_workspace(ctx: click.Context, course: Course) -> Path | None:
    """The learner's folder, if the command was given one or started in one."""
    return labkit.course.find_workspace(ctx.obj["workspace"], ctx.obj["cwd"], course)


def now() -> datetime.datetime:
    """The time, with its zone."""
    return datetime.datetime.now().astimezone()


def stamp_now() -> str:
    """The time as it stands in names of folders."""
    return now().strftime("%Y-%m-%dT%H-%M-%S")


def report_name(name: str, otherwise: str) -> str:
    """A name that anybody gave, as that of a folder; `otherwise` if nothing is left of it."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-") or otherwise


def outside(report: Path, submission: Path, command: str) -> Path:
    """The folder of a report, made absolute; `UsageError` if it lies in what is graded.

    `command` is what to type next, without its `--report`.
    """
    place = report.resolve()
    if place.is_relative_to(submission.resolve()):
        raise UsageError(
            _("the report cannot be written into the submission itself"),
            where=str(place),
            then=f"{command} --report DIR",
        )
    return place


@contextmanager
def the_shells(lab: Lab) -> Iterator[dict[str, SshShell]]:
    """Shells that show what they type and keep a transcript in the lab's folder."""
    transcript = labkit.remote.Transcript(lab.state / "transcript.log", show.reporter(), now)
    shells = open_shells(lab, transcript)
    try:
        yield shells
    finally:
        for shell in shells.values():
            shell.close()


@contextmanager
def grading(
    ctx: click.Context,
    lab: Lab,
    *,
    shells: dict[str, SshShell] | None = None,
    out: Path | None = None,
    bar: str = "course",
    seed: int | None = None,
) -> Iterator[Context]:
    """A grading context whose connections are closed at the end, with a folder of its own.

    A folder of its own into which nothing came goes again.
    """
    own = out is None
    folder = out or fresh_folder(lab.state / "reports" / stamp_now())
    course = the_course()
    context = labkit.grading.Context(
        course=course,
        lab=lab,
        out=folder,
        workspace=the_workspace(ctx, course),
        bar=bar,
        seed=seed,
        shells=dict(shells or {}),
        reporter=show.reporter(),
    )
    try:
        yield context
    finally:
        context.close()
        if own:
            with suppress(OSError):
                folder.rmdir()
