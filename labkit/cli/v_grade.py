"""labkit grade"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from labkit.classroom import (
    GradeOptions,
    fresh_lab,
    grade_submission,
    read_submission,
    recognised,
)
from labkit.cli import show
from labkit.cli.paths import Reads, Writes
from labkit.cli.session import (
    grading,
    lab_option,
    now,
    outside,
    report_name,
    stamp_now,
    the_course,
    the_lab_alone,
)
from labkit.cli.submission_options import reading_rules, submission_options
from labkit.cli.v_check import exit_code
from labkit.course import AS_USUAL, select
from labkit.errors import NothingToGradeError, NotReadyError, UsageError
from labkit.grading import Context, GradeResult, everything, grade, quick
from labkit.grading.writers import WRITERS
from labkit.grading.writers.html import write_html
from labkit.lab import PROVIDERS
from labkit.lab.store import reports_root
from labkit.locale import _, language
from labkit.remote import Transcript
from labkit.whole import fresh_folder


def _a_number(_ctx: click.Context, _option: click.Parameter, value: float) -> float:
    """Click's ranges let NaN through: it is neither too small nor too large."""
    if math.isnan(value):
        raise click.BadParameter(_("{value} is not a number", value=value))
    return value


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
    type=Writes(),
    default="",
    metavar="DIR",
    help="Where result.json, report.html and the evidence go.",
)
@click.option("--learner", default="", help="A name for the report.")
@click.option(
    "--reference-credit",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0, 1),
    callback=_a_number,
    help="What steps done with reference files are worth.",
)
@click.option("--no-drills", is_flag=True, help="Only what disturbs nothing; not the full mark.")
@click.option("--seed", type=int, default=None, help="Of the drills' request mix.")
@click.option(
    "--submission",
    type=Reads(),
    default="",
    metavar="PATH",
    help="Grade a learner's folder or archive, on fresh machines that are removed afterwards.",
)
@click.option(
    "--provider",
    type=click.Choice(PROVIDERS),
    default=None,
    help="Of a submission: whose machines; Vagrant's are kept, and put back for the next one.",
)
@click.option(
    "--steps", "wanted", default="all", metavar="A-B", help="Of a submission: only these steps."
)
@click.option(
    "--fill-gaps/--no-fill-gaps",
    "fill",
    default=True,
    show_default=True,
    help="Of a submission: do what is missing with the reference, for no points.",
)
@submission_options
@click.option(
    "--evidence", default="", metavar="FILE", help="Write what the mark rests on, signed."
)
@click.option(
    "--sign-with", "key", default="", metavar="KEY", help="An SSH key; else ~/.ssh/id_ed25519."
)
@lab_option
@click.pass_context
def command(
    ctx: click.Context,
    output: str,
    folder: str,
    learner: str,
    reference_credit: float,
    no_drills: bool,
    seed: int | None,
    submission: str,
    provider: str | None,
    wanted: str,
    fill: bool,
    documented: bool,
    application: str,
    forward: bool,
    evidence: str,
    key: str,
    lab_name: str,
) -> None:
    """All checks and drills, marked. About five minutes; the report says where each point went."""
    keep = _evidence(evidence, key)
    reading = reading_rules(documented, application, fill=fill)
    if submission:
        options = GradeOptions(
            steps=frozenset(step.number for step in select(the_course(), wanted)),
            drills=not no_drills,
            reading=reading,
            forward=forward,
            learner=learner,
            reference_credit=reference_credit,
            seed=seed,
        )
        ctx.exit(_submission(Path(submission), folder, output, options, provider or "", keep))
    if wanted != "all" or provider or reading != AS_USUAL or not forward:
        raise UsageError(
            _(
                "--steps, --provider, --readme, --application, --no-fill-gaps and "
                "--no-carry-forward go with --submission"
            ),
            then=f"labkit check {wanted}" if wanted != "all" else "labkit grade --submission DIR",
        )
    lab = ctx.with_resource(the_lab_alone(ctx, lab_name))
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
            show.reporter(),
            learner=learner,
            reference_credit=reference_credit,
        )
    title = context.course.titles.get(language(), "")
    write_html(result, context.out / "report.html", title=title)
    _print(result, output)
    show.say(_("report: {path}", path=context.out / "report.html"))
    keep(context.course, context.out)
    ctx.exit(exit_code(result))


def _evidence(file: str, key: str) -> Callable[..., None]:
    """What keeps the evidence of a report. A key that cannot sign is said before all the work."""
    if not file:
        return lambda *_report, **_submission: None
    from labkit.cli.v_evidence import keep, signing_key  # seldom asked for

    return partial(keep, Path(file), signing_key(key))


def _submission(
    path: Path,
    report: str,
    output: str,
    options: GradeOptions,
    provider: str,
    keep: Callable[..., None],
) -> int:
    """Grade a folder or an archive on machines of its own; the exit code."""
    course = the_course()
    folder = read_submission(path)
    recognised(course, folder, options.reading)  # before machines for nothing
    name = report_name(folder.name, "submission")
    out = Path(report or reports_root() / f"{name}-{stamp_now()}")
    out = outside(out, path, f"labkit grade --submission {path}")
    if report:
        out.mkdir(parents=True, exist_ok=True)
    else:
        out = fresh_folder(out)
    transcript = Transcript(out / "transcript.log", show.only_for_programs(), now)
    for left_out, why in folder.skipped:
        show.say(_("left out: {file} ({why})", file=left_out, why=why))
    with fresh_lab(show.say, provider) as lab:
        result = grade_submission(
            course, folder, lab, out, options, reporter=show.reporter(), commands=transcript
        )
    write_html(result, out / "report.html", title=course.titles.get(language(), ""))
    _print(result, output)
    for note in (result.submission or {}).get("notes", []):
        show.say(f"  {note}")
    show.say(_("report: {path}", path=out / "report.html"))
    keep(course, out, folder=folder, options=options)
    return exit_code(result)


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
