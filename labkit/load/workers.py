"""Several Locust workers walk one schedule: they begin at one instant and leave together.

Imported only inside a Locust process, by `openloop`.

Locust's master gives each worker its user when it sees fit, so none of them may begin by itself.
Each says that it is ready; when all have, the master names one instant, `LEAD_S` ahead, on the
monotonic clock, which is the computer's and so the same in each of its processes. The shares of a
schedule are therefore not shifted against each other at all: what each worker is late by is
measured there, request by request, and bounded like the lateness of a single generator.

A worker that has walked its share says so and stays. The master ends all of them when the last
has: one that left earlier would have its user given to another one.
"""

from __future__ import annotations

import time
from typing import Any

import gevent
import gevent.event
import gevent.os
from locust import events
from locust.exception import StopUser
from locust.runners import MasterRunner

from labkit.load.plan import GO

LEAD_S = 0.5  # from the start line to the first request: start-up work is over, readers know
READY, BEGIN, DONE = "labkit-ready", "labkit-begin", "labkit-done"


def soon() -> float:
    """`LEAD_S` from now, on the monotonic clock."""
    return time.monotonic() + LEAD_S


def agree(runner: Any, workers: int) -> float:
    """When to begin, on the monotonic clock: once all workers can, and whoever started Locust asks.

    Waits for both; whoever started Locust bounds that, and if there is nobody more it ends.
    """
    if workers == 1:
        if not _asked(runner):
            raise StopUser
        return soon()
    named = gevent.event.AsyncResult()

    def begin(environment: Any, msg: Any) -> None:
        del environment
        named.set(float(msg.data))

    runner.register_message(BEGIN, begin)
    runner.send_message(READY, runner.worker_index)
    beginning: float = named.get()
    return beginning


def leave(runner: Any, workers: int) -> None:
    """End Locust, once all workers have said this."""
    if workers == 1:
        gevent.spawn(runner.quit)
    else:
        runner.send_message(DONE, runner.worker_index)


def _asked(runner: Any) -> bool:
    """Wait for the word on the standard input. Its end is that of whoever started us: ours too."""
    asked = bool(gevent.os.tp_read(0, len(GO)) == GO)
    if not asked:
        gevent.spawn(runner.quit)
    return asked


class _Conductor:
    """The master's part."""

    def __init__(self, runner: Any, workers: int) -> None:
        self._runner = runner
        self._workers = workers
        self._said: dict[str, set[int]] = {READY: set(), DONE: set()}
        runner.register_message(READY, self._ready, concurrent=True)
        # `quit` ends the greenlet that reads messages: it must be called from another one.
        runner.register_message(DONE, self._done, concurrent=True)

    def _ready(self, environment: Any, msg: Any) -> None:
        del environment
        if self._all(msg) and _asked(self._runner):
            self._runner.send_message(BEGIN, soon())

    def _done(self, environment: Any, msg: Any) -> None:
        del environment
        if self._all(msg):
            self._runner.quit()

    def _all(self, msg: Any) -> bool:
        said = self._said[msg.type]
        said.add(msg.data)
        return len(said) == self._workers


@events.init.add_listener  # type: ignore[untyped-decorator]
def _conduct(environment: Any, runner: Any, **_others: Any) -> None:
    if isinstance(runner, MasterRunner):
        _Conductor(runner, environment.parsed_options.expect_workers)
