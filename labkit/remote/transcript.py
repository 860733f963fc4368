"""What a person sees and can read again later of the commands that labkit types for them."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from labkit.text import clean

LOGGED = 20_000  # characters of a command or of a line of output


class Echo(Protocol):
    """Where commands and their output are shown."""

    def command(self, machine: str, text: str) -> None:
        """A command is about to run."""
        ...

    def output(self, machine: str, line: str) -> None:
        """A line that it printed."""
        ...


class Silent:
    """Shows nothing."""

    def command(self, machine: str, text: str) -> None:
        """Nothing."""

    def output(self, machine: str, line: str) -> None:
        """Nothing."""


class Transcript:
    """A timestamped log of every command, kept in the lab's folder, shown through another echo.

    The file is opened for each line, so that it is whole after a kill at any moment. It holds
    nothing that steers the terminal in which somebody reads it.
    """

    def __init__(self, path: Path, shown: Echo, now: Callable[[], datetime.datetime]) -> None:
        self.path = path
        self.shown = shown
        self.now = now

    def command(self, machine: str, text: str) -> None:
        """Log and show a command."""
        self._log(f"{machine} $ {clean(text, LOGGED)}")
        self.shown.command(machine, text)

    def output(self, machine: str, line: str) -> None:
        """Log and show a line of output."""
        self._log(f"{machine} | {clean(line, LOGGED)}")
        self.shown.output(machine, line)

    def _log(self, line: str) -> None:
        stamp = self.now().isoformat(timespec="milliseconds")
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{stamp} {line}\n")
