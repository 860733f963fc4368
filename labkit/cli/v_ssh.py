"""labkit ssh"""

from __future__ import annotations

import os
import shutil

import click

from labkit.cli.session import lab_option, the_lab
from labkit.errors import NotReadyError
from labkit.lab import Machine, by_hand
from labkit.locale import _


@click.command(context_settings={"ignore_unknown_options": True})
@lab_option
@click.argument("machine")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND ...]")
@click.pass_context
def command(ctx: click.Context, machine: str, words: tuple[str, ...], lab_name: str) -> None:
    """Log in to a machine as its user, or run a command there; input is passed on."""
    lab = the_lab(ctx, lab_name)
    target = lab.prove_target(machine)
    by_hand.note(lab)
    become_ssh(target, [" ".join(words)] if words else [])


def become_ssh(machine: Machine, words: list[str]) -> None:
    """Hand the terminal over to the system's ssh, which knows the machine's key already."""
    program = shutil.which("ssh")
    if program is None:
        raise NotReadyError(
            _("the program ssh is not installed"), then="sudo apt-get install openssh-client"
        )
    arguments = [
        program, "-F", "none", "-i", str(machine.key), "-p", str(machine.port),
        "-o", f"UserKnownHostsFile={machine.known_hosts}",
        "-o", "StrictHostKeyChecking=yes",
        "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
        "-o", "LogLevel=ERROR",
        f"{machine.user}@{machine.address}",
        *words,
    ]  # fmt: skip
    os.execv(program, arguments)
