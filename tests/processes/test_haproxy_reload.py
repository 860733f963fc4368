"""After a reload the former worker answers until another one listens: that is waited for.

`ss`, `sudo` and `systemctl` are scripts: who listens changes each time that they are asked.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from labkit.facts.haproxy.process import listeners, taking_over
from labkit.remote import PlannedShell, Result

MASTER = "10"
SS = """#!/bin/sh
cd {folder}
count=$(($(cat count) + 1)); echo $count > count
for pid in $(sed -n ${{count}}p listening || true); do
    printf 'LISTEN 0 4096 0.0.0.0:80 0.0.0.0:* users:(("haproxy",pid=%s,fd=5))\\n' $pid
done
"""


class Here(PlannedShell):
    """This computer, with the scripts of a folder before its own programs."""

    def __init__(self, folder: Path) -> None:
        super().__init__("lb", self.carry_out)
        self.path = f"{folder}:{os.environ['PATH']}"

    def carry_out(self, command: str) -> Result:
        ran = subprocess.run(
            ["bash", "-c", command],
            env={**os.environ, "PATH": self.path},
            capture_output=True,
            text=True,
            check=False,
        )
        return Result(command, ran.stdout, ran.stderr, ran.returncode)


def machine(folder: Path, *listening: str) -> Here:
    """A machine on which, time after time, these processes of HAProxy listen."""
    (folder / "count").write_text("0\n")
    (folder / "listening").write_text("\n".join(listening) + "\n")
    scripts = {
        "ss": SS.format(folder=folder),
        "sudo": '#!/bin/sh\nshift\nexec "$@"\n',
        "systemctl": f"#!/bin/sh\necho {MASTER}\n",
    }
    for name, text in scripts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return Here(folder)


def looks(folder: Path) -> int:
    return int((folder / "count").read_text())


def test_the_master_is_none_of_those_that_answer(tmp_path: Path) -> None:
    assert listeners(machine(tmp_path, f"{MASTER} 21 22")) == {"21", "22"}


@pytest.mark.parametrize(
    ("former", "listening", "expected"),
    [
        ({"21"}, ["10 21", "10 21", "10 21 35", "10 35", "10 35"], 4),
        (set(), ["", "", "35", "35"], 3),
        ({"3"}, ["35", "35"], 1),
    ],
    ids=["the former one listens on for a while", "nobody listened", "a number in another one"],
)
def test_another_worker_is_waited_for(
    tmp_path: Path, former: set[str], listening: list[str], expected: int
) -> None:
    with taking_over(machine(tmp_path, " ".join(former), *listening)):
        assert looks(tmp_path) == 1  # who listens before the reload
    assert looks(tmp_path) == 1 + expected


def test_a_file_that_is_not_taken_over_is_not_waited_for_long(tmp_path: Path) -> None:
    with taking_over(machine(tmp_path, *(["21"] * 60))):
        pass
    assert looks(tmp_path) == 1 + 50
