"""The embedded lab, for real: a lab of its own, made once, removed at the end.

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
from labkit.grading import Context, GradeResult, Scope, grade
from labkit.lab import Lab, open_lab

LAB = "ci"
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


def wait_until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Poll until something holds; it must in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.2)


@pytest.fixture(scope="session")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """`labkit` on the tests' own lab, with a state folder of its own, in English."""
    state = tmp_path_factory.mktemp("state")
    os.environ["XDG_STATE_HOME"] = str(state)
    os.environ["LABKIT_LANG"] = "en"
    return Cli(LAB, dict(os.environ), tmp_path_factory.mktemp("cwd"))


@pytest.fixture(scope="session")
def up(cli: Cli) -> Iterator[Cli]:
    """The tests' lab, up; gone again at the end."""
    cli("destroy")
    cli("up")
    yield cli
    cli("destroy")
    left = cli("leftovers", code=None)
    assert LAB not in left.stdout, left.stdout


@pytest.fixture(scope="session")
def done(up: Cli) -> Cli:
    """The tests' lab with all thirteen steps carried out."""
    up("step", "all")
    return up


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
