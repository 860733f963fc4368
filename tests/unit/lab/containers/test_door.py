"""The machines of a lab in containers, asked of the engine's socket without its library."""

from __future__ import annotations

import copy
import json
import socket
import threading
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from labkit.errors import NotReadyError
from labkit.lab.containers.door import Door
from labkit.lab.containers.listing import filters
from labkit.lab.containers.provider import ContainerProvider

FOUND = [
    {
        "Labels": {
            "io.labkit.machine": name,
            "io.labkit.address": address,
            "io.labkit.os": "X",
            "io.labkit.user": "ada",
        },
        "State": state,
    }
    for name, address, state in (
        ("lb", "10.0.0.3", "running"),
        ("mirror", "10.0.0.9", "running"),
        ("web1", "10.0.0.1", "exited"),
    )
]


class Engine:
    """Answers each request with the same bytes, and remembers what was asked."""

    def __init__(self, path: Path, answer: bytes) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self.listener.accept()
            except OSError:
                return
            with connection:
                self.asked.append(connection.recv(65536).decode().splitlines()[0])
                connection.sendall(self.answer)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the engine's socket is."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/engine")
    return tmp_path / "engine"


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider's own answer, with the library."""
    monkeypatch.setattr(ContainerProvider, "machines", lambda _self: ["by the library"])


def answer(body: Any, status: str = "200 OK") -> bytes:
    """An HTTP answer."""
    return f"HTTP/1.0 {status}\r\nContent-Type: json\r\n\r\n{json.dumps(body)}".encode()


def test_machines_are_read_from_one_answer(place: Path) -> None:
    engine = Engine(place, answer(FOUND))
    machines = Door("mine").machines()
    assert [(one.name, one.address, one.running, one.user) for one in machines] == [
        ("web1", "10.0.0.1", False, "ada"),
        ("lb", "10.0.0.3", True, "ada"),
    ]
    assert len(engine.asked) == 1
    assert "all=1" in engine.asked[0]
    assert json.dumps(filters("mine")) in unquote(engine.asked[0])


def test_machines_that_a_restore_has_not_finished_are_none(place: Path) -> None:
    helper = {"io.labkit.checkpoint.doing": "making", "io.labkit.checkpoint.name": "mine"}
    Engine(place, answer([*FOUND, {"Labels": helper, "State": "exited"}]))
    with pytest.raises(NotReadyError) as caught:
        Door("x").machines()
    assert "mine" in caught.value.what
    assert caught.value.then == "labkit --lab x up"


@pytest.mark.parametrize(
    "said",
    [
        answer([], "500 Internal Server Error"),
        b"",
        b"nonsense",
        b"nonsense\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\n\r\n{half",
    ],
)
@pytest.mark.usefixtures("provider")
def test_what_is_no_plain_answer_is_left_to_the_library(place: Path, said: bytes) -> None:
    Engine(place, said)
    assert Door("mine").machines() == ["by the library"]


@pytest.mark.usefixtures("provider")
def test_an_engine_elsewhere_is_left_to_the_library(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Door("mine").machines() == ["by the library"]  # no socket there
    Engine(place, answer(FOUND))
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2376")
    assert Door("mine").machines() == ["by the library"]


def test_everything_else_is_the_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ContainerProvider, "power_off", lambda _self, machine: f"{machine} off")
    door: Any = Door("mine")
    assert door.power_off("web1") == "web1 off"
    assert copy.copy(door).power_off("web1") == "web1 off"
    with pytest.raises(AttributeError):
        door.no_such_thing()
