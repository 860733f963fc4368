"""labkit doctor"""

from __future__ import annotations

from pathlib import Path

import click

from labkit.cli import show
from labkit.cli.paths import Writes
from labkit.cli.session import lab_option, the_course, the_lab
from labkit.course import find_blueprint
from labkit.errors import EXIT_NOT_READY
from labkit.grading.explain import read_checks
from labkit.lab.doctor import Finding, examine
from labkit.lab.parity import PARITY, Likeness, likeness
from labkit.lab.survey import survey
from labkit.locale import _


@click.command()
@click.option("--parity", is_flag=True, help="What of each check is real with which provider.")
@click.option(
    "--report",
    type=Writes(path_type=Path, dir_okay=False),
    help="Write what this computer and the lab's machines say of themselves to FILE, to send us.",
)
@lab_option
@click.pass_context
def command(ctx: click.Context, parity: bool, report: Path | None, lab_name: str) -> None:
    """Is this computer fit for a lab? What is not, and what to do about it."""
    if parity:
        _show_parity()
        return
    findings = examine(len(find_blueprint().machines))
    if report:
        text = survey(the_lab(ctx, lab_name), findings, the_course().survey)
        report.write_text(text, encoding="utf-8")
        show.say(_("written: {file}   (read it before you send it)", file=report))
        return
    _show(findings)
    ctx.exit(0 if all(one.fit for one in findings) else EXIT_NOT_READY)


def _show(findings: list[Finding]) -> None:
    rows = [
        (_("fit") if one.fit else _("NOT FIT"), one.what, one.seen, "" if one.fit else one.fix)
        for one in findings
    ]
    show.table(list(rows), ("", _("what"), _("seen"), _("next")))


def _show_parity() -> None:
    rows = []
    for one in read_checks(the_course()).values():
        found = {provider: likeness(provider, one.spec.requires) for provider in PARITY}
        reasons = dict.fromkeys(
            reason for degree, reason in found.values() if degree is not Likeness.SAME
        )
        degrees = [_(degree.value) for degree, _reason in found.values()]
        rows.append((one.id, *degrees, _("; ").join(reasons)))
    show.table(rows, (_("check"), *PARITY, _("why")))
