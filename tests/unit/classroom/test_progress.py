"""How far a class has come, read from the ledger while somebody else writes it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from labkit.classroom.intake import Entry
from labkit.classroom.ledger import Ledger, Record, note_lab
from labkit.classroom.progress import Progress, Running, progress

NOW = 10_000.0


def entry(name: str) -> Entry:
    return Entry(name.lower(), name)


def known(ledger: Ledger, name: str, when: float, seconds: float = 60) -> None:
    one = entry(name)
    ledger.finish(ledger.begin(one.key), Record(one.key, name, "", "", "graded", seconds=seconds))
    os.utime(ledger.root / one.key / "graded" / "record.json", (when, when))


def running(ledger: Ledger, name: str, since: float, checks: list[dict[str, object]]) -> None:
    folder = ledger.begin(name.lower())
    note_lab(folder, "class-1")
    if checks:
        (folder / "result.json").write_text(json.dumps({"steps": [{"checks": checks}]}))
    os.utime(folder / "lab", (since, since))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def test_the_latest_comes_first_and_what_runs_says_how_far(ledger: Ledger) -> None:
    known(ledger, "Ada", 100)
    known(ledger, "Bob", 200)
    running(ledger, "Eve", NOW - 40, [
        {"verdict": "passed", "seconds": 1}, {"verdict": "inconclusive", "seconds": 0},
        {"verdict": "inconclusive", "seconds": 2}, {"verdict": "blocked", "seconds": 0},
    ])  # fmt: skip
    running(ledger, "Kay", NOW - 5, [])
    ledger.begin("max")  # waits for a lab
    names = ["Ada", "Bob", "Eve", "Kay", "Max", "Zoe"]
    found = progress(ledger, [entry(one) for one in names], NOW)
    assert [one.name for one in found.known] == ["Bob", "Ada"]
    assert found.running == (Running("Eve", 40, 3, 4), Running("Kay", 5, 0, 0))
    assert (found.waiting, found.all) == (2, 6)
    assert found.seconds_left == (20 + 55 + 60 + 60) / 2


def test_who_is_graded_again_is_running(ledger: Ledger) -> None:
    known(ledger, "Ada", 100)
    running(ledger, "Ada", NOW - 10, [])
    found = progress(ledger, [entry("Ada")], NOW)
    assert (len(found.known), len(found.running), found.waiting) == (0, 1, 0)


def test_nothing_is_promised_before_the_first_is_known(ledger: Ledger) -> None:
    running(ledger, "Ada", NOW - 10, [])
    assert progress(ledger, [entry("Ada"), entry("Bob")], NOW).seconds_left is None
    assert progress(ledger, [], NOW) == Progress((), (), 0)


def test_a_run_that_ends_while_it_is_looked_at_is_no_error(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = ledger.root / "ada" / ".running-1"
    monkeypatch.setattr(ledger, "killed", lambda: [(gone, "")])
    assert progress(ledger, [entry("Ada")], NOW) == Progress((), (), 1)
