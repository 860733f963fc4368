"""Stock Locust in a process of its own: what it does and what it reports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

HERE = Path(__file__).resolve().parent
START_TIMEOUT_S = 40.0  # until the first request has been answered
WIND_UP_S = 10.0  # Locust's own summary, after the time that it was given
POLL_S = 0.05


@dataclass(frozen=True)
class Request:
    """One request that ended: when it was started (epoch s), how long it took, Locust's verdict."""

    started: float
    took_s: float
    failed: bool


class StockLocust:
    """Locust with the users of `locustfile.py`, for so many seconds. Use as a context manager.

    Whoever starts it has proven that the URL may be loaded.
    """

    def __init__(self, url: str, *, user: str, users: int, seconds: float, out: Path) -> None:
        self._url = url
        self._user = user
        self._users = users
        self._seconds = seconds
        self._rows = out / f"{user}.jsonl"
        self._report = out / f"{user}.json"
        self._log = out / f"{user}.log"

    def __enter__(self) -> Self:
        self._rows.write_text("")
        # LOCUST_* of the user's own projects would change our run.
        kept = {name: value for name, value in os.environ.items() if name[:7] != "LOCUST_"}
        with self._report.open("wb") as report, self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable, "-m", "locust", self._user,
                    "-f", f"{HERE / 'locustfile.py'},{HERE / 'observe.py'}", "--host", self._url,
                    "--headless", "--users", str(self._users), "--spawn-rate", str(self._users),
                    "--run-time", f"{self._seconds:.0f}s", "--only-summary", "--json",
                    "--exit-code-on-error", "0",
                ],
                cwd=self._rows.parent,  # no locust.conf of somebody else
                env={**kept, "LABKIT_STOCK_ROWS": str(self._rows)},
                stdin=subprocess.DEVNULL,
                stdout=report,
                stderr=log,
                start_new_session=True,
            )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def wait_started(self) -> float:
        """When the first request was started (epoch s), once one has been answered."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while not (rows := self.requests()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Locust did not start: {self._log.read_text()[-2000:]}")
            time.sleep(POLL_S)
        return min(row.started for row in rows)

    def finish(self) -> None:
        """Wait until Locust has reported."""
        self._process.wait(self._seconds + START_TIMEOUT_S + WIND_UP_S)

    def requests(self) -> list[Request]:
        """Every request that has ended so far."""
        *lines, _unfinished = self._rows.read_text().split("\n")
        return [Request(**json.loads(line)) for line in lines]

    def reported(self) -> tuple[int, int]:
        """How many requests, and how many failures of these, Locust's own report names."""
        entries = json.loads(self._report.read_text())
        return (
            sum(entry["num_requests"] for entry in entries),
            sum(entry["num_failures"] for entry in entries),
        )
