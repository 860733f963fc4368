"""What a check or a drill can end in."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """The closed set of what a check or a drill can end in (design.md, section 4)."""

    PASSED = "passed"
    FAILED = "failed"
    BLOCKED = "blocked"  # something that it depends on failed
    INCONCLUSIVE = "inconclusive"  # the grader or the environment could not tell: never zero
