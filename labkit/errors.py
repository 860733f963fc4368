"""Everything that labkit refuses to do, as sentences: what is wrong, where, and what to type next.

The exit codes are one table for all commands (documented in docs/*/exit-codes.md):
0 all passed, 1 something failed, 2 usage or interrupted, 3 grader error or inconclusive,
4 environment not ready, 5 nothing to grade.
"""

from __future__ import annotations

EXIT_PASSED = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INCONCLUSIVE = 3
EXIT_NOT_READY = 4
EXIT_NOTHING = 5

EXIT_CODES = {  # code -> what it says, an English message
    EXIT_PASSED: "all passed",
    EXIT_FAILED: "something failed",
    EXIT_USAGE: "usage or interrupted",
    EXIT_INCONCLUSIVE: "grader error or inconclusive",
    EXIT_NOT_READY: "environment not ready",
    EXIT_NOTHING: "nothing to grade",
}


class LabkitError(Exception):
    """An error that a person can act on.

    `what` is one sentence, `where` a file, line or machine, `then` the next thing to type.
    """

    exit_code = EXIT_INCONCLUSIVE

    def __init__(self, what: str, *, where: str = "", then: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.then = then

    def __str__(self) -> str:
        parts = [self.what]
        if self.where:
            parts.append(f"where: {self.where}")
        if self.then:
            parts.append(f"next: {self.then}")
        return "\n".join(parts)


class UsageError(LabkitError):
    """The command line or a file given by the user cannot be used."""

    exit_code = EXIT_USAGE


class NotReadyError(LabkitError):
    """The computer, the engine or the lab is not in a state in which the command can work."""

    exit_code = EXIT_NOT_READY


class StepFailedError(LabkitError):
    """A command of a step failed on a machine, or the step's own checks say that it did."""

    exit_code = EXIT_FAILED


class NothingToGradeError(LabkitError):
    """There is no lab, or nothing in it, that could be graded."""

    exit_code = EXIT_NOTHING
