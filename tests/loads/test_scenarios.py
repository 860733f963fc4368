"""The course's scenarios, run by the real generator against a server of our own on loopback.

A scenario must not be imported here: Locust changes the whole process that it is imported into.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from checks.drills.stages import another_content, claimed, let_in, shown_in_vain
from checks.load.words import ANOTHER, CATALOGUE, LET_IN, UNTOLD
from labkit.course.model import Load
from labkit.load.rows import Row
from labkit.load.run import LoadRun, run_against

SCENARIOS = Path(__file__).parents[2] / "checks" / "load"
BASIC = "Basic " + base64.b64encode(b"toto:python").decode()
EVERYTHING = SimpleNamespace(at=float("-inf"), sure_until=float("inf"))  # a fault that never ended


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""

    @classmethod
    def read(cls, head: bytes) -> Asked:
        """From its first line and its headers, whose names are made small."""
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _version = first.split(" ")
        pairs = (line.partition(": ") for line in lines if line)
        return cls(method, path, {name.lower(): value for name, _colon, value in pairs})


Reply = tuple[int, bytes]


@dataclass
class Site:
    """A server that answers as it is told, and remembers what it was asked."""

    answer: Callable[[Asked], Reply]
    asked: list[Asked] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> Self:
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.loop.run_until_complete, args=(self._serve(),))
        self.thread.start()
        assert self.ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(5)
        self.loop.close()

    async def _serve(self) -> None:
        self.stop = asyncio.Event()
        server = await asyncio.start_server(
            self._one, "127.0.0.1", 0, backlog=1024, limit=2**20
        )  # fmt: skip
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        await self.stop.wait()
        server.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            asked = Asked.read(await reader.readuntil(b"\r\n\r\n"))
            body = await reader.readexactly(int(asked.headers.get("content-length", 0)))
            asked = Asked(asked.method, asked.path, asked.headers, body)
            self.asked.append(asked)
            status, text = self.answer(asked)
            writer.write(
                b"HTTP/1.1 %d Whatever\r\nX-Served-By: web1\r\nContent-Length: %d\r\n\r\n%s"
                % (status, len(text), text)
            )
            await writer.drain()
        writer.close()


def load(
    scenario: str, site: Site, out: Path, *, options: dict[str, str], post_share: float = 0.5
) -> LoadRun:
    """60 requests, all of which are answered."""
    done = run_against(
        f"http://127.0.0.1:{site.port}",
        Load(scenario, rate=100.0, post_share=post_share, patience_s=4.0),
        duration_s=0.6, scenario_dir=SCENARIOS, out=out, seed=7, options=options,
    )  # fmt: skip
    assert done.complete
    assert len(done.rows) == len(site.asked) == 60
    return done


def by_turns(*replies: Reply) -> Callable[[Asked], Reply]:
    """One reply after the other, from the first again after the last."""
    left = itertools.cycle(replies)
    return lambda _asked: next(left)


def turns(replies: int, requests: int) -> Iterator[int]:
    """How often each of so many replies was given."""
    return (len(range(first, requests, replies)) for first in range(replies))


def errors(rows: tuple[Row, ...], method: str) -> Counter[str]:
    assert all(row.ok is (not row.error) for row in rows)
    return Counter(row.error for row in rows if row.method == method)


def expected(*words: str, requests: int) -> Counter[str]:
    """The words of replies given by turns."""
    found: Counter[str] = Counter()
    for word, count in zip(words, turns(len(words), requests), strict=True):
        found[word] += count
    return found


def sent(site: Site, **wanted: Any) -> list[Asked]:
    return [one for one in site.asked if all(getattr(one, k) == v for k, v in wanted.items())]


# -- the API alone


PATH = "/pozos/api/v1.0/get_student_ages"
LIST = b'{"student_ages": {"probe-12": "42"}}'
API = {"path": PATH, "authorization": BASIC, "student": "probe-12"}


def is_right(asked: Asked) -> bool:
    right = (asked.method, asked.path, asked.headers.get("authorization")) == ("GET", PATH, BASIC)
    return right and "x-long" not in asked.headers


def test_an_api_that_lets_nobody_in_loses_nothing(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Reply:
        if is_right(asked):
            return 200, LIST
        if len(asked.headers.get("x-long", "")) > 65_536:
            return 431, b""
        if asked.path != PATH:
            return 404, b"not found"
        return (405, b"no") if asked.method == "DELETE" else (401, b"who are you")

    with Site(answer) as site:
        done = load("api", site, tmp_path, options=API)
    assert all(row.ok for row in done.rows)
    assert let_in(done.rows, None, None) == 0
    wrong = [one for one in site.asked if not is_right(one)]
    assert len(wrong) == sum(row.method == "POST" for row in done.rows)
    kinds = {
        (one.method, one.path, one.headers.get("authorization", ""), "x-long" in one.headers)
        for one in wrong
    }
    assert kinds == {
        ("GET", PATH, "", False),
        ("GET", PATH, "Basic " + base64.b64encode(b"toto:not-the-password").decode(), False),
        ("GET", PATH, "Basic \xff\xfe not base64", False),
        ("GET", "/no/such/path", BASIC, False),
        ("DELETE", PATH, BASIC, False),
        ("GET", PATH, "", True),  # far too long
    }


def test_an_api_that_answers_wrongly_is_found_out(tmp_path: Path) -> None:
    right = by_turns((200, LIST), (200, b"{}"), (500, b""))
    wrong = by_turns(
        (401, b"no"), (200, LIST), (401, LIST), (200, b"{}"), (503, b""), (302, b"")
    )  # fmt: skip
    with Site(lambda asked: right(asked) if is_right(asked) else wrong(asked)) as site:
        done = load("api", site, tmp_path, options=API)
    posts = sum(row.method == "POST" for row in done.rows)
    assert errors(done.rows, "GET") == expected(
        "", "no list of students", "status 500", requests=60 - posts
    )
    assert errors(done.rows, "POST") == expected(
        "", LET_IN, LET_IN, *(f"status {code} to a bad request" for code in (200, 503, 302)),
        requests=posts,
    )  # fmt: skip
    assert let_in(done.rows, None, None) == errors(done.rows, "POST")[LET_IN] > 0


# -- the registry and its page


MANIFEST = b'{"config": {"digest": "sha256:..."}}'
CONFIGURATION = b'{"architecture": "amd64"}'


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_what_is_pulled_must_be_what_its_digest_says(tmp_path: Path) -> None:
    manifest, blob = (
        "/v2/student-age/manifests/1.0",
        f"/v2/student-age/blobs/{digest(CONFIGURATION)}",
    )
    replies = {
        manifest: by_turns((200, MANIFEST), (200, MANIFEST + b" "), (404, b"")),
        blob: by_turns((200, CONFIGURATION), (401, b""), (200, MANIFEST), (200, b"")),
    }
    options = {
        "manifest": manifest, "blob": blob, "accept": "application/vnd.oci.image.manifest.v1+json",
        "authorization": BASIC, "digest": digest(MANIFEST),
    }  # fmt: skip
    with Site(lambda asked: replies[asked.path](asked)) as site:
        done = load("registry", site, tmp_path, options=options)
    blobs = len(sent(site, path=blob, method="GET"))
    assert blobs == sum(row.method == "POST" for row in done.rows)
    assert errors(done.rows, "GET") == expected("", ANOTHER, "status 404", requests=60 - blobs)
    assert errors(done.rows, "POST") == expected(
        "", "status 401", ANOTHER, ANOTHER, requests=blobs
    )  # fmt: skip
    both = errors(done.rows, "GET") + errors(done.rows, "POST")
    assert another_content(done.rows, None, None) == both[ANOTHER] > 0
    assert {(one.headers["accept"], one.headers["authorization"]) for one in site.asked} == {
        (options["accept"], BASIC)
    }


PAGE = b"<!doctype html><HTML><body>registry</body></HTML>"
CATALOGUES = ((200, b'{"repositories": ["student-age"]}'), (200, b'{"repositories": []}'))


def test_the_registrys_page_and_what_its_server_gets_are_judged_apart(tmp_path: Path) -> None:
    replies = {
        "/": by_turns((200, PAGE), (200, b"Bad Gateway"), (502, PAGE)),
        "/v2/_catalog": by_turns(*CATALOGUES, (502, b"Bad Gateway")),
    }
    options = {"catalogue": "/v2/_catalog", "authorization": BASIC, "repository": "student-age"}
    with Site(lambda asked: replies[asked.path](asked)) as site:
        done = load("registry_page", site, tmp_path, options=options)
    held = sent(site, path="/v2/_catalog")
    assert errors(done.rows, "GET") == expected(
        "", "no page", "status 502", requests=60 - len(held)
    )  # fmt: skip
    assert errors(done.rows, "POST") == expected(
        "", "the image is not in it", "status 502", requests=len(held)
    )
    assert {one.headers.get("authorization") for one in held} == {BASIC}
    # Of a registry that was away all the time: each right catalogue is one too many.
    assert shown_in_vain(done.rows, None, EVERYTHING) == errors(done.rows, "POST")[""] > 0
    assert Counter(row.server for row in done.rows)[CATALOGUE] == sum(
        itertools.islice(turns(3, len(held)), 2)
    )


def test_a_page_that_sends_browsers_to_the_registry_itself_claims_nothing(tmp_path: Path) -> None:
    """It opens whether there is a registry or not."""
    options = {"catalogue": "", "authorization": "", "repository": "student-age"}
    with Site(by_turns((200, PAGE))) as site:
        done = load("registry_page", site, tmp_path, options=options)
    assert all(row.ok for row in done.rows)
    assert {one.path for one in site.asked} == {"/"}
    assert not [one for one in site.asked if "authorization" in one.headers]
    assert shown_in_vain(done.rows, None, EVERYTHING) == 0


# -- HAProxy's statistics page


def table(status: str, *, server: str = "web1", backend: str = "my-backend") -> bytes:
    return (
        "# pxname,svname,qcur,status,weight,\n"
        f"stats,web1,0,no check,1,\n{backend},web2,0,MAINT,1,\n{backend},{server},0,{status},1,\n"
        f"{backend},BACKEND,0,UP,1,\n"
    ).encode()


def test_the_statistics_page_is_asked_what_it_says_of_one_server(tmp_path: Path) -> None:
    replies = (
        (200, table("UP")), (200, table("UP 1/3")), (200, table("DOWN (agent)")),
        (200, table("UP", server="web3")), (200, table("UP", backend="other")),
        (200, b"\xff\xfe<html>"), (401, table("UP")),
    )  # fmt: skip
    options = {
        "path": "/;csv", "authorization": BASIC, "backend": "my-backend", "server": "web1",
    }  # fmt: skip
    with Site(by_turns(*replies)) as site:
        done = load("stats_page", site, tmp_path, options=options, post_share=0.0)
    gone = "the server is not on the page"
    assert errors(done.rows, "GET") == expected(
        "", "", "", gone, gone, gone, "status 401", requests=60
    )
    assert Counter(row.server for row in done.rows if row.ok) == expected(
        "web1 UP", "web1 UP", "web1 DOWN", *("",) * 4, requests=60
    ) - Counter({"": 60})
    assert {(one.path, one.headers["authorization"]) for one in site.asked} == {("/;csv", BASIC)}


# -- the website


LISTED = "<li>Zoé is 12</li><li>bob is 13</li>".encode()
BUTTON: list[tuple[bytes, str]] = [
    (LISTED, ""),
    (b"<li>bob is 13</li>", UNTOLD),  # a part of the list is no list
    (b"<ul></ul>", UNTOLD),
    (b"<b>Warning</b>: file_get_contents(): Failed to open stream", "a PHP error in the page"),
    (LISTED + b"<b>Fatal error</b>: something", "a PHP error in the page"),
    (b"<p>The API cannot be reached</p>", "an error in the page"),
    ("<p>L'API est injoignable : une \u00e9chec</p>".encode(), "an error in the page"),
    (b"<p class='error'></p><ul></ul>", UNTOLD),  # nobody sees the name of a class
    (b"<style>.error { color: red }</style><script>fail()</script><ul></ul>", UNTOLD),
]


def test_the_button_must_bring_the_list_or_say_why_not(tmp_path: Path) -> None:
    presses = by_turns(*((200, page) for page, _word in BUTTON), (502, LISTED))
    pages = by_turns((200, b"<h1>Students</h1>"), (200, BUTTON[3][0]), (204, b""), (404, b"<p>"))
    options = {
        "action": "/index.php?lang=fr", "form": "submit=list", "must_contain": "nobody\n\nZoé\nbob",
    }  # fmt: skip
    with Site(lambda asked: (presses if asked.method == "POST" else pages)(asked)) as site:
        done = load("website", site, tmp_path, options=options)
    posts = sent(site, method="POST")
    assert errors(done.rows, "GET") == expected(
        "", "a PHP error in the page", "", "status 404", requests=60 - len(posts)
    )
    assert errors(done.rows, "POST") == expected(
        *(word for _page, word in BUTTON), "status 502", requests=len(posts)
    )
    # The API was away all the time: each list is stale, each silence untrue.
    found = errors(done.rows, "POST")
    assert claimed(done.rows, None, EVERYTHING) == found[""] + found[UNTOLD] > found[UNTOLD] > 0
    assert {row.server for row in done.rows} == {"web1"}
    ids = {row.post_id for row in done.rows if row.post_id}
    assert {one.path for one in posts} == {f"/index.php?lang=fr&labkit_post={one}" for one in ids}
    assert {one.body.decode() for one in posts} == {
        f"submit=list&labkit_post={one}" for one in ids
    }  # fmt: skip
    assert {one.headers["x-labkit-post"] for one in posts} == ids
