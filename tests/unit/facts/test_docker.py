"""What is said of images and containers where there is no engine to ask."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from labkit.course import CannotTellError
from labkit.facts.docker import containers, images
from labkit.remote import PlannedShell, Result, Shell, from_facts

GONE = (
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon"
    " running?"
)


@pytest.mark.parametrize("ask", [images, containers])
def test_of_an_engine_that_is_gone_nobody_can_tell(ask: Callable[[Shell], object]) -> None:
    """xargs runs nothing, and ends well: an engine without containers looks alike."""

    def shell(said: str) -> Shell:
        return PlannedShell("web1", lambda command: Result(command, "", said, 0))

    assert ask(shell("")) == []
    with pytest.raises(CannotTellError, match="web1"):
        ask(shell(GONE))


def inspected(name: str, *, mode: str = "host", running: bool = True) -> dict[str, Any]:
    """A container as `docker inspect` gives it, with an image that exposes port 80."""
    return {
        "Id": name * 16, "Name": f"/{name}", "Image": "sha256:1",
        "State": {"Running": running, "Status": "x", "ExitCode": 0, "Pid": 1},
        "Config": {"Image": name, "ExposedPorts": {"80/tcp": {}}, "Labels": {}},
        "HostConfig": {"NetworkMode": mode, "RestartPolicy": {"Name": "no"}},
        "NetworkSettings": {"Networks": {}, "Ports": {}}, "Mounts": [],
    }  # fmt: skip


HELD = """\
@
PID
41
42
@
PID
7
@
LISTEN 0 511 0.0.0.0:8080 0.0.0.0:* users:(("nginx",pid=42,fd=6),("nginx",pid=41,fd=6))
LISTEN 0 511    [::]:8080    [::]:* users:(("nginx",pid=42,fd=7),("nginx",pid=41,fd=7))
LISTEN 0 128       *:9443       *:* users:(("nginx",pid=41,fd=8))
LISTEN 0 128 0.0.0.0:22   0.0.0.0:* users:(("sshd",pid=417,fd=3))
"""


@pytest.mark.parametrize(
    ("held", "page"),
    [
        (HELD, {8080: 8080, 9443: 9443}),
        (HELD.replace("pid=4", "pid=5"), {80: 80}),  # nothing listens yet
        ("@\nPID\n41\n", {80: 80}),  # broken off
    ],
)
def test_on_the_machines_network_a_container_has_the_ports_that_it_holds(
    held: str, page: dict[int, int]
) -> None:
    records = [inspected("page"), inspected("idle"), inspected("off", running=False),
               inspected("apart", mode="bridge")]  # fmt: skip
    facts: dict[str, str | int] = {"docker top": held, "docker ps -aq": json.dumps(records)}
    found = {one.name: one.published for one in containers(PlannedShell("lb", from_facts(facts)))}
    assert found == {"page": page, "idle": {80: 80}, "off": {80: 80}, "apart": {}}


def test_where_nothing_is_on_the_machines_network_nobody_asks_for_its_ports() -> None:
    asked: list[str] = []

    def answer(command: str) -> Result:
        asked.append(command)
        return Result(command, json.dumps([inspected("apart", mode="bridge")]), "", 0)

    containers(PlannedShell("lb", answer))
    assert not [one for one in asked if "ss -" in one]
