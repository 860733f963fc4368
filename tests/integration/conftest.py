"""The embedded lab, for real: a lab of its own for each run of pytest, removed at the end.

`make test` runs the modules side by side, and has a lab with all steps done to start from: BASE,
with the checkpoint FINISHED. Where it is not there the steps are carried out.
Nothing is skipped: without a Docker Engine these tests fail, saying so.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from labkit.course import load_course
from labkit.errors import EXIT_INCONCLUSIVE
from labkit.grading import Context, GradeResult, Scope, grade
from labkit.lab import Lab, open_lab

BASE, FINISHED = "ci-base", "finished"  # of the Makefile
LAB = f"ci-{os.getpid()}"
RUNS = 3  # at most, of what measures and could not tell
ROOT = Path(__file__).resolve().parents[2]

# A shell starts what it puts into the background with SIGINT ignored, and that is inherited: the
# commands that are interrupted here would go on, and spoil what comes after them.
signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class Cli:
    """The command line as a user has it, in a process of its own."""

    lab: str
    environment: dict[str, str]
    folder: Path
    limit: float = 900  # seconds for one command

    def __call__(
        self, *words: str, code: int | None = 0, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `labkit --lab LAB WORDS`; with `code`, that must be its exit code."""
        done = subprocess.run(
            [sys.executable, "-m", "labkit.cli.main", "--lab", self.lab, *words],
            cwd=self.folder,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=self.limit,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if code is not None:
            assert done.returncode == code, (
                f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done

    def popen(self, *words: str) -> subprocess.Popen[bytes]:
        """Start `labkit --lab LAB WORDS` and leave it running."""
        return subprocess.Popen(
            [sys.executable, "-m", "labkit.cli.main", "--lab", self.lab, *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def json(self, *words: str, code: int | None = 0) -> Any:
        """What a command prints as JSON."""
        return json.loads(self(*words, code=code).stdout)


def wait_until(holds: Callable[[], bool], seconds: float = 240.0) -> None:
    """Poll until something holds; it must in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.2)


def measured(cli: Cli, *words: str, code: int = 0) -> str:
    """What a command printed that measures under load, and must end with this exit code.

    Where nobody could tell, as where a busy computer kept the load waiting, it is typed again: an
    inconclusive verdict is none.
    """
    for _again in range(RUNS - 1):
        ended = cli(*words, code=None)
        if ended.returncode == code:
            return ended.stdout
        assert ended.returncode == EXIT_INCONCLUSIVE, f"{words}: {ended.stdout}{ended.stderr}"
    return cli(*words, code=code).stdout


def drill(cli: Cli, *words: str, code: int = 0) -> str:
    """`labkit drill WORDS`, which must end with this exit code; what it printed."""
    return measured(cli, "drill", *words, code=code)


@pytest.fixture(scope="session")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """`labkit` on the tests' own lab, with a state folder of its own, in English."""
    state = tmp_path_factory.mktemp("state")
    os.environ["XDG_STATE_HOME"] = str(state)
    os.environ["LABKIT_LANG"] = "en"
    return Cli(LAB, dict(os.environ), tmp_path_factory.mktemp("cwd"))


@pytest.fixture(scope="session")
def tidied(cli: Cli) -> Iterator[Cli]:
    """Whatever is made in the tests' lab is gone at the end."""
    cli("destroy")
    yield cli
    cli("destroy")
    left = cli("leftovers", code=None)
    assert LAB not in left.stdout, left.stdout


@pytest.fixture(scope="session")
def fresh(tidied: Cli) -> Cli:
    """The tests' lab, its machines new."""
    tidied("destroy")
    tidied("up")
    return tidied


@pytest.fixture(scope="session")
def done(tidied: Cli) -> Cli:
    """The tests' lab with all thirteen steps carried out."""
    base, mine = open_lab(BASE).provider, open_lab(LAB).provider
    if not mine.machines() and any(one.name == FINISHED for one in base.checkpoints()):
        mine.clone(BASE, FINISHED, print)
        wait_until(lambda: tidied("check", code=None).returncode == 0)
        return tidied
    tidied("up")
    tidied("step", "all")
    return tidied


@pytest.fixture(scope="session")
def up(tidied: Cli, request: pytest.FixtureRequest) -> Cli:
    """The tests' lab, running, whatever its state."""
    if not open_lab(LAB).machines():
        request.getfixturevalue("done")
    return tidied


@pytest.fixture(scope="session")
def lab(up: Cli) -> Lab:
    """The tests' lab as an object."""
    return open_lab(up.lab)


@pytest.fixture
def exec_on(up: Cli) -> Callable[[str, str], str]:
    """Run a script as root on a machine; it must succeed."""

    def run(machine: str, script: str) -> str:
        return up("exec", machine, "--", "sh", "-ec", script).stdout

    return run


@pytest.fixture
def found(lab: Lab, tmp_path: Path) -> Callable[[], GradeResult]:
    """Grade everything but the drills, in this process."""

    def run() -> GradeResult:
        course = load_course()
        context = Context(course=course, lab=lab, out=tmp_path)
        steps = frozenset(step.number for step in course.steps)
        try:
            return grade(context, Scope(steps, disturbing=True))
        finally:
            context.close()

    return run
