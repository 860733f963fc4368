"""Which engine docker-py is told to connect to."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import docker
import pytest

from labkit.errors import NotReadyError
from labkit.lab.containers import engine
from labkit.lab.containers.endpoint import INSIDE
from labkit.lab.containers.engine import _environment


@pytest.fixture
def an_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that answers `ssh -G` as OpenSSH does where ~/.ssh/config says Port 2222."""
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\n[ "$1" = -G ] && printf "hostname 192.0.2.1\\nport 2222\\n"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")


@pytest.mark.usefixtures("an_ssh")
@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("ssh://labhost", "ssh://labhost:2222"),
        ("ssh://me@labhost", "ssh://me@labhost:2222"),
        ("ssh://me@labhost:22", "ssh://me@labhost:22"),
        ("tcp://labhost", "tcp://labhost"),
        ("unix:///run/docker.sock", "unix:///run/docker.sock"),
    ],
)
def test_the_port_of_an_engine_behind_ssh_is_that_of_the_users_ssh(
    monkeypatch: pytest.MonkeyPatch, said: str, meant: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", said)
    assert _environment()["DOCKER_HOST"] == meant


@pytest.mark.usefixtures("an_ssh")
def test_a_context_behind_ssh_is_taken_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`docker context create far --docker host=ssh://labhost`, then `docker context use far`."""
    about = tmp_path / "contexts" / "meta" / hashlib.sha256(b"far").hexdigest() / "meta.json"
    about.parent.mkdir(parents=True)
    host = {"Host": "ssh://labhost", "SkipTLSVerify": False}
    about.write_text(json.dumps({"Name": "far", "Metadata": {}, "Endpoints": {"docker": host}}))
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONTEXT", "far")
    assert _environment()["DOCKER_HOST"] == "ssh://labhost:2222"


def test_without_an_ssh_nothing_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "ssh://labhost")
    assert _environment()["DOCKER_HOST"] == "ssh://labhost"


@pytest.mark.parametrize("parts", [[{"Name": "Engine", "Version": "26.1.5"}], [], None])
def test_dockers_engine_is_taken(parts: object, monkeypatch: pytest.MonkeyPatch) -> None:
    client = SimpleNamespace(version=lambda: {"Components": parts})
    monkeypatch.setattr(docker, "from_env", lambda **_: client)
    assert engine.connect() is client


def test_podman_is_told_from_dockers_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what Podman 4.3.1 said of itself; its own version would pass for an old engine's."""
    said = {"Version": "4.3.1", "Components": [{"Name": "Podman Engine", "Version": "4.3.1"}]}
    monkeypatch.setattr(docker, "from_env", lambda **_: SimpleNamespace(version=lambda: said))
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/podman/podman.sock")
    with pytest.raises(NotReadyError, match=r"^Podman Engine 4\.3\.1 answers") as caught:
        engine.connect()
    assert caught.value.where == "unix:///run/podman/podman.sock"


# What an engine 20.10 says of itself on a host with control groups of version 1.
ROOTLESS = {"CgroupDriver": "none", "CgroupVersion": "1",
            "SecurityOptions": ["name=seccomp,profile=default", "name=rootless"]}  # fmt: skip
OWN = {"CgroupDriver": "cgroupfs", "CgroupVersion": "1",
       "SecurityOptions": ["name=seccomp,profile=default"]}  # fmt: skip


def test_an_engine_without_control_groups_is_refused_before_anything_is_made() -> None:
    assert engine.is_rootless(ROOTLESS)
    assert not engine.is_rootless(OWN)
    engine.must_have_control_groups(cast("docker.DockerClient", SimpleNamespace(info=lambda: OWN)))
    said = cast("docker.DockerClient", SimpleNamespace(info=lambda: ROOTLESS))
    with pytest.raises(NotReadyError, match="rootless and has no control groups"):
        engine.must_have_control_groups(said)


@pytest.mark.parametrize(("where", "mask"), [("", 0x1F), ("in a controller", -1)])
def test_a_controllers_own_capabilities_say_nothing_of_a_machines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str, mask: int
) -> None:
    """Where no dockerd is seen, which is so beside a rootless engine."""
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "self" / "status").write_text("CapBnd:\t000000000000001f\n")
    monkeypatch.setattr(engine, "Path", lambda place: tmp_path / place.lstrip("/"))
    monkeypatch.delenv(INSIDE, raising=False)
    if where:
        monkeypatch.setenv(INSIDE, where)
    assert engine.bounding_set() == mask
