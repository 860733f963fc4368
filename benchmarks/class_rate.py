"""How many submissions of a class are graded in an hour, and how much memory does a lab take?

    python -m benchmarks.class_rate [--labs 1,2] [--each 2]

Without drills, by `labkit class grade --labs N`: whole submissions of the corpus, `--each` for each
lab, from the command to its table. Memory is that of a lab's containers as the engine counts it,
without the page cache that can be given back (total_inactive_file), once in two seconds: the
highest sum over a lab. Images and mirror must be there before (`labkit up && labkit destroy`).
Limits: 450 MiB a lab; two labs at once give no less in an hour than one.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

from docker.errors import APIError

from benchmarks.result import Figure, Result
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
        except APIError:
            return 0.0
        memory = found.get("memory_stats", {})
        cache = memory.get("stats", {})
        given_back = cache.get("total_inactive_file", cache.get("inactive_file", 0))
        return float(memory.get("usage", 0) - given_back) / 2**20

    def stop(self) -> None:
        """No more looks."""
        self._over.set()
        self.join()


def graded(labs: int, count: int) -> tuple[float, list[float]]:
    """Seconds for so many submissions with so many labs at once; MiB of each lab."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "class"
        whole = sorted(SUBMISSIONS.glob("whole-*"))
        for at, entry in enumerate(islice(cycle(whole), count)):
            shutil.copytree(entry, root / f"{at:02} {entry.name}")
        memory = Memory(Ledger(Path(name) / "ledger"))
        memory.start()
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "labkit.cli.main", "class", "grade", root, "--no-drills",
             "--labs", str(labs), "--report", Path(name) / "ledger", "-o", "csv"],
            check=False, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        seconds = time.monotonic() - started
        memory.stop()
    if done.returncode not in (0, 1):
        raise RuntimeError(f"exit {done.returncode}\n{done.stdout}")
    return seconds, list(memory.highest.values())


def measure(labs: Sequence[int] = (1, 2), each: int = 2) -> Result:
    """A class for each number of labs."""
    figures, rates, taken = list[Figure](), list[float](), list[float]()
    for at_once in labs:
        seconds, memory = graded(at_once, at_once * each)
        rates.append(3600 * at_once * each / seconds)
        taken += memory
        print(f"labs {at_once}: {seconds:.0f} s for {at_once * each}", file=sys.stderr)
        figures.append(Figure(f"submissions in an hour, labs at once: {at_once}", (rates[-1],)))
        figures.append(Figure(f"MiB of a lab, labs at once: {at_once}", tuple(memory)))
    pairs = zip(labs[1:], rates[1:], strict=True)
    figures += [Figure(f"rate, {one} labs over {labs[0]}", (rate / rates[0],), "×")
                for one, rate in pairs]  # fmt: skip
    held = max(taken) <= LIMIT_MIB and all(rate >= rates[0] for rate in rates[1:])
    return Result(tuple(figures), held=held)


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--labs", default="1,2")
    parser.add_argument("--each", type=int, default=2)
    options = parser.parse_args()
    measure([int(one) for one in options.labs.split(",")], options.each).finish()


if __name__ == "__main__":
    main()
