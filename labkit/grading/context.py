"""What a grading run knows, as its checks see it through fixtures."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from labkit.course import Course, Submission
from labkit.errors import LabkitError
from labkit.lab import Lab, open_shells
from labkit.locale import _
from labkit.remote import Result
from labkit.reporting import SILENT, Reporter

if TYPE_CHECKING:
    from labkit.remote import SshShell

FULL_DISK_KIB = 50 * 1024  # below this, engines and logs fail in ways that blame nobody
# As many as docker build and its helpers start at once must find room beside each other: copies of
# a shell, each of which waits for a line that nobody writes. A program in each would cost three
# times as much. bash waits up to 15 s for room before it gives up (dash gives up at once).
NO_PIPE = 3  # how it ends where no file can be made
ROOM_FOR_PROCESSES = (
    f"sh -c 'pipe=/tmp/labkit-room.$$; mkfifo $pipe || exit {NO_PIPE}; exec 3<>$pipe; rm $pipe;"
    ' trap "kill \\$all" EXIT;'
    ' for i in $(seq 100); do read -r line <&3 >/dev/null 2>&1 & all="$all $!"; done\''
)
PROBE_EVERY_S = 10.0


@dataclass
class Context:
    """The lab under test and what the run may do to it."""

    course: Course
    lab: Lab
    out: Path  # the result's folder
    workspace: Path | None = None
    submission: Submission | None = None  # the submission whose work is on the machines
    bar: str = "course"
    seed: int | None = None
    shells: dict[str, SshShell] = field(default_factory=dict)
    drills: dict[str, dict[str, Any]] = field(default_factory=dict)
    reporter: Reporter = SILENT
    _opening: Lock = field(default_factory=Lock)  # facts are asked in threads
    _undisturbed: bool = False
    _probed: float = 0.0
    _trouble: str = ""

    def shell(self, machine: str) -> SshShell:
        """The shell of one machine; NotReadyError if the machine is off."""
        with self._opening:
            if machine not in self.shells:
                self.shells.update(open_shells(self.lab, names=[machine]))
                self.shells[machine].remember(self._undisturbed)
            return self.shells[machine]

    @contextmanager
    def undisturbed(self, on: bool) -> Iterator[None]:
        """Whether the machines stay as they are meanwhile: `ask_once` may rely on it."""
        self._remember(on)
        try:
            yield
        finally:
            self._remember(False)

    def _remember(self, on: bool) -> None:
        with self._opening:
            self._undisturbed = on
            for shell in self.shells.values():
                shell.remember(on)

    def close(self) -> None:
        """Close every connection."""
        for shell in self.shells.values():
            shell.close()

    def history(self) -> dict[str, int]:
        """How many commands each shell has answered so far."""
        return {name: len(shell.history) for name, shell in self.shells.items()}

    def since(self, before: Mapping[str, int]) -> list[tuple[str, Result]]:
        """The commands answered since `history()` said so, machine by machine."""
        return [
            (name, result)
            for name, shell in self.shells.items()
            for result in shell.history[before.get(name, 0) :]
        ]

    def trouble(self) -> str:
        """The control probe: what is wrong with the lab itself, or "".

        Asked before a learner is blamed. A machine that does not answer, whose disk is full or
        that may start no process makes every check that needs it a matter of luck.
        """
        if time.monotonic() - self._probed > PROBE_EVERY_S or not self._probed:
            self._trouble = self._probe()
            self._probed = time.monotonic()
        return self._trouble

    def _probe(self) -> str:
        try:
            machines = self.lab.machines()
        except LabkitError as error:
            return error.what
        for name, machine in machines.items():
            if not machine.running:
                return _("{name} is off", name=name)
            try:
                free = self.shell(name).ask(
                    "df --output=avail -k / /var/lib/docker 2>/dev/null | tail -n +2 | sort -n"
                    " | head -n 1"
                )
                room = self.shell(name).ask(ROOM_FOR_PROCESSES)
            except LabkitError as error:
                return error.what
            is_full = free.text.isdigit() and int(free.text) < FULL_DISK_KIB
            if is_full or room.exit_code == NO_PIPE:
                return _("the disk of {machine} is full", machine=name)
            if not room.ok:
                return _("{machine} has no room for another process", machine=name)
        return ""
