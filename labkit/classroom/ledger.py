"""What is known of a class, on the disk: a folder for each learner, each file whole or not there.

    KEY/graded/     result.json, report.html and the evidence of the run that counts; record.json
    KEY/proposed/   the same of a later run that nobody has accepted yet
    KEY/earlier/N/  what counted before, never removed
    KEY/.running-X/ a run that goes on, or that was killed; `lab` in it names its machines

`record.json` is written last, and its folder then takes its name in one move: a run counts whole
or not at all, at whatever moment it was killed.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from labkit.errors import NotReadyError
from labkit.locale import _
from labkit.whole import write_whole

Slot = Literal["graded", "proposed"]
State = Literal["graded", "inconclusive", "unreadable"]


@dataclass(frozen=True)
class Record:
    """What became of an entry; `digest` is of all that decided it."""

    key: str
    name: str
    number: str
    digest: str
    state: State
    why: str = ""  # of what is not graded
    tries: int = 1
    seconds: float = 0.0


class Ledger:
    """The folder of a class."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def held(self) -> Iterator[None]:
        """Held by this command alone. NotReadyError if another one works on it."""
        self.root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.root / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise NotReadyError(
                _("another labkit command is grading this class"),
                where=str(self.root),
                then=_("wait until it has ended, then the same command again"),
            ) from error
        try:
            self._settle()
            yield
        finally:
            lock.release()

    def record(self, key: str, slot: Slot = "graded") -> Record | None:
        """What is known of an entry; None if nothing is."""
        found = _read(self.root / key / slot / "record.json")
        return Record(**found) if found else None

    def result(self, key: str, slot: Slot = "graded") -> dict[str, Any] | None:
        """The result file of an entry (`labkit/result/v1`), None where there is none."""
        return _read(self.root / key / slot / "result.json")

    def begin(self, key: str) -> Path:
        """A folder for a run of an entry."""
        folder = self.root / key / f".running-{uuid.uuid4().hex[:8]}"
        folder.mkdir(parents=True)
        return folder

    def finish(self, folder: Path, record: Record, slot: Slot = "graded") -> None:
        """Let a run count; what counted before goes to the earlier ones."""
        write_whole(
            folder / "record.json",
            json.dumps({"slot": slot, **asdict(record)}, ensure_ascii=False, indent=2) + "\n",
        )
        self._move(folder, slot)

    def killed(self) -> list[tuple[Path, str]]:
        """The runs that never came to their end, and their labs; "" if they had none yet."""
        return [(folder, lab_of(folder)) for folder in sorted(self.root.glob("*/.running-*"))]

    def accept(self, key: str) -> bool:
        """Let what is proposed for an entry count; whether there was anything."""
        folder = self.root / key / "proposed"
        if not (folder / "record.json").exists():
            return False
        self._move(folder, "graded")
        return True

    def _move(self, folder: Path, slot: Slot) -> None:
        place = folder.parent / slot
        if place.exists():
            earlier = folder.parent / "earlier"
            earlier.mkdir(exist_ok=True)
            numbers = [int(one.name) for one in earlier.iterdir() if one.name.isdigit()]
            place.rename(earlier / str(max(numbers, default=0) + 1))
        folder.rename(place)

    def _settle(self) -> None:
        """A run that was killed between its record and its name did come to its end."""
        for folder, _lab in self.killed():
            found = _read(folder / "record.json", whole=True)
            if found:
                self._move(folder, found["slot"])


def _read(path: Path, *, whole: bool = False) -> dict[str, Any] | None:
    """A JSON object; None if it is not there or, after a power cut, not whole."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if path.name == "record.json" and not whole:
        found.pop("slot", None)
    return found


def note_lab(folder: Path, lab: str) -> None:
    """Write down which lab a run is about to make: whoever finds it killed removes the lab."""
    write_whole(folder / "lab", lab)


def lab_of(folder: Path) -> str:
    """The lab of a run, "" if it has made none."""
    try:
        return (folder / "lab").read_text(encoding="utf-8")
    except OSError:
        return ""


def forget(folder: Path) -> None:
    """Remove a run that does not count: it has not come to its end."""
    shutil.rmtree(folder, ignore_errors=True)
