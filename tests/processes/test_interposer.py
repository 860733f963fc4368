"""The process that stands between two programs, on loopback, as it is run on a machine."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from labkit.lab.faults.network import INTERPOSER


class Server(ThreadingHTTPServer):
    """Twenty visitors may come at once: none of them is to wait at the door."""

    request_queue_size = 64
    daemon_threads = True


class Site:
    """A website that counts its visitors and says which path they asked for."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                site.requests.append(f"{self.command} {self.path}")
                answer = f"{self.command} {self.path} {len(body)}".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None: ...

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server.server_port)


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.server.shutdown()
    made.server.server_close()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def interposed(port: int, *options: str) -> Iterator[int]:
    """The interposer before a port, ready; its own port."""
    listen = free_port()
    code = INTERPOSER.read_text(encoding="utf-8")  # as a machine gets it: no file, no labkit
    arguments = [f"--listen={listen}", f"--to=127.0.0.1:{port}", *options]
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", code, *arguments], stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", listen), 1).close()
                break
            except OSError:
                assert process.poll() is None, process.stderr and process.stderr.read()
                assert time.monotonic() < deadline
                time.sleep(0.02)
        yield listen
    finally:
        process.kill()
        process.communicate()


def ask(port: int, method: str = "GET", path: str = "/", body: bytes = b"") -> tuple[int, str]:
    """The status and the text of one answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body or None)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_without_an_option_nothing_is_changed(site: Site) -> None:
    with interposed(site.port) as port:
        assert ask(port, path="/list?of=all") == (200, "GET /list?of=all 0")
        assert ask(port, "POST", "/", b"x" * 300_000) == (200, "POST / 300000")
    assert site.requests == ["GET /list?of=all", "POST /"]


def test_whoever_only_looks_whether_somebody_is_there_is_not_passed_on(site: Site) -> None:
    """As a health check of layer 4 does: it must go on believing that all is well."""
    with interposed(site.port, "--fail") as port:
        socket.create_connection(("127.0.0.1", port), 5).close()
        assert site.requests == []


def test_an_answer_comes_late_and_whole(site: Site) -> None:
    with interposed(site.port, "--delay=0.5") as port:
        begun = time.monotonic()
        assert ask(port) == (200, "GET / 0")
        assert 0.5 <= time.monotonic() - begun < 3.0


def test_many_wait_side_by_side(site: Site) -> None:
    """Each is late by itself: twenty do not queue up behind one another."""
    answers: list[tuple[int, str]] = []
    with interposed(site.port, "--delay=0.5") as port:
        begun = time.monotonic()
        threads = [threading.Thread(target=lambda: answers.append(ask(port))) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - begun < 20 * 0.5 / 2
    assert answers == [(200, "GET / 0")] * 20


def test_everything_is_answered_with_an_error_that_the_server_never_hears_of(site: Site) -> None:
    with interposed(site.port, "--fail") as port:
        for method, path in (("GET", "/"), ("POST", "/list"), ("GET", "/health")):
            assert ask(port, method, path) == (500, "fault of a drill")
    assert site.requests == []


def test_only_one_path_fails_whatever_is_asked_of_it(site: Site) -> None:
    with interposed(site.port, "--fail", "--only=/") as port:
        assert ask(port)[0] == 500
        assert ask(port, "POST", "/?button=1", b"submit=list")[0] == 500
        assert ask(port, path="/health") == (200, "GET /health 0")
        assert ask(port, path="/health?of=/") == (200, "GET /health?of=/ 0")
    assert site.requests == ["GET /health", "GET /health?of=/"]


def test_a_server_that_is_gone_leaves_its_visitor_without_an_answer() -> None:
    """And the one between serves on."""
    with interposed(free_port()) as port:
        for _visitor in range(2):
            with pytest.raises(http.client.RemoteDisconnected):
                ask(port)
