"""How a check says what it found: it returns, or it raises one of these.

Rendering is apart from running: an outcome carries what was expected, what was seen and where,
as plain data, and whoever shows it decides how. What was seen is a learner's text: it is cleaned
here, once, before it goes to a terminal, a report or another program.
"""

from __future__ import annotations

from typing import NoReturn

from labkit.locale import _
from labkit.text import clean


class NotMetError(AssertionError):
    """The learner's work does not do what the check asks for."""

    def __init__(self, *, expected: str, seen: str, where: str = "") -> None:
        self.expected = clean(expected)
        self.seen = clean(seen)
        self.where = clean(where)
        super().__init__(f"expected {self.expected}; seen {self.seen}")


class CannotTellError(Exception):
    """Neither right nor wrong: the grader or the environment could not tell, and why."""

    def __init__(self, why: str, *, settle: str = "") -> None:
        self.why = clean(why)
        self.settle = clean(settle)
        super().__init__(self.why)


def expect(holds: object, *, expected: str, seen: object = "", where: str = "") -> None:
    """Go on if something holds, else end the check as failed, saying why."""
    if not holds:
        not_met(expected=expected, seen=str(seen), where=where)


def not_met(*, expected: str, seen: str, where: str = "") -> NoReturn:
    """End the check as failed."""
    seen = clean(seen).strip() or _("nothing")
    raise NotMetError(expected=expected, seen=seen, where=where)
