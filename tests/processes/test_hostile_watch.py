"""The canaries of the hostile campaign: seen to sing, before anybody trusts their silence."""

from __future__ import annotations

import shlex
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from benchmarks.hostile import watch
from labkit.remote import Result


@pytest.fixture
def asked() -> Iterator[watch.Asked]:
    with watch.Asked().listening() as port:
        yield port


@pytest.fixture
def computer(asked: watch.Asked, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> watch.Computer:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    submissions = tmp_path / "submissions"
    submissions.mkdir()
    (submissions / "page").touch()
    monkeypatch.chdir(submissions)
    found = watch.Computer(asked, str(tmp_path / "pwned"), submissions)
    found.look_away()
    return found


def test_hostile_silence(computer: watch.Computer) -> None:
    assert computer.reached() == []


@pytest.mark.parametrize("place", ["pwned", "labkit-canary"])
def test_hostile_files_are_seen_once(computer: watch.Computer, tmp_path: Path, place: str) -> None:
    (tmp_path / place).touch()
    assert computer.reached() == [f"made {tmp_path / place}"]
    assert computer.reached() == []


def test_hostile_files_beside_what_was_handed_in_are_seen(computer: watch.Computer) -> None:
    Path(".cache").touch()
    (said,) = computer.reached()
    assert ".cache beside what was submitted" in said


def test_hostile_questions_to_this_computer_are_seen(
    computer: watch.Computer, asked: watch.Asked
) -> None:
    with socket.create_connection(("127.0.0.1", asked.port), 5) as connection:
        assert connection.recv(20)
    assert computer.reached() == ["asked a port of this computer 1 times"]
    assert computer.reached() == []


class Here:
    """This computer in a machine's place."""

    name = "web1"

    def ask(self, command: str, **_options: object) -> Result:
        ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
        return Result(command, ended.stdout, ended.stderr, ended.returncode)


def test_hostile_changes_of_a_machine_are_seen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Everything but a student's own folders, whatever the time that a file says of itself."""
    monkeypatch.setattr(watch, "ROOT", shlex.quote(str(tmp_path)))
    monkeypatch.setattr(watch, "MARK", str(tmp_path / "mark"))
    monkeypatch.setattr(watch, "STUDENTS", (str(tmp_path / "srv"), str(tmp_path / "mark")))
    for folder in ("srv", "etc"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "before").touch()
    shells = cast("dict[str, Any]", {"web1": Here()})
    watch.mark(shells)
    assert watch.touched(shells, "/pwned") == []
    later = tmp_path / "srv" / "later"
    while later.touch() or later.stat().st_ctime_ns <= (tmp_path / "mark").stat().st_ctime_ns:
        pass  # the kernel's clock of files goes in steps of some milliseconds
    for name in ("srv/mine", "etc/theirs", "srv/pwned"):
        (tmp_path / name).write_text("x")
    subprocess.run(["touch", "-d", "2001-01-01", str(tmp_path / "etc/theirs")], check=True)
    (tmp_path / "etc/before").chmod(0o4755)
    assert sorted(watch.touched(shells, "/pwned")) == [
        f"web1:{tmp_path}/{name}" for name in ("etc/before", "etc/theirs", "srv/pwned")
    ]
