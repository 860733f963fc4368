"""labkit doctor"""

from __future__ import annotations

import click

from labkit.cli import show
from labkit.errors import EXIT_NOT_READY
from labkit.lab.doctor import examine
from labkit.locale import _


@click.command()
@click.pass_context
def command(ctx: click.Context) -> None:
    """Is this computer fit for a lab? What is not, and what to do about it."""
    findings = examine()
    rows = [
        (_("fit") if one.fit else _("NOT FIT"), one.what, one.seen, "" if one.fit else one.fix)
        for one in findings
    ]
    show.table(rows, ("", _("what"), _("seen"), _("next")))
    ctx.exit(0 if all(one.fit for one in findings) else EXIT_NOT_READY)
