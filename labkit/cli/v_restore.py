"""labkit restore"""

from __future__ import annotations

import click

from labkit.cli import show
from labkit.cli.session import lab_option, the_lab_alone
from labkit.locale import _


@click.command()
@click.argument("name")
@lab_option
@click.pass_context
def command(ctx: click.Context, name: str, lab_name: str) -> None:
    """Bring the machines back to a checkpoint of `labkit save` or `labkit step`.

    What was done on them since is gone: save it first. The workspace is never touched.
    """
    with the_lab_alone(ctx, lab_name) as lab:
        lab.provider.restore(name, show.say)
    show.say(
        _(
            "the machines are as they were at {name}.   next: {command}",
            name=name,
            command=lab.command("check"),
        )
    )
