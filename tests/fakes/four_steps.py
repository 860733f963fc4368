"""A course of four steps, a file each but the first, and a machine that holds what it is given."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from labkit.classroom import Folder
from labkit.course import (
    AS_USUAL,
    Artefact,
    Blueprint,
    Course,
    Files,
    ReadingRules,
    Step,
    Submission,
)
from labkit.errors import NotReadyError, StepFailedError
from labkit.grading.context import ROOM_FOR_PROCESSES
from labkit.lab import Lab, Machine
from labkit.remote import PlannedShell, Result, Shells, from_facts

GOOD = {"a.txt": b"good\n", "b.txt": b"good\n", "c.txt": b"good\n"}

CHECKS = '''
from labkit.course import check, not_met
from labkit.errors import NotReadyError

def must_be_good(context, name):
    shell = context.shell("web1")
    shell.asked.append(name)
    text = shell.read("/" + name) or ""
    if "grader" in text:
        {{}}["a defect"]
    if "good" not in text and not ("doubtful" in text and shell.ups > 1):
        not_met(expected="good", seen=text, where=name)

@check(points=1, hints=["look", "think", "write good"])
def test_there({fixture}):
    """{name} is good."""
    must_be_good(context_of_run, "{name}")

@check(points=1, needs="{slug}.there")
def test_after({fixture}):
    """After {name}."""
'''


class Shell(PlannedShell):
    """A machine that holds what was written to it."""

    def __init__(self, ups: int) -> None:
        super().__init__("web1", from_facts({ROOM_FOR_PROCESSES: 0}))
        self.ups = ups  # how many labs there were before
        self.asked: list[str] = []
        self.history: list[Result] = []
        self.closed = False

    def close(self) -> None:
        """Remembered."""
        self.closed = True


@dataclass
class Provider:
    """Machines that exist in name only."""

    name: str = "fake"
    ups: int = 0
    destroyed: int = 0
    fails: bool = False
    done: list[str] = field(default_factory=list)

    def up(self, _say: object) -> list[Machine]:
        """Another lab."""
        if self.fails:
            raise NotReadyError("no engine")
        self.ups += 1
        return self.machines()

    def fresh(self, say: object) -> None:
        """Noted."""
        self.done.append("fresh")
        self.up(say)

    def down(self, _say: object) -> None:
        """Noted."""
        self.done.append("down")

    def destroy(self, _say: object) -> None:
        """Counted."""
        self.destroyed += 1

    def machines(self) -> list[Machine]:
        """web1 alone."""
        nowhere = Path("/nowhere")
        return [Machine("web1", "192.0.2.1", "student", nowhere, nowhere, running=True)]

    def describe(self) -> dict[str, str]:
        """No facts."""
        return {}


@dataclass
class Made:
    """A course of four steps, one file each but the first; what was done is written down."""

    course: Course
    done: list[str] = field(default_factory=list)
    provider: Provider = field(default_factory=Provider)

    def lab(self, folder: Path) -> Lab:
        return Lab("made", cast("Any", self.provider), folder)

    def shells(self, *_any: object, **_more: object) -> dict[str, Shell]:
        return {"web1": Shell(self.provider.ups)}


MODULES = ("test_01_base", "test_02_alpha", "test_03_beta", "test_04_gamma")
NEEDS = {"alpha": ("base",), "beta": ("base", "alpha"), "gamma": ("base",)}


def recognise(
    files: Mapping[str, bytes],
    _reference: Path,
    reading: ReadingRules = AS_USUAL,
    *,
    executable: Collection[str] = (),
) -> Submission:
    """Files by their own names, at any depth."""
    sources = {path.rpartition("/")[2]: path for path in files}
    own = {name: path for name, path in sources.items() if name in GOOD}
    original = {name: files[path] for name, path in own.items()}
    return Submission(files, own, original=original, fill=reading.fill,
                    executable=frozenset(executable))  # fmt: skip


def made(root: Path) -> Made:
    """Write the course to a folder."""
    (root / "checks").mkdir(parents=True)
    (root / "checks" / "pytest.ini").write_text("[pytest]\n")
    (root / "steps" / "reference").mkdir(parents=True)
    found = Made(cast("Any", None))
    steps = []
    for number, (slug, name) in enumerate(
        [("base", ""), ("alpha", "a.txt"), ("beta", "b.txt"), ("gamma", "c.txt")], 1
    ):
        artefacts = (Artefact(name, f"/{name}", ("web1",)),) if name else ()
        steps.append(_step(found, number, slug, artefacts))
        if name:
            (root / "steps" / "reference" / name).write_bytes(GOOD[name])
            text = CHECKS.format(name=name, slug=slug, fixture="context_of_run")
            (root / "checks" / f"test_{number:02}_{slug}.py").write_text(text)
    found.course = Course(
        "made", root, {"en": "Made"}, Blueprint(()), steps, 6.0, recognise=recognise,
        settle=lambda _shells: found.done.append("settle"),
    )  # fmt: skip
    return found


def _step(found: Made, number: int, slug: str, artefacts: tuple[Artefact, ...]) -> Step:
    def run(shells: Shells, files: Files) -> None:
        web1 = shells["web1"]
        found.done.append(slug)
        for artefact in artefacts:
            files.place(artefact, web1)
            text = (web1.read(artefact.remote) or "").strip()
            if "broken" in text:
                raise StepFailedError(f"{artefact.path} is broken", where="web1")
            if "lost" in text:
                raise NotReadyError("web1 is lost", where="web1")

    def undo(shells: Shells) -> None:
        found.done.append(f"undo {slug}")
        for artefact in artefacts:
            shells["web1"].files.pop(artefact.remote, None)

    needs = NEEDS.get(slug, ())
    return Step(number, slug, "abcd"[number - 1], ("web1",), run, needs, artefacts, undo=undo,
                titles={"en": slug})  # fmt: skip


def folder_of(files: Mapping[str, bytes]) -> Folder:
    return Folder("alice", dict(files), [("x", "it is too large")])
