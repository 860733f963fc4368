"""Many cases on several labs at once: processes that take the next group of cases when free.

A process per lab, since pytest and the limits of a check need a main thread of their own.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import Empty
from typing import Any

from labkit.accuracy.bench import Bench, in_groups
from labkit.accuracy.corpus import Case
from labkit.accuracy.matrix import Outcome
from labkit.course import Course, load_course
from labkit.errors import LabkitError
from labkit.lab import Lab, open_lab
from labkit.locale import _, use_course
from labkit.reporting import Say

LAB_PREFIX = "verify"
POLL_S = 1.0


@dataclass
class Campaign:
    """What a campaign found."""

    outcomes: list[tuple[Case, Outcome]] = field(default_factory=list)
    seconds: float = 0.0
    labs: int = 0
    load: list[float] = field(default_factory=list)  # averages of one minute, as it went


def run_campaign(
    course: Course,
    cases: Sequence[Case],
    *,
    labs: int,
    repeat: int = 1,
    busy: bool = False,
    say: Say = lambda _line: None,
    on_outcome: Callable[[Outcome, int, int], None] = lambda _one, _done, _all: None,
) -> Campaign:
    """Grade every case `repeat` times on so many labs; with `busy`, a process per core computes.

    LabkitError if a lab cannot be made. Labs are removed at the end, whatever happens.
    """
    started = time.monotonic()
    groups = in_groups(course, cases, labs)
    ordered = [case for group in groups for case in group]
    mark = uuid.uuid4().hex[:4]  # two campaigns on one computer do not meet
    count = min(labs, repeat * len(groups))
    names = [f"{LAB_PREFIX}-{mark}-{number}" for number in range(1, count + 1)]
    spawn = multiprocessing.get_context("spawn")
    todo: Any = spawn.Queue()
    found: Any = spawn.Queue()
    places = iter(range(len(ordered)))
    indexes = [[next(places) for _case in group] for group in groups]
    jobs = [(turn, some) for turn in range(1, repeat + 1) for some in indexes]
    for job in [*jobs, *(None for _name in names)]:
        todo.put(job)
    workers: list[BaseProcess] = [
        spawn.Process(target=_work, args=(name, ordered, todo, found)) for name in names
    ]
    campaign = Campaign(labs=len(names))
    with _computing(busy):
        try:
            for worker in workers:
                worker.start()
            _gather(campaign, ordered, workers, found, repeat * len(ordered), say, on_outcome)
        finally:
            _end(workers)
            for name in names:  # also of a worker that was killed
                remove(open_lab(name))
    campaign.outcomes.sort(key=lambda pair: (pair[1].round, pair[0].kind, pair[0].name))
    campaign.seconds = time.monotonic() - started
    return campaign


def _gather(
    campaign: Campaign,
    ordered: Sequence[Case],
    workers: Sequence[BaseProcess],
    found: Any,
    total: int,
    say: Say,
    on_outcome: Callable[[Outcome, int, int], None],
) -> None:
    while len(campaign.outcomes) < total:
        try:
            kind, *rest = found.get(timeout=POLL_S)
        except Empty:
            if not any(worker.is_alive() for worker in workers):
                raise LabkitError(
                    _("a grading process ended unexpectedly"),
                    then="labkit verify --labs 1",
                ) from None
            continue
        if kind == "say":
            say(rest[0])
        elif kind == "error":
            raise LabkitError(rest[0], then="labkit doctor")
        else:
            index, outcome = rest
            campaign.outcomes.append((ordered[index], outcome))
            if sys.platform != "win32":
                campaign.load.append(os.getloadavg()[0])
            on_outcome(outcome, len(campaign.outcomes), total)


def _work(name: str, cases: Sequence[Case], todo: Any, found: Any) -> None:
    """A worker's life: a lab, groups of cases, and the lab removed at the end."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ["LABKIT_LANG"] = "en"  # the authors' language: messages are compared in it
    course = load_course()
    use_course(course.root)

    def say(line: str) -> None:
        found.put(("say", f"{name}: {line}"))

    with tempfile.TemporaryDirectory(prefix="labkit-verify-") as out:
        bench = Bench(course, open_lab(name), Path(out), say)
        try:
            bench.close()  # what a killed run may have left
            while (job := todo.get()) is not None:
                turn, indexes = job
                for index in indexes:
                    outcome = bench.judge(cases[index], turn=turn)
                    outcome.disagreements = bench.disagreements(cases[index], outcome)
                    found.put(("done", index, outcome))
        except KeyboardInterrupt:
            pass
        except Exception:
            found.put(("error", f"{name}: {traceback.format_exc(limit=-4)}"))
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            bench.close()


def remove(lab: Lab) -> None:
    """A campaign's lab, and the keys of its machines."""
    lab.provider.destroy(lambda _line: None)
    shutil.rmtree(lab.state, ignore_errors=True)


def _end(workers: Sequence[BaseProcess]) -> None:
    """End what still works, politely: each removes its lab."""
    for worker in workers:
        if worker.is_alive() and worker.pid:
            os.kill(worker.pid, signal.SIGTERM)
    for worker in workers:
        if worker.pid:
            worker.join(timeout=60)
            if worker.is_alive():
                worker.kill()


@contextmanager
def _computing(busy: bool) -> Iterator[None]:
    """A process per core that computes, for as long as something else is measured."""
    processes = [
        multiprocessing.Process(target=_compute, daemon=True)
        for _core in range(os.cpu_count() or 1 if busy else 0)
    ]
    try:
        for process in processes:
            process.start()
        yield
    finally:
        for process in processes:
            process.kill()


def _compute() -> None:
    while True:
        pass
