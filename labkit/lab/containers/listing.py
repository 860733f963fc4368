"""Which machines a lab has, asked of the engine in one request; no client library is loaded for it.

`labkit status` and every verb's first question need no more. All else is `ContainerProvider`.
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from labkit.course import Blueprint, find_blueprint
from labkit.lab import checkpoints as rules
from labkit.lab.containers.endpoint import endpoint
from labkit.lab.model import Machine
from labkit.lab.store import lab_folder

if TYPE_CHECKING:
    from labkit.lab.containers.provider import ContainerProvider

LABEL = "io.labkit"
LAB_LABEL = f"{LABEL}.lab"
MACHINE_LABEL = f"{LABEL}.machine"
OS_LABEL = f"{LABEL}.os"
ADDRESS_LABEL = f"{LABEL}.address"
USER_LABEL = f"{LABEL}.user"
CHECKPOINT_LABEL = f"{LABEL}.checkpoint"
# Of the container that copies while a checkpoint is taken or brought back (checkpoints.py).
DOING_LABEL = f"{CHECKPOINT_LABEL}.doing"
NAME_LABEL = f"{CHECKPOINT_LABEL}.name"
MAKING = "making"
MIRROR = "mirror"

PATIENCE_S = 10.0


class Door:
    """A lab in containers: its machines at once, everything else by its `ContainerProvider`."""

    name = "containers"

    def __init__(self, lab: str, blueprint: Blueprint | None = None) -> None:
        self._lab = lab
        self._blueprint = blueprint or find_blueprint()

    def machines(self) -> Sequence[Machine]:
        """The nodes that exist; by the provider if no plain socket gives a plain answer."""
        found = _ask(f"/containers/json?all=1&filters={quote(json.dumps(filters(self._lab)))}")
        return (
            self._whole.machines()
            if found is None
            else machines_of(self._lab, found, self._blueprint)
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # asked by Python itself, of a copy that has nothing yet
            raise AttributeError(name)
        return getattr(self._whole, name)

    @cached_property
    def _whole(self) -> ContainerProvider:
        from labkit.lab.containers.provider import ContainerProvider  # with Docker's library

        return ContainerProvider(self._lab, self._blueprint)


def filters(lab: str) -> dict[str, list[str]]:
    """Which containers belong to a lab, as the engine's API wants it."""
    return {"label": [f"{LAB_LABEL}={lab}"]}


def machines_of(lab: str, found: Iterable[dict[str, Any]], blueprint: Blueprint) -> list[Machine]:
    """The nodes among the engine's summaries of containers, in the order of the blueprint.

    NotReadyError while a restore that was interrupted waits for its end.
    """
    found = list(found)
    for summary in found:
        if summary["Labels"].get(DOING_LABEL) == MAKING:
            raise rules.interrupted(lab, summary["Labels"][NAME_LABEL])
    folder = lab_folder(lab)
    machines = [
        Machine(
            name=summary["Labels"][MACHINE_LABEL],
            address=summary["Labels"][ADDRESS_LABEL],
            user=summary["Labels"].get(USER_LABEL, blueprint.user),
            key=folder / "id_ed25519",
            known_hosts=folder / "known_hosts",
            running=summary["State"] == "running",
            os=summary["Labels"].get(OS_LABEL, ""),
            published={
                port["PrivatePort"]: port["PublicPort"]
                for port in summary.get("Ports") or ()
                if port.get("PublicPort")
            },
        )
        for summary in found
        if summary["Labels"].get(MACHINE_LABEL, MIRROR) != MIRROR
    ]
    return sorted(machines, key=lambda machine: blueprint.order(machine.name))


def _ask(path: str) -> Any:
    """The JSON with which the engine at a local socket answers; None if it does not.

    HTTP/1.0, so that the answer ends with the connection and is in one piece.
    """
    kind, _colon, place = endpoint().partition("://")
    if kind != "unix" or sys.platform == "win32":
        return None
    try:
        with socket.socket(socket.AF_UNIX) as engine:
            engine.settimeout(PATIENCE_S)
            engine.connect(place)
            engine.sendall(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
            answer = b"".join(iter(lambda: engine.recv(65536), b""))
        head, body = answer.split(b"\r\n\r\n", 1)
        return json.loads(body) if head.split(b" ")[1] == b"200" else None
    except (OSError, ValueError, IndexError):
        return None
