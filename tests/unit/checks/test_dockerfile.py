"""A build on a machine that has other work, or whose engine ended."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from checks.builds import Build
from checks.test_02_dockerfile import BACK, BUILD_LIMIT_S, TIMED_OUT, build_image
from labkit.course import CannotTellError, NotMetError
from labkit.facts.slowness import ONE_LINE, ONE_LINE_S, SLOWEST
from labkit.remote import CommandTooLongError, PlannedShell, Result

BUILD = Build("/srv/student-list/simple_api/Dockerfile", "/srv/student-list/simple_api")
IMAGE = "sha256:1234"
ENDED = "#8 CANCELED\nERROR: failed to solve: Canceled: context canceled"
GONE = "ERROR: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?"


class Machine:
    """One on which builds end as given, one after the other, and a line takes so many seconds."""

    def __init__(self, *builds: str, line_s: float = 0.5, step: str = "sleeping") -> None:
        self.shell = PlannedShell("web1", self.answer)
        self.now = 0.0
        self.asked: list[str] = []
        self._builds: Iterator[str] = iter(builds)
        self._line_s = line_s
        self._step = step

    def answer(self, command: str) -> Result:
        self.asked.append(command)
        if command == ONE_LINE:
            self.now += self._line_s
        elif command == f"{BUILD.command} 2>&1":
            said = next(self._builds)
            if said == "endless":
                raise CommandTooLongError("web1", Result(command, "", "", 1), BUILD_LIMIT_S)
            return Result(command, said, "", 0 if said == IMAGE else 1)
        elif command.startswith("timeout") and command != BACK:
            return Result(command, self._step, "", 0 if self._step == "done" else TIMED_OUT)
        return Result(command, "", "", 0)


def built(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(time, "monotonic", lambda: machine.now)
    return build_image(machine.shell, BUILD)


def test_a_build_without_end_is_the_students(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotMetError) as caught:
        built(Machine("endless"), monkeypatch)
    assert "within 50 s" in caught.value.expected
    assert caught.value.seen.endswith("a one-line build took 0.5 s")


def test_a_slow_machine_is_given_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine("endless", IMAGE, line_s=2 * ONE_LINE_S, step="done")
    assert built(machine, monkeypatch) == IMAGE
    assert machine.asked[2].startswith(f"timeout {2 * BUILD_LIMIT_S:.0f} ")


def test_of_a_machine_that_hardly_moves_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine("endless", line_s=1.1 * SLOWEST * ONE_LINE_S)
    with pytest.raises(CannotTellError, match="so busy"):
        built(machine, monkeypatch)
    assert machine.asked[2].startswith(f"timeout {SLOWEST * BUILD_LIMIT_S:.0f} ")


def test_a_network_that_is_slow_is_not_the_students(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CannotTellError, match="still fetching packages: #8 Collecting flask"):
        built(Machine("endless", step=f"#8 Collecting flask\n{ENDED}"), monkeypatch)


def test_that_we_ended_a_build_is_not_what_is_wrong_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mistake = "ERROR: failed to solve: process did not complete successfully: exit code: 7"
    with pytest.raises(NotMetError) as caught:
        built(Machine(mistake, step=f"#8 12.3 y\n{ENDED}"), monkeypatch)
    assert caught.value.seen == mistake


def test_an_engine_that_ended_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(GONE, IMAGE)
    assert built(machine, monkeypatch) == IMAGE
    assert BACK in machine.asked
    with pytest.raises(NotMetError):
        built(Machine(GONE, GONE), monkeypatch)
