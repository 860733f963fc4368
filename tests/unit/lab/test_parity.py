"""Parity: every part that a check requires is described for each provider, and SELinux is not
claimed where there is none. The survey asks, and survives machines that do not answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from click.testing import CliRunner

from labkit.cli.main import labkit
from labkit.course import load_course
from labkit.errors import NotReadyError
from labkit.grading.explain import read_checks
from labkit.lab import Lab, Machine, Provider, survey
from labkit.lab.doctor import Finding
from labkit.lab.parity import PARITY, PARTS, Likeness, likeness
from labkit.remote import PlannedShell, Result


def test_every_provider_describes_every_part() -> None:
    assert {provider: set(parts) for provider, parts in PARITY.items()} == {
        "containers": set(PARTS),
        "vagrant": set(PARTS),
    }


def test_checks_rest_on_known_parts_only() -> None:
    checks = read_checks(load_course())
    assert {part for one in checks.values() for part in one.spec.requires} == set(PARTS)


@pytest.mark.parametrize(
    ("provider", "parts", "expected"),
    [
        ("containers", [], Likeness.SAME),
        ("containers", ["firewall"], Likeness.SAME),
        ("containers", ["power", "firewall"], Likeness.EMULATED),
        ("containers", ["firewall", "selinux", "power"], Likeness.SKIPPED),
        ("vagrant", PARTS, Likeness.SAME),
    ],
)
def test_the_least_alike_part_counts(provider: str, parts: list[str], expected: Likeness) -> None:
    found, why = likeness(provider, parts)
    assert found is expected
    assert bool(why) is (expected is not Likeness.SAME)


def test_the_table_has_a_row_for_every_check() -> None:
    answer = CliRunner().invoke(labkit, ["doctor", "--parity"], env={"COLUMNS": "200"})
    assert answer.exit_code == 0
    names = {line.split()[0] for line in answer.output.splitlines() if line and line[0] != " "}
    assert set(read_checks(load_course())) <= names
    [row] = [line for line in answer.output.splitlines() if line.startswith("haproxy.serves")]
    assert "skipped in part" in row


class TwoMachines:
    """A provider with a machine that runs and one that is off."""

    name = "containers"

    def machines(self) -> Iterator[Machine]:
        for name, running in (("web1", True), ("web2", False)):
            yield Machine(name, "10.0.0.1", "student", Path("k"), Path("h"), running)

    def describe(self) -> dict[str, str]:
        return {"provider": "containers"}


class Said(PlannedShell):
    """A shell whose answers are given, and which can be closed as one over SSH."""

    def close(self) -> None:
        """There is no connection."""


def a_survey(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, dead: bool) -> str:
    def answer(command: str) -> Result:
        if dead:
            raise NotReadyError("web1 does not answer")
        lines = "\n".join(f"line {number}" for number in range(100))
        return Result(command, "my answer" if "ask me" in command else lines, "", 0)

    def shells(_lab: Lab, names: list[str]) -> dict[str, Said]:
        assert names == ["web1"]
        return {"web1": Said("web1", answer)}

    monkeypatch.setattr(survey, "open_shells", shells)
    lab = Lab("default", cast("Provider", TwoMachines()), tmp_path)
    return survey.survey(lab, [Finding("disk", False, "1 GiB")], {"of the course": "ask me"})


def test_a_survey_holds_what_the_machines_say(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = a_survey(monkeypatch, tmp_path, dead=False)
    assert "NOT FIT: disk: 1 GiB" in text
    assert "### of the course\n\n```\nmy answer\n```" in text
    assert "line 99" in text
    assert "line 1\n" not in text  # the end of a long answer, and that it was cut
    assert "...\nline 60\n" in text


def test_a_survey_survives_a_machine_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "web1 does not answer" in a_survey(monkeypatch, tmp_path, dead=True)
