"""Locks between commands: two that change one lab are refused, two that make one thing take turns.

The locks are the system's (flock), so that a killed command holds nothing. Who holds a lab stands
in a file beside its lock, which is only read, to name the holder, after it could not be had.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from labkit.errors import NotReadyError
from labkit.lab.model import Lab
from labkit.locale import _
from labkit.whole import write_whole


@contextmanager
def hold(lab: Lab, verb: str) -> Iterator[None]:
    """Hold the lab for as long as `verb` works on it.

    Raises `NotReadyError` at once, naming verb, process and time, if another command holds it.
    """
    lock = FileLock(lab.state / "lock")
    holder = lab.state / "lock.json"
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise NotReadyError(
            _holder(holder),
            where=f"lab {lab.name}",
            then=_("wait until it has ended, then the same command again"),
        ) from error
    try:
        now = datetime.now().astimezone()
        record = {"verb": verb, "pid": os.getpid(), "since": now.isoformat()}
        write_whole(holder, json.dumps(record))
        yield
    finally:
        lock.release()


@contextmanager
def in_turn(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock `path`, after whoever holds it now; `waiting` is called if that is somebody."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waiting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _holder(file: Path) -> str:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        since = datetime.fromisoformat(found["since"]).strftime("%H:%M")
        command = f"labkit {found['verb']}"
        return _(
            "{command} (process {pid}) has been working on this lab since {time}",
            command=command,
            pid=found["pid"],
            time=since,
        )
    except (OSError, ValueError, KeyError):  # it took the lock a moment ago
        return _("another labkit command is working on this lab")
