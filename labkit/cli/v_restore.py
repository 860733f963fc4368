"""labkit restore"""

from __future__ import annotations

import click

from labkit.cli import show
from labkit.cli.session import lab_option, may_be_lost, the_lab_alone, yes_option
from labkit.lab import by_hand
from labkit.lab.checkpoints import find
from labkit.locale import _


@click.command()
@click.argument("name")
@yes_option
@lab_option
@click.pass_context
def command(ctx: click.Context, name: str, lab_name: str, yes: bool) -> None:
    """Bring the machines back to a checkpoint of `labkit save` or `labkit step`.

    What was done on them since is gone: save it first. The workspace is never touched.
    """
    with the_lab_alone(ctx, lab_name) as lab:
        find(name, lab.provider.checkpoints())
        may_be_lost(lab, yes=yes)
        lab.provider.restore(name, show.say)
        by_hand.gone(lab)
    show.say(
        _(
            "the machines are as they were at {name}.   next: {command}",
            name=name,
            command=lab.command("check"),
        )
    )
