"""Limits on a machine that has other work: stretched once they are over, and never for ever."""

from __future__ import annotations

import time

import pytest

from labkit.facts.slowness import ONE_LINE, ONE_LINE_S, SLOWEST, Deadline
from labkit.remote import CommandTooLongError, PlannedShell, Result

LIMIT_S = 10.0


class Machine:
    """One that builds a line in so many seconds, or not at all."""

    def __init__(self, line_s: float, *, code: int = 0, hangs: bool = False) -> None:
        self.now = 0.0
        self.measured = 0
        self._line_s = line_s
        self._code = code
        self._hangs = hangs

    def answer(self, command: str) -> Result:
        assert command == ONE_LINE
        self.measured += 1
        self.now += self._line_s
        result = Result(command, "", "", self._code)
        if self._hangs:
            raise CommandTooLongError("web1", result, self._line_s)
        return result


def lasted(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> float:
    """How long somebody waits who looks five times a second."""
    monkeypatch.setattr(time, "monotonic", lambda: machine.now)
    deadline = Deadline(PlannedShell("web1", machine.answer), LIMIT_S)
    while not deadline.is_over():
        machine.now += 0.2
    return machine.now


@pytest.mark.parametrize("line_s", [0.1, ONE_LINE_S])
def test_a_quiet_machine_gets_what_is_said(monkeypatch: pytest.MonkeyPatch, line_s: float) -> None:
    machine = Machine(line_s)
    assert lasted(machine, monkeypatch) == pytest.approx(LIMIT_S + line_s, abs=0.3)
    assert machine.measured == 1


@pytest.mark.parametrize(("line_s", "stretch"), [(3.0, 2.0), (60.0, SLOWEST)])
def test_a_slow_one_gets_more_and_not_without_end(
    monkeypatch: pytest.MonkeyPatch, line_s: float, stretch: float
) -> None:
    machine = Machine(line_s)
    least = max(stretch * LIMIT_S, LIMIT_S + line_s)
    assert lasted(machine, monkeypatch) == pytest.approx(least, abs=0.3)
    assert machine.measured == 1


@pytest.mark.parametrize("machine", [Machine(2.0, code=1), Machine(50.0, hangs=True)])
def test_what_cannot_be_measured_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, machine: Machine
) -> None:
    """A student whose engine builds nothing buys no time with it."""
    spent = lasted(machine, monkeypatch) - LIMIT_S
    assert machine.measured == 1
    assert spent <= 50.3


def test_a_machine_is_not_measured_before_the_seconds_are_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine(60.0)
    monkeypatch.setattr(time, "monotonic", lambda: machine.now)
    deadline = Deadline(PlannedShell("web1", machine.answer), LIMIT_S)
    machine.now = LIMIT_S - 0.1
    assert not deadline.is_over()
    assert machine.measured == 0
