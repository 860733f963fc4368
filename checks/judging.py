"""A drill as a check: performed, and its verdict made the check's."""

from __future__ import annotations

from collections.abc import Callable

import labkit.grading
from labkit.course import CannotTellError, Verdict, not_met
from labkit.grading import Context
from labkit.load.words import LIMIT_WORDS
from labkit.locale import _, number


def must_pass(context: Context, name: str, note: Callable[[str], None]) -> None:
    """Run a drill and end the check as it ended, saying which limits it broke."""
    result = labkit.grading.perform_drill(context, name)
    if result.verdict is Verdict.INCONCLUSIVE:
        raise CannotTellError(result.message, settle=f"labkit drill {name}")
    if result.verdict is Verdict.FAILED:
        broken = [one for one in result.limits if one.held is False]
        not_met(
            expected=", ".join(
                f"{_(LIMIT_WORDS[one.name])} ≤ {number(one.limit)}" for one in broken
            )
            or _("the service is healthy again"),
            seen=result.message,
            where=f"labkit drill {name}",
        )
    note(result.message)
