"""What stock Locust says of a fault that costs a tenth of the visitors: nothing.

The same fault, on loopback, under both: of two servers taken in turn, one is frozen for 5 s.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.stock_locust import StockLocust
from labkit.course.model import Load
from labkit.load.run import LoadRun, run_against
from tests.fakes.loaded import SCENARIOS, Site

RATE = 50  # requests per second
DURATION_S = 10.0
HANG_AT_S, HANG_S = 2.0, 5.0  # after the first request
PATIENCE_S = 3.0
# Half of those are lost who come so early in the hang that its end is beyond their patience.
EXPECTED_SHARE = (HANG_S - PATIENCE_S) / 2 / DURATION_S

ANSWER = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"


class Pair(Site):
    """Two servers taken in turn; one is frozen for a while, then answers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: list[float] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.CancelledError, OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            now = time.monotonic()
            self.arrived.append(now)
            frozen = self.arrived[0] + HANG_AT_S
            if len(self.arrived) % 2 and frozen <= now < frozen + HANG_S:
                await asyncio.sleep(frozen + HANG_S - now)
            writer.write(ANSWER)
            await writer.drain()
            writer.close()

    def per_second(self) -> list[int]:
        """How many requests came in each second since the first of them."""
        seconds = Counter(math.floor(one - self.arrived[0]) for one in self.arrived)
        return [seconds[second] for second in range(int(DURATION_S))]

    def during_the_hang(self) -> list[int]:
        """How many came in each second of it."""
        return self.per_second()[int(HANG_AT_S) : int(HANG_AT_S + HANG_S)]


def open_loop(url: str, out: Path) -> LoadRun:
    load = Load("website", rate=RATE, post_share=0, patience_s=PATIENCE_S)
    return run_against(url, load, duration_s=DURATION_S, scenario_dir=SCENARIOS, out=out)


def test_stock_locust_reports_no_failures_where_a_tenth_is_lost(tmp_path: Path) -> None:
    with Pair() as ours, Pair() as theirs, ThreadPoolExecutor() as pool:
        truth = pool.submit(open_loop, ours.url, tmp_path)
        with StockLocust(
            theirs.url, user="Visitor", users=RATE, seconds=DURATION_S, out=tmp_path
        ) as stock:
            stock.finish()
        done = truth.result()

    sent, failures = stock.reported()
    assert failures == 0
    assert len(theirs.arrived) >= sent > RATE

    lost = sum(not row.ok for row in done.rows)
    assert done.complete
    assert lost / done.plan.count >= 0.05
    assert lost / done.plan.count == pytest.approx(EXPECTED_SHARE, abs=0.02)

    # Why: whoever waits for the frozen server sends nothing more, and in the end all of them do.
    assert sum(ours.during_the_hang()) == pytest.approx(RATE * HANG_S, rel=0.1)
    assert sum(theirs.during_the_hang()) < 0.6 * sum(ours.during_the_hang())
    assert theirs.during_the_hang()[-1] < max(theirs.per_second()) / 4
    # Whom it has not asked in time, it does not count as lost either.
    assert sent < 0.8 * done.plan.count
