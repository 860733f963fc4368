"""What a load will send and when: pure, bounded, and reproducible from its seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

from labkit.course.model import Load
from labkit.errors import UsageError
from labkit.load.clock import CLOCK
from labkit.locale import _, number
from labkit.whole import write_whole

PLAN_VARIABLE = "LABKIT_LOAD_PLAN"  # names the plan's JSON file for the generator's process
GO = b"go\n"  # on its standard input: what it is to wait for before it sends anything

# Per worker. Locust's transport makes about 2000 requests per CPU second; a quarter of it leaves
# the time that a schedule needs to be kept on a shared core (`python -m benchmarks.load`).
MAX_RATE = 500.0
# Of all workers together, however many there are: ten times what a course needs.
MAX_TOTAL_RATE = 2000.0
MAX_WORKERS = 8  # beyond four they only share the same rate, which helps on busy cores
# A drill is 10 to 34 s. Whoever needs longer repeats it: a load must never be forgotten.
MAX_DURATION_S = 120.0
# Also about what the ephemeral ports of one address carry in two minutes.
MAX_REQUESTS = 60_000
# Every second of patience keeps rate x 1 s connections open on a hung target.
MAX_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request of the schedule: seconds after the start, its method, its id if a POST."""

    offset_s: float
    method: str
    post_id: str


@dataclass(frozen=True)
class LoadPlan:
    """Everything that a generator needs to know. Times in seconds, rate in requests per second.

    `run` is a word that makes the ids of POSTs unique among all runs against one lab. `rows` is
    the file that receives one JSON line per request. `options` belong to the scenario. `workers`
    processes share the schedule, each with a file of its own (`rows_of`). `clock` is the offset of
    the clock by which whoever made the plan reads its rows (`labkit.load.clock`).
    """

    base_url: str
    rate: float
    count: int
    post_share: float
    patience_s: float
    seed: int
    run: str
    rows: str
    options: dict[str, str] = field(default_factory=dict)
    workers: int = 1
    clock: float = CLOCK.offset

    def __post_init__(self) -> None:
        _bound_rate(self.rate, self.workers)
        _bound("patience", self.patience_s, MAX_PATIENCE_S, "seconds")
        _bound("number of requests", self.count, MAX_REQUESTS, "requests")
        _bound("duration", self.duration_s, MAX_DURATION_S, "seconds")
        if not 0 <= self.post_share <= 1:
            raise UsageError(
                _("the share of POSTs is {share}; it goes from 0 to 1", share=self.post_share)
            )

    @property
    def duration_s(self) -> float:
        """From the first arrival to one interval after the last."""
        return self.count / self.rate

    def arrivals(self) -> Iterator[Arrival]:
        """The schedule, in order: evenly spaced, the mix drawn at random from the seed.

        A fixed mix (every tenth a POST) against two servers in turn would put all POSTs on one
        of them (aliasing, seen once: no POST lost among 499 failures).
        """
        dice = random.Random(self.seed)
        for index in range(self.count):
            post = dice.random() < self.post_share
            yield Arrival(
                offset_s=index / self.rate,
                method="POST" if post else "GET",
                post_id=f"{self.run}-{index}" if post else "",
            )

    def share(self, worker: int) -> Iterator[Arrival]:
        """What one worker sends (0 is the first): every `workers`th arrival of the schedule."""
        return islice(self.arrivals(), worker, None, self.workers)

    def share_count(self, worker: int) -> int:
        """How many requests that is."""
        return len(range(worker, self.count, self.workers))

    def rows_of(self, worker: int) -> Path:
        """The file of one worker's rows: `rows` itself of a single one, else NAME.wN.jsonl."""
        rows = Path(self.rows)
        return rows if self.workers == 1 else rows.with_suffix(f".w{worker}.jsonl")

    def write(self, path: Path) -> None:
        """Keep the plan as JSON, for the generator and as evidence."""
        write_whole(path, json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> LoadPlan:
        """The plan in a file; bounds are checked again on this side."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def plan_load(
    load: Load,
    *,
    base_url: str,
    duration_s: float,
    seed: int,
    run: str,
    rows: Path,
    options: dict[str, str] | None = None,
) -> LoadPlan:
    """The plan of a course's load for a duration in seconds; UsageError when out of bounds."""
    _bound_rate(load.rate, load.workers)  # before the number of requests is made of it
    return LoadPlan(
        base_url=base_url,
        rate=load.rate,
        count=round(load.rate * duration_s),
        post_share=load.post_share,
        patience_s=load.patience_s,
        seed=seed,
        run=run,
        rows=str(rows),
        options=dict(options or {}),
        workers=load.workers,
    )


def _bound_rate(rate: float, workers: int) -> None:
    _bound("number of workers", workers, MAX_WORKERS, "workers")
    _bound("rate", rate, min(workers * MAX_RATE, MAX_TOTAL_RATE), "requests per second")


def _bound(name: str, value: float, limit: float, unit: str) -> None:
    # `not (0 < x <= limit)` also refuses NaN.
    if not 0 < value <= limit:
        words = {
            "rate": _("rate"),
            "patience": _("patience"),
            "number of requests": _("number of requests"),
            "number of workers": _("number of workers"),
            "duration": _("duration"),
            "requests per second": _("requests per second"),
            "requests": _("requests"),
            "seconds": _("seconds"),
            "workers": _("workers"),
        }
        raise UsageError(
            _(
                "the load's {name} is {value} {unit}; it must be above 0 and at most {limit}",
                name=words[name],
                value=number(value),
                unit=words[unit],
                limit=number(limit),
            )
        )
