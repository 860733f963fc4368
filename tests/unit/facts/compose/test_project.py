"""Projects are found by what Compose itself says of each file."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labkit.facts.compose.harmless import harms
from labkit.facts.compose.project import (
    ALL_LIMIT_S,
    FILE_LIMIT_S,
    QUESTION_LIMIT_S,
    Project,
    Service,
    find_projects,
    parsed,
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


@pytest.mark.parametrize("code", [124, 137, 141])
def test_hostile_files_that_keep_compose_busy_are_not_readable(code: int) -> None:
    said = f'@@file /srv/b.yml\n| {{\n| "name": "\n@@code {code}\n'
    (found,) = find_projects(PlannedShell("web1", from_facts({"@@file": said})), Project)
    assert (found.file, found.error) == ("/srv/b.yml", "Compose does not finish reading it")


def test_hostile_files_have_less_time_together_than_the_question_about_them() -> None:
    assert FILE_LIMIT_S < ALL_LIMIT_S < QUESTION_LIMIT_S - 5


def with_volume(**volume: Any) -> Project:
    mount = {"type": "volume", "source": "page", "target": "/var/www/html", "volume": {}}
    document = {"services": {"site": {"volumes": [mount]}}, "volumes": {"page": volume}}
    return parsed("web1", "/srv/p/compose.yml", json.dumps(document), Project)


@pytest.mark.parametrize("how", ["bind", "rbind", "bind,rw", "bind,ro"])
def test_a_volume_that_is_a_folder_of_the_project_is_that_folder(how: str) -> None:
    found = with_volume(driver_opts={"type": "none", "o": how, "device": "/srv/p/website"})
    assert found.services["site"].mounts == {"/var/www/html": "/srv/p/website"}
    mount = found.document["services"]["site"]["volumes"][0]
    assert bool(mount.get("read_only")) is how.endswith("ro")
    assert found.document["volumes"] == {}
    assert harms(found) == []


@pytest.mark.parametrize(
    "volume",
    [
        {"driver_opts": {"type": "none", "o": "bind", "device": "/"}},
        {"driver_opts": {"type": "none", "o": "bind", "device": "/srv/p/../../etc"}},
        {"driver_opts": {"type": "none", "o": "bind", "device": "elsewhere"}},
        {"driver_opts": {"type": "none", "o": "bind,suid", "device": "/srv/p/website"}},
        {"driver_opts": {"type": "nfs", "o": "bind", "device": "/srv/p/website"}},
        {"driver_opts": {"type": "none", "o": "bind", "device": "/srv/p/website", "x": "y"}},
        {"driver": "vieux/sshfs", "driver_opts": {"o": "bind", "device": "/srv/p/website"}},
    ],
)
def test_hostile_volumes_are_refused_as_folders_are(volume: dict[str, Any]) -> None:
    assert len(harms(with_volume(**volume))) >= 1


def test_a_volume_of_which_a_service_mounts_a_part_stays_one_and_is_refused() -> None:
    part = {"type": "volume", "source": "page", "target": "/a", "volume": {"subpath": "x"}}
    whole = {"type": "volume", "source": "page", "target": "/b", "volume": {}}
    opts = {"type": "none", "o": "bind", "device": "/srv/p/website"}
    services = {"one": {"volumes": [part]}, "two": {"volumes": [whole]}}
    document = {"services": services, "volumes": {"page": {"driver_opts": opts}}}
    found = parsed("web1", "/srv/p/compose.yml", json.dumps(document), Project)
    assert "page" in found.document["volumes"]
    assert harms(found) != []


@pytest.mark.parametrize(
    ("raw", "networks"),
    [
        ({"networks": {"a": None, "b": {}}}, {"a", "b"}),
        ({"network_mode": "bridge"}, {"bridge"}),
        ({"network_mode": "host"}, {"host"}),
        ({"network_mode": "none"}, set()),
        ({}, set()),
    ],
)
def test_the_engines_own_network_is_one(raw: dict[str, Any], networks: set[str]) -> None:
    assert Service("x", raw).networks == networks
