"""Watches HAProxy from beside it: a JSON line per change of a server's state (and every 0.5 s).

Sent to the load balancer and run there by its own Python (3.9 on Rocky 9), as root, because the
admin socket is root's. It ends when nobody reads it any more, and in any case after `--for`.

    {"t": 1795384043.61, "late": 0.002, "states": {"web1": "UP"},
     "counters": {"failed": 0, "served.web1": 250}}

States: UP, DOWN, DRAIN, MAINT, and UNCHECKED for a server that HAProxy never checks.
Counters are fields of `show stat` (HAProxy's management guide, section 9.1): `failed` is the
backend's hrsp_5xx, `served.X` a server's stot without its wretr (HAProxy counts each attempt to
connect), `retries` wretr, `redispatches` wredis, `connect_errors` econ, `response_errors` eresp,
`gone` the clients that left (cli_abrt).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import socket
import sys
import time
from typing import Any

USUAL_SOCKETS = ("/var/lib/haproxy/stats", "/run/haproxy/admin.sock")  # Rocky, Debian
WORKER = "@1 "  # what a command to the master begins with: for the worker that serves now
POLL_S = 0.05
SPEAK_S = 0.5
BACKEND_COUNTERS = {
    "failed": "hrsp_5xx",
    "retries": "wretr",
    "redispatches": "wredis",
    "connect_errors": "econ",
    "response_errors": "eresp",
    "gone": "cli_abrt",
}


def connected(place: str) -> socket.socket:
    """A connection to an admin socket, with 1 s of patience. OSError if there is none."""
    if not place.startswith("/"):
        host, _colon, port = place.rpartition(":")
        return socket.create_connection((host, int(port)), 1.0)
    if sys.platform == "win32":
        raise OSError(place)  # it runs on a machine
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(1.0)
    try:
        connection.connect(place)
    except OSError:
        connection.close()
        raise
    return connection


def ask(paths: list[str], command: str) -> str:
    """The answer of the first socket, a path or HOST:PORT, that gives one; OSError if none does."""
    refused = OSError("no admin socket")
    for path in paths:
        try:
            with connected(path) as connection:
                connection.sendall(command.encode() + b"\n")
                if command.startswith(WORKER):
                    connection.shutdown(socket.SHUT_WR)  # the master would wait for more
                blocks = iter(lambda: connection.recv(65536), b"")
                return b"".join(blocks).decode("utf-8", "replace")
        except OSError as error:
            refused = OSError(f"{path}: {error.strerror or error}")
    raise refused


def state(word: str) -> str:
    """One of our words for the status column: `UP 1/3` is on its way down and still serves."""
    first = word.split(" ")[0].split("(")[0]
    return {"no": "UNCHECKED", "NOLB": "DRAIN"}.get(first, first)


def read(table: str, backend: str) -> tuple[dict[str, str], dict[str, int]]:
    """States and counters of a backend from the text of `show stat`."""
    rows = csv.DictReader(table.lstrip("# ").splitlines())
    states: dict[str, str] = {}
    counters: dict[str, int] = {}
    for row in rows:
        if row.get("pxname") != backend:
            continue
        name = row["svname"]
        if name == "BACKEND":
            counters.update(
                {ours: int(row.get(theirs) or 0) for ours, theirs in BACKEND_COUNTERS.items()}
            )
        elif row.get("bck") == "1" and (row.get("addr") or "").startswith("127."):
            continue  # it only says sorry once nobody else is up
        elif name != "FRONTEND":
            states[name] = state(row["status"])
            attempts, again = int(row.get("stot") or 0), int(row.get("wretr") or 0)
            counters["served." + name] = attempts - again
    if not states:
        raise OSError("HAProxy has no backend " + backend + " with servers")
    return states, counters


def look(paths: list[str], backend: str, command: str) -> dict[str, Any]:
    """What there is to say now, without its time."""
    try:
        states, counters = read(ask(paths, command), backend)
    except OSError as error:
        return {"error": str(error)}
    return {"states": states, "counters": counters}


def watch(paths: list[str], backend: str, command: str, seconds: float) -> None:
    """Look and speak until the time is over."""
    end = time.monotonic() + seconds
    said: Any = None
    spoke = due = late = 0.0
    while time.monotonic() < end:
        began = time.monotonic()
        late = max(late, began - due if due else 0.0)
        seen = look(paths, backend, command)
        states = seen.get("states")
        if states != said or began - spoke >= SPEAK_S:
            print(json.dumps({"t": time.monotonic(), "late": late, **seen}), flush=True)
            said, spoke, late = states, began, 0.0
        due = max(began + POLL_S, time.monotonic())  # a slow answer is not our lateness
        time.sleep(due - time.monotonic() if due > time.monotonic() else 0.0)


def main() -> None:
    """Read the arguments and watch; a closed pipe is the usual end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--backend", default="my-backend")
    parser.add_argument("--socket", default="")
    parser.add_argument("--master", action="store_true", help="the socket is the master's")
    parser.add_argument("--for", dest="seconds", type=float, default=300.0)
    options = parser.parse_args()
    paths = [options.socket] if options.socket else [*USUAL_SOCKETS]
    try:
        command = (WORKER if options.master else "") + "show stat"
        watch(paths, options.backend, command, options.seconds)
    except BrokenPipeError:
        # Nobody listens any more. Without this, Python would complain when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
