"""labkit destroy"""

from __future__ import annotations

import click

from labkit.cli import show
from labkit.cli.session import lab_option, may_be_lost, the_lab_alone, yes_option
from labkit.lab import by_hand


@click.command()
@yes_option
@lab_option
@click.pass_context
def command(ctx: click.Context, lab_name: str, yes: bool) -> None:
    """Remove the machines, all that is on them, and checkpoints. Reports and transcript stay."""
    with the_lab_alone(ctx, lab_name) as lab:
        may_be_lost(lab, yes=yes)
        lab.provider.destroy(show.say)
        by_hand.gone(lab)
