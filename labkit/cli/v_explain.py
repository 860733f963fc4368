"""labkit explain"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import click
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from labkit.cli import show
from labkit.course import Course, select
from labkit.errors import UsageError
from labkit.grading import explain
from labkit.grading.explain import Declared
from labkit.grading.outline import load_outline
from labkit.lab.parity import in_words, likeness
from labkit.locale import _, language, number, use_course

Row = tuple[str, str]


@click.command()
@click.argument("wanted", metavar="[CHECK|N|LETTER|SLUG|A-B|all]", default="all")
def command(wanted: str) -> None:
    """What a check asks, and why; of a step, which checks it has. Needs no lab."""
    course, checks = load_outline()
    use_course(course.root)
    try:
        numbers = {step.number for step in select(course, wanted)}
    except UsageError:  # no step: then it must be a check
        _show(course, checks, explain.find_check(course, checks, wanted))
        return
    found = [one for one in checks.values() if one.step.number in numbers]
    rows = [(one.id, number(one.spec.points), _(one.sentence)) for one in found]
    show.table(list(rows), (_("check"), _("points"), _("what must hold")))
    show.say(_("next: {command}", command=f"labkit explain {found[0].id}"))


def _show(course: Course, checks: Mapping[str, Declared], one: Declared) -> None:
    show.results.print(Text(f"{one.id} · ", style="cyan").append(_(one.sentence), style="bold"))
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column()
    for name, value in _rows(course, checks, one):
        table.add_row(Text(name, style="dim"), Text(value))
    show.results.print(Padding(table, (0, 0, 0, 2)), soft_wrap=False)


def _rows(course: Course, checks: Mapping[str, Declared], one: Declared) -> Iterator[Row]:
    step = one.step
    yield _("step"), f"{step.number} · {step.letter} · {step.title(language())}"
    yield _("points"), number(one.spec.points)
    yield _("what is probed"), _(one.spec.probes)
    yield _("why it matters"), _(one.spec.why)
    if one.spec.requires:
        yield _("on containers"), in_words(*likeness("containers", one.spec.requires))
    yield from _others(_("waits for"), (checks[name] for name in one.waits_for))
    yield from _others(_("awaited by"), (checks[name] for name in one.awaited_by))
    drill = explain.drill_of(course, one)
    if drill:
        yield _("drill"), drill.name
        yield from explain.drill_words(drill)
        yield _("to ask it"), _("labkit drill {name}   (its points: labkit grade)", name=drill.name)
        yield _("hints"), _("in the report of labkit grade")
        return
    yield _("to ask it"), f"labkit check {step.number}"
    if one.spec.hints:
        hints = _("labkit hint {number}   (one more each time)", number=step.number)
        yield _("hints"), hints


def _others(name: str, others: Iterable[Declared]) -> Iterator[Row]:
    for index, other in enumerate(others):
        yield "" if index else name, f"{other.id} · {_(other.sentence)}"
