"""A class as its verbs open it: its entries, its ledger, who is in it, what counts."""

from __future__ import annotations

import hashlib
import os
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import click

from labkit.classroom import APPLICATION, GradeOptions
from labkit.classroom.away import Away, code_here
from labkit.classroom.belonging import Belonging, Variants
from labkit.classroom.cluster import Cluster, cluster_at
from labkit.classroom.intake import Entry, read_class
from labkit.classroom.ledger import Ledger, Record, Slot
from labkit.classroom.marking import Marking
from labkit.classroom.overview import state_words
from labkit.classroom.progress import Progress, progress
from labkit.classroom.reports import write_reports
from labkit.classroom.roll import (
    Executors,
    Grader,
    digest,
    free_memory,
    grade_class,
    grade_job,
    processes,
    room_for_labs,
)
from labkit.classroom.roster import Person, matched, read_roster
from labkit.classroom.settings import Settings, read_settings
from labkit.classroom.table import Row, rows
from labkit.cli import show
from labkit.cli.paths import Reads, Writes
from labkit.cli.session import outside, report_name, the_course
from labkit.cli.submission_options import reading_rules, submission_options
from labkit.course import Course, select
from labkit.grading.explain import read_checks
from labkit.lab.store import reports_root
from labkit.locale import _, number
from labkit.text import clean


def grading_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What both verbs that grade are told."""
    for option in (
        click.option("--labs", default=0, metavar="N", type=click.IntRange(0, 64),
                     help="Labs at once; else as many as memory and processors allow."),
        click.option("--no-drills", is_flag=True,
                     help="Only what disturbs nothing; not the full mark."),
        click.option("--steps", "steps", default="all", metavar="A-B", help="Only these steps."),
        submission_options,
        click.option("--only", default="", metavar="WHO",
                     help="failed, inconclusive, changed, or a part of a name."),
        click.option("--scheduler", default="", metavar="ADDRESS",
                     help="Of Dask: grade on its workers (labkit class workers)."),
    ):  # fmt: skip
        function = option(function)
    return class_options(function)


def class_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Which class it is, and what decides how a result that is known is marked and for whom."""
    for option in (
        click.argument("submissions", type=Reads(path_type=Path)),
        click.option("--report", "folder", type=Writes(), default="", metavar="DIR",
                     help="Where the ledger of the class and all reports are kept."),
        click.option("--roster", type=Reads(), default="", metavar="FILE",
                     help="The list of the class, CSV: name, number, email, group, late, excused, "
                     "language."),
        click.option("--settings", type=Reads(), default="", metavar="FILE",
                     help="What counts and for how much, TOML: class.toml."),
    ):  # fmt: skip
        function = option(function)
    return function


@dataclass(frozen=True)
class ClassSession:
    """What every verb of a class begins with."""

    course: Course
    entries: list[Entry]
    ledger: Ledger
    options: GradeOptions
    digests: dict[str, str]
    labs: int
    people: list[Person]
    marking: Marking
    words: tuple[str, ...]  # that say on the command line which class it is, graded how
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
        forward: bool = True,
        documented: bool = False,
        application: str = APPLICATION[0],
        scheduler: str = "",
    ) -> ClassSession:
        course = the_course()
        people = read_roster(Path(roster)) if roster else []
        chosen = read_settings(Path(settings), course) if settings else Settings()
        place = submissions.resolve()
        mark_of_place = hashlib.sha256(str(place).encode()).hexdigest()[:6]
        name = f"class-{report_name(place.stem, 'class')}-{mark_of_place}"
        root = outside(
            Path(folder or reports_root() / name), place, f"labkit class grade {submissions}"
        )
        options = GradeOptions(
            steps=frozenset(step.number for step in select(course, steps)),
            drills=not no_drills,
            reading=reading_rules(documented, application),
            forward=forward,
            limit_s=60 * chosen.minutes if chosen.minutes else None,
        )
        entries = read_class(place)
        told = {"--application": application if application != APPLICATION[0] else "",
                "--report": folder, "--roster": roster, "--settings": settings,
                "--steps": steps if steps != "all" else "", "--scheduler": scheduler}  # fmt: skip
        words = [str(submissions), *chain(*(pair for pair in told.items() if pair[1]))]
        words += ["--no-drills"] * no_drills + ["--no-carry-forward"] * (not forward)
        words += ["--readme"] * documented
        digests = {one.key: digest(one, course, options) for one in entries}
        room = room_for_labs(os.cpu_count() or 1, free_memory(), drills=options.drills)
        return cls(course, entries, Ledger(root), options, digests, labs or room, people,
                   Marking(read_checks(course), chosen), tuple(words), scheduler)  # fmt: skip

    def typed(self, verb: str, *more: str) -> str:
        """The command for a verb of the same class, as a person would type it."""
        return shlex.join(["labkit", "class", verb, *self.words, *more])

    def rows(self, entries: Sequence[Entry] | None = None) -> list[Row]:
        """The table of the class, or of some entries of it, as the ledger has it now."""
        asked = self.entries if entries is None else entries
        found = rows(self.ledger, asked, self.people, self.marking)
        for at, one in enumerate(asked):  # the entries' rows come first
            if one.key in self.belongings:
                found[at] = replace(found[at], variant=self.belongings[one.key].word)
        return found

    @cached_property
    def belongings(self) -> dict[str, Belonging]:
        """Whose variant each entry belongs to; of those whose number is known, if there are any."""
        if not self.marking.settings.variants:
            return {}
        known, absent = matched(self.people, self.entries)
        numbers = {
            one.key: known[one.key].number if one.key in known else one.number
            for one in self.entries
        }
        names = {numbers[one.key]: clean(one.name) for one in self.entries if numbers[one.key]}
        names |= {one.number: clean(one.name) for one in absent if one.number}
        variants = Variants(self.course, self.marking.settings.variants, names)
        return {
            one.key: variants.belonging(one.folder, numbers[one.key])
            for one in self.entries
            if one.folder and numbers[one.key]
        }

    def progress(self) -> Progress:
        """How far it is now."""
        return progress(self.ledger, self.entries, time.time())

    def write_reports(self, found: Sequence[Row]) -> None:
        """Write what there is for the teacher, the learners and platforms; say where."""
        page = write_reports(self.ledger, self.entries, found, self.marking, self.course,
                             self.languages(), command=self.typed("grade"),
                             belongings=self.belongings)  # fmt: skip
        show.say(_("class: {path}   for learners and platforms: {folder}", path=page,
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
            marks = (
                f"{number(result['score_low'])} / {number(result['score_max'])}"
                if result
                else record.why
            )
            show.say(
                _("{done}/{all} {name}: {state}, {marks} ({seconds} s); about {left} min left",
                  done=done, all=len(todo), name=record.name, state=state_words()[record.state],
                  marks=marks, seconds=number(record.seconds, ".0f"),
                  left=number(left / 60, ".0f"))
            )  # fmt: skip

        grade_class(todo, self.ledger, self.digests, self.options, labs=labs, slot=slot,
                    grader=grader, executors=executors, languages=self.languages(),
                    on_done=told)  # fmt: skip
