"""labkit check"""

from __future__ import annotations

import click

from labkit.cli import show
from labkit.cli.session import grading, lab_option, the_lab
from labkit.course import Verdict, select
from labkit.errors import EXIT_FAILED, EXIT_INCONCLUSIVE
from labkit.grading import GradeResult, grade, quick


@click.command()
@click.argument("wanted", metavar="[N|LETTER|SLUG|A-B|all]", default="all")
@lab_option
@click.pass_context
def command(ctx: click.Context, wanted: str, lab_name: str) -> None:
    """Quick feedback on a step or on all: nothing is stopped, nothing is loaded."""
    lab = the_lab(ctx, lab_name)
    lab.require_running(())
    with grading(ctx, lab) as context:
        steps = {step.number for step in select(context.course, wanted)}
        scope = quick(context.course, steps)
        # A person sees the result at once.
        result = grade(context, scope, show.only_for_programs(), keep=False)
    show.report(result)
    ctx.exit(exit_code(result))


def exit_code(result: GradeResult) -> int:
    """1 if something failed or is blocked by a failure, else 3 if something is unclear, else 0."""
    if result.count(Verdict.FAILED) or result.count(Verdict.BLOCKED):
        return EXIT_FAILED
    return EXIT_INCONCLUSIVE if result.count(Verdict.INCONCLUSIVE) else 0
