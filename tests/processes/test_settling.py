"""Containers that begin to listen are waited for, by the shell of their machine."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from steps.settling import WAIT

ENDED_S = 3.5  # it gives up after 4 s, whole seconds apart


def waited(listeners: str, within: float = 10.0) -> float:
    """The seconds that a machine with these listeners is waited for."""
    began = time.monotonic()
    subprocess.run(["bash", "-c", WAIT], input=listeners, text=True, timeout=within, check=False)
    return time.monotonic() - began


@pytest.fixture
def listener() -> socket.socket:
    """Bound to a port of its own, and not listening yet."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener


def test_who_listens_is_not_waited_for(listener: socket.socket) -> None:
    listener.listen()
    port = listener.getsockname()[1]
    assert waited(f"127.0.0.1 10.0.0.1|{port}/tcp {port}/udp\n127.0.0.1|9/udp\n") < 2


def test_who_listens_late_is_waited_for(listener: socket.socket) -> None:
    late = threading.Timer(1.0, listener.listen)
    late.start()
    seconds = waited(f"127.0.0.1|{listener.getsockname()[1]}/tcp\n")
    late.join()
    assert 0.9 < seconds < ENDED_S


def test_who_never_listens_is_given_up(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    assert ENDED_S - 1 < waited(f"127.0.0.1|{port}/tcp\n127.0.0.1|{port}/tcp\n") < 8


@pytest.mark.parametrize("addresses", ["", "invalid IP "])
def test_who_has_no_address_of_its_own_is_not_waited_for(addresses: str) -> None:
    """Newer engines say "invalid IP" where older ones say nothing."""
    assert waited(f"{addresses}|80/tcp\n{addresses}|\n") < 2


def test_hostile_words_of_an_image_are_no_commands(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    waited(f"127.0.0.1|$(touch${{IFS}}{mark})/tcp\n`touch${{IFS}}{mark}`|5000/tcp\n|5000\n")
    assert not mark.exists()
