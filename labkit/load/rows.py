"""Raw rows: one JSON line per request, written while a load runs and kept as evidence.

A file starts with a `start` line and, unless the generator was killed, ends with an `end` line.
All times are epoch seconds that only move forward (`labkit.load.clock`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

# Errors of rows that nobody has answered, not even with a refusal: whose fault that is, the row
# cannot say.
UNANSWERED = ("timeout", "no route")
GENERATOR_ERROR = "generator:"  # prefix of errors that are the generator's own


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one request. `status` is 0 and `error` a word when there was no answer.

    `scheduled` is when it should have started, `started` when it did, `ended` when it was known
    to be right or lost. `ok` is the scenario's judgement, not only the status. `server` is who
    answered, "" when the answer does not say. `method` is the schedule's: a scenario may send
    something else than a form in the place of a POST.
    """

    scheduled: float
    started: float
    ended: float
    method: str
    status: int
    server: str
    bytes: int
    error: str
    post_id: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Start:
    """The first line: when the first request is due."""

    at: float


@dataclass(frozen=True, slots=True)
class End:
    """The last line: how well the generator kept its schedule (seconds, requests)."""

    at: float
    worst_lateness_s: float
    unsent: int


Line = Row | Start | End
_KINDS: dict[str, type[Row] | type[Start] | type[End]] = {
    "request": Row,
    "start": Start,
    "end": End,
}


def encode(line: Line) -> str:
    """A line of the file, with its newline."""
    kind = next(name for name, known in _KINDS.items() if isinstance(line, known))
    return json.dumps({"kind": kind, **asdict(line)}, separators=(",", ":")) + "\n"


def decode(text: str) -> Line:
    """A line read back; ValueError, KeyError or TypeError if it is not one of ours."""
    fields: dict[str, Any] = json.loads(text)
    return _KINDS[fields.pop("kind")](**fields)


class Tail:
    """Reads a growing file of rows; each call returns the whole lines that are new."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self._rest = b""

    def new(self) -> list[Line]:
        """The lines since the last call; none as long as the file does not exist."""
        if self._file is None:
            if not self._path.exists():
                return []
            self._file = self._path.open("rb")
        *whole, self._rest = (self._rest + self._file.read()).split(b"\n")
        return [decode(line.decode()) for line in whole if line]

    def close(self) -> None:
        """Close the file; what was read stays with the caller."""
        if self._file is not None:
            self._file.close()
