"""A class that is stopped: each process removes its lab; one that cannot is ended."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from labkit.classroom import Folder, GradeOptions, roll
from labkit.classroom.intake import Entry
from labkit.classroom.ledger import note_lab
from labkit.classroom.roll import Job
from labkit.course import ReadingRules
from labkit.errors import NotReadyError


def _ends(ready: Event, mark: Path) -> None:
    def end(*_: object) -> None:
        mark.touch()
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    ready.set()
    time.sleep(60)


def _hangs(ready: Event, _mark: Path) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ready.set()
    time.sleep(60)


@pytest.mark.parametrize("stuck", [False, True])
def test_a_process_that_does_not_end_is_killed_and_its_lab_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stuck: bool
) -> None:
    monkeypatch.setattr(roll, "END_S", 0.3 if stuck else 30)
    fork, removed = multiprocessing.get_context("fork"), list[str]()
    ready = fork.Event()
    child = fork.Process(target=_hangs if stuck else _ends, args=(ready, tmp_path / "mark"))
    child.start()
    assert ready.wait(30)
    entry = Entry("ada", "Ada", folder=Folder("ada", {"a": b""}, []))
    running = Job(entry, tmp_path, "class-1", GradeOptions(frozenset({1})))
    waiting = Job(entry, tmp_path / "none", "class-2", GradeOptions(frozenset({1})))
    note_lab(tmp_path, running.lab)
    roll._end([running, waiting], removed.append)
    child.join(30)
    assert child.exitcode == (-signal.SIGKILL if stuck else 0)
    assert (tmp_path / "mark").exists() != stuck
    assert removed == (["class-1"] if stuck else [])


def test_a_student_for_whom_time_is_up_is_inconclusive_and_the_lab_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed = []

    @contextmanager
    def lab(*_: object, name: str) -> Iterator[None]:
        try:
            yield
        finally:
            removed.append(name)

    def grading(*_: object) -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            time.sleep(0.01)
        raise AssertionError("nobody ended it")

    monkeypatch.setenv("LABKIT_LANG", "en")
    monkeypatch.setattr(roll, "fresh_lab", lab)
    monkeypatch.setattr(roll, "remove_lab", removed.append)
    monkeypatch.setattr(roll, "recognised", lambda *_: None)
    monkeypatch.setattr(roll, "grade_submission", grading)
    entry = Entry("ada", "Ada", folder=Folder("ada", {"a": b""}, []))
    outcome = roll.grade_job(
        Job(entry, tmp_path, "class-1", GradeOptions(frozenset({1}), limit_s=0.3), "en")
    )
    assert (outcome.state, outcome.why) == ("inconclusive", "it took longer than 0.005 min")
    assert removed == ["class-1", "class-1"]  # once more: the first may have been disturbed
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize(("documented", "state"), [(True, "inconclusive"), (False, "unreadable")])
def test_a_readme_alone_is_graded_where_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, documented: bool, state: str
) -> None:
    """Machines are asked for, and there are none here; without the rule nothing is to be graded."""

    @contextmanager
    def no_lab(*_: object, name: str) -> Iterator[None]:
        raise NotReadyError(f"no machines for {name}")
        yield

    monkeypatch.setattr(roll, "fresh_lab", no_lab)
    block = "```Dockerfile\nFROM python:3.12-slim\nCOPY student_age.py .\n```\n"
    entry = Entry("ada", "Ada", folder=Folder("ada", {"README.md": block.encode()}, []))
    options = GradeOptions(frozenset({2}), reading=ReadingRules(documented=documented))
    assert roll.grade_job(Job(entry, tmp_path, "class-1", options, "en")).state == state
