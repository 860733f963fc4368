"""What every verb that grades submissions lets choose: how they are read and carried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from labkit.classroom import APPLICATION
from labkit.course import ReadingRules


def submission_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options for a command: it is given `documented`, `application` and `forward`."""
    for option in (
        click.option("--carry-forward/--no-carry-forward", "forward", default=True,
                     show_default=True, help="Of a submission: judge later steps on the reference "
                     "where its own earlier work fails."),
        click.option("--application", type=click.Choice(APPLICATION), default=APPLICATION[0],
                     show_default=True, help="Of a submission: route and login by which the API "
                     "is judged: those of the statement, or of its own code."),
        click.option("--readme/--no-readme", "documented", default=False, show_default=True,
                     help="Of a submission: code blocks of a README count for files that are "
                     "missing."),
    ):  # fmt: skip
        function = option(function)
    return function


def reading_rules(documented: bool, application: str, *, fill: bool = True) -> ReadingRules:
    """The rules that were chosen by these options."""
    return ReadingRules(fill, documented, as_found=application != APPLICATION[0])
