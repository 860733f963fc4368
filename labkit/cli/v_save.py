"""labkit save"""

from __future__ import annotations

import click

from labkit.cli import show
from labkit.cli.session import lab_option, the_lab, the_lab_alone
from labkit.errors import UsageError
from labkit.lab import Checkpoint, Lab
from labkit.locale import _, number


@click.command()
@click.argument("name", default="")
@click.option("--list", "list_them", is_flag=True, help="Show the checkpoints of the lab.")
@click.option("--remove", is_flag=True, help="Remove the checkpoint NAME.")
@lab_option
@click.pass_context
def command(ctx: click.Context, name: str, list_them: bool, remove: bool, lab_name: str) -> None:
    """Keep the machines as they are now under a name. `labkit restore NAME` brings them back.

    Whatever was done on them by hand is in it; the workspace is not. `labkit step` keeps such
    checkpoints by itself (step-1, step-2, …; LABKIT_CHECKPOINTS=0: none), and removes the oldest
    of these beyond 4 GiB (LABKIT_CHECKPOINT_ROOM, in GiB).
    """
    if list_them:
        _list(the_lab(ctx, lab_name))
        return
    if not name:
        raise UsageError(_("which name?"), then="labkit save my-state; labkit save --list")
    with the_lab_alone(ctx, lab_name) as lab:
        if remove:
            lab.provider.forget(name)
            show.say(_("the checkpoint {name} is gone", name=name))
            return
        saved = lab.provider.save(name, show.say)
    show.say(
        _(
            "saved as {name} ({size}).   next: {command}",
            name=name,
            size=_size(saved),
            command=lab.command(f"restore {name}"),
        )
    )


def _list(lab: Lab) -> None:
    found = lab.provider.checkpoints()
    if not found:
        command = lab.command("save my-state")
        show.say(_("there are no checkpoints.   next: {command}", command=command))
        return
    rows = [
        (
            one.name,
            one.made.astimezone().strftime("%Y-%m-%d %H:%M"),
            _size(one),
            _("automatic") if one.automatic else _("own"),
        )
        for one in found
    ]
    show.table(rows, (_("checkpoint"), _("when"), _("size"), _("kept")))


def _size(checkpoint: Checkpoint) -> str:
    if not checkpoint.bytes:
        return _("size unknown")
    return f"{number(checkpoint.bytes / 2**20, '.0f')} MiB"
