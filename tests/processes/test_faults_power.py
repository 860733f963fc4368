"""The power switch: who gives the power back is there before it goes, and waits until it went."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from labkit.errors import LabkitError, NotReadyError
from labkit.lab import Lab, Machine
from labkit.lab.faults import LONGEST_FAULT_S, Power, power


class Provider:
    """A hypervisor that writes down what is asked of it. Its machines go off when they please."""

    name = "fake"

    def __init__(self, folder: Path, *, running: bool = True) -> None:
        self.folder = folder
        self.states: list[bool | None] = [running]  # the next ones, the last for good; None: error
        self.calls: list[str] = []
        self.on_off: Callable[[], None] = lambda: None

    def machines(self) -> list[Machine]:
        """web1, as it is now, and a neighbour that always runs."""
        running = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        self.calls.append(f"machines {running}")
        if running is None:
            raise LabkitError("the engine does not answer")
        return [
            Machine(name, "192.0.2.1", "nobody", self.folder, self.folder, state)
            for name, state in (("web1", running), ("web2", True))
        ]

    def power_off(self, machine: str) -> None:
        """Cut."""
        self.calls.append(f"off {machine}")
        self.on_off()

    def power_on(self, machine: str) -> None:
        """Boot."""
        self.calls.append(f"on {machine}")
        self.states = [True]


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    return Provider(tmp_path)


def lab(provider: Provider) -> Lab:
    return Lab("demo", cast("Any", provider), provider.folder)


# -- the process that gives it back, with its real code and a hypervisor of ours


@pytest.fixture
def wake(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What the process does from its first to its last line."""

    def run(*, seconds: str = "0.05") -> None:
        monkeypatch.setattr(sys, "argv", ["power", "demo", "fake", "web1", seconds])
        power.main()

    def find(name: str, kind: str) -> Lab:
        assert (name, kind) == ("demo", "fake")
        return lab(provider)

    monkeypatch.setattr("labkit.lab.open_lab", find)
    monkeypatch.setattr(power, "POLL_S", 0.01)
    return run


def test_power_is_given_back_when_its_time_has_come(
    provider: Provider, wake: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    provider.states = [True, False]
    begun = time.monotonic()
    wake(seconds="0.3")
    assert time.monotonic() - begun >= 0.3
    assert provider.calls == ["machines True", "machines False", "on web1", "machines True"]
    assert capsys.readouterr().out == "armed\n"


def test_a_machine_that_is_still_on_its_way_off_is_waited_for(
    provider: Provider, wake: Callable[..., None]
) -> None:
    """Switched on before it is off it would not notice, and stay off."""
    provider.states = [True, True, True, True, False]
    wake()
    assert provider.calls == [
        *["machines True"] * 4, "machines False", "on web1", "machines True",
    ]  # fmt: skip


def test_an_engine_that_does_not_answer_for_a_moment_is_asked_again(
    provider: Provider, wake: Callable[..., None]
) -> None:
    provider.states = [True, None, True, None, False]
    wake()
    assert provider.calls[-3:] == ["machines False", "on web1", "machines True"]


def test_a_machine_that_does_not_go_off_is_not_waited_for_forever(
    provider: Provider, wake: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 0 < power.OFF_S <= 30.0
    monkeypatch.setattr(power, "OFF_S", 0.2)
    begun = time.monotonic()
    wake()
    assert 0.2 <= time.monotonic() - begun < 5.0
    assert set(provider.calls[:-2]) == {"machines True"}
    assert provider.calls[-2:] == ["on web1", "machines True"]


def test_it_stays_until_the_machine_runs_but_not_forever(
    provider: Provider, wake: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hypervisor that boots in a thread is left alone only then."""

    def slowly(machine: str) -> None:
        provider.calls.append(f"on {machine}")
        provider.states = [False, False, True]

    monkeypatch.setattr(provider, "power_on", slowly)
    provider.states = [True, False]
    wake()
    assert provider.calls[-4:] == [
        "on web1", "machines False", "machines False", "machines True",
    ]  # fmt: skip
    monkeypatch.setattr(power, "ON_S", 0.1)
    monkeypatch.setattr(provider, "power_on", lambda _machine: None)
    provider.states = [True, False]
    wake()
    assert provider.calls[-1] == "machines False"


def test_an_engine_that_never_answers_is_found_before_the_power_goes(
    provider: Provider, wake: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    provider.states = [None]
    with pytest.raises(LabkitError, match="does not answer"):
        wake()
    assert capsys.readouterr().out == ""


# -- who starts it


STAND_IN = """\
import pathlib, sys
here = pathlib.Path({folder!r})
(here / "arguments").write_text(" ".join(sys.argv[1:]))
{then}
"""


def stand_in(folder: Path, then: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program in the place of Python: no test may start the real one for a lab of nobody's."""
    program = folder / "python"
    program.write_text(f"#!{sys.executable}\n" + STAND_IN.format(folder=str(folder), then=then))
    program.chmod(0o755)
    monkeypatch.setattr(power.sys, "executable", str(program))


def test_who_gives_the_power_back_is_there_before_it_goes(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a session of its own, so that it outlives whoever is killed with their terminal."""
    then = (
        "import os, time\n"
        "time.sleep(0.2)\n"  # somebody is slow to be ready
        "(here / 'armed').write_text(str(os.getsid(0) == os.getpid()))\n"
        "print('armed', flush=True)\n"
    )
    stand_in(provider.folder, then, monkeypatch)
    seen: list[str] = []
    provider.on_off = lambda: seen.append((provider.folder / "armed").read_text())
    Power(lab(provider)).cut("web1", heal_after=8.0)
    assert seen == ["True"]
    arguments = (provider.folder / "arguments").read_text()
    assert arguments == "-P -m labkit.lab.faults.power demo fake web1 8"
    assert provider.calls == ["machines True", "off web1"]


@pytest.mark.parametrize(
    ("then", "said"), [("sys.exit(3)", "exit 3"), ("print('no'); sys.exit(0)", "exit 0")]
)
def test_if_nobody_will_give_it_back_it_is_not_taken(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, then: str, said: str
) -> None:
    stand_in(provider.folder, then, monkeypatch)
    with pytest.raises(LabkitError, match="could not be armed") as raised:
        Power(lab(provider)).cut("web1", heal_after=8.0)
    assert said in raised.value.what
    assert provider.calls == ["machines True"]


@pytest.mark.parametrize("seconds", [0.0, LONGEST_FAULT_S + 1, float("nan")])
def test_power_is_not_taken_for_longer_than_a_minute(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    stand_in(provider.folder, "print('armed')", monkeypatch)
    with pytest.raises(LabkitError, match="60 s at most"):
        Power(lab(provider)).cut("web1", heal_after=seconds)
    assert not (provider.folder / "arguments").exists()
    assert provider.calls == ["machines True"]


def test_only_a_running_machine_of_the_lab_loses_its_power(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(provider.folder, "print('armed')", monkeypatch)
    provider.states = [False]
    for name in ("web1", "somebody-elses"):
        with pytest.raises(NotReadyError, match=f"{name} is not running"):
            Power(lab(provider)).cut(name, heal_after=8.0)
    assert not (provider.folder / "arguments").exists()
    assert set(provider.calls) == {"machines False"}


def test_the_process_can_be_started_as_it_is_named() -> None:
    """Without arguments it ends at once, having asked nobody anything."""
    done = subprocess.run(
        [sys.executable, "-m", power.__name__], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "ValueError" in done.stderr
    assert done.stdout == ""
