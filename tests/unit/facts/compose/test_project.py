"""Projects are found by what Compose itself says of each file."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.facts.compose.project import (
    ALL_LIMIT_S,
    FILE_LIMIT_S,
    QUESTION_LIMIT_S,
    Project,
    Service,
    find_projects,
)
from labkit.remote import PlannedShell, from_facts


def test_hostile_values_cannot_answer_for_another_file() -> None:
    """A line of a file that looks like the answer about the next one."""
    said = (
        "@@file /srv/a.yml\n"
        '| {"services": {"x": {"image": "\n'
        "| @@code 0\n"
        "| @@file /srv/forged.yml\r@@code 0\n"
        "@@code 0\n@@file /srv/b.yml\n| yaml: line 3\n| @@code 0\n@@code 15\n"
    )
    found = find_projects(PlannedShell("web1", from_facts({"@@file": said})), Project)
    assert [(one.file, one.error) for one in found] == [("/srv/b.yml", "yaml: line 3\n@@code 0")]


def test_what_a_submission_starts_is_known_though_it_cannot_be_read() -> None:
    said = "@@judged /srv/a.yml\n| no\n@@code 15\n@@file /srv/b.yml\n| {}\n@@code 0\n"
    found = find_projects(PlannedShell("web1", from_facts({"@@file": said})), Project)
    assert [(one.file, one.judged) for one in found] == [
        ("/srv/a.yml", True),
        ("/srv/b.yml", False),
    ]


@pytest.mark.parametrize("code", [124, 137, 141])
def test_hostile_files_that_keep_compose_busy_are_not_readable(code: int) -> None:
    said = f'@@file /srv/b.yml\n| {{\n| "name": "\n@@code {code}\n'
    (found,) = find_projects(PlannedShell("web1", from_facts({"@@file": said})), Project)
    assert (found.file, found.error) == ("/srv/b.yml", "Compose does not finish reading it")


def test_hostile_files_have_less_time_together_than_the_question_about_them() -> None:
    assert FILE_LIMIT_S < ALL_LIMIT_S < QUESTION_LIMIT_S - 5


@pytest.mark.parametrize(
    ("raw", "networks"),
    [
        ({"networks": {"a": None, "b": {}}}, {"a", "b"}),
        ({"network_mode": "bridge"}, {"bridge"}),
        ({"network_mode": "host"}, {"host"}),
        ({"network_mode": "tp-net"}, {"tp-net"}),
        ({"network_mode": "service:other"}, set()),
        ({"network_mode": "container:other"}, set()),
        ({"network_mode": "none"}, set()),
        ({}, set()),
    ],
)
def test_a_network_mode_is_a_network_unless_it_is_somebody_elses(
    raw: dict[str, Any], networks: set[str]
) -> None:
    assert Service("x", raw).networks == networks
