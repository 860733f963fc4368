"""Every step as data: what the machines answer, and the exact commands and files that follow.

A case is a block in `tests/plans/NN-slug.yaml`; adding one is adding a block. Its keys:

    case       its name; "nothing there" and "everything there" exist for every step
    family     debian or redhat; without it the case holds for both
    facts      machine -> part of a question -> what is answered, or the exit code (an integer).
               A machine may be `all`. A question that nobody answers ends in 1
    there      machine -> path -> the content of a file that is there, whoever wrote it
    placed     the same, put there by labkit as an artefact
    brought    the same, put there by labkit as a given file of the project
    workspace  path -> the content of a file of the student's
    plan       the commands, as `labkit step --plan` shows them: machine by machine, in order
    files      machine -> path -> the content of each file that is written (none without it)
    bar        hardened for `labkit step N --bar hardened`
    bug        why the case does not hold today; the test then fails as soon as it does

A content is `starter/...` or `reference/...` (a file of the course), or the text itself.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from labkit.course import Files, Step, load_course
from labkit.course.artefacts import MANIFEST
from labkit.grading.stepping import call
from labkit.grading.stepping import plan as plan_of
from labkit.remote import PlannedShell, Result, from_facts
from subject.roles import find_project
from tests import ROOT

PLANS = ROOT / "tests" / "plans"
COURSE = load_course()
ADDRESSES = {"web1": "10.77.0.11", "web2": "10.77.0.12", "lb": "10.77.0.10"}
SYSTEMS = {
    "debian": 'NAME="Debian GNU/Linux"\nID=debian\n',
    "redhat": 'NAME="Rocky Linux"\nID="rocky"\nID_LIKE="rhel centos fedora"\n',
}
IN_IDS = {"debian": "debian", "redhat": "el9"}  # `pytest -k el9` runs all that holds on Rocky 9
NOTHING, EVERYTHING = "nothing there", "everything there"

Contents = Mapping[str, Mapping[str, str]]  # machine -> path -> content


def content(given: str) -> bytes:
    """The bytes that a content of a plan stands for."""
    if given.startswith(("starter/", "reference/")):
        return (ROOT / "steps" / given).read_bytes()
    return given.encode()


@dataclass(frozen=True)
class Case:
    """One block of a plan file, for one family."""

    step: Step
    name: str
    family: str
    plan: str
    facts: Mapping[str, Mapping[str, str | int]] = field(default_factory=dict)
    there: Contents = field(default_factory=dict)
    placed: Contents = field(default_factory=dict)
    brought: Contents = field(default_factory=dict)
    workspace: Mapping[str, str] = field(default_factory=dict)
    files: Contents = field(default_factory=dict)
    bar: str = "course"
    bug: str = ""

    @property
    def id(self) -> str:
        """What the test is called."""
        return f"{self.step.slug}-{IN_IDS[self.family]}-{self.name}"

    def answers(self, machine: str) -> dict[str, str | int]:
        """What a machine answers to questions that hold these parts; its own facts first."""
        shared = {**self.facts.get("all", {}), "/etc/os-release": SYSTEMS[self.family]}
        mine = self.facts.get(machine, {})
        return {**mine, **{part: shared[part] for part in shared if part not in mine}}

    def contents(self, machine: str) -> dict[str, bytes]:
        """The files of a machine, with labkit's list of those that it put there."""
        found, manifest = {}, {}
        for source, key in ((self.placed, "{}"), (self.brought, "given {}"), (self.there, "")):
            for path, given in source.get(machine, {}).items():
                found[path] = content(given)
                if key:
                    manifest[key.format(path)] = hashlib.sha256(found[path]).hexdigest()
        return found | ({MANIFEST: json.dumps(manifest).encode()} if manifest else {})


