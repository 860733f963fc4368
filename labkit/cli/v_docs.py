"""labkit docs"""

from __future__ import annotations

import threading
import webbrowser

import click

from labkit.cli import show
from labkit.cli.session import the_course
from labkit.locale import _, language
from labkit.tutorial.site import LOOPBACK, address, build, page_of, server, site_folder


@click.command()
@click.argument("wanted", metavar="[N|LETTER|SLUG|PAGE]", default="")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Of this computer; 0 takes any that is free.",
)
def command(wanted: str, port: int) -> None:
    """Read the tutorial, or a step's page, in a browser. Needs no network."""
    course = the_course()
    page = page_of(course, language(), wanted)
    with server(site_folder(course.root), port) as listening:
        site = build(course.root, show.say)
        serving = threading.Thread(target=listening.serve_forever, daemon=True)
        serving.start()
        place = f"{LOOPBACK}:{listening.server_port}"
        url = f"http://{place}/{address(site, language(), page)}"
        try:
            show.say(_("for this computer alone; Ctrl-C ends it"))
            show.results.print(url)
            webbrowser.open(url)
            serving.join()
        except KeyboardInterrupt:  # the way in which it ends
            listening.shutdown()
