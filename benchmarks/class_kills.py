"""The grading of a class, killed at random moments and typed again: the same table, nobody twice.

    python -m benchmarks.class_kills [--count 20] [--steps 1-3] [--seed 1]

A class is graded once undisturbed, for its table and its time. Then, with a new ledger each round,
the same command is typed and ended at a random moment, again and again, until one has come to its
end by itself. Each is ended in one of three ways: `kill -9` of the command, `kill -9` of it and all
its processes at once, Ctrl-C. The last table must be the undisturbed one, but for the seconds;
whoever was known at a kill must not have been graded again; no lab may be left. After Ctrl-C the
table must have been printed and every lab be gone at once. Images and mirror must be there before
(`labkit up && labkit destroy`).
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.result import Figure, Result
from labkit.classroom.ledger import Ledger, lab_of
from labkit.errors import EXIT_INCONCLUSIVE, EXIT_USAGE
from labkit.lab.leftovers import find_leftovers

TAKES = "1 hour"
HERE = Path(__file__).parents[1]
CLASS = HERE / "tests" / "class"
LIMIT_S = 1800.0
VARYING = ("seconds",)  # columns of the table


def killed(process: subprocess.Popen[str]) -> None:
    """The command alone; its processes notice."""
    process.kill()


def killed_whole(process: subprocess.Popen[str]) -> None:
    """Everything at once, as a power cut does."""
    os.killpg(process.pid, signal.SIGKILL)


def interrupted(process: subprocess.Popen[str]) -> None:
    """Ctrl-C: the terminal sends it to every process of the command."""
    os.killpg(process.pid, signal.SIGINT)


WAYS: dict[str, Callable[[subprocess.Popen[str]], None]] = {
    "kill -9": killed,
    "kill -9 of all": killed_whole,
    "Ctrl-C": interrupted,
}


@dataclass
class Campaign:
    """What was ended when, and what came of it."""

    steps: str
    dice: random.Random
    table: list[dict[str, str]] = field(default_factory=list)
    seconds: float = 0.0  # undisturbed
    moments: dict[str, list[float]] = field(default_factory=dict)  # way -> seconds after its start
    rounds: int = 0
    other_tables: int = 0
    twice: int = 0
    left: int = 0
    disorderly: int = 0  # Ctrl-C without a table, or that left a lab

    @property
    def count(self) -> int:
        """How many commands did not come to their end."""
        return sum(map(len, self.moments.values()))

    def undisturbed(self, report: Path) -> None:
        """Take the table and the time."""
        started = time.monotonic()
        process = self._start(report)
        said, _none = process.communicate(timeout=LIMIT_S)
        self.seconds = time.monotonic() - started
        self.table = without_seconds(said)
        print(f"undisturbed: {self.seconds:.0f} s, exit {process.returncode}", file=sys.stderr)

    def round(self, report: Path) -> None:
        """Disturb one class until it is graded."""
        self.rounds += 1
        ledger, labs = Ledger(report), set[str]()
        while True:
            known = records(ledger)
            moment, way = self.dice.uniform(0, self.seconds), self.dice.choice(list(WAYS))
            process = self._start(report)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=moment)
            during = records(ledger)
            made = {lab for _folder, lab in ledger.killed() if lab}
            WAYS[way](process)
            said, _none = process.communicate(timeout=LIMIT_S)
            labs |= made | {lab_of(folder) for folder in report.glob("*/.running-*")} - {""}
            self.twice += again(known, during)
            if process.returncode not in (-signal.SIGKILL, EXIT_USAGE):
                break
            self.moments.setdefault(way, []).append(moment)
            print(f"{self.count:>3}  {way} after {moment:.1f} s, known: {len(records(ledger))}",
                  file=sys.stderr)  # fmt: skip
            if way == "Ctrl-C":
                ordered = moment < 3 or len(without_seconds(said)) == len(self.table)
                self.disorderly += 0 if ordered and not left_of(made) else 1
            self.twice += again(during, records(ledger))
        if process.returncode != EXIT_INCONCLUSIVE or without_seconds(said) != self.table:
            self.other_tables += 1
            print(f"     exit {process.returncode}\n{said}", file=sys.stderr)
        left = left_of(labs)
        self.left += len(left)
        self.left += len(list(report.glob("*/.running-*")))
        if left:
            print(f"     left: {', '.join(left)}", file=sys.stderr)

    def _start(self, report: Path) -> subprocess.Popen[str]:
        words = ["class", "grade", CLASS / "moodle.zip", "--roster", CLASS / "roster.csv",
                 "--no-drills", "--steps", self.steps, "-o", "csv", "--report", report]  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-m", "labkit.cli.main", "--lang", "en", *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )


def without_seconds(table: str) -> list[dict[str, str]]:
    """The rows of a CSV but for what no two runs have alike."""
    found = csv.DictReader(io.StringIO(table))
    return [{name: cell for name, cell in row.items() if name not in VARYING} for row in found]


def records(ledger: Ledger) -> dict[str, int]:
    """Key -> when the record that counts was written (ns); one that is replaced has another."""
    return {path.parts[-3]: path.stat().st_ino for path in ledger.root.glob("*/graded/record.json")}


def again(before: dict[str, int], after: dict[str, int]) -> int:
    """How many of those who were known have another record now, or none."""
    return sum(after.get(key) != record for key, record in before.items())


def left_of(labs: set[str]) -> list[str]:
    """What the engine still has of labs."""
    found, unasked = find_leftovers()
    if unasked:
        raise RuntimeError(unasked)
    return [f"{one.kind} {one.name}" for one in found if one.lab in labs]


def measure(count: int = 20, steps: str = "1-3", seed: int | None = None) -> Result:
    """Rounds until `count` commands were ended. An interrupt ends it: what was found is told."""
    seed = seed or random.SystemRandom().randrange(1, 10_000)
    print(f"seed {seed}", file=sys.stderr)
    campaign = Campaign(steps, random.Random(seed))
    with tempfile.TemporaryDirectory() as folder:
        try:
            campaign.undisturbed(Path(folder) / "undisturbed")
            while campaign.count < count:
                campaign.round(Path(folder) / str(campaign.rounds))
        except KeyboardInterrupt:
            print(f"interrupted after {campaign.count} of {count}", file=sys.stderr)
    return report(campaign, count)


def report(campaign: Campaign, count: int) -> Result:
    """When was ended and how, and what must be zero; fewer than `count` prove nothing."""
    zeros = {
        "classes with another table": campaign.other_tables,
        "students graded twice": campaign.twice,
        "leftovers": campaign.left,
        "Ctrl-C without its table, or with a lab left": campaign.disorderly,
    }
    return Result(
        (
            Figure("a class, undisturbed", (campaign.seconds,), "s"),
            *(Figure(f"{way}, after", tuple(found), "s")
              for way, found in sorted(campaign.moments.items())),
            Figure("commands ended", (float(campaign.count),)),
            Figure("classes", (float(campaign.rounds),)),
            *(Figure(what, (float(number),)) for what, number in zeros.items()),
        ),
        held=campaign.count >= count and not any(zeros.values()),
    )  # fmt: skip


def main() -> None:
    """Kill, print, and say whether every class came out the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--steps", default="1-3")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    for polite in (signal.SIGINT, signal.SIGTERM):  # in the background a shell has SIGINT ignored
        signal.signal(polite, signal.default_int_handler)
    measure(options.count, options.steps, options.seed).finish()


if __name__ == "__main__":
    main()
