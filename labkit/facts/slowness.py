"""What the clock is worth on a machine that may have other work.

A wait on the clock alone would hold it against the learner that the computer is busy.
"""

from __future__ import annotations

import time

from labkit.errors import LabkitError
from labkit.remote import Shell

ONE_LINE = (
    "set -e; d=$(mktemp -d); trap 'rm -r $d' EXIT; cd $d; date +%N > x; "
    "printf 'FROM scratch\\nCOPY x /\\n' > Dockerfile; docker image rm $(docker build -q .)"
)
ONE_LINE_S = 1.5  # what that takes at most on a computer that has little else to do
ONE_LINE_LIMIT_S = 50.0
SLOWEST = 4.0  # a computer slower than that by so many times is asked again when it is not


def one_line_s(shell: Shell) -> float | None:
    """The seconds that a build of one line takes now, the cache of no use to it.

    None if the engine builds nothing; `CommandTooLongError` after ONE_LINE_LIMIT_S.
    """
    began = time.monotonic()
    done = shell.ask(ONE_LINE, timeout=ONE_LINE_LIMIT_S)
    return time.monotonic() - began if done.ok else None


def stretch(line_s: float) -> float:
    """By what a limit is multiplied where a build of one line takes these seconds: 1 to SLOWEST."""
    return min(max(1.0, line_s / ONE_LINE_S), SLOWEST)


class Deadline:
    """The end of some seconds: of so many more, once they are over, as the machine is slower."""

    def __init__(self, shell: Shell, limit_s: float, *, passed_s: float = 0.0) -> None:
        """`passed_s` of the seconds are over already."""
        self._shell = shell
        self._limit_s = limit_s
        self._began = time.monotonic() - passed_s
        self._stretch: float | None = None

    def is_over(self) -> bool:
        """Whether it is; the machine is measured, once, when the seconds as they stand are over."""
        if self._has_passed(self._limit_s * SLOWEST):
            return True
        if self._stretch is None:
            if not self._has_passed(self._limit_s):
                return False
            self._stretch = self._measured()
        return self._has_passed(self._limit_s * self._stretch)

    def _has_passed(self, seconds: float) -> bool:
        return time.monotonic() - self._began >= seconds

    def _measured(self) -> float:
        try:
            line_s = one_line_s(self._shell)
        except LabkitError:  # it answers nobody: there is nothing to wait for
            return 1.0
        return 1.0 if line_s is None else stretch(line_s)
