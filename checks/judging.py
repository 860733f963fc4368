"""A drill as a check: performed, and its verdict made the check's."""

from __future__ import annotations

from collections.abc import Callable

import labkit.grading
from labkit.grading import Context


def must_pass(context: Context, name: str, note: Callable[[str], None]) -> None:
    """Run a drill and end the check as it ended, saying which limits it broke."""
    result = labkit.grading.perform_drill(context, name)
    labkit.grading.must_have_passed(result)
    note(result.message)
