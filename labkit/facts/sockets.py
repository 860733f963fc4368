"""Who listens on a machine's TCP ports: what `ss -Hltnp` says of it (iproute2, ss(8))."""

from __future__ import annotations

import re
from dataclasses import dataclass

HOLDER = re.compile(r'\("([^"]*)",pid=(\d+)')


@dataclass(frozen=True)
class Listener:
    """A port, and the processes that hold it: their names and their numbers."""

    port: int
    programs: frozenset[str]
    pids: frozenset[str]


def listeners(listing: str) -> list[Listener]:
    """A listener per line of `ss -Hltnp`; lines of another form are left out."""
    found = []
    for line in listing.splitlines():
        port = "".join(line.split()[3:4]).rpartition(":")[2]
        if line.startswith("LISTEN") and port.isascii() and port.isdigit():
            held = HOLDER.findall(line)
            programs, pids = (frozenset(one[place] for one in held) for place in (0, 1))
            found.append(Listener(int(port), programs, pids))
    return found
