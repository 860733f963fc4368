"""A stranger's folder on virtual machines, which is where strangers' folders belong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from labkit.classroom.submission import LAB_PREFIX
from labkit.course import find_blueprint
from labkit.errors import EXIT_INCONCLUSIVE, EXIT_PASSED
from tests.integration.conftest import ROOT, Cli
from tests.vagrant.conftest import Virsh

LAB = f"{LAB_PREFIX}vagrant"
FOLDER = ROOT / "tests/submissions/accepted/whole-flat-folder"
STEPS = "2-10"  # what it hands in, by its expected.toml
MACHINES = {f"labkit-{LAB}-{name}" for name in find_blueprint().names}


@pytest.fixture
def grading(cli: Cli, virsh: Virsh) -> Iterator[Cli]:
    """The command line, and no machine for submissions before or after."""
    assert not MACHINES & set(virsh("list", "--all", "--name"))
    yield cli
    replace(cli, lab=LAB)("destroy")
    assert not MACHINES & set(virsh("list", "--all", "--name"))


def test_a_submission_is_graded_on_machines_that_are_kept(
    grading: Cli, mirror: str, virsh: Virsh
) -> None:
    """It is right: nothing fails, and what an emulated processor leaves open says so.

    Afterwards the machines are off, and there for the next one.
    """
    graded = grading(
        "grade", "--submission", str(FOLDER), "--provider", "vagrant", "--no-drills",
        "--steps", STEPS, "-o", "json", code=None, LABKIT_MIRROR=mirror,
    )  # fmt: skip
    assert graded.returncode in (EXIT_PASSED, EXIT_INCONCLUSIVE), graded.stdout + graded.stderr
    result = json.loads(graded.stdout)
    assert result["lab"]["provider"] == "vagrant"
    failed = [
        (check["id"], check["message"])
        for step in result["steps"]
        for check in step["checks"]
        if check["verdict"] == "failed"
    ]
    assert not failed
    assert sum(check["verdict"] == "passed" for step in result["steps"] for check in step["checks"])
    assert not MACHINES & set(virsh("list", "--name"))
    assert set(virsh("list", "--all", "--name")) >= MACHINES
