"""A class on Dask's workers with real labs; a worker is killed, then the scheduler: the same table.

    python -m benchmarks.class_cluster [--steps 1-3]

The class is graded on this computer first, for its table. Then a scheduler and two workers of one
slot each, as `labkit class workers` prints them, grade it into another ledger. One worker is killed
with a lab under way, another takes its place; the scheduler is killed with a lab under way, and one
at the same address with two workers takes its place. The table must be that of one computer, but
for the seconds, each student have exactly one result, and no lab be left. Images and mirror must be
there before (`labkit up && labkit destroy`).
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.class_kills import LIMIT_S, command, left_of, records, without_seconds
from benchmarks.result import Figure, Result
from labkit.classroom.ledger import Ledger, lab_of
from labkit.lab.store import state_root

TAKES = "10 minutes"
GONE_S = 120.0  # for the lab of a worker that was killed, on a busy computer


def under_way() -> set[str]:
    """The labs of the entries that workers of this computer grade now."""
    folders = (state_root() / "_away" / socket.gethostname()).glob("*/out")
    return {lab for folder in folders if (lab := lab_of(folder))}


@dataclass
class Room:
    """A scheduler, workers, and the labs that they made."""

    folder: Path
    port: int
    labs: set[str] = field(default_factory=set)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def scheduler(self) -> subprocess.Popen[bytes]:
        """Start one."""
        return self._start("scheduler", "--host=127.0.0.1", f"--port={self.port}")

    def worker(self) -> subprocess.Popen[bytes]:
        """Start one, which is one slot."""
        return self._start(
            "worker", self.address, "--nworkers=1", "--nthreads=1", "--resources=lab=1"
        )

    def _start(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-P", "-m", f"distributed.cli.dask_{what}", *options]
        with (self.folder / "log").open("ab") as log:
            started = subprocess.Popen(
                [*words, "--no-dashboard"], stdout=log, stderr=log, cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]),
                     "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "60s"},
                start_new_session=True,
            )  # fmt: skip
        self.running.append(started)
        return started

    def until(self, what: str, true: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
        """Wait, and remember the labs that come by. TimeoutError says for what."""
        end = time.monotonic() + limit_s
        while not true():
            self.labs |= under_way()
            if time.monotonic() > end:
                raise TimeoutError(what)
            time.sleep(0.2)
        print(what, file=sys.stderr)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """A worker's nanny would start it again: all of them at once."""
        os.killpg(process.pid, 9)
        process.wait()

    def close(self) -> None:
        """End what runs."""
        for one in self.running:
            if one.poll() is None:
                self.kill(one)


def measure(steps: str = "1-3") -> Result:
    """Grade twice, kill, compare."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as closing:
        folder = Path(name)
        seconds, process = time.monotonic(), command(folder / "here", steps)
        table = without_seconds(process.communicate(timeout=LIMIT_S)[0])
        here = time.monotonic() - seconds
        print(f"on this computer: {here:.0f} s, exit {process.returncode}", file=sys.stderr)

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            room = Room(folder, free.getsockname()[1])
        closing.callback(room.close)
        scheduler = room.scheduler()
        victim, other = room.worker(), room.worker()
        ledger = Ledger(folder / "cluster")
        seconds, process = (
            time.monotonic(),
            command(ledger.root, steps, "--scheduler", room.address),
        )
        closing.callback(process.kill)

        room.until("two labs are under way", lambda: len(under_way()) == 2)
        room.kill(victim)
        third = room.worker()
        room.until("a worker was killed; somebody is graded",
                   lambda: len(list(ledger.root.glob("*/graded/result.json"))) > 0)  # fmt: skip
        room.until("another lab is under way", lambda: bool(under_way()))
        known = records(ledger)
        for one in (scheduler, other, third):  # workers end without their scheduler
            room.kill(one)
        room.scheduler()
        room.worker()
        room.worker()
        room.until("the scheduler was killed; all is graded", lambda: process.poll() is not None)
        there = time.monotonic() - seconds
        said = process.communicate()[0]
        now = records(ledger)
        twice = sum(now.get(key) != record for key, record in known.items())
        twice += len(list(ledger.root.glob("*/earlier")))
        same = without_seconds(said) == table
        if not same:
            print(said, file=sys.stderr)
        left = left_of(room.labs)
        end = time.monotonic() + GONE_S
        while left and time.monotonic() < end:
            time.sleep(1)
            left = left_of(room.labs)
    figures = (
        Figure("on this computer", (here,), "s"),
        Figure("on two workers, one killed, and the scheduler", (there,), "s"),
        Figure("students known when the scheduler was killed", (float(len(known)),)),
        Figure("another table", (float(not same),)),
        Figure("students graded twice", (float(twice),)),
        Figure("leftovers", (float(len(left)),)),
    )
    return Result(figures, held=same and not twice and not left)


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--steps", default="1-3")
    measure(parser.parse_args().steps).finish()


if __name__ == "__main__":
    main()
