"""A course of one step, whose checks end in every way there is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from labkit.course import Blueprint, Course, Step
from labkit.grading import Context, GradeResult, Scope, grade
from labkit.grading.context import ROOM_FOR_PROCESSES
from labkit.lab import Lab, Machine
from labkit.remote import Result, SshShell

ALPHA = '''
from labkit.course import CannotTellError, check, expect, not_met
from labkit.errors import NotReadyError

@check(points=1)
def test_good(note):
    """Good."""
    note("seen")

@check(points=1, hints=["one", "two", "three"])
def test_bad():
    """Bad."""
    not_met(expected="a", seen="b", where="c")

@check(points=1, needs="alpha.bad")
def test_after_bad():
    """After bad."""
    raise RuntimeError("never asked")

@check(points=1, needs="alpha.after_bad")
def test_far_after_bad():
    """Far after bad."""

@check(points=1)
def test_doubtful():
    """Doubtful."""
    raise CannotTellError("who knows", settle="look again")

@check(points=1)
def test_off():
    """Off."""
    raise NotReadyError("web2 is off", then="labkit up")

@check(points=1)
def test_defect():
    """Defect."""
    {}["missing"]

@check(points=1, needs=["alpha.doubtful", "alpha.good"])
def test_after_doubt():
    """After doubt."""

@check(points=1, needs=["alpha.doubtful", "alpha.bad"])
def test_after_both():
    """After both."""
'''


class FakeShell:
    """A machine that answers the control probe, and nothing else."""

    def __init__(self, free_kib: str, *, room: int) -> None:
        self.free_kib = free_kib
        self.room = room  # how the look for room ends
        self.history: list[Result] = []

    def ask(self, command: str) -> Result:
        """The free space, or whether there is room for processes."""
        if command == ROOM_FOR_PROCESSES:
            return Result(command, "", "", self.room)
        return Result(command, self.free_kib, "", 0)

    def close(self) -> None:
        """Nothing to close."""


class FakeProvider:
    """Machines that exist in name only."""

    name = "fake"

    def __init__(self, *, running: bool = True) -> None:
        self.running = running

    def machines(self) -> list[Machine]:
        """web1 alone."""
        nowhere = Path("/nowhere")
        return [Machine("web1", "192.0.2.1", "student", nowhere, nowhere, self.running)]

    def describe(self) -> dict[str, str]:
        """No facts."""
        return {}


def every_verdict(root: Path) -> Iterator[Course]:
    """The course, in this folder; its module is forgotten afterwards."""
    folder = root / "checks"
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_01_alpha.py").write_text(ALPHA)
    step = Step(1, "alpha", "a", ("web1",), lambda _shells, _files: None, titles={"en": "Alpha"})
    yield Course("made", root, {"en": "Made"}, Blueprint(()), [step], 9.0)
    sys.modules.pop("test_01_alpha", None)


def run(
    course: Course, out: Path, *, free_kib: str = "999999", room: int = 0, **more: Any
) -> GradeResult:
    """Grade the made course on a machine with this much free space."""
    lab = Lab("made", cast("Any", FakeProvider()), out)
    context = Context(course=course, lab=lab, out=out)
    context.shells["web1"] = cast("SshShell", FakeShell(free_kib, room=room))
    return grade(context, Scope(frozenset({1})), **more)
