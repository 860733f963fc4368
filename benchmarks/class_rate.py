"""How many submissions of a class are graded in an hour, and how much memory does a lab take?

    python -m benchmarks.class_rate [--labs 1,2] [--each 2] [--page FILE]

Without drills, by `labkit class grade --labs N`: whole submissions of the corpus, `--each` for each
lab, from the command to its table. Memory is that of a lab's containers as the engine counts it,
without the page cache that can be given back (total_inactive_file), once in two seconds: the
highest sum over a lab. Processor time is all that the computer was busy with (proc(5), stat):
nothing else may run. `--page` is a table in which the lines of other numbers of labs stay, so that
they can be measured one at a time. Images and mirror must be there before (`labkit up && labkit
destroy`). "By the model" is how long `benchmarks.capacity` makes it of the seconds of each.
Limits: 450 MiB a lab; two labs at once give no less in an hour than one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from docker.errors import APIError

from benchmarks.capacity import measured, waits
from benchmarks.result import Figure, Result, machine, markdown
from labkit.classroom.ledger import Ledger
from labkit.lab.containers.engine import connect
from labkit.lab.containers.listing import LAB_LABEL

TAKES = "10 minutes"
SUBMISSIONS = Path(__file__).parents[1] / "tests" / "submissions" / "accepted"
LIMIT_MIB = 450
EVERY_S = 2.0


class Memory(threading.Thread):
    """Watches the labs of a ledger; `highest` is the most that each took, in MiB."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(daemon=True)
        self.highest: dict[str, float] = {}
        self._ledger = ledger
        self._engine = connect()
        self._over = threading.Event()

    def run(self) -> None:
        """Until it is told to stop."""
        while not self._over.wait(EVERY_S):
            labs = {lab for _folder, lab in self._ledger.killed() if lab}
            sums: defaultdict[str, float] = defaultdict(float)
            for container in self._engine.api.containers(filters={"label": LAB_LABEL}):
                lab = container["Labels"][LAB_LABEL]
                if lab in labs:
                    sums[lab] += self._taken(container["Id"])
            for lab, taken in sums.items():
                self.highest[lab] = max(taken, self.highest.get(lab, 0.0))

    def _taken(self, container: str) -> float:
        """MiB of a container; 0 for one that has gone in between."""
        try:
            found = self._engine.api.stats(container, stream=False, one_shot=True)
        except (APIError, ValueError):  # or half gone: an answer with nothing in it
            return 0.0
        memory = found.get("memory_stats", {})
        cache = memory.get("stats", {})
        given_back = cache.get("total_inactive_file", cache.get("inactive_file", 0))
        return float(memory.get("usage", 0) - given_back) / 2**20

    def stop(self) -> None:
        """No more looks."""
        self._over.set()
        self.join()


@dataclass(frozen=True)
class Rate:
    """A class that was graded with so many labs at once."""

    labs: int
    count: int  # submissions
    seconds: float
    busy: float  # seconds that processors had something to do
    memory: tuple[float, ...]  # the most that each lab took, MiB
    model: float  # seconds that the capacity model makes of the submissions' own

    @property
    def an_hour(self) -> float:
        return 3600 * self.count / self.seconds

    def cells(self) -> tuple[str, ...]:
        """As `HEADER` names them."""
        each = self.busy / self.count
        return (f"{self.labs}", f"{self.count}", f"{self.seconds:.0f}", f"{self.model:.0f}",
                f"{self.an_hour:.0f}", f"{each:.0f}", f"{max(self.memory):.0f}")  # fmt: skip


HEADER = (
    "labs at once", "submissions", "seconds", "by the model", "in an hour",
    "processor seconds each", "MiB of a lab, at most",
)  # fmt: skip


def graded(labs: int, count: int) -> Rate:
    """So many submissions with so many labs at once. RuntimeError if one was inconclusive."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "class"
        whole = sorted(SUBMISSIONS.glob("whole-*"))
        for at, entry in enumerate(islice(cycle(whole), count)):
            shutil.copytree(entry, root / f"{at:02} {entry.name}")
        memory = Memory(Ledger(Path(name) / "ledger"))
        memory.start()
        started, before = time.monotonic(), busy_seconds()
        done = subprocess.run(
            [sys.executable, "-m", "labkit.cli.main", "class", "grade", root, "--no-drills",
             "--labs", str(labs), "--report", Path(name) / "ledger", "-o", "csv"],
            check=False, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        seconds, busy = time.monotonic() - started, busy_seconds() - before
        memory.stop()
        services = measured(Path(name) / "ledger")
    if done.returncode not in (0, 1):
        raise RuntimeError(f"exit {done.returncode}\n{done.stdout}")
    model = max(waits([0.0] * len(services), services, labs))
    return Rate(labs, count, seconds, busy, tuple(memory.highest.values()), model)


def busy_seconds() -> float:
    """Since the computer was started, of all its processors together; neither idle nor waiting."""
    numbers = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    user, nice, system, _idle, _waiting, irq, softirq = map(int, numbers[:7])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def page(found: Sequence[Rate], before: str = "") -> str:
    """The table, with the lines that `before` has of other numbers of labs."""
    cells = [tuple(map(str.strip, line.strip("| ").split("|"))) for line in before.splitlines()]
    kept = {row[0]: row for row in cells if len(row) == len(HEADER) and row[0].isdigit()}
    lines = {**kept, **{str(one.labs): one.cells() for one in found}}
    rows = [HEADER, *(lines[labs] for labs in sorted(lines, key=int))]
    return f"{markdown(rows)}\n\n{machine()}\n"


def measure(labs: Sequence[int] = (1, 2), each: int = 2, place: Path | None = None) -> Result:
    """A class for each number of labs; `place` is written anew after each."""
    found = list[Rate]()
    for at_once in labs:
        found.append(graded(at_once, at_once * each))
        print(f"labs {at_once}: {found[-1].seconds:.0f} s for {found[-1].count}", file=sys.stderr)
        if place:
            before = place.read_text(encoding="utf-8") if place.exists() else ""
            place.write_text(page(found, before), encoding="utf-8")
    first, *others = found
    figures = [
        figure
        for one in found
        for figure in (
            Figure(f"submissions in an hour, labs at once: {one.labs}", (one.an_hour,)),
            Figure(f"processor seconds of one, labs at once: {one.labs}", (one.busy / one.count,)),
            Figure(f"MiB of a lab, labs at once: {one.labs}", one.memory),
        )
    ]
    figures += [Figure(f"rate, {one.labs} labs over {first.labs}", (one.an_hour / first.an_hour,),
                       "×") for one in others]  # fmt: skip
    held = max(max(one.memory) for one in found) <= LIMIT_MIB
    held &= all(one.an_hour >= first.an_hour for one in others)
    return Result(tuple(figures), held=held)


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--labs", default="1,2")
    parser.add_argument("--each", type=int, default=2)
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the table there, too")
    options = parser.parse_args()
    measure([int(one) for one in options.labs.split(",")], options.each, options.page).finish()


if __name__ == "__main__":
    main()
