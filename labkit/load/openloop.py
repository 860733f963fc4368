"""An open-loop user for Locust: every request starts when it is due, whatever the others do.

Locust's own users are closed loops: a user that waits for a hung server sends nothing more, and
the report says 0 % failures of a service that lost 10 %. Here one user walks a schedule and
starts each request in a greenlet of its own.

Imported only inside a Locust process, by a scenario; never by the rest of labkit.

The answer is read with geventhttpclient's parser on a socket of our own rather than with
`FastHttpSession`: that client sends a GET again, silently and up to three times, when a
connection is closed without an answer (`HTTPClient.request`), which is a failure to be counted.
"""

from __future__ import annotations

import errno
import gc
import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, ClassVar
from urllib.parse import quote, urlsplit

import gevent
import gevent.pool
import gevent.socket
import gevent.ssl
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError, HTTPSocketResponse
from locust import User, task
from locust.exception import StopUser

from labkit.load.clock import Clock
from labkit.load.plan import PLAN_VARIABLE, Arrival, LoadPlan
from labkit.load.rows import GENERATOR_ERROR, End, Line, Row, Start, encode
from labkit.load.visitor import browser
from labkit.load.workers import agree, leave

BLOCK = 65_536  # bytes per read: one read for the answers of the course
# What is looked at of an answer; a page of the practical has some kilobytes. At a hundred requests
# a second more would keep the generator from its schedule.
LARGEST_ANSWER = 4 * BLOCK
LARGEST_HEAD = BLOCK
LONGEST_NAME = 100  # characters of what an answer says of its server
# ASCII that a browser sends as it is in an address; the rest is written as %XX.
PLAIN = "%/:;=&?~#+!$,'@()*[]|"


@dataclass(frozen=True)
class Request:
    """One HTTP request as a scenario wants it sent. `path` starts with a slash."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What came back. Header names in lower case; `body` undecoded."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class LostRequestError(Exception):
    """No right answer came; the message is the few words that rows and reports use."""


class OpenLoopUser(User):
    """The one user of a worker. A scenario subclasses it and says what a request and a right
    answer are; everything else comes from the plan (`LABKIT_LOAD_PLAN`).
    """

    abstract = True
    plan: ClassVar[LoadPlan]

    def __init__(self, environment: Any) -> None:
        type(self).plan = LoadPlan.read(Path(os.environ[PLAN_VARIABLE]))
        self.host = self.plan.base_url
        super().__init__(environment)

    # What a scenario says ---------------------------------------------------------------

    def get(self) -> Request:
        """The request of a GET arrival."""
        return Request("GET", "/")

    def post(self, post_id: str) -> Request:
        """The request of a POST arrival; it must carry the id, so that a server can count it."""
        return Request("POST", "/", {"X-Labkit-Post": post_id})

    def wrong(self, request: Request, answer: Answer) -> str:
        """Why the answer is not the right one, in a few words; "" if it is."""
        del request
        return "" if 200 <= answer.status < 300 else f"status {answer.status}"

    def server(self, answer: Answer) -> str:
        """Which server answered, "" if the answer does not say."""
        return answer.headers.get("x-served-by", "")

    # The schedule -----------------------------------------------------------------------

    @task
    def walk(self) -> None:
        """Send this worker's share of the plan, wait for the last answers, end Locust."""
        gc.collect()
        gc.freeze()  # what exists now is never garbage; collections stay short during the run
        runner, workers = self.environment.runner, self.plan.workers
        worker = runner.worker_index if workers > 1 else 0
        try:
            rows = self.plan.rows_of(worker).open("x", encoding="utf-8")
        except FileExistsError:
            # A master that has lost sight of a worker for some seconds hands out users again.
            raise StopUser from None
        with rows:
            _Walk(self, worker, rows).run()
        leave(runner, workers)
        raise StopUser

    def send(self, arrival: Arrival, due: float, clock: Clock) -> Row:
        """One request from its start to a row; also told to Locust's own statistics.

        Whatever happens there is a row: what is not in it would not be counted as lost either.
        """
        started = clock.now()
        answer, server = None, ""
        try:
            request = self.post(arrival.post_id) if arrival.method == "POST" else self.get()
            wire = _wire(self.plan, request)
        except Exception as failure:
            error = f"{GENERATOR_ERROR} {type(failure).__name__}"
        else:
            answer, error = _exchange(self.plan, request.method, wire)
            if answer is not None:
                error, server = self._judged(request, answer)
        row = Row(
            scheduled=due,
            started=started,
            ended=clock.now(),
            method=arrival.method,
            status=answer.status if answer else 0,
            server=server,
            bytes=len(answer.body) if answer else 0,
            error=error,
            post_id=arrival.post_id,
            ok=not error,
        )
        self._tell_locust(row)
        return row

    def _judged(self, request: Request, answer: Answer) -> tuple[str, str]:
        """What is wrong with an answer, and who gave it."""
        try:
            return self.wrong(request, answer), self.server(answer)[:LONGEST_NAME]
        except Exception:  # a server can send what breaks any reader
            return "an answer that cannot be read", ""

    def _tell_locust(self, row: Row) -> None:
        self.environment.events.request.fire(
            request_type=row.method,
            name=self.plan.base_url,
            response_time=(row.ended - row.started) * 1000,
            response_length=row.bytes,
            response=None,
            context={},
            exception=None if row.ok else LostRequestError(row.error),
            start_time=row.started,
            url=self.plan.base_url,
        )


