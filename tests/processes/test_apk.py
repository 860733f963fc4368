"""What stands in for Alpine's package manager, on commands that write down how they were called."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from steps.images import APK
from tests import ROOT

SCRIPT = (ROOT / "steps" / "apk.sh").read_text(encoding="utf-8")
FOLDER = "/usr/share/labkit/debian"
# Debian has what does not begin with an x; of that, bash alone is there.
FAKES = {
    "apt-get": '[ "$1" = update ] || echo "$@"',
    "apt-cache": 'case "$2" in x*) exit 100 ;; esac',
    "dpkg": '[ "$2" = bash ]',
}


def apk(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    for name, body in FAKES.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    return subprocess.run(
        ["sh", "-c", SCRIPT.replace(FOLDER, str(tmp_path)), "apk", *words],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )


@pytest.mark.parametrize(
    ("words", "installed"),
    [
        ("add --no-cache gcc musl-dev", " gcc libc6-dev"),
        ("add --virtual .build openldap-dev>=2.4 build-base", " libldap2-dev build-essential"),
        ("--no-cache add py3-requests bash", " python3-requests"),
        ("add bash", ""),
        ("update", ""),
        ("del .build", ""),
    ],
)
def test_what_alpine_calls_it_debian_installs(tmp_path: Path, words: str, installed: str) -> None:
    answer = apk(tmp_path, *words.split())
    assert answer.returncode == 0
    assert answer.stdout.partition("recommends")[2].rstrip("\n") == installed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("add xyz", "ERROR: xyz (no such package)\n"),
        ("install bash", "ERROR: 'install' is not an apk command\n"),
        ("", "ERROR: '' is not an apk command\n"),
    ],
)
def test_what_is_not_to_be_had_ends_the_build(tmp_path: Path, words: str, said: str) -> None:
    answer = apk(tmp_path, *words.split())
    assert answer.returncode == 1
    assert answer.stderr == said


def test_it_comes_into_the_image_as_it_is() -> None:
    decoded = subprocess.run(
        ["base64", "-d"], input=APK, capture_output=True, text=True, check=True, timeout=10
    )
    assert decoded.stdout == SCRIPT
