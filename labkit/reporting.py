"""What long work tells while it goes on: events in, and a reporter that shows them.

Work is given one `Reporter` and tells it what happens; it prints nothing itself. The terminal's is
in `labkit.cli.show`; `JsonLines` is one for programs, `SILENT` one for nobody. Events are told from
the thread in which they happen.
"""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import ClassVar, TextIO

Say = Callable[[str], None]  # what work that only says sentences is given: `Reporter.say`


@dataclass(frozen=True)
class Event:
    """Something that happened; `kind` is its name for programs, and stays what it is."""

    kind: ClassVar[str]


@dataclass(frozen=True)
class Note(Event):
    """A sentence about the work, in the user's language."""

    kind = "note"
    text: str


@dataclass(frozen=True)
class Problem(Event):
    """An error that a person can act on: what is wrong, where, and what to type next."""

    kind = "problem"
    what: str
    where: str = ""
    then: str = ""


@dataclass(frozen=True)
class CommandTyped(Event):
    """A command is about to run on a machine."""

    kind = "command-typed"
    machine: str
    command: str


@dataclass(frozen=True)
class OutputLine(Event):
    """A line that a command printed."""

    kind = "output-line"
    machine: str
    line: str


@dataclass(frozen=True)
class StepBegan(Event):
    """A step is carried out; `files` are its artefacts and whose each is ("own", "reference")."""

    kind = "step-began"
    number: int
    letter: str
    slug: str
    title: str
    files: Mapping[str, str]


@dataclass(frozen=True)
class StepEnded(Event):
    """A step holds; `kept_own` are files that stayed though others were asked for."""

    kind = "step-ended"
    number: int
    letter: str
    slug: str
    title: str
    nothing_to_do: bool
    kept_own: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class SubmissionStepBegan(Event):
    """What a submission has for a step is brought to the machines; several may be at once."""

    kind = "submission-step-began"
    number: int
    slug: str


@dataclass(frozen=True)
class CheckBegan(Event):
    """A check is asked."""

    kind = "check-began"
    id: str


@dataclass(frozen=True)
class CheckEnded(Event):
    """How a check ended: a verdict as in the result file."""

    kind = "check-ended"
    id: str
    verdict: str
    seconds: float


@dataclass(frozen=True)
class DrillBegan(Event):
    """A drill begins; `bar` is what it is judged at."""

    kind = "drill-began"
    name: str
    bar: str


@dataclass(frozen=True)
class DrillProgress(Event):
    """Where a running drill stands, four times a second. Times in seconds, counts of requests.

    `phase` is steady, baseline, fault, healed or restoring; `states` are the servers' as the
    watcher reads them.
    """

    kind = "drill-progress"
    phase: str
    run: int
    elapsed_s: float
    duration_s: float
    scheduled: int
    answered: int
    failed: int
    states: Mapping[str, str]


@dataclass(frozen=True)
class DrillEnded(Event):
    """A drill is over; without a verdict if it could not begin or was interrupted."""

    kind = "drill-ended"
    name: str
    verdict: str = ""


class Reporter(ABC):
    """Is told events and shows them, or not."""

    @abstractmethod
    def tell(self, event: Event) -> None:
        """Take an event."""

    def say(self, text: str) -> None:
        """Tell a sentence."""
        self.tell(Note(text))


class Silent(Reporter):
    """Shows nothing."""

    def tell(self, event: Event) -> None:
        """Nothing."""


SILENT = Silent()


class JsonLines(Reporter):
    """Writes each event as a JSON object on a line of its own: "event", "time" and its fields.

    `now` gives the time with its zone. When nobody reads any more, the work goes on in silence.
    """

    def __init__(self, stream: TextIO, now: Callable[[], datetime]) -> None:
        self._stream: TextIO | None = stream
        self._now = now
        self._one_at_a_time = threading.Lock()

    def tell(self, event: Event) -> None:
        """A line."""
        stamp = self._now().isoformat(timespec="milliseconds")
        line = json.dumps({"event": event.kind, "time": stamp, **asdict(event)})
        with self._one_at_a_time:
            if self._stream is None:
                return
            try:
                self._stream.write(f"{line}\n")
                self._stream.flush()
            except BrokenPipeError:
                self._stream = None
