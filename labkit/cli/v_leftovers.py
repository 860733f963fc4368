"""labkit leftovers"""

from __future__ import annotations

import click

from labkit.cli import show
from labkit.errors import EXIT_FAILED, EXIT_NOT_READY, NotReadyError
from labkit.lab.leftovers import find_leftovers
from labkit.locale import _


@click.command()
@click.pass_context
def command(ctx: click.Context) -> None:
    """Has anything been left behind? Exit code 1 if so. The images and the mirror are kept."""
    found, unasked = find_leftovers()
    if unasked:
        show.error(NotReadyError(unasked, then=_("make engine, then labkit leftovers")))
    if not found:
        if unasked:
            ctx.exit(EXIT_NOT_READY)
        show.say(_("nothing is left behind"))
        return
    show.table([(one.kind, one.name, one.lab) for one in found], (_("kind"), _("name"), _("lab")))
    labs = sorted({one.lab for one in found if one.lab})
    for lab in labs:
        show.say(_("next: {command}", command=f"labkit --lab {lab} destroy"))
    ctx.exit(EXIT_FAILED)
