"""labkit class"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from labkit.classroom.overview import state_words
from labkit.classroom.roll import wanted
from labkit.classroom.table import Row, as_csv, as_json_lines, as_moodle, differences, mark
from labkit.cli import show, v_class_similar, v_class_watch, v_class_workers
from labkit.cli.class_session import ClassSession, class_options, grading_options
from labkit.errors import (
    EXIT_FAILED,
    EXIT_INCONCLUSIVE,
    EXIT_PASSED,
    NothingToGradeError,
)
from labkit.locale import _, language
from labkit.text import clean

OUTPUTS: dict[str, Callable[[Sequence[Row]], str]] = {
    "csv": as_csv, "jsonl": as_json_lines, "moodle": as_moodle,
}  # fmt: skip


@click.group()
def command() -> None:
    """A whole class: every submission on machines of its own. Stopped at any moment, it goes on."""


command.add_command(v_class_workers.command)
command.add_command(v_class_similar.command)
command.add_command(v_class_watch.command)


@command.command("grade")
@grading_options
@click.option(
    "-o",
    "--output",
    default="ansi",
    show_default=True,
    type=click.Choice(["ansi", *OUTPUTS]),
    help="What goes to standard output.",
)
@click.pass_context
def grade(ctx: click.Context, /, submissions: Path, only: str, output: str, **options: Any) -> None:
    """Grade a folder or an archive with a folder or an archive for each learner.

    Moodle's download of all submissions, exports of Gradescope and clones of GitHub Classroom are
    read as they are. Who has been graded is not graded again until the files, the course or the
    options change.
    """
    the_class = ClassSession.opened(submissions, **options)
    with the_class.ledger.held():
        todo = wanted(the_class.entries, the_class.ledger, the_class.digests, only=only)
        try:
            the_class.grade(todo, "graded")
        except KeyboardInterrupt:
            _print(the_class, output)
            raise
        found = _print(the_class, output)
        the_class.write_reports(found)
        ctx.exit(_exit_code(found))


@command.command("report")
@class_options
def report(submissions: Path, **options: Any) -> None:
    """Write the pages of the class and its learners again, with other settings. Grades nobody."""
    the_class = ClassSession.opened(submissions, **options)
    found = the_class.rows()
    if not any(one.report for one in found):
        raise NothingToGradeError(
            _("nobody in this class has been graded yet"),
            where=str(the_class.ledger.root),
            then=the_class.typed("grade"),
        )
    the_class.write_reports(found)


@command.command("regrade")
@grading_options
@click.option("--accept", is_flag=True, help="Let what was found count; the old results are kept.")
@click.pass_context
def regrade(
    ctx: click.Context, /, submissions: Path, only: str, accept: bool, **options: Any
) -> None:
    """Grade again what was graded, and show what would change. Nothing changes without --accept."""
    the_class = ClassSession.opened(submissions, **options)
    ledger = the_class.ledger
    with ledger.held():
        graded = [one for one in the_class.entries if ledger.record(one.key)]
        if not graded:
            raise NothingToGradeError(
                _("nobody in this class has been graded yet"),
                where=str(ledger.root),
                then=the_class.typed("grade"),
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
        show.table(table, (_("learner"), _("before"), _("after"), _("checks")))
        if accept:
            count = sum(ledger.accept(one.key) for one in graded)
            the_class.write_reports(the_class.rows())
            show.say(_("results that count now: {count}; the old ones are kept", count=count))
        else:
            show.say(
                _("learners with a difference: {count}.   next: {command}", count=len(changes),
                  command=the_class.typed("regrade", "--accept"))
            )  # fmt: skip
    ctx.exit(EXIT_PASSED)


def _print(the_class: ClassSession, output: str) -> list[Row]:
    found = the_class.rows()
    if output != "ansi":
        click.echo(OUTPUTS[output](found), nl=False)
        return found
    states = state_words()
    show.table(
        [(one.name, one.number, states[one.state], mark(one), one.why or " ".join(one.causes))
         for one in found],
        (_("learner"), _("number"), _("state"), _("mark"), _("what to settle")),
    )  # fmt: skip
    for one in the_class.entries:
        belonging = the_class.belongings.get(one.key)
        if belonging and belonging.strange:
            show.say(
                _("{name} belongs to another variant: {what}; it was given to: {whom}",
                  name=clean(one.name), whom=", ".join(belonging.theirs) or _("nobody on the list"),
                  what=", ".join(f"{it.trait.title(language())} {' '.join(it.found)}"
                                 for it in belonging.strange))
            )  # fmt: skip
    return found


def _exit_code(found: Sequence[Row]) -> int:
    """As of one grading: what could not be determined comes first, then what failed."""
    if any(one.state in ("inconclusive", "unreadable", "open") for one in found):
        return EXIT_INCONCLUSIVE
    return EXIT_FAILED if any(one.causes or one.state == "absent" for one in found) else EXIT_PASSED
