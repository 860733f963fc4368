"""Do verdicts flip? Three drills again and again, each on a lab of its own, all cores busy.

    python -m benchmarks.verdicts [--repeat 20] [--idle]

The labs work side by side, and a process per core computes beside them; with `--idle` the latter
is left out. Limit: no verdict but the expected one; inconclusive is allowed, and counted.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from benchmarks.result import Figure, Result

TAKES = "60 minutes"
VERDICTS = {0: "passed", 1: "failed", 3: "inconclusive"}  # labkit's exit codes
DRILL_LIMIT_S = 600  # three runs of 34 s at the most, each with its waits, on a busy computer


@dataclass
class Case:
    """A drill at a bar, on a lab in a certain state, and the verdict that it deserves."""

    lab: str
    drill: str
    bar: str
    hardened: bool
    expected: str
    seen: Counter[str] = field(default_factory=Counter)
    load: list[float] = field(default_factory=list)  # averages of one minute

    @property
    def flips(self) -> int:
        """Verdicts that are neither the expected one nor inconclusive."""
        return sum(count for name, count in self.seen.items()
                   if name not in (self.expected, "inconclusive"))  # fmt: skip

    def labkit(self, *words: str, check: bool = True) -> int:
        """A command as a user has it, on this lab; its exit code."""
        command = [sys.executable, "-m", "labkit.cli.main", "--lab", self.lab, *words]
        quiet = subprocess.DEVNULL
        return subprocess.run(
            command, check=check, stdin=quiet, stdout=quiet, stderr=quiet, timeout=DRILL_LIMIT_S
        ).returncode

    def prepare(self) -> None:
        """The lab, with all steps carried out."""
        self.labkit("up")
        self.labkit("step", "all")
        if self.hardened:
            self.labkit("step", "13", "--bar", "hardened")

    def repeat(self, times: int) -> None:
        """Run the drill so many times."""
        for turn in range(1, times + 1):
            code = self.labkit("drill", self.drill, "--bar", self.bar, check=False)
            verdict = VERDICTS.get(code, f"exit code {code}")
            self.seen[verdict] += 1
            self.load.append(os.getloadavg()[0])
            print(f"{self.lab} {turn}: {verdict}", file=sys.stderr)


CASES = (
    Case("verdicts-1", "kill", "course", hardened=False, expected="passed"),
    Case("verdicts-2", "kill", "hardened", hardened=False, expected="failed"),
    Case("verdicts-3", "hang", "hardened", hardened=True, expected="passed"),
)


def compute() -> None:
    """Keep a core busy until ended."""
    while True:
        pass


def measure(repeat: int = 20, *, idle: bool = False) -> Result:
    """Prepare the labs one after the other, repeat side by side, and count what flips."""
    busy = [
        multiprocessing.Process(target=compute, daemon=True)
        for _core in range(0 if idle else os.cpu_count() or 1)
    ]
    try:
        for case in CASES:
            case.prepare()
        for process in busy:
            process.start()
        with ThreadPoolExecutor(len(CASES)) as pool:
            list(pool.map(lambda case: case.repeat(repeat), CASES))
    finally:
        for process in busy:
            if process.pid:
                process.kill()
        for case in CASES:
            case.labkit("destroy", check=False)
    print("| drill | bar | configuration | expected | seen | load average |")
    print("| --- | --- | --- | --- | --- | --- |")
    for case in CASES:
        seen = ", ".join(f"{count} {name}" for name, count in sorted(case.seen.items()))
        kind = "hardened" if case.hardened else "plain"
        average = f"{min(case.load):.1f} to {max(case.load):.1f}"
        print(f"| {case.drill} | {case.bar} | {kind} | {case.expected} | {seen} | {average} |")
    flips = sum(case.flips for case in CASES)
    return Result((Figure("flips", (flips,)),), held=not flips)


def main() -> None:
    """Measure, and say whether anything flips."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--idle", action="store_true", help="no computing beside")
    options = parser.parse_args()
    measure(options.repeat, idle=options.idle).finish()


if __name__ == "__main__":
    main()
