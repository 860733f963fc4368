"""What stands in for BusyBox's adduser, on commands that write down how they were called."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests import ROOT

SCRIPT = ROOT / "steps" / "users.sh"
CALLED = ("useradd", "groupadd", "usermod")
LONG = (
    "adduser --disabled-password --gecos Me --home /none --shell /sbin/nologin --no-create-home"
    " --uid 10001 app"
)
USER = "useradd -m -d /home/app -s /bin/sh -c Linux User,,, -g app"


def typed(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command as a Dockerfile has it, under the name by which it is called."""
    for name in CALLED:
        (tmp_path / name).write_text(f'#!/bin/sh\necho {name} "$@"\n')
        (tmp_path / name).chmod(0o755)
    (tmp_path / words[0]).write_bytes(SCRIPT.read_bytes())
    return subprocess.run(
        ["sh", str(tmp_path / words[0]), *words[1:]],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True, text=True, check=False, timeout=10,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "done"),
    [
        ("adduser -D app", ["groupadd app", f"{USER} app"]),
        ("adduser app -D -u 1000", ["groupadd -g 1000 app", f"{USER} -u 1000 app"]),
        ("adduser -S -G www-data app",
         ["useradd -r -m -d /home/app -s /bin/sh -c Linux User,,, -g www-data app"]),
        ("adduser -S app",
         ["useradd -r -m -d /home/app -s /bin/sh -c Linux User,,, -g nogroup app"]),
        (LONG, ["groupadd -g 10001 app",
          "useradd -M -d /none -s /sbin/nologin -c Me -g app -u 10001 app"]),
        ("adduser app www-data", ["usermod -aG www-data app"]),
        ("addgroup -S -g 101 app", ["groupadd -r -g 101 app"]),
        ("addgroup app www-data", ["usermod -aG www-data app"]),
    ],
)  # fmt: skip
def test_what_busybox_calls_it_debian_does(tmp_path: Path, words: str, done: list[str]) -> None:
    answer = typed(tmp_path, *words.split())
    assert answer.returncode == 0
    assert answer.stdout.splitlines() == done


@pytest.mark.parametrize("words", ["adduser", "adduser --no-such-option app", "addgroup -S"])
def test_what_busybox_would_not_take_ends_the_build(tmp_path: Path, words: str) -> None:
    answer = typed(tmp_path, *words.split())
    assert answer.returncode != 0
    assert answer.stdout == ""
