"""What a watcher saw on the entry machine, and what follows from it. Pure.

The protocol with the course's watcher script: one JSON object per line on its standard output,

    {"t": 4043.61, "late": 0.002, "states": {"one": "UP", "two": "DOWN"},
     "counters": {"failed": 12}}

`t` is seconds of the machine's monotonic clock, which nobody sets; a line comes when a state is new
and at least every 0.5 s.
`late` is by how many seconds the watcher missed its own time at worst since the line before: a
machine without a free core sees a change of state later than it came.
States are the words below. Counters only grow; `failed` is how many answers of the service as a
whole were server errors, `served.NAME` how many requests a server was given, `redispatches` how
many were repeated on another one; others are the course's. A line `{"t": ..., "error": "..."}`
says in words why there is nothing to see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

UP = "UP"
UNCHECKED = "UNCHECKED"  # serves, and nobody looks whether it is well
SERVING = frozenset({UP, UNCHECKED})  # DOWN, DRAIN, MAINT and what else there may be do not serve

FAILED = "failed"
REDISPATCHED = "redispatches"  # requests that were given to another server than the first
SERVED = "served."  # followed by the server's name


@dataclass(frozen=True, slots=True)
class Reading:
    """One line of the watcher; `at` in epoch seconds of the local clock."""

    at: float
    states: Mapping[str, str]
    counters: Mapping[str, int] = field(default_factory=dict)
    late: float = 0.0

    @property
    def all_serve(self) -> bool:
        """Is there a server, and do all of them serve?"""
        return bool(self.states) and all(state in SERVING for state in self.states.values())


@dataclass(frozen=True, slots=True)
class Change:
    """A server's state became another one (epoch seconds)."""

    at: float
    server: str
    state: str
    before: str

    @property
    def lost(self) -> bool:
        """Did the server leave the rotation?"""
        return self.before in SERVING and self.state not in SERVING


@dataclass(frozen=True)
class Watched:
    """All the readings of a run, in order."""

    readings: Sequence[Reading] = ()

    def worst_lateness(self, begin: float, end: float) -> float:
        """By how much the watcher missed its own time at worst between two instants (s)."""
        return max((one.late for one in self.readings if begin <= one.at <= end), default=0.0)

    def servers(self) -> list[str]:
        """Every server ever seen, by name."""
        return sorted({server for reading in self.readings for server in reading.states})

    def changes(self) -> list[Change]:
        """Every change of state, in order; a server's first state is not a change."""
        known: dict[str, str] = {}
        changes = []
        for reading in self.readings:
            for server, state in reading.states.items():
                before = known.get(server, state)
                if state != before:
                    changes.append(Change(reading.at, server, state, before))
                known[server] = state
        return changes

    def first_loss(self, since: float) -> float | None:
        """When the first server left the rotation, at or after an instant; None if none did."""
        return next((change.at for change in self.changes() if change.lost and change.at >= since),
                    None)  # fmt: skip

    def restored(self, since: float) -> float | None:
        """When all servers served again for good, having been incomplete at or after an instant.

        None when none was ever lost, or when the last reading still lacks one.
        """
        if self.first_loss(since) is None or not self.readings[-1].all_serve:
            return None
        missing = [index for index, reading in enumerate(self.readings) if not reading.all_serve]
        return self.readings[missing[-1] + 1].at

    def flaps(self, fault: float | None, expected: int | None = None) -> int:
        """How often a server left the rotation without need.

        After the fault each server may leave once, before it none; `expected` says, if it is
        known, how many servers the fault takes away.
        """
        losses = [change for change in self.changes() if change.lost]
        if fault is None:
            return len(losses)
        meant = len({change.server for change in losses if change.at >= fault})
        if expected is not None:
            meant = min(meant, expected)
        return len(losses) - meant

    def counters(self, at: float) -> Mapping[str, int]:
        """The last counters read at or before an instant; the first ones if none was earlier."""
        earlier = [reading for reading in self.readings if reading.at <= at and reading.counters]
        if earlier:
            return earlier[-1].counters
        return next((reading.counters for reading in self.readings if reading.counters), {})

    def counted(self, name: str, begin: float, end: float) -> int | None:
        """How much a counter grew between two instants; None if it is unknown or was reset."""
        before, after = self.counters(begin).get(name), self.counters(end).get(name)
        if before is None or after is None or after < before:
            return None
        return after - before
