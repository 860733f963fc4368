"""labkit grade"""

from __future__ import annotations

from pathlib import Path

import click

from labkit.cli import show
from labkit.cli.session import grading, lab_option, the_lab
from labkit.cli.v_check import exit_code
from labkit.errors import NothingToGradeError, NotReadyError
from labkit.grading import CheckResult, Context, GradeResult, Hooks, everything, grade, quick
from labkit.grading.writers import WRITERS
from labkit.grading.writers.html import write_html
from labkit.locale import _, language


@click.command()
@click.option(
    "-o",
    "--output",
    default="ansi",
    show_default=True,
    type=click.Choice(["ansi", *WRITERS]),
    help="What goes to standard output.",
)
@click.option(
    "--report",
    "folder",
    default="",
    metavar="DIR",
    help="Where result.json, report.html and the evidence go.",
)
@click.option("--student", default="", help="A name for the report.")
@click.option(
    "--reference-credit",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="What steps done with reference files are worth.",
)
@click.option("--no-drills", is_flag=True, help="Only what disturbs nothing; no full mark.")
@click.option("--seed", type=int, default=None, help="Of the drills' request mix.")
@lab_option
@click.pass_context
def command(
    ctx: click.Context,
    output: str,
    folder: str,
    student: str,
    reference_credit: float,
    no_drills: bool,
    seed: int | None,
    lab_name: str,
) -> None:
    """All checks and drills, marked. About five minutes; the report says where each point went."""
    lab = the_lab(ctx, lab_name)
    if not lab.machines():
        raise NothingToGradeError(
            _("there is no lab named {name}", name=lab.name), then=lab.command("up")
        )
    out = Path(folder).resolve() if folder else None
    with grading(ctx, lab, out=out, seed=seed) as context:
        scope = quick(context.course) if no_drills else everything(context.course)
        _warn_if_off(context)
        result = grade(
            context,
            scope,
            Hooks(on_start=_started, on_result=_ended),
            student=student,
            reference_credit=reference_credit,
        )
    title = context.course.titles.get(language(), "")
    write_html(result, context.out / "report.html", title=title)
    _print(result, output)
    show.say(_("report: {path}", path=context.out / "report.html"))
    ctx.exit(exit_code(result))


def _warn_if_off(context: Context) -> None:
    """Say at once what will be unclear; the checks of the other machines go on."""
    try:
        context.lab.require_running()
    except NotReadyError as error:
        show.error(error)


def _print(result: GradeResult, output: str) -> None:
    if output == "ansi":
        show.report(result)
    else:
        click.echo(WRITERS[output](result), nl=False)


def _started(check: CheckResult) -> None:
    show.progress.print(f"[dim]  … {check.id}[/dim]")


def _ended(check: CheckResult) -> None:
    show.progress.print(show.word(check.verdict), f"{check.id}  ({check.seconds:.1f} s)")
