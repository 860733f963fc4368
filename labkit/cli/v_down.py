"""labkit down"""

from __future__ import annotations

import click

from labkit.cli import show
from labkit.cli.session import lab_option, the_lab_alone


@click.command()
@lab_option
@click.pass_context
def command(ctx: click.Context, lab_name: str) -> None:
    """Stop the machines; their disks stay."""
    with the_lab_alone(ctx, lab_name) as lab:
        lab.provider.down(show.say)