class _Walk:
    """One pass over a worker's share of the schedule, with the rows that it writes."""

    def __init__(self, user: OpenLoopUser, worker: int, rows: IO[str]) -> None:
        self.user = user
        self.worker = worker
        self.rows = rows
        self.worst_lateness_s = 0.0
        self.sent = 0

    def run(self) -> None:
        plan = self.user.plan
        self.clock = Clock(plan.clock)
        begin = self.clock.at(agree(self.user.environment.runner, plan.workers))
        self._write(Start(begin))
        requests = gevent.pool.Group()
        for arrival in plan.share(self.worker):
            due = begin + arrival.offset_s
            gevent.sleep(max(0.0, due - self.clock.now()))
            requests.spawn(self._one, arrival, due)
        # One second more than patience: a time-out that is itself late still writes its row.
        requests.join(timeout=plan.patience_s + 1.0)
        self._write(End(self.clock.now(), self.worst_lateness_s, self._unsent))

    @property
    def _unsent(self) -> int:
        return self.user.plan.share_count(self.worker) - self.sent

    def _one(self, arrival: Arrival, due: float) -> None:
        self.sent += 1
        self.worst_lateness_s = max(self.worst_lateness_s, self.clock.now() - due)
        self._write(self.user.send(arrival, due, self.clock))

    def _write(self, line: Line) -> None:
        self.rows.write(encode(line))
        self.rows.flush()  # a killed generator leaves every finished row behind


class _Bounded:
    """A socket to read from that gives no more than an answer may have, headers included."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._room = LARGEST_HEAD + LARGEST_ANSWER

    def recv(self, most: int) -> bytes:
        """What is there; HTTPParseError when it is too much."""
        data: bytes = self._connection.recv(min(most, BLOCK))
        self._room -= len(data)
        if self._room < 0:
            raise HTTPParseError("too long")
        return data

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _exchange(plan: LoadPlan, method: str, wire: bytes) -> tuple[Answer | None, str]:
    """A request on a fresh connection, connect and answer within the plan's patience."""
    patience = gevent.Timeout(plan.patience_s)
    try:
        with patience:
            return _converse(plan.base_url, method, wire), ""
    except gevent.Timeout as expired:
        if expired is not patience:
            raise
        return None, "timeout"
    except HTTPConnectionClosed:
        return None, "closed without an answer"
    except OSError as error:
        return None, _word(error)
    except Exception:  # of the parser, on headers that it had not thought of either
        return None, "broken answer"


def _converse(base_url: str, method: str, wire: bytes) -> Answer:
    """The beginning of the answer: what is longer than LARGEST_ANSWER is not waited for."""
    target = urlsplit(base_url)
    secure = target.scheme == "https"
    port = target.port or (443 if secure else 80)
    connection = gevent.socket.create_connection((target.hostname, port))
    try:
        if secure:
            connection = _any_certificate().wrap_socket(connection)
        connection.sendall(wire)
        response = HTTPSocketResponse(_Bounded(connection), block_size=BLOCK, method=method)
        body = response.read(LARGEST_ANSWER)
        headers = {name.lower(): value for name, value in response.items()}
        return Answer(response.status_code, headers, body)
    finally:
        connection.close()


def _any_certificate() -> gevent.ssl.SSLContext:
    """Whose certificate it is does not matter here: a check of the course asks that."""
    context = gevent.ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _wire(plan: LoadPlan, request: Request) -> bytes:
    headers = {
        "Host": urlsplit(plan.base_url).netloc,
        "User-Agent": browser(plan.run),
        "Accept": "*/*",
        "Connection": "close",  # each arrival is another visitor
        **request.headers,
    }
    if request.body or request.method == "POST":
        headers["Content-Length"] = str(len(request.body))
    lines = [f"{request.method} {quote(request.path, safe=PLAIN, errors='replace')} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body


def _word(error: OSError) -> str:
    return {
        errno.ECONNREFUSED: "refused",
        errno.ECONNRESET: "reset",
        errno.EPIPE: "reset",
        errno.EHOSTUNREACH: "no route",
        errno.ENETUNREACH: "no route",
        errno.ETIMEDOUT: "timeout",
        # The generator's own limits: never the fault of the service under load.
        errno.EMFILE: "generator: too many open files",
        errno.EADDRNOTAVAIL: "generator: no free port",
    }.get(error.errno or 0, json.dumps(str(error))[1:-1])
