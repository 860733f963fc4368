"""labkit logs"""

from __future__ import annotations

import click

from labkit.cli.session import lab_option, the_lab
from labkit.cli.v_ssh import become_ssh
from labkit.locale import _


@click.command()
@click.argument("machine", metavar="MACHINE|transcript")
@click.option("-n", "--lines", default=100, show_default=True, type=click.IntRange(min=1),
              help="How many of the last.")  # fmt: skip
@lab_option
@click.pass_context
def command(ctx: click.Context, machine: str, lines: int, lab_name: str) -> None:
    """A machine's journal, or the transcript of every command that labkit typed."""
    lab = the_lab(ctx, lab_name)
    if machine != "transcript":
        become_ssh(lab.prove_target(machine), [f"sudo -n journalctl --no-pager -n {lines}"])
    path = lab.state / "transcript.log"
    text = path.read_text(encoding="utf-8") if path.exists() else _("nothing yet") + "\n"
    click.echo("".join(text.splitlines(keepends=True)[-lines:]), nl=False)
