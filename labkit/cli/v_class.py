"""labkit class"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Group

from labkit.classroom import Wishes
from labkit.classroom.away import Away, code_here
from labkit.classroom.cluster import Cluster, cluster_at
from labkit.classroom.intake import Entry, read_class
from labkit.classroom.ledger import Ledger, Record, Slot
from labkit.classroom.marking import Marking
from labkit.classroom.overview import state_words
from labkit.classroom.progress import Progress, progress
from labkit.classroom.reports import class_page, write_reports
from labkit.classroom.roll import (
    Executors,
    Grader,
    digest,
    free_memory,
    grade_class,
    grade_job,
    processes,
    room_for_labs,
    wanted,
)
from labkit.classroom.roster import Person, matched, read_roster
from labkit.classroom.serving import served
from labkit.classroom.settings import read_settings
from labkit.classroom.table import (
    Row,
    as_csv,
    as_json_lines,
    as_moodle,
    differences,
    mark,
    rows,
)
from labkit.cli import show, v_class_similar, v_class_workers
from labkit.cli.paths import Reads, Writes
from labkit.cli.session import outside, report_name, the_course
from labkit.course import Course, select
from labkit.errors import (
    EXIT_FAILED,
    EXIT_INCONCLUSIVE,
    EXIT_PASSED,
    NothingToGradeError,
)
from labkit.grading.explain import read_checks
from labkit.lab.store import reports_root
from labkit.locale import _, number
from labkit.whole import write_whole

WATCH_S = 2.0  # between two looks
REFRESH_S = 15  # between two looks of a browser
WATCH_LINES = 15  # of students who are known
OUTPUTS: dict[str, Callable[[Sequence[Row]], str]] = {
    "csv": as_csv, "jsonl": as_json_lines, "moodle": as_moodle,
}  # fmt: skip


@click.group()
def command() -> None:
    """A whole class: every submission on machines of its own. Stopped at any moment, it goes on."""


command.add_command(v_class_workers.command)
command.add_command(v_class_similar.command)


def _common(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.argument("submissions", type=Reads(path_type=Path)),
        click.option("--report", "folder", type=Writes(), default="", metavar="DIR",
                     help="Where the ledger of the class and all reports are kept."),
        click.option("--labs", default=0, metavar="N", type=click.IntRange(0, 64),
                     help="Labs at once; else as many as memory and processors bear."),
        click.option("--no-drills", is_flag=True,
                     help="Only what disturbs nothing; no full mark."),
        click.option("--steps", "steps", default="all", metavar="A-B", help="Only these steps."),
        click.option("--only", default="", metavar="WHO",
                     help="failed, inconclusive, changed, or a part of a name."),
        click.option("--scheduler", default="", metavar="ADDRESS",
                     help="Of Dask: grade on its workers (labkit class workers)."),
    ):  # fmt: skip
        function = option(function)
    return _marked(function)


def _marked(function: Callable[..., Any]) -> Callable[..., Any]:
    """What decides how a result that is known is marked and for whom."""
    for option in (
        click.option("--roster", type=Reads(), default="", metavar="FILE",
                     help="The list of the class, CSV: name, number, email, group, late, excused, "
                     "language."),
        click.option("--settings", type=Reads(), default="", metavar="FILE",
                     help="What counts and for how much, TOML: class.toml."),
    ):  # fmt: skip
        function = option(function)
    return function


@dataclass(frozen=True)
class _Class:
    """What both verbs begin with."""

    course: Course
    entries: list[Entry]
    ledger: Ledger
    wishes: Wishes
    digests: dict[str, str]
    labs: int
    people: list[Person]
    marking: Marking
    scheduler: str = ""

    @classmethod
    def opened(
        cls,
        submissions: Path,
        folder: str,
        roster: str,
        settings: str,
        labs: int = 0,
        no_drills: bool = False,
        steps: str = "all",
        scheduler: str = "",
    ) -> _Class:
        course = the_course()
        people = read_roster(Path(roster)) if roster else []
        marking = Marking(
            read_checks(course), read_settings(Path(settings), course) if settings else None
        )
        place = submissions.resolve()
        mark_of_place = hashlib.sha256(str(place).encode()).hexdigest()[:6]
        name = f"class-{report_name(place.stem, 'class')}-{mark_of_place}"
        root = outside(
            Path(folder or reports_root() / name), place, f"labkit class grade {submissions}"
        )
        wishes = Wishes(
            steps=frozenset(step.number for step in select(course, steps)), drills=not no_drills
        )
        entries = read_class(place)
        digests = {one.key: digest(one, course, wishes) for one in entries}
        room = room_for_labs(os.cpu_count() or 1, free_memory(), drills=wishes.drills)
        return cls(course, entries, Ledger(root), wishes, digests, labs or room, people, marking,
                   scheduler)  # fmt: skip

    def rows(self, entries: Sequence[Entry] | None = None) -> list[Row]:
        """The table of the class, or of some entries of it, as the ledger has it now."""
        asked = self.entries if entries is None else entries
        return rows(self.ledger, asked, self.people, self.marking)

    def progress(self) -> Progress:
        """How far it is now."""
        return progress(self.ledger, self.entries, time.time())

    def write_reports(self, found: Sequence[Row], submissions: Path) -> None:
        """Write what there is for the teacher, the students and platforms; say where."""
        command = f"labkit class grade {submissions}"
        page = write_reports(self.ledger, self.entries, found, self.marking, self.course,
                             self.languages(), command=command)  # fmt: skip
        show.say(_("class: {path}   for students and platforms: {folder}", path=page,
                   folder=page.parent))  # fmt: skip

    def languages(self) -> dict[str, str]:
        """The language of each entry's report; "" for the command's own."""
        known, _absent = matched(self.people, self.entries)
        return {
            one.key: (known[one.key].language if one.key in known else "")
            or self.marking.settings.language
            for one in self.entries
        }

    def grade(self, todo: Sequence[Entry], slot: Slot) -> None:
        """Grade what is to be graded, a line for each."""
        grader: Grader = grade_job
        executors: Executors = processes
        labs = self.labs
        if self.scheduler and todo:
            grader, executors = Away(grade_job, code_here()), cluster_at(self.scheduler)
            with Cluster(self.scheduler) as cluster:
                labs = cluster.slots
            if not labs:
                show.say(_("no worker offers a lab yet: it waits for one.   see: {command}",
                           command="labkit class workers"))  # fmt: skip
        show.say(
            _("{todo} of {all} to grade, labs at once: {labs}; ledger: {path}",
              todo=len(todo), all=len(self.entries), labs=labs, path=self.ledger.root)
        )  # fmt: skip
        started, done = time.monotonic(), 0

        def told(record: Record) -> None:
            nonlocal done
            done += 1
            left = (time.monotonic() - started) / done * (len(todo) - done)
            result = self.ledger.result(record.key, slot)
            marks = f"{result['score_low']:g} / {result['score_max']:g}" if result else record.why
            show.say(
                _("{done}/{all} {name}: {state}, {marks} ({seconds} s); about {left} min left",
                  done=done, all=len(todo), name=record.name, state=state_words()[record.state],
                  marks=marks, seconds=number(record.seconds, ".0f"),
                  left=number(left / 60, ".0f"))
            )  # fmt: skip

        grade_class(todo, self.ledger, self.digests, self.wishes, labs=labs, slot=slot,
                    grader=grader, executors=executors, languages=self.languages(),
                    on_done=told)  # fmt: skip


@command.command("grade")
@_common
@click.option(
    "-o",
    "--output",
    default="ansi",
    show_default=True,
    type=click.Choice(["ansi", *OUTPUTS]),
    help="What goes to standard output.",
)
@click.pass_context
def grade(
    ctx: click.Context,
    submissions: Path,
    folder: str,
    labs: int,
    no_drills: bool,
    steps: str,
    only: str,
    scheduler: str,
    roster: str,
    settings: str,
    output: str,
) -> None:
    """Grade a folder or an archive with a folder or an archive for each student.

    Moodle's download of all submissions, exports of Gradescope and clones of GitHub Classroom are
    read as they are. Who has been graded is not graded again until the files, the course or the
    options change.
    """
    the_class = _Class.opened(
        submissions, folder, roster, settings, labs, no_drills, steps, scheduler
    )
    with the_class.ledger.held():
        todo = wanted(the_class.entries, the_class.ledger, the_class.digests, only=only)
        try:
            the_class.grade(todo, "graded")
        except KeyboardInterrupt:
            _print(the_class, output)
            raise
        found = _print(the_class, output)
        the_class.write_reports(found, submissions)
        ctx.exit(_exit_code(found))


@command.command("report")
@click.argument("submissions", type=Reads(path_type=Path))
@click.option(
    "--report",
    "folder",
    default="",
    metavar="DIR",
    help="Where the ledger of the class and all reports are kept.",
)
@_marked
def report(submissions: Path, folder: str, roster: str, settings: str) -> None:
    """Write the page of the class and the students' anew, after other settings. Grades nobody."""
    the_class = _Class.opened(submissions, folder, roster, settings)
    found = the_class.rows()
    if not any(one.report for one in found):
        raise NothingToGradeError(
            _("nobody of this class has been graded yet"),
            where=str(the_class.ledger.root),
            then=f"labkit class grade {submissions}",
        )
    the_class.write_reports(found, submissions)


