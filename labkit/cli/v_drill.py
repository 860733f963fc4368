"""labkit drill"""

from __future__ import annotations

import click

from labkit.cli import show
from labkit.cli.session import grading, lab_option, the_lab
from labkit.course import Verdict
from labkit.errors import EXIT_FAILED, EXIT_INCONCLUSIVE, UsageError
from labkit.grading import perform_drill
from labkit.load.drill import Progress
from labkit.locale import _, language


@click.command()
@click.argument("name", required=False)
@click.option("--list", "only_list", is_flag=True, help="Show the drills.")
@click.option(
    "--bar",
    default="course",
    show_default=True,
    type=click.Choice(["course", "hardened"]),
    help="The thresholds.",
)
@click.option("--seed", type=int, default=None, help="Of the request mix.")
@lab_option
@click.pass_context
def command(
    ctx: click.Context, name: str | None, only_list: bool, bar: str, seed: int | None, lab_name: str
) -> None:
    """One availability drill, live, with its timeline."""
    lab = the_lab(ctx, lab_name)
    with grading(ctx, lab, bar=bar, seed=seed) as context:
        if only_list:
            rows = [(one.name, one.title(language())) for one in context.course.drills]
            show.table(rows, (_("drill"), _("what happens")))
            return
        if not name:
            raise UsageError(_("which drill?"), then="labkit drill --list")
        lab.require_running()
        with show.progress.status("…") as status:

            def live(now: Progress) -> None:
                states = "  ".join(f"{server} {state}" for server, state in now.states.items())
                status.update(
                    f"{_phase_word(now.phase)} {now.elapsed_s:5.1f}/{now.duration_s:.0f} s  "
                    f"{now.answered} {_('answered')}  {now.failed} {_('lost')}  {states}"
                )

            context.live = live
            result = perform_drill(context, name)
    show.drill(result)
    show.results.print(result.message, markup=False)
    codes = {Verdict.FAILED: EXIT_FAILED, Verdict.INCONCLUSIVE: EXIT_INCONCLUSIVE}
    ctx.exit(codes.get(result.verdict, 0))


def _phase_word(phase: str) -> str:
    words = {
        "steady": _("steady"),
        "baseline": _("baseline"),
        "fault": _("fault"),
        "healed": _("healed"),
        "restoring": _("restoring"),
    }
    return words.get(phase, phase)
