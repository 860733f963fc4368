"""curl on a machine: asked once more where nothing came in time, and only there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from labkit.facts.http.curl import Answer, curl
from labkit.remote import PlannedShell, Result

BASH = shutil.which("bash")
# In curl's place: each time the next of the given lines, `EXIT STATUS WORD`; an answer goes to -o.
IN_ITS_PLACE = """curl() {{
    echo "$*" >> {folder}/asked
    read -r code status word < <(sed -n "$(wc -l < {folder}/asked)p" {folder}/answers)
    while [ "$1" != -o ]; do shift; done
    printf %s "$word" > "$2"
    echo "$status"
    return "$code"
}}
"""


@pytest.fixture
def asked(tmp_path: Path) -> PlannedShell:
    """A machine that is this computer, with another curl."""

    def answer(command: str) -> Result:
        script = IN_ITS_PLACE.format(folder=tmp_path) + command
        done = subprocess.run(
            [str(BASH), "-c", script], capture_output=True, text=True, check=False, timeout=20
        )
        return Result(command, done.stdout, done.stderr, done.returncode)

    (tmp_path / "asked").touch()
    return PlannedShell("web1", answer)


@pytest.mark.skipif(BASH is None, reason="the machines' shell, which not every computer has")
@pytest.mark.parametrize(
    ("answers", "again", "status", "body", "patience"),
    [
        (["0 200 hello"], True, 200, "hello", ["5"]),
        (["28 000", "0 200 late"], True, 200, "late", ["5", "12"]),
        (["28 000", "28 000"], True, 0, "", ["5", "12"]),
        (["28 000", "0 200 late"], False, 0, "", ["5"]),
        (["28 200 drip", "28 200 drip"], True, 200, "drip", ["5", "12"]),
        (["7 000", "0 200 late"], True, 0, "", ["5"]),
        (["52 000", "0 200 late"], True, 0, "", ["5"]),
    ],
)
def test_who_says_nothing_in_time_is_asked_once_more(
    asked: PlannedShell,
    tmp_path: Path,
    answers: list[str],
    again: bool,
    status: int,
    body: str,
    patience: list[str],
) -> None:
    (tmp_path / "answers").write_text("\n".join(answers) + "\n")
    url = "http://lb:5000/v2/_catalog"
    assert curl(asked, url, again=again) == Answer(status, body, url, "web1")
    lines = (tmp_path / "asked").read_text().splitlines()
    assert [line.split("-m ")[1].split()[0] for line in lines] == patience