@command.command("watch")
@click.argument("submissions", type=Reads(path_type=Path))
@click.option(
    "--report",
    "folder",
    default="",
    metavar="DIR",
    help="Where the ledger of the class and all reports are kept.",
)
@click.option(
    "--serve",
    "port",
    default=None,
    metavar="PORT",
    type=click.IntRange(0, 65535),
    help="The page of the class in a browser of this computer; 0: any port that is free.",
)
@_marked
def watch(submissions: Path, folder: str, port: int | None, roster: str, settings: str) -> None:
    """Follow the grading of a class from another terminal. It only reads; Ctrl-C ends it.

    Without a terminal, what there is now is printed once.
    """
    the_class = _Class.opened(submissions, folder, roster, settings)
    if port is not None:
        _serve(the_class, submissions, port)
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


def _serve(the_class: _Class, submissions: Path, port: int) -> None:
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
                        the_class.course, command=f"labkit class grade {submissions}",
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


def _shown(the_class: _Class, now: Progress) -> Group:
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
        show.as_table(known, (_("student"), _("state"), _("mark"))),
    )


@command.command("regrade")
@_common
@click.option("--accept", is_flag=True, help="Let what was found count; the old results are kept.")
@click.pass_context
def regrade(
    ctx: click.Context,
    submissions: Path,
    folder: str,
    labs: int,
    no_drills: bool,
    steps: str,
    only: str,
    scheduler: str,
    roster: str,
    settings: str,
    accept: bool,
) -> None:
    """Grade again what was graded, and show what would change. Nothing changes without --accept."""
    the_class = _Class.opened(
        submissions, folder, roster, settings, labs, no_drills, steps, scheduler
    )
    ledger = the_class.ledger
    with ledger.held():
        graded = [one for one in the_class.entries if ledger.record(one.key)]
        if not graded:
            raise NothingToGradeError(
                _("nobody of this class has been graded yet"),
                where=str(ledger.root),
                then=f"labkit class grade {submissions}",
            )
        if not accept:
            todo = wanted(graded, ledger, the_class.digests, only=only, slot="proposed")
            the_class.grade(todo, "proposed")
        found = differences(ledger, graded, the_class.people, the_class.marking)
        changes = [one for one in found if one.changed]
        table = [
            (one.name, one.before, one.after,
             "\n".join(f"{check}: {old or '–'} → {new or '–'}" for check, old, new in one.checks))
            for one in changes
        ]  # fmt: skip
        show.table(table, (_("student"), _("before"), _("after"), _("checks")))
        if accept:
            count = sum(ledger.accept(one.key) for one in graded)
            the_class.write_reports(the_class.rows(), submissions)
            show.say(_("results that count now: {count}; the old ones are kept", count=count))
        else:
            show.say(
                _("students with a difference: {count}.   next: {command}", count=len(changes),
                  command=f"labkit class regrade {submissions} --accept")
            )  # fmt: skip
    ctx.exit(EXIT_PASSED)


def _print(the_class: _Class, output: str) -> list[Row]:
    found = the_class.rows()
    if output != "ansi":
        click.echo(OUTPUTS[output](found), nl=False)
        return found
    states = state_words()
    show.table(
        [(one.name, one.number, states[one.state], mark(one), one.why or " ".join(one.causes))
         for one in found],
        (_("student"), _("number"), _("state"), _("mark"), _("what to settle")),
    )  # fmt: skip
    return found


def _exit_code(found: Sequence[Row]) -> int:
    """As of one grading: what could not be told comes first, then what failed."""
    if any(one.state in ("inconclusive", "unreadable", "open") for one in found):
        return EXIT_INCONCLUSIVE
    return EXIT_FAILED if any(one.causes or one.state == "absent" for one in found) else EXIT_PASSED
