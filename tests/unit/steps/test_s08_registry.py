"""What a registry's step opens in the firewall of lb."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labkit.remote import PlannedShell, Result
from steps.s08_registry import open_ports


def container(network: str, **more: Any) -> dict[str, Any]:
    return {
        "Id": "0123456789abcdef", "Name": "/registry", "Image": "sha256:1",
        "State": {"Running": True, "Status": "running", "ExitCode": 0, "Pid": 7},
        "Config": {"Image": "registry:2", "ExposedPorts": {"5000/tcp": {}}},
        "HostConfig": {"NetworkMode": network, "RestartPolicy": {"Name": "always"}},
        "NetworkSettings": {"Networks": {}, **more},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("found", "opened"),
    [
        (container("host"), ["5000"]),
        (container("registry_default", Ports={"5000/tcp": [{"HostPort": "5000"}]}), []),
    ],
)
def test_only_what_is_on_the_machines_own_network_needs_an_open_port(
    found: dict[str, Any], opened: list[str]
) -> None:
    """Docker opens what it publishes by itself."""

    def answer(command: str) -> Result:
        asked = "docker inspect" in command
        return Result(command, json.dumps([found]) if asked else "", "", 0 if asked else 1)

    lb = PlannedShell("lb", answer)
    open_ports(lb)
    assert [line.split("--add-port=")[1].split("/")[0] for line in lb.plan] == opened
