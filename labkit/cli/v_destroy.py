"""labkit destroy"""

from __future__ import annotations

import click

from labkit.cli import show
from labkit.cli.session import lab_option, the_lab


@click.command()
@lab_option
@click.pass_context
def command(ctx: click.Context, lab_name: str) -> None:
    """Remove the machines and all that is on them. Reports and the transcript stay."""
    the_lab(ctx, lab_name).provider.destroy(show.say)
