"""labkit exec"""

from __future__ import annotations

import shlex

import click

from labkit.cli.session import lab_option, the_lab
from labkit.cli.v_ssh import become_ssh
from labkit.lab import by_hand


@click.command(context_settings={"ignore_unknown_options": True})
@lab_option
@click.argument("machine")
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND ...")
@click.pass_context
def command(ctx: click.Context, machine: str, words: tuple[str, ...], lab_name: str) -> None:
    """Run a command on a machine as root; its input, output and exit code are passed on."""
    lab = the_lab(ctx, lab_name)
    target = lab.prove_target(machine)
    by_hand.note(lab)
    become_ssh(target, ["sudo -n -- " + shlex.join(words)])
