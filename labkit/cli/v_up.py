"""labkit up"""

from __future__ import annotations

import click

from labkit.cli import show
from labkit.cli.session import lab_option, the_lab_alone
from labkit.lab import PROVIDERS
from labkit.locale import _


@click.command()
@click.option(
    "--provider",
    type=click.Choice(PROVIDERS),
    default=None,
    help="Who makes the machines; for a new lab, containers.",
)
@lab_option
@click.pass_context
def command(ctx: click.Context, provider: str | None, lab_name: str) -> None:
    """Make the machines, or resume what is there. Idempotent."""
    with the_lab_alone(ctx, lab_name, provider or "") as lab:
        machines = lab.provider.up(show.say)
    names = ", ".join(machine.name for machine in machines)
    show.say(_("{names} are up.   next: {command}", names=names, command=lab.command("step 1")))