class Machines:
    """The machines of a case, which plan; and every question that a step asked them."""

    def __init__(self, case: Case) -> None:
        self.asked: dict[str, list[str]] = {name: [] for name in ADDRESSES}
        self.shells = {name: self._shell(name, case) for name in ADDRESSES}

    def _shell(self, name: str, case: Case) -> PlannedShell:
        other = from_facts(case.answers(name))
        of_files = {}
        for path, data in case.contents(name).items():
            of_files[f"cat {path}"] = data.decode()
            of_files[f"sha256sum {path}"] = f"{hashlib.sha256(data).hexdigest()}  {path}\n"

        def answer(question: str) -> Result:
            self.asked[name].append(question)
            read = question.removeprefix("sudo -n ")  # root reads every file, too
            if read in of_files:
                return Result(question, of_files[read], "", 0)
            return other(question)

        return PlannedShell(name, answer, user="student", address=ADDRESSES[name])

    @property
    def plan(self) -> list[str]:
        """The commands, machine by machine."""
        return [line for shell in self.shells.values() for line in shell.plan]

    @property
    def files(self) -> dict[str, dict[str, bytes]]:
        """The files that were written, labkit's own list of them apart."""
        written = {
            name: {path: data for path, data in shell.files.items() if path != MANIFEST}
            for name, shell in self.shells.items()
        }
        return {name: files for name, files in written.items() if files}

    def unasked(self, machine: str, parts: Iterable[str]) -> list[str]:
        """Those parts that no question held, any machine's for `all`."""
        names = ADDRESSES if machine == "all" else [machine]
        asked = "\n".join(question for name in names for question in self.asked[name])
        return [part for part in parts if part not in asked]


def plan_file(step: Step) -> Path:
    return PLANS / f"{step.number:02}-{step.slug}.yaml"


def cases() -> list[Case]:
    """All cases of all plan files, once per family; an unknown key is a TypeError."""
    found = []
    for step in COURSE.steps:
        if not plan_file(step).exists():
            continue  # test_every_step_has_the_cases says so
        for block in yaml.safe_load(plan_file(step).read_text(encoding="utf-8")):
            given: dict[str, Any] = dict(block)
            name = given.pop("case")
            families = [given.pop("family")] if "family" in given else list(SYSTEMS)
            found += [Case(step, name, family, **given) for family in families]
    return found


CASES = cases()
ALL = pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            id=case.id,
            marks=pytest.mark.xfail(reason=case.bug, strict=True) if case.bug else (),
        )
        for case in CASES
    ],
)
HOLDING = pytest.mark.parametrize("case", [one for one in CASES if not one.bug], ids=lambda c: c.id)


def carried_out(case: Case, folder: Path) -> Machines:
    """The machines after a step has planned on them, with the workspace in a folder."""
    workspace = None
    if case.workspace:
        workspace = folder / "workspace"
        for path, given in case.workspace.items():
            (workspace / path).parent.mkdir(parents=True, exist_ok=True)
            (workspace / path).write_bytes(content(given))
    machines = Machines(case)
    call(
        case.step,
        machines.shells,
        Files(COURSE.root, workspace, distinction=case.bar == COURSE.distinction),
    )
    return machines


@ALL
def test_a_step_types_exactly_these_commands(case: Case, tmp_path: Path) -> None:
    assert carried_out(case, tmp_path).plan == case.plan.splitlines()


@ALL
def test_a_step_writes_exactly_these_files(case: Case, tmp_path: Path) -> None:
    assert carried_out(case, tmp_path).files == {
        machine: {path: content(given) for path, given in files.items()}
        for machine, files in case.files.items()
    }


@HOLDING
def test_a_case_gives_no_answer_that_nobody_asks_for(case: Case, tmp_path: Path) -> None:
    """An answer whose question has changed would silently prove nothing."""
    machines = carried_out(case, tmp_path)
    for machine, facts in case.facts.items():
        assert machines.unasked(machine, facts) == []
    for machine in ADDRESSES:
        assert machines.unasked(machine, set(case.contents(machine)) - {MANIFEST}) == []


@pytest.mark.parametrize("family", SYSTEMS, ids=IN_IDS.get)
@pytest.mark.parametrize("step", COURSE.steps, ids=lambda step: step.slug)
def test_every_step_has_the_cases(step: Step, family: str, tmp_path: Path) -> None:
    """Nothing there and everything there in both families; partly there if it asks anything."""
    mine = [case.name for case in CASES if case.step is step and case.family == family]
    names = set(mine)
    assert len(names) == len(mine), "two cases have one name"
    assert names >= {NOTHING, EVERYTHING}
    bare = carried_out(Case(step, NOTHING, family, ""), tmp_path)
    if any(bare.asked.values()):
        assert names > {NOTHING, EVERYTHING}


