"""The registry is looked for on its machine, while it starts, and given up where nobody listens."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from steps.trust import ASK_REGISTRY

LIMIT_S = 10


class Answering(BaseHTTPRequestHandler):
    """As a registry that asks for a password, unless its server says otherwise."""

    def do_GET(self) -> None:
        is_registry = getattr(self.server, "is_registry", True)
        self.send_response(401 if is_registry else 404)
        if is_registry:
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Nothing: the test's output is its own."""


@contextmanager
def listening(*, is_registry: bool = True, after: float = 0.0) -> Iterator[int]:
    """A server's port, on which it listens after some seconds."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering, bind_and_activate=False)
    server.is_registry = is_registry  # type: ignore[attr-defined]  # read by its handler
    server.server_bind()
    begin = threading.Timer(after, server.server_activate)
    begin.start()
    begin.join(0.2)
    thread = threading.Thread(target=lambda: (begin.join(), server.serve_forever(0.05)))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        begin.join()
        server.shutdown()
        thread.join()
        server.server_close()


def asked(*ports: int) -> tuple[str, float]:
    """What is said of a machine with these ports published, and after how many seconds."""
    names = " ".join(f"127.0.0.1:{port}" for port in ports)
    began = time.monotonic()
    command = ["bash", "-c", ASK_REGISTRY.replace("NAMES", names)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=40, check=False)
    assert done.stderr == ""
    assert (done.returncode == 0) is bool(done.stdout)
    return done.stdout.strip(), time.monotonic() - began


def test_a_registry_is_found_behind_whatever_else_listens() -> None:
    with listening(is_registry=False) as other, listening() as port:
        said, seconds = asked(other, port)
    assert said == f"http 401 127.0.0.1:{port}"
    assert seconds < LIMIT_S / 2


def test_a_registry_that_starts_late_is_waited_for() -> None:
    with listening(after=1.5) as port:
        said, seconds = asked(port)
    assert said == f"http 401 127.0.0.1:{port}"
    assert 1 < seconds < LIMIT_S / 2


@pytest.mark.parametrize("is_there", [True, False])
def test_what_is_no_registry_and_who_does_not_listen_are_given_up(is_there: bool) -> None:
    with listening(is_registry=False) as port:
        said, seconds = asked(port if is_there else 1)
    assert said == ""
    assert LIMIT_S - 2 < seconds < LIMIT_S + 5
