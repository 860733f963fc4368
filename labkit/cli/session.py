"""What a verb needs before it can begin: the lab, the course, shells with a transcript."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

import labkit.course
import labkit.grading
import labkit.remote
from labkit.cli import show
from labkit.lab import Lab, open_lab, open_shells
from labkit.lab.lock import hold
from labkit.locale import use_course

if TYPE_CHECKING:
    from labkit.course import Course
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


def the_workspace(ctx: click.Context) -> Path | None:
    """The student's folder, if the command was given one or started in one."""
    return labkit.course.find_workspace(ctx.obj["workspace"], ctx.obj["cwd"])


def now() -> datetime.datetime:
    """The time, with its zone."""
    return datetime.datetime.now().astimezone()


@contextmanager
def the_shells(lab: Lab) -> Iterator[dict[str, SshShell]]:
    """Shells that show what they type and keep a transcript in the lab's folder."""
    echo = labkit.remote.Transcript(lab.state / "transcript.log", show.Commands(), now)
    shells = open_shells(lab, echo)
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
    """A grading context whose connections are closed at the end."""
    stamp = now().strftime("%Y-%m-%dT%H-%M-%S")
    context = labkit.grading.Context(
        course=the_course(),
        lab=lab,
        out=out or lab.state / "reports" / stamp,
        workspace=the_workspace(ctx),
        bar=bar,
        seed=seed,
        shells=dict(shells or {}),
        say=show.say,
    )
    try:
        yield context
    finally:
        context.close()
