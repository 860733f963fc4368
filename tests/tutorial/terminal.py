"""A terminal in which somebody types: one bash for a whole page, on a machine or here."""

from __future__ import annotations

import base64
import os
import selectors
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

# On a terminal curl shows no progress, and no reader asks for any; into this pipe it would.
LIKE_A_TERMINAL = 'curl() { command curl --no-progress-meter "$@"; }'
LINE_LIMIT_S = 420.0  # the longest that one line takes: a drill, or the build of an image


class Terminal:
    """A shell that keeps its folder and its variables from one line to the next."""

    def __init__(
        self, start: Sequence[str], *, folder: str, environment: Mapping[str, str]
    ) -> None:
        self._process = subprocess.Popen(
            list(start),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,  # what could not be typed into a shell that ended is not kept for its close
        )
        self.type(LIKE_A_TERMINAL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def type(self, line: str, *, limit: float = LINE_LIMIT_S) -> tuple[str, int | None]:
        """What a line prints, and its exit code; None if the shell ended meanwhile.

        The line gets an empty standard input: what it reads there would be the lines to come.
        TimeoutError after `limit` seconds.
        """
        mark = f"@@{uuid.uuid4().hex}"
        packed = base64.b64encode(line.encode()).decode()
        typed = f'eval "$(echo {packed} | base64 -d)" </dev/null; echo "{mark} $?"\n'
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(typed.encode())
        except BrokenPipeError:
            return "", None
        output = self._read(mark, time.monotonic() + limit)
        before, found, after = output.partition(mark)
        return before, int(after.split()[0]) if found else None

    def _read(self, mark: str, deadline: float) -> str:
        assert self._process.stdout is not None
        found = bytearray()
        end = mark.encode()
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not (end in found and found.endswith(b"\n")):
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise TimeoutError(found.decode(errors="replace")[-2000:])
                data = os.read(self._process.stdout.fileno(), 65536)
                if not data:
                    break
                found += data
        return found.decode(errors="replace")

    def close(self) -> None:
        """End the shell."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()
        self._process.terminate()
        self._process.wait()
