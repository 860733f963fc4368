"""Runs the course's watcher script on a machine and collects what it prints.

The watcher polls there, many times a second; an SSH round trip per poll would be too slow to
see a detection time of 0.1 s.
"""

from __future__ import annotations

import json
import shlex
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self

from labkit.load.clock import CLOCK
from labkit.load.readings import Reading, Watched
from labkit.locale import _

FRESH_S = 2.0  # a watcher that has been silent for longer (it speaks every 0.5 s) sees nothing
HOLD_S = 1.0  # a steady state that does not last this long is not steady


class Process(Protocol):
    """The part of `labkit.remote.shell.RemoteProcess` that is used here."""

    def lines(self) -> Iterator[str]: ...

    def stop(self) -> None: ...


class Starter(Protocol):
    """The part of `labkit.remote.shell.Shell` that is used here."""

    name: str

    def start(self, command: str, *, stdin: str = "") -> Process: ...


class Watch:
    """A watcher that runs on a machine. Use as a context manager.

    Readings carry this computer's time (`labkit.load.clock`): the machine's clock offset is the
    smallest difference seen between a line's arrival and its own time, so it is wrong by no more
    than the fastest line's journey. A machine's clock may begin anywhere, but must not be set.
    """

    def __init__(self, shell: Starter, script: str, arguments: Sequence[str] = ()) -> None:
        """`script` is Python 3.9 source without dependencies; it runs there as root."""
        self._shell = shell
        self._script = script
        self._arguments = tuple(arguments)
        self._raw: list[Reading] = []
        self._offset = float("inf")
        self._heard = 0.0  # monotonic time of the last line
        self._noise: deque[str] = deque(maxlen=4)
        self._process: Process | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        # 2>&1: a traceback of the script is heard as a line that is not JSON.
        command = shlex.join(["sudo", "-n", "python3", "-u", "-", *self._arguments]) + " 2>&1"
        self._process = self._shell.start(command, stdin=self._script)
        self._thread = threading.Thread(
            target=self._collect, args=(self._process,), name="labkit-watch", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.stop()
        if self._thread is not None:
            self._thread.join(timeout=2.0)

    def watched(self) -> Watched:
        """Everything seen so far, in local time."""
        raw = list(self._raw)
        offset = self._offset if raw else 0.0
        return Watched([replace(reading, at=reading.at + offset) for reading in raw])

    @property
    def latest(self) -> Reading | None:
        """The last reading, unless the watcher has fallen silent."""
        if not self._raw or time.monotonic() - self._heard > FRESH_S:
            return None
        return self._raw[-1]

    def why_not_steady(self) -> str:
        """What is missing for all servers to serve, in words; "" if nothing is."""
        reading = self.latest
        if reading is None:
            said, machine = _("; ").join(self._noise), self._shell.name
            if said:
                return _("nothing is seen on {machine}: {said}", machine=machine, said=said)
            return _("nothing is seen on {machine}", machine=machine)
        if not reading.states:
            return _("there is no server to watch")
        away = [
            _("{name} is {state}", name=name, state=state)
            for name, state in reading.states.items()
            if not Reading(reading.at, {name: state}).all_serve
        ]
        return ", ".join(away)

    def wait_steady(self, timeout_s: float, tick: Callable[[], None] = lambda: None) -> str:
        """Wait until all servers have served for a second; "" or, in time, why they did not."""
        deadline = time.monotonic() + timeout_s
        since: float | None = None
        while True:
            reason = self.why_not_steady()
            now = time.monotonic()
            since = None if reason else (since or now)
            if since is not None and now - since >= HOLD_S:
                return ""
            if now >= deadline:
                return reason or _("the servers have only just come up")
            tick()
            time.sleep(0.05)

    def _collect(self, process: Process) -> None:
        for line in process.lines():
            self._take(line.strip(), CLOCK.now())

    def _take(self, line: str, arrived: float) -> None:
        try:
            said = json.loads(line)
            at = float(said["t"])
        except (ValueError, KeyError, TypeError):
            if line:
                self._noise.append(line)
            return
        if "error" in said:
            self._noise.append(str(said["error"]))
            return
        self._offset = min(self._offset, arrived - at)
        self._heard = time.monotonic()
        self._noise.clear()
        late = float(said.get("late", 0.0))
        self._raw.append(Reading(at, dict(said["states"]), dict(said.get("counters", {})), late))


class Unwatched:
    """In the place of a `Watch` where no balancer stands before the service."""

    latest: Reading | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def watched(self) -> Watched:
        """Nothing was seen."""
        return Watched()

    def wait_steady(self, timeout_s: float, tick: Callable[[], None] = lambda: None) -> str:
        """There is nobody to wait for."""
        del timeout_s, tick
        return ""
