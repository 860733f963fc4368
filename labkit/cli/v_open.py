"""labkit open"""

from __future__ import annotations

import webbrowser

import click

from labkit.cli import show
from labkit.cli.session import lab_option, the_lab
from labkit.course import find_blueprint


@click.command()
@click.argument("machine")
@click.option("--port", default=None, type=int, help="Of the machine; else its usual one.")
@lab_option
@click.pass_context
def command(ctx: click.Context, machine: str, port: int | None, lab_name: str) -> None:
    """Open a machine's website in a browser, and print its address."""
    target = the_lab(ctx, lab_name).prove_target(machine)
    if port is None:
        port = next(iter(find_blueprint().machine(machine).ports), 80)
    url = f"http://{target.address}{'' if port == 80 else f':{port}'}/"
    show.results.print(url)
    webbrowser.open(url)