def test_all_cases_of_el9_can_be_run_by_that_name() -> None:
    el9 = [case for case in CASES if case.family == "redhat"]
    assert {case.step.number for case in el9} == set(range(1, 14))
    assert all("-el9-" in case.id for case in el9)


@pytest.mark.parametrize("family", SYSTEMS, ids=IN_IDS.get)
@pytest.mark.parametrize("step", COURSE.steps, ids=lambda step: step.slug)
def test_where_everything_is_there_a_step_only_repeats_what_it_always_does(
    step: Step, family: str
) -> None:
    """No file is written; what is left of the plan stands in the plan for a bare machine, too."""
    plans = {
        case.name: case
        for case in CASES
        if case.step is step and case.family == family and case.name in (NOTHING, EVERYTHING)
    }
    assert not plans[EVERYTHING].files
    loads = {"lb $ sudo systemctl reload haproxy"}  # instead of the start on a bare machine
    always = set(plans[EVERYTHING].plan.splitlines()) - loads
    assert always <= set(plans[NOTHING].plan.splitlines())


def test_the_plan_that_is_shown_is_the_one_that_is_tested(tmp_path: Path) -> None:
    """`labkit step --plan` asks the machines, and does nothing to them."""
    for case in (one for one in CASES if one.name == NOTHING):
        machines = Machines(case)
        shown = plan_of(COURSE, case.step, machines.shells, Files(COURSE.root, None))
        assert shown == carried_out(case, tmp_path).plan
        assert machines.plan == []
        assert all(shell.files == {} for shell in machines.shells.values())


def typed(case: Case, folder: Path) -> list[str]:
    """Every command and every question of a case, without the machine and folder before it."""
    machines = carried_out(case, folder)
    commands = [line.partition(" $ ")[2] for line in machines.plan]
    return commands + [question for asked in machines.asked.values() for question in asked]


def look_for_project() -> str:
    """What `find_project` asks: the one question that is a script of several lines."""
    asked: list[str] = []

    def answer(question: str) -> Result:
        asked.append(question)
        return Result(question, "", "", 1)

    assert find_project(PlannedShell("web1", answer)) is None
    assert len(asked) == 1
    return asked[0]


LOOK_FOR_PROJECT = look_for_project()


@HOLDING
def test_a_command_holds_nothing_that_was_left_over(case: Case, tmp_path: Path) -> None:
    """No None, no object's repr; braces only as Docker's or curl's own, and only in quotes."""
    for command in typed(case, tmp_path):
        assert not re.search(r"\bNone\b|\bTrue\b|\bFalse\b|<\w+ \w+|object at 0x", command), command
        bare = re.sub(r"'[^']*'", "''", command)
        assert not re.search(r"[{}]", bare), command
        for quoted in re.findall(r"'([^']*)'", command):
            known = re.sub(r'\{\{\.[\w.]+( "[\w.]+")?\}\}|%\{\w+\}', "", quoted)
            assert not re.search(r"[{}]", known), command
        if command == LOOK_FOR_PROJECT:
            continue  # laid out in lines
        assert command == command.strip()
        assert "\n" not in command
        assert "  " not in command, f"an empty part in: {command}"


def test_a_shell_can_read_every_command_and_question(tmp_path: Path) -> None:
    """Quotes and operators are in balance, in the plainest shell that there is."""
    lines = sorted({line for case in CASES if not case.bug for line in typed(case, tmp_path)})
    assert len(lines) > 50
    assert reads("\n".join(f"({line}\n)" for line in lines)) == ""
    assert reads("(echo 'x\n)") != ""


def reads(script: str) -> str:
    """What a shell that only reads a script has to say against it."""
    return subprocess.run(
        ["sh", "-n"], input=script, text=True, capture_output=True, check=False
    ).stderr


@pytest.mark.parametrize("step", COURSE.steps, ids=lambda step: step.slug)
def test_no_command_empties_a_file(step: Step, tmp_path: Path) -> None:
    """Files are written by `Shell.write` and `Files.place`, which know whose they are."""
    for case in CASES:
        if case.step is step and not case.bug:
            for line in carried_out(case, tmp_path).plan:
                bare = re.sub(r"'[^']*'", "", line)
                assert not re.search(r"(?<![0-9&>])>(?![>&])", bare), line
