"""labkit drill"""

from __future__ import annotations

import click

from labkit.cli import show
from labkit.cli.session import grading, lab_option, the_lab, the_lab_alone
from labkit.course import Course, Verdict
from labkit.errors import EXIT_FAILED, EXIT_INCONCLUSIVE, UsageError
from labkit.grading import Context, perform_drill
from labkit.load.record import DrillResult
from labkit.locale import _, language, number

ALL = "all"


@click.command()
@click.argument("name", metavar="[NAME|all]", required=False)
@click.option("--list", "only_list", is_flag=True, help="Show the drills.")
@click.option("--bar", default="course", show_default=True, help="The thresholds.")
@click.option("--seed", type=int, default=None, help="Of the request mix.")
@lab_option
@click.pass_context
def command(
    ctx: click.Context, name: str | None, only_list: bool, bar: str, seed: int | None, lab_name: str
) -> None:
    """One availability drill, live, with its timeline; or all that have the bar, in turn."""
    lab = the_lab(ctx, lab_name) if only_list else ctx.with_resource(the_lab_alone(ctx, lab_name))
    with grading(ctx, lab, bar=bar, seed=seed) as context:
        if only_list:
            _list(context.course)
            return
        if not name:
            raise UsageError(_("which drill?"), then="labkit drill --list")
        lab.require_running()
        names = [one.name for one in context.course.drills if bar in one.limits]
        if not names:
            known = ", ".join(
                dict.fromkeys(bar for one in context.course.drills for bar in one.limits)
            )
            raise UsageError(
                _("no drill has a bar named {bar} (there are: {known})", bar=bar, known=known),
                then="labkit drill --list",
            )
        names = names if name == ALL else [name]
        results = [_perform(context, one) for one in names]
    if len(results) > 1:
        show.drills(results)
    verdicts = {result.verdict for result in results}
    if Verdict.FAILED in verdicts:
        ctx.exit(EXIT_FAILED)
    ctx.exit(EXIT_INCONCLUSIVE if Verdict.INCONCLUSIVE in verdicts else 0)


def _list(course: Course) -> None:
    rows = []
    for one in course.drills:
        step = course.step(one.step)
        bars = ", ".join(one.limits)
        place = step.number if step else 0
        rows.append((one.name, place, f"{number(one.duration_s)} s", bars, one.title(language())))
    rows.sort(key=lambda row: row[1])
    show.table(rows, (_("drill"), _("step"), _("lasts"), _("bars"), _("what happens")))


def _perform(context: Context, name: str) -> DrillResult:
    """Run one drill and show what came of it."""
    result = perform_drill(context, name)
    show.drill(result)
    show.results.print(result.message, markup=False)
    return result
