"""labkit class watch"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Group

from labkit.classroom.overview import state_words
from labkit.classroom.progress import Progress
from labkit.classroom.reports import class_page
from labkit.classroom.serving import served
from labkit.classroom.table import mark
from labkit.cli import show
from labkit.cli.class_session import ClassSession, class_options
from labkit.locale import _, number
from labkit.whole import write_whole

WATCH_S = 2.0  # between two looks
REFRESH_S = 15  # between two looks of a browser
WATCH_LINES = 15  # of learners who are known


@click.command("watch")
@click.option(
    "--serve",
    "port",
    default=None,
    metavar="PORT",
    type=click.IntRange(0, 65535),
    help="The page of the class in a browser of this computer; 0: any port that is free.",
)
@class_options
def command(submissions: Path, port: int | None, **options: Any) -> None:
    """Follow the grading of a class from another terminal. It only reads; Ctrl-C ends it.

    Without a terminal, what there is now is printed once.
    """
    the_class = ClassSession.opened(submissions, **options)
    if port is not None:
        _serve(the_class, port)
        return

    if not show.results.is_terminal:
        show.results.print(_shown(the_class, the_class.progress()))
        return
    with show.live() as screen:
        while True:
            now = the_class.progress()
            screen.update(_shown(the_class, now), refresh=True)
            if not now.running and not now.waiting:
                return
            time.sleep(WATCH_S)


def _serve(the_class: ClassSession, port: int) -> None:
    """Write the page anew whenever something is known that was not, until Ctrl-C."""
    with served(port) as (server, folder, address):
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        before: Progress | None = None
        try:
            while True:
                now = the_class.progress()
                if before is None or now.known != before.known:
                    page = class_page(
                        the_class.ledger, the_class.entries, the_class.rows(), the_class.marking,
                        the_class.course, command=the_class.typed("grade"),
                        refresh_s=REFRESH_S,
                    )  # fmt: skip
                    write_whole(folder / "class.html", page)
                    before = now
                if not serving.is_alive():
                    serving.start()
                    show.say(_("for this computer alone; Ctrl-C ends it"))
                    show.results.print(f"{address}/class.html")
                time.sleep(WATCH_S)
        except KeyboardInterrupt:  # the way in which it ends
            if serving.is_alive():
                server.shutdown()


def _shown(the_class: ClassSession, now: Progress) -> Group:
    """How far it is, who is being graded, and who came last."""
    head = _("graded: {known} of {all}", known=len(now.known), all=now.all)
    if now.seconds_left is not None:
        left = number(now.seconds_left / 60, ".0f")
        head += "   " + _("about {left} min left", left=left)
    latest = now.known[:WATCH_LINES]  # only their marks are computed: it is asked all the time
    entries = {one.key: one for one in the_class.entries}
    found = the_class.rows([entries[one.key] for one in latest])
    marks = {one.key: mark(row) for one, row in zip(latest, found, strict=False)}
    states = state_words()
    running = [
        (one.name, f"{one.seconds / 60:.0f} min",
         _("checks: {asked} of {all}", asked=one.asked, all=one.checks)
         if one.checks else _("steps"))
        for one in now.running
    ]  # fmt: skip
    known = [(one.name, states[one.state], one.why or marks[one.key]) for one in latest]
    return Group(
        show.plain(head, "bold"),
        show.as_table(running, (_("being graded"), _("since"), _("how far"))),
        show.as_table(known, (_("learner"), _("state"), _("mark"))),
    )
