"""A lab in containers as it is met first: no client library is loaded to see its machines.

`labkit status` and every verb's first question need no more than one request to the engine. All
else is `ContainerProvider`.
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from labkit.course import Blueprint, find_blueprint
from labkit.lab.containers.endpoint import endpoint
from labkit.lab.containers.listing import filters, machines_of
from labkit.lab.model import Machine

if TYPE_CHECKING:
    from labkit.lab.containers.provider import ContainerProvider

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
