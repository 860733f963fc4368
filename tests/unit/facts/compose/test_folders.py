"""Volumes that are folders: mounts where they are harmless, refused where they are not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labkit.facts.compose.harmless import harms
from labkit.facts.compose.project import Project, parsed


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


# -- configs and secrets of files


def with_files(kind: str, file: str, **asked: Any) -> Project:
    services = {
        "site": {kind: [{"source": "page", **asked}]},
        "beside": {kind: [{"source": "page"}]},
    }
    document = {"services": services, kind: {"page": {"name": "p_page", "file": file}}}
    return parsed("web1", "/srv/p/compose.yml", json.dumps(document), Project)


@pytest.mark.parametrize(
    ("kind", "usual"), [("configs", "/page"), ("secrets", "/run/secrets/page")]
)
def test_a_config_of_a_file_is_a_mount_of_it(kind: str, usual: str) -> None:
    page = "/var/www/html/index.php"
    found = with_files(kind, "/srv/p/website/index.php", target=page)
    assert found.services["site"].mounts == {page: "/srv/p/website/index.php"}
    assert found.services["beside"].mounts == {usual: "/srv/p/website/index.php"}
    assert found.document[kind] == {}
    assert found.document["services"]["site"]["volumes"][0]["read_only"] is True
    assert harms(found) == []


@pytest.mark.parametrize("kind", ["configs", "secrets"])
@pytest.mark.parametrize("file", ["/etc/shadow", "/srv/p/../../etc/shadow", "../../etc/shadow"])
def test_a_config_of_a_file_of_the_machine_is_refused_as_a_mount_is(kind: str, file: str) -> None:
    assert harms(with_files(kind, file)) != []


def test_a_config_that_is_a_text_stays_one() -> None:
    services = {"site": {"configs": [{"source": "page", "target": "/x"}, "page", {"source": []}]}}
    document = {"services": services, "configs": {"page": {"content": "hello"}}}
    found = parsed("web1", "/srv/p/compose.yml", json.dumps(document), Project)
    assert found.document["configs"] == {"page": {"content": "hello"}}
    assert found.services["site"].mounts == {}
