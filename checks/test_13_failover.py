"""m) Continuity under faults, measured over time."""

from __future__ import annotations

from collections.abc import Callable

from checks.haproxy import HAProxy
from checks.judging import must_pass
from labkit.course import check, expect
from labkit.grading import Context
from labkit.locale import _

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
def test_stop(context_of_run: Context, note: Callable[[str], None]) -> None:
    """The service outlives a stop of web1's website, with losses bounded."""
    must_pass(context_of_run, "stop", note)


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
def test_kill(context_of_run: Context, note: Callable[[str], None]) -> None:
    """The service outlives a kill of web1's website, with losses bounded."""
    must_pass(context_of_run, "kill", note)
