"""What a person can read again later of the commands that labkit typed for them."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

from labkit.reporting import CommandTyped, Event, OutputLine, Reporter
from labkit.text import clean

LOGGED = 20_000  # characters of a command or of a line of output


class Transcript(Reporter):
    """A timestamped log of every command, kept in the lab's folder; all is told on.

    The file is opened for each line, so that it is whole after a kill at any moment. It holds
    nothing that steers the terminal in which somebody reads it.
    """

    def __init__(
        self, path: Path, reporter: Reporter, now: Callable[[], datetime.datetime]
    ) -> None:
        self.path = path
        self.reporter = reporter
        self.now = now

    def tell(self, event: Event) -> None:
        """Log a command or a line of its output, and tell it on."""
        if isinstance(event, CommandTyped):
            self._log(f"{event.machine} $ {clean(event.command, LOGGED)}")
        elif isinstance(event, OutputLine):
            self._log(f"{event.machine} | {clean(event.line, LOGGED)}")
        self.reporter.tell(event)

    def _log(self, line: str) -> None:
        stamp = self.now().isoformat(timespec="milliseconds")
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{stamp} {line}\n")
