"""Pages that would make the grader's computer ask somebody else, or wait for ever."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from checks.pages import fetch, press_button
from labkit.course import NotMetError
from labkit.facts.http.browser import LARGEST_PAGE, MOST_COOKIES, ask

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
SITE = "HTTP/1.1 {status} x\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
BUTTON = '<button name="submit" value="list">List</button></form>'
LAB: Any = SimpleNamespace(prove_target=lambda _name: SimpleNamespace(address="127.0.0.1"))


@contextmanager
def served(answer: Callable[[socket.socket, str], None]) -> Iterator[tuple[int, list[str]]]:
    """A server on this computer: its port and what it was asked, headers included."""
    asked = list[str]()

    def serve() -> None:
        while True:
            try:
                connection, _client = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    asked.append(connection.recv(65536).decode())
                    answer(connection, asked[-1])
                except OSError:
                    continue  # the client is gone, as it should be

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1], asked
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def page(body: str = "", *, status: int = 200, headers: str = "") -> Callable[..., None]:
    """A server that gives one page."""
    text = SITE.format(status=status, headers=headers, length=len(body), body=body)
    return lambda connection, _asked: connection.sendall(text.encode())


ELSEWHERE = ("http://127.0.0.1:{other}/", "//127.0.0.1:{other}/", "http://page.evil:{other}/",
             "https://127.0.0.1:{port}/", "http://u:p@127.0.0.1:{port}/", "http://[",
             "file:///etc/passwd", "http://page.evil/", "http://127.0.0.1:{port}.evil/",
             "http://127.0.0.1:99999/", "http://127.0.0.1:x/")  # fmt: skip


@pytest.mark.parametrize("kind", ["redirect", "form", "base", "query"])
@pytest.mark.parametrize("link", ELSEWHERE)
def test_no_page_sends_the_grader_elsewhere(link: str, kind: str) -> None:
    with (
        served(page("secret")) as (other, not_to_ask),
        served(lambda connection, asked: answer(connection, asked)) as (port, asked),
    ):
        there = link.format(other=other, port=port)
        method = "get" if kind == "query" else "post"
        answer = {
            "redirect": page(status=302, headers=f"Location: {there}\r\n"),
            "form": page(f'<form method={method} action="{there}">{BUTTON}'),
            "base": page(f'<base href="{there}"><form method=post action="x">{BUTTON}'),
            "query": page(f'<form method={method} action="{there}">{BUTTON}'),
        }[kind]
        with pytest.raises(NotMetError, match="it sends its visitor to"):
            press_button(LAB, "web1", port)
    assert not_to_ask == []
    assert len(asked) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_within_the_site_is_followed(status: int) -> None:
    def answer(connection: socket.socket, asked: str) -> None:
        there = {"/": "/a", "/a": f"http://127.0.0.1:{port}/b/", "/b/": f"http://web1:{port}/c?d"}
        at = asked.split()[1]
        moved = page(status=status, headers=f"Location: {there.get(at)}\r\n")
        (moved if at in there else page("here"))(connection, asked)

    with served(answer) as (port, asked):
        assert fetch(LAB, "web1", port, form={"x": "1"}).text == "here"
    again = "GET" if status < 304 else "POST"
    assert [line.split(" HTTP")[0] for line in asked] == [
        "POST /", f"{again} /a", f"{again} /b/", f"{again} /c?d",
    ]  # fmt: skip


def test_a_redirect_without_end_is_not_met() -> None:
    with (
        served(page(status=302, headers="Location: /\r\n")) as (port, _asked),
        pytest.raises(NotMetError, match="again and again"),
    ):
        fetch(LAB, "web1", port)


def test_neither_proxy_nor_netrc_nor_name_of_the_grader(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / ".netrc").write_text("default login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with served(page("here")) as (port, asked):
        assert fetch(LAB, "web1", port).text == "here"
    assert "authorization" not in asked[0].lower()
    assert "labkit" not in asked[0]


def drip(first: bytes, again: bytes) -> Callable[[socket.socket, str], None]:
    """A server that begins an answer and goes on with it until its client leaves."""

    def answer(connection: socket.socket, _asked: str) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(again)
            threading.Event().wait(0.02)

    return answer


@pytest.mark.parametrize(
    "answer",
    [drip(b"HTTP/1.1 200 OK\r\n", b"X"), drip(HEAD, b"X-A: b\r\n"), drip(HEAD + b"\r\n", b"x"),
     drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), lambda connection, _asked: connection.recv(1),
     drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n")],
    ids=["status line", "headers", "body", "100", "nothing", "chunks"],
)  # fmt: skip
def test_what_trickles_is_not_waited_for(answer: Callable[..., None]) -> None:
    with served(answer) as (port, _asked), pytest.raises((TimeoutError, http.client.HTTPException)):
        ask("127.0.0.1", port, "/", patience_s=0.5)


@pytest.mark.parametrize("chunked", [b"", b"Transfer-Encoding: chunked\r\n"])
def test_a_page_without_end_is_cut(chunked: bytes) -> None:
    def answer(connection: socket.socket, _asked: str) -> None:
        connection.sendall(HEAD + chunked + b"\r\n")
        while True:
            connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n" if chunked else b"x" * 65536)

    with served(answer) as (port, _asked):
        assert len(ask("127.0.0.1", port, "/", patience_s=60).body) == LARGEST_PAGE


@pytest.mark.parametrize(
    "sent",
    [b"", b"\xff" * 100, b"HTTP/1.1 abc\r\n\r\n", b"HTTP/9.9 200\r\n\r\n",
     HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n" + b"x" * 100,
     HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n" + b"x" * 100,
     HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", b"HTTP/1.1 200 OK\r\n" + b"a" * 70000,
     HEAD + b"X: y\r\n" * 200 + b"\r\n"],
)  # fmt: skip
def test_what_is_no_http_is_not_met(sent: bytes) -> None:
    with (
        served(lambda connection, _asked: connection.sendall(sent)) as (port, _asked),
        pytest.raises(NotMetError, match="the connection fails"),
    ):
        fetch(LAB, "web1", port)


@pytest.mark.parametrize("named", ["nonsense", "hex", "punycode", '"', "utf-8" + ";" * 60000])
def test_an_encoding_that_is_none_is_read_as_utf_8(named: str) -> None:
    headers = f"Content-Type: text/html; charset={named}\r\n"
    with served(page("here", headers=headers)) as (port, _asked):
        assert fetch(LAB, "web1", port).text == "here"


def test_whosever_the_certificate_is_https_is_asked(tmp_path: Path) -> None:
    """A balancer's is made for its lab; what trickles is not waited for there either."""
    pem = tmp_path / "lb.pem"
    make = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=lb"
        f" -keyout {pem} -out {pem}.crt"
    )
    subprocess.run(make.split(), check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{pem}.crt", str(pem))

    served_by: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for body in ("by HTTPS", ""):
                with context.wrap_socket(listener.accept()[0], server_side=True) as connection:
                    served_by.append(connection.recv(65536).decode())
                    if body:
                        page(body)(connection, "")
                    else:
                        time.sleep(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        assert ask("127.0.0.1", port, "/", secure=True).text == "by HTTPS"
        with pytest.raises(TimeoutError):
            ask("127.0.0.1", port, "/", secure=True, patience_s=0.5)
        thread.join(10)
    assert all(f"Host: 127.0.0.1:{port}\r\n" in one for one in served_by)


COOKIES = "Set-Cookie: csrf=a1; path=/; httponly\r\nSet-Cookie: lang=fr\r\n"


def sent(asked: list[str]) -> list[str]:
    """The cookies of each request, "" for none."""
    lines = [one.split("\r\n") for one in asked]
    return [
        "".join(line.partition(": ")[2] for line in one if line.startswith("Cookie: "))
        for one in lines
    ]


def test_who_presses_the_button_keeps_the_cookies_of_the_page() -> None:
    form = '<form method="post" action="/">' + BUTTON
    with served(page(form, headers=COOKIES)) as (port, asked):
        press_button(LAB, "web1", port)
        press_button(LAB, "web1", port)
    assert sent(asked) == ["", "csrf=a1; lang=fr"] * 2


def test_a_cookie_that_a_redirect_sets_comes_along() -> None:
    def answer(connection: socket.socket, asked: str) -> None:
        first = "Cookie:" not in asked and asked.startswith("POST")
        more = "Location: /list\r\nSet-Cookie: seen=1\r\n" if first else ""
        body = "" if first else '<form method="post" action="/">' + BUTTON
        page(body, status=303 if first else 200, headers=more)(connection, asked)

    with served(answer) as (port, asked):
        press_button(LAB, "web1", port)
    assert [one.split()[:2] for one in asked] == [["GET", "/"], ["POST", "/"], ["GET", "/list"]]
    assert sent(asked) == ["", "", "seen=1"]


@pytest.mark.parametrize(
    "header",
    [
        "x=a\tb", "=1", "x", "x=a b", "x=" + "a" * 5000, "x y=1", "x=\u00e9",
    ],
)  # fmt: skip
def test_what_is_no_cookie_is_not_sent_back(header: str) -> None:
    form = '<form method="post" action="/">' + BUTTON
    with served(page(form, headers=f"Set-Cookie: {header}\r\n")) as (port, asked):
        press_button(LAB, "web1", port)
    assert sent(asked) == ["", ""]


def test_of_a_flood_of_cookies_some_are_kept_and_a_stranger_has_none() -> None:
    flood = "".join(f"Set-Cookie: c{n}=1\r\n" for n in range(90))
    with served(page('<form method="post" action="/">' + BUTTON, headers=flood)) as (port, asked):
        press_button(LAB, "web1", port)
        fetch(LAB, "web1", port)
    assert [one.count("=") for one in sent(asked)] == [0, MOST_COOKIES, 0]
