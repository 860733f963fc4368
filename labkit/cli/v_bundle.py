"""labkit bundle"""

from __future__ import annotations

import click

from labkit.cli import show
from labkit.course import find_blueprint
from labkit.errors import UsageError
from labkit.lab.containers.engine import connect
from labkit.lab.mirror import add_image, contents, ensure_mirror
from labkit.locale import _


@click.command()
@click.option(
    "--add",
    "images",
    multiple=True,
    metavar="IMAGE",
    help="Put an image of the local engine into the mirror; can be repeated.",
)
@click.option(
    "--as", "public", default="", metavar="NAME", help="Its public name (default: IMAGE)."
)
@click.option("--list", "only_list", is_flag=True, help="Show what the mirror holds.")
def command(images: tuple[str, ...], public: str, only_list: bool) -> None:
    """Fill the mirror of base images, so that a class works offline."""
    if public and len(images) != 1:
        raise UsageError(_("--as goes with one --add"), then="labkit bundle --add IMAGE --as NAME")
    engine = connect()
    ensure_mirror(engine, show.say, find_blueprint().images)
    for local in images:
        digest = add_image(engine, local, public or local, show.say)
        show.results.print(f"{public or local} {digest}")
    if only_list:
        rows = [
            (one.name, one.digest[:19], f"{one.bytes / 2**20:.0f} MiB", one.stand_in)
            for one in contents(engine)
        ]
        show.table(rows, (_("name"), _("digest"), _("size"), _("stands in")))
