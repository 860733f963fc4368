"""HTTP as curl on a machine of the lab sees it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from labkit.facts.foreign import as_json
from labkit.remote import Shell

LARGEST_ANSWER = 1_000_000  # bytes that are looked at


@dataclass(frozen=True)
class Answer:
    """An HTTP answer as curl on a machine saw it; status 0 when there was none."""

    status: int
    body: str
    url: str
    machine: str

    def json(self) -> Any:
        """The body as JSON, or None if it is none."""
        return as_json(self.body)


def curl(
    shell: Shell, url: str, *, user: tuple[str, str] | None = None, options: Sequence[str] = ()
) -> Answer:
    """Ask from a machine, with a patience of 5 s. The status is written on a line of its own."""
    who = f"-u {shlex.quote(':'.join(user))} " if user else ""
    # Without a User-Agent, as the page asks: nothing tells the grader from a visitor's request.
    command = (
        f"out=$(mktemp); status=$(curl -s -m 5 -A '' --max-filesize {LARGEST_ANSWER} "
        f"{who}{shlex.join(options)} -o $out -w '%{{http_code}}' {shlex.quote(url)}); "
        f"head -c {LARGEST_ANSWER} $out; rm -f $out; echo; echo $status"
    )
    body, _newline, status = shell.ask(command).stdout.rstrip("\n").rpartition("\n")
    return Answer(int(status) if status.isdigit() else 0, body.rstrip("\n"), url, shell.name)
