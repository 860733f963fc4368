"""labkit step"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import click

from labkit.cli import show
from labkit.cli.session import (
    after,
    grading,
    lab_option,
    the_course,
    the_lab,
    the_lab_alone,
    the_shells,
    the_workspace,
)
from labkit.course import Course, Files, Step, select
from labkit.errors import LabkitError, UsageError
from labkit.grading.stepping import carry_out, plan
from labkit.lab import Lab
from labkit.lab.checkpoints import automatic_wanted, step_name
from labkit.locale import _


@click.command()
@click.argument("wanted", metavar="N|LETTER|SLUG|A-B|all")
@click.option("--plan", "only_plan", is_flag=True, help="Show the commands, change nothing.")
@click.option(
    "--bar", default="course", show_default=True, help="With the references for these thresholds."
)
@click.option("--catch-up", is_flag=True, help="First do what earlier steps have left open.")
@lab_option
@click.pass_context
def command(
    ctx: click.Context,
    wanted: str,
    only_plan: bool,
    bar: str,
    catch_up: bool,
    lab_name: str,
) -> None:
    """Carry out a step: your own file where you have written one, else the reference's."""
    course = the_course()
    steps = select(course, wanted)
    distinction = asked_for_distinction(course, bar)
    if only_plan:
        lab = the_lab(ctx, lab_name)
        lab.require_running()
        with the_shells(lab) as shells:
            for step in steps:
                files = Files(course.root, the_workspace(ctx, course), distinction=distinction)
                for line in plan(course, step, shells, files):
                    show.results.print(line, markup=False)
        return
    with the_lab_alone(ctx, lab_name) as lab:
        lab.require_running()
        with the_shells(lab) as shells, grading(ctx, lab, shells=shells) as context:
            reports = carry_out(
                context,
                steps,
                shells,
                catch_up=catch_up or wanted == "all",
                distinction=distinction,
                reporter=show.reporter(),
                keep=keeper(lab),
            )
    then = after(course, reports[-1].step)
    show.say(_("next: {command}", command=lab.command(then)))


def asked_for_distinction(course: Course, bar: str) -> bool:
    """Whether a bar is that of the course's distinction; `UsageError` if it is none at all."""
    known = [one for one in ("course", course.distinction) if one]
    if bar not in known:
        raise UsageError(
            _("there is no bar named {bar} (there are: {known})", bar=bar, known=", ".join(known)),
            then="labkit drill --list",
        )
    return bar == course.distinction


def _keep(lab: Lab, step: Step) -> None:
    """Keep a checkpoint after a step. That this fails is said, and spoils no step."""
    try:
        lab.provider.save(step_name(step.number), show.say, automatic=True)
    except LabkitError as error:
        show.say(_("no checkpoint of step {number}: {why}", number=step.number, why=error.what))


def keeper(lab: Lab) -> Callable[[Step], None] | None:
    """What keeps a checkpoint of a lab after a step; None if nobody wants them."""
    return partial(_keep, lab) if automatic_wanted() else None
