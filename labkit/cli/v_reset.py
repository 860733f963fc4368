"""labkit reset"""

from __future__ import annotations

import click

from labkit.cli import show
from labkit.cli.session import (
    after,
    grading,
    lab_option,
    may_be_lost,
    the_course,
    the_lab_alone,
    the_shells,
    yes_option,
)
from labkit.course import select
from labkit.lab import by_hand
from labkit.lab.checkpoints import step_name
from labkit.locale import _


@click.command()
@click.argument("step")
@yes_option
@lab_option
@click.pass_context
def command(ctx: click.Context, step: str, lab_name: str, yes: bool) -> None:
    """Bring the lab to the state right after a step. `labkit reset 0`: fresh machines.

    From the checkpoint that `labkit step` kept then, where there is one; else with fresh machines
    and every step anew. What was done by hand since is gone; the workspace is never touched.
    """
    course = the_course()
    # Before anything is changed: a name that is no step must not cost the machines.
    last = None if step == "0" else select(course, step)[-1]
    with the_lab_alone(ctx, lab_name) as lab:
        may_be_lost(lab, yes=yes)
        by_hand.gone(lab)
        if last is None:
            lab.provider.fresh(show.say)
            show.say(_("fresh machines.   next: {command}", command=lab.command("step 1")))
            return
        name = step_name(last.number)
        if any(one.name == name for one in lab.provider.checkpoints()):
            lab.provider.restore(name, show.say)
            show.say(
                _(
                    "the machines are as they were right after step {number}.   next: {command}",
                    number=last.number,
                    command=lab.command(after(course, last)),
                )
            )
            return
        show.say(
            _(
                "no checkpoint of step {number}: fresh machines, then every step up to it",
                number=last.number,
            )
        )
        lab.provider.fresh(show.say)
        from labkit.cli.v_step import keeper  # with pytest: not before it is needed
        from labkit.grading.stepping import carry_out

        with the_shells(lab) as shells, grading(ctx, lab, shells=shells) as context:
            wanted = [one for one in course.steps if one.number <= last.number]
            carry_out(
                context,
                wanted,
                shells,
                catch_up=True,
                reporter=show.reporter(),
                keep=keeper(lab),
            )
