"""The clock of all that is measured: epoch seconds that only move forward.

The system's clock may be set while a drill runs (a laptop that wakes, ntpd, an administrator):
what was due at an instant would then come late, or behind the load. So instants are those of the
monotonic clock, which is the computer's and the same in each of its processes, plus an offset that
a process takes once. A plan carries it to the processes that load. Another machine's clock is never
read as if it were this one: `labkit.load.watch` measures how far it is off.
"""

from __future__ import annotations

import time


class Clock:
    """Epoch seconds; `offset` is what the monotonic clock lacks to them."""

    def __init__(self, offset: float) -> None:
        self.offset = offset

    def now(self) -> float:
        """This instant."""
        return self.at(time.monotonic())

    def at(self, monotonic: float) -> float:
        """An instant of the monotonic clock, in epoch seconds."""
        return monotonic + self.offset


CLOCK = Clock(time.time() - time.monotonic())
