"""How far the grading of a class has come, read from its ledger by another process."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labkit.classroom.intake import Entry
from labkit.classroom.ledger import Ledger, Record, Slot


@dataclass(frozen=True)
class Running:
    """An entry that is being graded, or whose run was killed: nobody can tell from here."""

    name: str
    seconds: float  # since it began
    asked: int  # checks that have a verdict
    checks: int  # 0 while its steps are carried out


@dataclass(frozen=True)
class Progress:
    """What is known of the entries of a class."""

    known: tuple[Record, ...]  # the latest first
    running: tuple[Running, ...]
    waiting: int

    @property
    def all(self) -> int:
        """How many entries there are."""
        return len(self.known) + len(self.running) + self.waiting

    @property
    def seconds_left(self) -> float | None:
        """About how long it takes still; None before the first is known, or while none runs.

        What is left takes as long as the median of what is known, on as many labs as run now.
        """
        took = [one.seconds for one in self.known if one.seconds]
        if not took or not self.running:
            return None
        each = statistics.median(took)
        under_way = sum(max(0.0, each - one.seconds) for one in self.running)
        return (under_way + each * self.waiting) / len(self.running)


def progress(
    ledger: Ledger, entries: Sequence[Entry], now: float, *, slot: Slot = "graded"
) -> Progress:
    """The state of a class at a time (seconds since the epoch); the ledger is only read."""
    runs = {folder.parent.name: folder for folder, _lab in ledger.killed()}
    known: list[tuple[float, Record]] = []
    running: list[Running] = []
    for entry in entries:
        run = _running(entry.name, runs[entry.key], now) if entry.key in runs else None
        record = ledger.record(entry.key, slot)
        if run:
            running.append(run)
        elif record:
            known.append((_written(ledger.root / entry.key / slot / "record.json"), record))
    known.sort(key=lambda one: -one[0])
    return Progress(
        tuple(record for _when, record in known),
        tuple(running),
        len(entries) - len(known) - len(running),
    )


def _running(name: str, folder: Path, now: float) -> Running | None:
    """None if the run waits for a lab, or has come to its end in between."""
    try:
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        checks = [check for step in result["steps"] for check in step["checks"]]
    except (OSError, ValueError):
        checks = []
    asked = sum(one["verdict"] != "inconclusive" or one["seconds"] > 0 for one in checks)
    began = _written(folder / "lab")
    return Running(name, now - began, asked, len(checks)) if began else None


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
