"""The registry is looked for on its machine, while it starts, and given up where nobody listens."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from steps.trust import ASK_REGISTRY

LIMIT_S = 10
REGISTRY = (401, True)  # that asks for a password
OTHERS = [(200, False), (404, False), (404, True)]  # a website, and a registry that is elsewhere


class Answering(BaseHTTPRequestHandler):
    """As its server says: with a status, as a registry or as something else."""

    def do_GET(self) -> None:
        status, is_registry = getattr(self.server, "answers", REGISTRY)
        self.send_response(status)
        if is_registry:
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Nothing: the test's output is its own."""


@contextmanager
def listening(answers: tuple[int, bool] = REGISTRY, *, after: float = 0.0) -> Iterator[int]:
    """A server's port, on which it listens after some seconds."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering, bind_and_activate=False)
    server.answers = answers  # type: ignore[attr-defined]  # read by its handler
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
    with listening(OTHERS[0]) as other, listening() as port:
        said, seconds = asked(other, port)
    assert said == f"http 401 127.0.0.1:{port}"
    assert seconds < LIMIT_S / 2


def test_a_registry_that_starts_late_is_waited_for() -> None:
    with listening(after=1.5) as port:
        said, seconds = asked(port)
    assert said == f"http 401 127.0.0.1:{port}"
    assert 1 < seconds < LIMIT_S / 2


def test_what_is_no_registry_is_given_up() -> None:
    with listening(OTHERS[0]) as one, listening(OTHERS[1]) as two, listening(OTHERS[2]) as three:
        said, seconds = asked(one, two, three)
    assert said == ""
    assert LIMIT_S - 2 < seconds < LIMIT_S + 5


def test_who_does_not_listen_is_given_up() -> None:
    said, seconds = asked(1)
    assert said == ""
    assert LIMIT_S - 2 < seconds < LIMIT_S + 5
