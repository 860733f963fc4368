"""m) Continuity under faults, measured over time."""

from __future__ import annotations

from collections.abc import Callable

from checks.compose import Stack
from checks.haproxy import HAProxy
from checks.students import students_of
from labkit.course import CannotTellError, Verdict, check, expect, not_met
from labkit.grading import Context, perform_drill
from labkit.load.drill import LIMIT_WORDS
from labkit.locale import _
from labkit.remote import Shell

READY = ("haproxy.checked", "haproxy.balances", "second-server.lists", "verify.list")


@check(points=0, needs=["haproxy.checked", "deploy.running", "second-server.lists"])
def test_ready(haproxy: HAProxy) -> None:
    """Both servers are in rotation."""
    servers = haproxy.settled()
    expect(
        all(one.is_up for one in servers),
        expected=_("both servers UP"),
        seen=", ".join(f"{one.name} {one.status}" for one in servers),
        where="lb",
    )


@check(
    points=1.0,
    needs=READY,
    drill="stop",
    hints=[
        "How long does HAProxy take to notice, and what happens to visitors meanwhile?",
        "check makes it notice after 4 to 6 s; until then half of the requests are lost.",
        "server web1 web1:80 check and server web2 web2:80 check, then labkit drill stop",
    ],
)
def test_stop(
    context_of_run: Context, web1: Shell, stack: Stack, site_port: int, note: Callable[[str], None]
) -> None:
    """The service outlives a stop of web1's website, with losses bounded."""
    _judge(context_of_run, "stop", web1, stack, site_port, note)


@check(
    points=1.0,
    needs=READY,
    drill="kill",
    hints=[
        "How long does HAProxy take to notice, and what happens to visitors meanwhile?",
        "check makes it notice after 4 to 6 s; until then half of the requests are lost.",
        "server web1 web1:80 check and server web2 web2:80 check, then labkit drill kill",
    ],
)
def test_kill(
    context_of_run: Context, web1: Shell, stack: Stack, site_port: int, note: Callable[[str], None]
) -> None:
    """The service outlives a kill of web1's website, with losses bounded."""
    _judge(context_of_run, "kill", web1, stack, site_port, note)


def _judge(
    context: Context,
    name: str,
    web1: Shell,
    stack: Stack,
    port: int,
    note: Callable[[str], None],
) -> None:
    """Run the drill and say what it found. Every POST must bring the whole list."""
    students = "\n".join(students_of(web1, stack))
    result = perform_drill(context, name, port=port, options={"must_contain": students})
    if result.verdict is Verdict.INCONCLUSIVE:
        raise CannotTellError(result.message, settle=f"labkit drill {name}")
    if result.verdict is Verdict.FAILED:
        broken = [one for one in result.limits if one.held is False]
        not_met(
            expected=", ".join(f"{_(LIMIT_WORDS[one.name])} ≤ {one.limit:g}" for one in broken),
            seen=result.message,
            where=f"labkit drill {name}",
        )
    note(result.message)
