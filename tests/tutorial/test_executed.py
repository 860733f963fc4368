"""The tutorial, carried out: every block of the pages in order, on a lab of its own, as a reader
would; what the pages show is compared, and after each page the mark is the one that it promises."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from labkit.course import load_checks, load_course
from labkit.errors import EXIT_INCONCLUSIVE
from labkit.lab import open_lab
from tests.tutorial.reading import (
    AUTHORS,
    MACHINES,
    PAGES,
    ROOT,
    Block,
    blocks,
    is_among,
    page,
    points,
)  # fmt: skip
from tests.tutorial.terminal import Terminal

LAB = "tutorial"
LANGUAGE = "fr"  # the other one has the same blocks (test_reading)
BOOT_LIMIT_S = 90.0
START_LIMIT_S = 15.0
RUNS = 3  # at most, of a line whose verdict is that nobody can tell
NOTICE_LIMIT_S = 15.0
# The addresses in the pages (RFC 5737) -> the machine whose address stands there on a real lab.
SHOWN_ADDRESSES = {"192.0.2.11": "web1", "192.0.2.12": "web2", "192.0.2.10": "lb"}


@dataclass
class Reader:
    """Somebody who reads the pages and types what stands in them."""

    folder: Path
    environment: dict[str, str]
    workspace: Path | None = None
    terminals: dict[str, Terminal] = field(default_factory=dict)
    output: str = ""  # of the last commands
    look: tuple[str, str] = ("", "")  # where, and what: the last line, if it only looked

    def terminal(self, place: str) -> Terminal:
        """The terminal on a machine, or (for "") on this computer; opened when it is needed."""
        if place not in self.terminals:
            start = ["labkit", "ssh", place, "--", "bash"] if place else ["bash"]
            folder = str(self.workspace or self.folder)
            self.terminals[place] = Terminal(start, folder=folder, environment=self.environment)
        return self.terminals[place]

    def close(self) -> None:
        """Leave every terminal, as somebody does who goes on to the next page."""
        for terminal in self.terminals.values():
            terminal.close()
        self.terminals = {}

    def follow(self, block: Block) -> None:
        """Do what a block says. AssertionError, with the line and its output, if it went wrong."""
        if block.skipped:
            return
        if block.is_commands:
            typed = [
                (place, line)
                for place in block.machines or ("",)
                for line in block.body.splitlines()
            ]
            self.output = "".join(self.type(*one, block.code) for one in typed)
            self.look = typed[-1] if typed[-1][1].startswith("curl ") else ("", "")
        elif block.is_file:
            self.write(block)
        elif block.is_output:
            missing = is_among(block.body, self.output)
            deadline = time.monotonic() + NOTICE_LIMIT_S
            while missing and self.look[1] and time.monotonic() < deadline:
                time.sleep(0.5)  # what has just been stopped is not noticed at once
                self.output = self.type(*self.look, block.code)
                missing = is_among(block.body, self.output)
            assert not missing, f"not in the output: {missing}\n{self.output}"

    def type(self, place: str, line: str, code: int) -> str:
        """Type a line; what it printed."""
        if line.startswith("sudoedit "):
            return ""  # the block that follows is what is written there
        output, ended = self.terminal(place).type(line)
        if line == "sudo reboot":
            self.wait_for(place)
            return output
        deadline = time.monotonic() + START_LIMIT_S
        while ended != code and line.startswith("curl ") and time.monotonic() < deadline:
            time.sleep(0.5)  # what was just started needs a moment: a reader asks again
            output, ended = self.terminal(place).type(line)
        runs = 1
        while ended == EXIT_INCONCLUSIVE != code and line.startswith("labkit ") and runs < RUNS:
            output, ended = self.terminal(place).type(line)  # as the page and the verdict say
            runs += 1
        assert ended == code, f"{place or 'here'} $ {line}\nexit code {ended}\n{output}"
        if not place and line.startswith("cd "):
            self.workspace = self.folder / line.removeprefix("cd ")
        return output

    def wait_for(self, machine: str) -> None:
        """Until a machine that boots again takes a login, with a terminal anew."""
        self.terminals.pop(machine).close()
        deadline = time.monotonic() + BOOT_LIMIT_S
        while time.monotonic() < deadline:
            time.sleep(1.0)
            said, ended = self.terminal(machine).type("systemctl is-system-running --wait")
            if ended == 0 and said.strip() == "running":
                return
            self.terminals.pop(machine).close()
        raise AssertionError(f"{machine} has not booted within {BOOT_LIMIT_S:.0f} s")

    def write(self, block: Block) -> None:
        """Write the file that a block holds, with the lab's own addresses in it."""
        text = block.body
        machines = open_lab(LAB).machines()
        for shown, machine in SHOWN_ADDRESSES.items():
            text = text.replace(shown, machines[machine].address)
        if not block.machines:
            assert self.workspace is not None
            path = self.workspace / block.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if block.is_change:
                path.write_text(block.changed(path.read_text()))
                return
            with path.open("a" if block.is_added else "w") as file:
                file.write(text)
        for machine in block.machines:
            write = f'mkdir -p "$(dirname "$0")" && tee {"-a" if block.is_added else ""} "$0"'
            subprocess.run(
                ["labkit", "exec", machine, "--", "sh", "-c", write, block.path],
                input=text, text=True, check=True, capture_output=True, env=self.environment,
            )  # fmt: skip

    def mark(self, steps: int) -> float:
        """The points of the steps up to a number, as `labkit grade` gives them without drills."""
        done = subprocess.run(
            ["labkit", "grade", "--no-drills", "-o", "json"],
            cwd=self.workspace, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        result = json.loads(done.stdout)
        return sum(
            check["points"]
            for step in result["steps"]
            if step["number"] <= steps
            for check in step["checks"]
        )


def typed_in() -> dict[str, str]:
    """The environment of a terminal in which labkit is installed and nothing else is set."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("LABKIT_")},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LABKIT_LAB": LAB,
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
    }


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader with an empty folder and no lab; the lab goes at the end."""
    folder = tmp_path_factory.mktemp("reader")
    lab = open_lab(LAB)
    lab.provider.destroy(lambda _line: None)
    reader = Reader(folder, typed_in())
    yield reader
    reader.close()
    lab.provider.destroy(lambda _line: None)


@pytest.mark.parametrize("name", PAGES)
def test_page(reader: Reader, name: str) -> None:
    follow(reader, name)
    promise = points(page(LANGUAGE, name))
    if promise is not None:
        number = int(name[:2])
        assert reader.mark(number) == pytest.approx(promised(number))


def test_the_authors_guide(tmp_path: Path) -> None:
    """By somebody who works in the sources: here in a copy of them."""
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    for name in filter(None, tracked):
        copy = tmp_path / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy)
    author = Reader(tmp_path, {**typed_in(), "PYTHONPATH": str(tmp_path)}, workspace=tmp_path)
    follow(author, AUTHORS)


def follow(reader: Reader, name: str) -> None:
    """Do all that a page says. AssertionError with the place in the page where it went wrong."""
    try:
        for block in blocks(page(LANGUAGE, name)):
            try:
                reader.follow(block)
            except AssertionError as error:
                raise AssertionError(f"docs/{LANGUAGE}/{name}:{block.line}: {error}") from None
    finally:
        reader.close()


def promised(number: int) -> float:
    """What the pages up to a step promise, less the points of the drills, which come at the end."""
    course = load_course()
    drills = sum(
        spec.points
        for one, check in load_checks(course).items()
        if (spec := check.labkit_check).drill  # type: ignore[attr-defined]
        and (step := course.step(one.partition(".")[0])) is not None
        and step.number <= number
    )
    return sum(points(page(LANGUAGE, name)) or 0 for name in PAGES[1 : number + 1]) - drills


def test_every_machine_is_one_of_the_practical() -> None:
    assert set(SHOWN_ADDRESSES.values()) == set(MACHINES)
