"""labkit hint"""

from __future__ import annotations

import json

import click

from labkit.cli import show
from labkit.cli.session import grading, lab_option, the_lab
from labkit.course import Verdict, select
from labkit.errors import EXIT_FAILED
from labkit.locale import _
from labkit.whole import write_whole


@click.command()
@click.argument("wanted", metavar="N|LETTER|SLUG")
@lab_option
@click.pass_context
def command(ctx: click.Context, wanted: str, lab_name: str) -> None:
    """One hint more on the first thing that fails in a step; the third is the answer."""
    lab = the_lab(ctx, lab_name)
    lab.require_running()
    from labkit.grading import grade, quick  # pytest: not before there is a lab to ask

    with grading(ctx, lab) as context:
        steps = {step.number for step in select(context.course, wanted)}
        result = grade(context, quick(context.course, steps), keep=False)
    failed = next((one for one in result.checks if one.verdict is Verdict.FAILED), None)
    if failed is None or not failed.hints:
        show.say(_("nothing fails here that labkit has a hint for.   next: labkit check"))
        return
    memory = lab.state / "hints.json"
    given = json.loads(memory.read_text(encoding="utf-8")) if memory.exists() else {}
    level = min(given.get(failed.id, 0), len(failed.hints) - 1)
    given[failed.id] = level + 1
    write_whole(memory, json.dumps(given))
    show.check(failed)
    for number in range(1, level + 1):
        show.results.print(
            f"           {number + 1}/{len(failed.hints)}  {failed.hints[number]}", markup=False
        )
    ctx.exit(EXIT_FAILED)
