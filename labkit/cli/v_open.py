"""labkit open"""

from __future__ import annotations

import webbrowser

import click

from labkit.cli import show
from labkit.cli.session import lab_option, the_lab
from labkit.course import find_blueprint
from labkit.errors import UsageError
from labkit.lab.reach import reach
from labkit.locale import _


@click.command()
@click.argument("machine")
@click.option("--port", default=None, type=int, help="Of the machine; else its usual one.")
@lab_option
@click.pass_context
def command(ctx: click.Context, machine: str, port: int | None, lab_name: str) -> None:
    """Open a machine's website in a browser, and print its address."""
    lab = the_lab(ctx, lab_name)
    target = lab.prove_target(machine)
    if port is None:
        port = next(iter(find_blueprint().machine(machine).ports), 80)
    place, at = target.address, port
    if reach().way == "controller":
        if port not in target.published:
            raise UsageError(
                _(
                    "port {port} of {machine} cannot be reached from here",
                    port=port,
                    machine=machine,
                ),
                where=", ".join(map(str, sorted(target.published))),
                then=lab.command(f"open {machine}"),
            )
        place, at = "127.0.0.1", target.published[port]
    url = f"http://{place}{'' if at == 80 else f':{at}'}/"
    show.results.print(url)
    webbrowser.open(url)
