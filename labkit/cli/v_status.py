"""labkit status"""

from __future__ import annotations

import json

import click

from labkit.cli import show
from labkit.cli.session import lab_option, the_lab
from labkit.errors import EXIT_NOT_READY
from labkit.lab import Machine
from labkit.locale import _, number


def _published(machine: Machine) -> list[str]:
    """Each port of the machine that a browser finds on this computer, and where."""
    return [f"{port}: http://127.0.0.1:{here}/" for port, here in sorted(machine.published.items())]


@click.command()
@lab_option
@click.pass_context
def command(ctx: click.Context, lab_name: str) -> None:
    """The machines, their addresses, and the last mark."""
    lab = the_lab(ctx, lab_name)
    machines = lab.machines()
    if not machines:
        show.say(
            _(
                "there is no lab named {name}.   next: {command}",
                name=lab.name,
                command=lab.command("up"),
            )
        )
        ctx.exit(EXIT_NOT_READY)
    headers = [_("machine"), _("address"), _("state"), _("system")]
    rows = [
        [one.name, one.address, _("running") if one.running else _("off"), one.os]
        for one in machines.values()
    ]
    if any(one.published for one in machines.values()):
        headers.append(_("in a browser"))
        for row, one in zip(rows, machines.values(), strict=True):
            row.append("  ".join(_published(one)))
    show.table([tuple(row) for row in rows], tuple(headers))
    results = sorted(lab.state.glob("reports/*/result.json"))
    if results:
        last = json.loads(results[-1].read_text(encoding="utf-8"))
        low, high, top = last["score_low"], last["score_high"], last["score_max"]
        mark = number(low) if low == high else f"{number(low)} … {number(high)}"
        show.results.print(
            _("last mark: {mark} / {top}, {when}", mark=mark, top=number(top), when=last["started"])
        )
    if not all(one.running for one in machines.values()):
        show.say(_("next: {command}", command=lab.command("up")))
        ctx.exit(EXIT_NOT_READY)
