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


def times(line_s: float) -> float:
    """By how many times a limit is stretched where a build of one line takes these seconds."""
    return min(max(1.0, line_s / ONE_LINE_S), SLOWEST)


class Deadline:
    """The end of some seconds: of so many more, once they are over, as the machine is slower."""

    def __init__(self, shell: Shell, limit_s: float) -> None:
        self._shell = shell
        self._limit_s = limit_s
        self._began = time.monotonic()
        self._times: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether it is; the machine is measured when the seconds as they stand are over."""
        if self._passed(1.0) and self._times is None:
            self._times = self._measured()
        return self._passed(self._times or 1.0)

    def _passed(self, times: float) -> bool:
        return time.monotonic() - self._began >= self._limit_s * times

    def _measured(self) -> float:
        try:
            line_s = one_line_s(self._shell)
        except LabkitError:  # it answers nobody: there is nothing to wait for
            return 1.0
        return times(line_s) if line_s is not None else 1.0
