"""What a registry's step opens in the firewall of lb."""

from __future__ import annotations

import json
from collections.abc import Callable
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


HELD = '@\nPID\n7\n@\nLISTEN 0 9 *:5050 *:* users:(("registry",pid=7,fd=3))\n'


def answering(found: dict[str, Any], *held: str) -> Callable[[str], Result]:
    """A machine with one container; of its ports it is told what, one time after the other."""
    left = list(held)

    def answer(command: str) -> Result:
        if "docker top" in command:
            return Result(command, left.pop(0) if left else "", "", 0)
        asked = "docker inspect" in command
        return Result(command, json.dumps([found]) if asked else "", "", 0 if asked else 1)

    return answer


def ports_opened(lb: PlannedShell) -> list[str]:
    return [line.split("--add-port=")[1].split("/")[0] for line in lb.plan]


@pytest.mark.parametrize(
    ("found", "opened"),
    [
        (container("host"), ["5050"]),
        (container("registry_default", Ports={"5000/tcp": [{"HostPort": "5000"}]}), []),
    ],
)
def test_only_what_is_on_the_machines_own_network_needs_an_open_port(
    found: dict[str, Any], opened: list[str]
) -> None:
    """Docker opens what it publishes by itself."""

    lb = PlannedShell("lb", answering(found, HELD))
    open_ports(lb)
    assert ports_opened(lb) == opened


def test_what_does_not_listen_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """And where nothing ever listens, what its image exposes is opened."""
    for said, opened in (["@\nPID\n7\n@\n", HELD], ["5050"]), ([], ["5000"]):
        clock = iter(range(0, 100, 6))
        monkeypatch.setattr("steps.s08_registry.time.monotonic", lambda clock=clock: next(clock))
        monkeypatch.setattr("steps.s08_registry.time.sleep", lambda _seconds: None)
        lb = PlannedShell("lb", answering(container("host"), *said))
        open_ports(lb)
        assert ports_opened(lb) == opened
