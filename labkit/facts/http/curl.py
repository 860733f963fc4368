"""HTTP as curl on a machine of the lab sees it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from labkit.facts.foreign import as_json
from labkit.facts.http.browser import AGAIN_S, PATIENCE_S
from labkit.remote import Shell

LARGEST_ANSWER = 1_000_000  # bytes that are looked at
QUESTION_LIMIT_S = PATIENCE_S + AGAIN_S + 5


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


def patiently(words: str, *, again: bool = True) -> str:
    """A curl with a patience of PATIENCE_S, and of AGAIN_S where nothing came within that.

    The time is up (28) on a busy computer as well; whoever refuses is asked once.
    """
    seconds = f"{PATIENCE_S:g} {AGAIN_S:g}" if again else f"{PATIENCE_S:g}"
    return f"for patience in {seconds}; do curl -s -m $patience {words}; [ $? = 28 ] || break; done"


def curl(
    shell: Shell,
    url: str,
    *,
    user: tuple[str, str] | None = None,
    options: Sequence[str] = (),
    again: bool = True,
) -> Answer:
    """Ask from a machine, patiently. The status is written on a line of its own."""
    who = f"-u {shlex.quote(':'.join(user))} " if user else ""
    # Without a User-Agent, as the page asks: nothing tells the grader from a visitor's request.
    asked = patiently(
        f"-A '' --max-filesize {LARGEST_ANSWER} {who}{shlex.join(options)} -o $out "
        f"-w '%{{http_code}}\\n' {shlex.quote(url)}",
        again=again,
    )
    command = (
        f"out=$(mktemp); status=$({asked} | tail -n 1); "
        f"head -c {LARGEST_ANSWER} $out; rm -f $out; echo; echo $status"
    )
    said = shell.ask(command, timeout=QUESTION_LIMIT_S).stdout
    body, _newline, status = said.rstrip("\n").rpartition("\n")
    return Answer(int(status) if status.isdigit() else 0, body.rstrip("\n"), url, shell.name)
