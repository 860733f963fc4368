"""A class on workers of Dask that die, and a scheduler that dies: everybody once, all the same.

Scheduler and workers are processes as they are in use; the grader is one made for this.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from labkit import child
from labkit.classroom import Folder, GradeOptions
from labkit.classroom.away import Away, code_here, run_alone
from labkit.classroom.cluster import Cluster, cluster_at
from labkit.classroom.intake import Entry
from labkit.classroom.ledger import Ledger, Record
from labkit.classroom.roll import Grader, Job, grade_class, processes
from labkit.classroom.table import as_json_lines, rows
from labkit.errors import NotReadyError
from tests.fakes.made_grader import made_grader

OPTIONS = GradeOptions(frozenset({1}), drills=False)
PATIENCE_S = 120  # for processes of a busy computer; nothing is measured


def entry(name: str, text: str) -> Entry:
    return Entry(name, name.title(), folder=Folder(name, {"a": text.encode()}, []))


SLOW, GOOD, BAD = entry("slow", "waits"), entry("good", "good"), entry("bad", "bad")


class Room:
    """A scheduler, its workers, and the file that stands for each lab."""

    def __init__(self, root: Path) -> None:
        self.labs = root / "labs"
        self.labs.mkdir()
        self._environment = {
            **child.environment(), "MADE_LABS": str(self.labs),
            "XDG_STATE_HOME": str(root / "state"),
            "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "60s",
        }  # fmt: skip
        self._log = (root / "log").open("w")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.processes: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def scheduler(self) -> subprocess.Popen[bytes]:
        """Start one."""
        return self._start("dask_scheduler", "--host=127.0.0.1", f"--port={self.port}")

    def worker(self) -> subprocess.Popen[bytes]:
        """Start one, which is one slot."""
        return self._start(
            "dask_worker", self.address, "--nthreads=1", "--no-nanny", "--resources=lab=1"
        )

    def _start(self, module: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", f"distributed.cli.{module}", *options,
                   "--no-dashboard"]  # fmt: skip
        started = subprocess.Popen(command, env=self._environment, stdout=self._log,
                                   stderr=self._log, cwd=self.labs)  # fmt: skip
        self.processes.append(started)
        return started

    def being_graded(self) -> dict[str, int]:
        """Key of an entry -> the process that grades it."""
        found = {}
        for lab in self.labs.glob("class-*"):
            with suppress(OSError, ValueError):  # just being written, or removed
                key, number = lab.read_text().split()
                found[key] = int(number)
        return found

    def close(self) -> None:
        """End all of it."""
        (self.labs / "go").touch()
        for one in self.processes:
            one.kill()
            one.wait()
        self._log.close()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path)
    yield room
    room.close()


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def grade(ledger: Ledger, entries: list[Entry], grader: Grader, address: str) -> list[Record]:
    told: list[Record] = []
    digests = {one.key: one.digest for one in entries}
    with ledger.held():
        grade_class(entries, ledger, digests, OPTIONS, labs=2, grader=grader,
                    executors=cluster_at(address) if address else processes,
                    remove=lambda _lab: None, on_done=told.append)  # fmt: skip
    return told


def test_workers_and_a_scheduler_die_and_the_table_is_that_of_one_computer(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADE_LABS", str(room.labs))
    everybody = [SLOW, GOOD, BAD]
    far, near = Ledger(tmp_path / "far"), Ledger(tmp_path / "near")
    told: list[Record] = []
    room.scheduler()
    victim = room.worker()
    asking = threading.Thread(
        target=lambda: told.extend(
            grade(far, everybody, Away(made_grader, code_here()), room.address)
        )
    )
    asking.start()

    until(lambda: bool(room.being_graded()))
    (orphan,) = room.being_graded().values()
    victim.kill()  # in the middle of an entry
    victim.wait()
    until(lambda: not room.being_graded())  # its lab was removed
    with pytest.raises(ProcessLookupError):
        until(lambda: os.kill(orphan, 0) is not None)  # and its process ended
    first, second = room.processes[0], room.worker()

    until(lambda: bool(room.being_graded()))
    first.kill()  # in the middle of an entry, too
    first.wait()
    second.kill()
    second.wait()
    room.scheduler()
    room.worker()
    with Cluster(room.address) as cluster:
        until(lambda: cluster.slots == 1)
    (room.labs / "go").touch()
    asking.join(PATIENCE_S)
    assert not asking.is_alive()

    assert sorted(one.key for one in told) == sorted(one.key for one in everybody)
    assert {one.tries for one in told} == {1}
    assert not list(far.root.glob("*/earlier"))
    assert not list(far.root.glob("*/.running-*"))
    assert not room.being_graded()
    grade(near, everybody, made_grader, "")
    assert as_json_lines(rows(far, everybody)) == as_json_lines(rows(near, everybody))


def test_a_worker_with_another_course_grades_nothing_and_names_itself(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError) as error:
        Away(made_grader, "0.0 older")(Job(GOOD, tmp_path, "class-00000000", OPTIONS))
    assert error.value.where == socket.gethostname()


def test_no_scheduler_is_no_crash(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError) as error:
        grade_class([GOOD], Ledger(tmp_path), {"good": ""}, OPTIONS, labs=1,
                    executors=cluster_at("tcp://127.0.0.1:9", wait_s=0.2))  # fmt: skip
    assert error.value.then == "labkit class workers"


def test_what_a_run_left_is_removed_by_the_next_on_the_same_computer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("MADE_LABS", str(tmp_path))
    left = tmp_path / "state" / "labkit" / "_away" / socket.gethostname() / "0123"
    (left / "out").mkdir(parents=True)
    (left / "out" / "lab").write_text("class-left")
    removed: list[str] = []
    outcome = run_alone(made_grader, Job(GOOD, tmp_path, "class-00000000", OPTIONS),
                        remove=removed.append)  # fmt: skip
    assert removed == ["class-left"]
    assert outcome.files
    assert not list(left.parent.iterdir())
