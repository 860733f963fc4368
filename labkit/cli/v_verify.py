"""labkit verify"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import click

from labkit.accuracy import load_corpus, make_mutants, run_campaign
from labkit.accuracy.corpus import Case
from labkit.accuracy.matrix import Outcome
from labkit.accuracy.page import text_of, write_page
from labkit.accuracy.verdict import Findings
from labkit.cli import show
from labkit.cli.paths import Reads, Writes
from labkit.cli.session import the_course
from labkit.course import load_checks
from labkit.errors import EXIT_FAILED, NothingToGradeError
from labkit.locale import _, number


@click.command()
@click.option("-o", "--output", default="ansi", type=click.Choice(["ansi", "json"]),
              show_default=True, help="What goes to standard output.")  # fmt: skip
@click.option(
    "--corpus",
    type=Reads(),
    default="",
    metavar="DIR",
    help="Default: the course's tests/submissions.",
)
@click.option("--smoke", is_flag=True, help="Only a small part, chosen by the corpus' authors.")
@click.option("--only", default="", metavar="TEXT", help="Only cases with this in their names.")
@click.option("--mutants/--no-mutants", default=True, show_default=True,
              help="Mutants too, or only what was written by hand.")  # fmt: skip
@click.option("--bases", default=1, show_default=True, type=click.IntRange(1, 20),
              help="Right answers that each mutation is planted into.")  # fmt: skip
@click.option("--repeat", default=1, show_default=True, type=click.IntRange(1, 100),
              help="Grade everything this many times; does a verdict ever flip?")  # fmt: skip
@click.option("--busy", is_flag=True, help="With a busy process per core alongside.")
@click.option("--labs", default=0, metavar="N", type=click.IntRange(0, 16),
              help="Labs at once. Default: one more than cores, three at most.")  # fmt: skip
@click.option(
    "--page",
    type=Writes(),
    default="",
    metavar="FILE",
    help="Also write the figures as a Markdown page.",
)
@click.pass_context
def command(
    ctx: click.Context,
    output: str,
    corpus: str,
    smoke: bool,
    only: str,
    mutants: bool,
    bases: int,
    repeat: int,
    busy: bool,
    labs: int,
    page: str,
) -> None:
    """For authors: how often is the grader wrong, on right, wrong and mutated solutions?

    Exit code 0 if every check did what was expected of it every time, else 1.
    """
    course = the_course()
    folder = Path(corpus) if corpus else course.root / "tests" / "submissions"
    entries = load_corpus(folder, course, load_checks(course))
    cases = [*entries, *(make_mutants(course, entries, bases_each=bases) if mutants else [])]
    cases = one_fix_each(chosen(cases, smoke=smoke, only=only))
    if not cases:
        raise NothingToGradeError(_("no case is left to grade"), then="labkit verify --smoke")
    show.say(_("{count} cases, {repeat} times", count=len(cases), repeat=repeat))
    campaign = run_campaign(
        course,
        cases,
        labs=labs or min(3, (os.cpu_count() or 1) + 1),
        repeat=repeat,
        busy=busy,
        say=show.say,
        on_outcome=_told,
    )
    findings = Findings(campaign, course.mutations)
    if page:
        write_page(findings, Path(page))
    if output == "json":
        click.echo(json.dumps(findings.to_json(), indent=1, ensure_ascii=False))
    else:
        show.results.print(text_of(findings), markup=False)
    ctx.exit(0 if findings.flawless else EXIT_FAILED)


def one_fix_each(cases: list[Case]) -> list[Case]:
    """The cases, the third hint of each check followed for the first that it catches."""
    followed: set[str] = set()
    found = []
    for case in cases:
        check = case.expected.caught_by
        if case.expected.fix and check in followed:
            case = replace(case, expected=replace(case.expected, fix=None))
        elif case.expected.fix:
            followed.add(check)
        found.append(case)
    return found


def chosen(cases: list[Case], *, smoke: bool, only: str) -> list[Case]:
    """The cases that are wanted; a smoke run has a mutant of every twentieth operator as well."""
    if smoke:
        operators = list(dict.fromkeys(one.made_by for one in cases if one.made_by))[::20]
        first = {name: next(one for one in cases if one.made_by == name) for name in operators}
        cases = [one for one in cases if one.smoke or first.get(one.made_by) is one]
    return [one for one in cases if only in one.name or only == one.kind]


def _told(outcome: Outcome, done: int, total: int) -> None:
    word = _("as expected") if not outcome.problems else "; ".join(outcome.problems)
    show.say(
        f"{done}/{total} {outcome.kind} {outcome.name} ({number(outcome.seconds, '.1f')} s): {word}"
    )
