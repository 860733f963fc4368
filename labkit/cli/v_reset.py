"""labkit reset"""

from __future__ import annotations

import click

from labkit.cli import show
from labkit.cli.session import grading, lab_option, the_lab, the_shells
from labkit.cli.v_step import hooks
from labkit.course import select
from labkit.grading.stepping import carry_out
from labkit.locale import _


@click.command()
@click.argument("step")
@lab_option
@click.pass_context
def command(ctx: click.Context, step: str, lab_name: str) -> None:
    """Bring the lab to the state right after a step. `labkit reset 0`: fresh machines.

    What was done by hand on the machines is gone; the workspace is never touched.
    """
    lab = the_lab(ctx, lab_name)
    lab.provider.fresh(show.say)
    if step == "0":
        show.say(_("fresh machines.   next: {command}", command=lab.command("step 1")))
        return
    with the_shells(lab) as shells, grading(ctx, lab, shells=shells) as context:
        last = select(context.course, step)[-1]
        wanted = [one for one in context.course.steps if one.number <= last.number]
        carry_out(context, wanted, shells, catch_up=True, hooks=hooks())
