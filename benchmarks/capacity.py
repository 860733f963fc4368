"""How long do students wait for a mark, with so many labs at once? A model, not a measurement.

    python -m benchmarks.capacity [--students 10000] [--seconds 60 | --ledger FOLDER]

The times of service are one value, or those that a ledger of `labkit class grade` has measured, in
their proportions. Everybody hands in within a week: 60 % of them in the last two hours, more and
more of them towards the end. Labs take the entries in the order in which they come.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import statistics
from collections.abc import Sequence
from pathlib import Path

from benchmarks.result import markdown

WEEK_S = 7 * 24 * 3600.0
RUSH_S = 2 * 3600.0
RUSH_SHARE = 0.6
LABS = (1, 2, 16, 32, 64, 128, 256)
MEMORY_MIB = 1024  # that `labkit class grade` leaves free for a lab


def arrivals(students: int, dice: random.Random) -> list[float]:
    """When each hands in, in seconds before (negative) the deadline at 0, in order."""
    times = []
    for _student in range(students):
        if dice.random() < RUSH_SHARE:
            times.append(dice.triangular(-RUSH_S, 0, 0))
        else:
            times.append(dice.uniform(-WEEK_S, -RUSH_S))
    return sorted(times)


def waits(arrived: Sequence[float], services: Sequence[float], labs: int) -> list[float]:
    """Seconds from handing in to the mark, for each, first come first served."""
    free = [float("-inf")] * labs
    found = []
    for at, service in zip(arrived, services, strict=True):
        ended = max(at, free[0]) + service
        heapq.heapreplace(free, ended)
        found.append(ended - at)
    return found


def measured(ledger: Path) -> list[float]:
    """The seconds of everybody whom a class's ledger has as graded."""
    records = [json.loads(path.read_text()) for path in ledger.glob("*/graded/record.json")]
    return [record["seconds"] for record in records if record["state"] == "graded"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--students", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--ledger", type=Path)
    options = parser.parse_args()
    dice = random.Random(1)
    known = measured(options.ledger) if options.ledger else [options.seconds]
    services = dice.choices(known, k=options.students)
    arrived = arrivals(options.students, dice)
    rows = [("labs", "memory, GiB", "median wait, min", "95 %, min", "last mark after, h")]
    for labs in LABS:
        found = waits(arrived, services, labs)
        last = max(at + wait for at, wait in zip(arrived, found, strict=True))
        centiles = statistics.quantiles(found, n=20)
        rows.append(
            (f"{labs}", f"{labs * MEMORY_MIB / 1024:g}", f"{statistics.median(found) / 60:.0f}",
             f"{centiles[-1] / 60:.0f}", f"{max(last, 0) / 3600:.1f}")
        )  # fmt: skip
    print(markdown(rows))


if __name__ == "__main__":
    main()
