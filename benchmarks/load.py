"""How many requests per second the load generator keeps to its schedule, on loopback.

    python -m benchmarks.load [--seconds 20]

One process, pinned to one core, offers the most that a single worker may (`MAX_RATE`); then two
workers offer twice as much on two cores. A small server of this benchmark's own answers, pinned to
the last core: two workers share that core with it. The limit is for the first case: every request
sent and answered, and none later than what makes a graded run inconclusive (`MAX_LATENESS_S`). CPU
is that of the generator with all of its processes, start-up included, in seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from benchmarks.result import Figure, Result
from labkit.course.model import Load
from labkit.load.availability import MAX_LATENESS_S
from labkit.load.plan import MAX_RATE
from labkit.load.run import LoadRun, run_against

TAKES = "1 minute"
ROOT = Path(__file__).resolve().parents[1]
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class Server(asyncio.Protocol):
    """Answers the first bytes of a connection, whatever they ask, and closes it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        del data
        self.transport.write(ANSWER)
        self.transport.close()


async def serve() -> None:
    """Say on which port of loopback we answer, and do so until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Server, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


@contextmanager
def server_on(core: int) -> Iterator[str]:
    """The address of a server in a process of its own, which ends with the block or with us."""
    process = subprocess.Popen(
        [sys.executable, "-m", __spec__.name, "--serve"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:  # closes its standard input and waits for it
        os.sched_setaffinity(process.pid, {core})
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"


@dataclass(frozen=True)
class Outcome:
    """One case: what was to be sent, what became of it, and what it cost (CPU seconds)."""

    workers: int
    cores: int
    run: LoadRun
    cpu_s: float

    @property
    def lost(self) -> int:
        return sum(not row.ok for row in self.run.rows)

    @property
    def held(self) -> bool:
        """Was the schedule kept, and every request answered?"""
        kept = self.run.complete and self.run.worst_lateness_s <= MAX_LATENESS_S
        return kept and not self.run.unsent and not self.lost

    def __str__(self) -> str:
        plan = self.run.plan
        lateness = sorted(row.started - row.scheduled for row in self.run.rows)
        return (
            f"{self.workers:>7}  {self.cores:>5}  {plan.rate:>6.0f}/s  {plan.count:>9}"
            f"  {plan.count - self.run.unsent:>7}  {self.lost:>4}"
            f"  {lateness[len(lateness) // 2] * 1000:>6.1f} ms"
            f"  {self.run.worst_lateness_s * 1000:>6.1f} ms  {self.cpu_s:>5.1f} s"
            f"  {'held' if self.held else 'NOT HELD'}"
        )


def offer(url: str, workers: int, cores: set[int], seconds: float) -> Outcome:
    """The most that so many workers may offer, by a generator that has these cores."""
    before, allowed = cpu_of_children(), os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)  # its processes inherit it
    try:
        with tempfile.TemporaryDirectory() as folder:
            run = run_against(
                url,
                Load("website", rate=workers * MAX_RATE, workers=workers),
                duration_s=seconds,
                scenario_dir=ROOT / "checks" / "load",
                out=Path(folder),
            )
    finally:
        os.sched_setaffinity(0, allowed)
    return Outcome(workers, len(cores), run, cpu_of_children() - before)


def cpu_of_children() -> float:
    """CPU seconds of all processes of ours that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(seconds: float = 20.0) -> Result:
    """Offer both loads and print what was held; lateness in ms, CPU in s."""
    first, *others = sorted(os.sched_getaffinity(0))
    if not others:
        raise SystemExit("this benchmark needs two cores: one for the generator, one for a server")
    last = others[-1]
    with server_on(last) as url:
        print("workers  cores      rate  scheduled     sent  lost   median     worst     CPU")
        single = offer(url, 1, {first}, seconds)
        print(single)
        double = offer(url, 2, {first, last}, seconds)
        print(double)
    print(
        f"limit (one worker, one core, {MAX_RATE:.0f}/s, at most {MAX_LATENESS_S * 1000:.0f} ms"
        f" late): {'held' if single.held else 'NOT HELD'}"
    )
    figures = []
    for outcome in (single, double):
        who = f"{outcome.workers} worker{'s' if outcome.workers > 1 else ''}"
        figures += [
            Figure(f"{who}: lost or unsent", (outcome.lost + outcome.run.unsent,)),
            Figure(f"{who}: latest start", (outcome.run.worst_lateness_s * 1000,), "ms"),
            Figure(f"{who}: CPU", (outcome.cpu_s,), "s"),
        ]
    return Result(tuple(figures), held=single.held)


def main() -> None:
    """Offer both loads, and say whether the limit was held."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return
    measure(options.seconds).finish()


if __name__ == "__main__":
    main()
