"""m) Continuity under faults, measured over time."""

from __future__ import annotations

from collections.abc import Callable

from checks.judging import in_rotation, must_pass
from labkit.course import check
from labkit.facts.haproxy.process import HAProxy
from labkit.grading import Context

READY = ("haproxy.checked", "haproxy.balances", "second-server.lists", "verify.list")


@check(
    points=0,
    needs=["haproxy.checked", "deploy.running", "second-server.lists"],
    probes=(
        "HAProxy's admin socket on lb is asked again and again, for 12 s at most, until both "
        "servers of the backend are up."
    ),
    why=(
        "With one server out already, the next fault takes the service away; and of a drill that "
        "begins like this, nobody can say which loss has which cause."
    ),
    hints=[
        "What state does the statistics page give each server?",
        (
            "A server comes into rotation when its health check succeeds: the website must answer "
            "at the address and port of its line server."
        ),
        (
            "On the server that is DOWN: cd /srv/student-list && docker compose up -d; in "
            "haproxy.cfg: server web1 web1:80 check and server web2 web2:80 check"
        ),
    ],
)
def test_ready(haproxy: HAProxy) -> None:
    """Both servers are in rotation."""
    in_rotation(haproxy)


@check(
    points=1.0,
    needs=READY,
    drill="stop",
    requires=["firewall"],
    probes=(
        "The drill stop stops web1's website with docker stop while visitors come to lb. Lost "
        "requests, the time until HAProxy notices and the time until web1 is back must stay within "
        "the limits, and within what the timings in haproxy.cfg promise."
    ),
    why=(
        "Servers are stopped for every update. The other one has to carry on, and what is lost "
        "until HAProxy notices has to be known and bounded."
    ),
    hints=[
        "How long does HAProxy take to notice, and what happens to visitors meanwhile?",
        "check makes it notice after 4 to 6 s; until then half of the requests are lost.",
        "server web1 web1:80 check and server web2 web2:80 check, then labkit drill stop",
    ],
)
def test_stop(context_of_run: Context, note: Callable[[str], None]) -> None:
    """The service survives a stop of web1's website, with losses bounded."""
    must_pass(context_of_run, "stop", note)


@check(
    points=1.0,
    needs=READY,
    drill="kill",
    requires=["firewall"],
    probes=(
        "The drill kill kills web1's website with docker kill while visitors come to lb. Lost "
        "requests, the time until HAProxy notices and the time until web1 is back must stay within "
        "the limits, and within what the timings in haproxy.cfg promise."
    ),
    why=(
        "A crash gives no warning and says no goodbye. What visitors lose in those seconds is what "
        "a service's availability is measured by."
    ),
    hints=[
        "How long does HAProxy take to notice, and what happens to visitors meanwhile?",
        "check makes it notice after 4 to 6 s; until then half of the requests are lost.",
        "server web1 web1:80 check and server web2 web2:80 check, then labkit drill kill",
    ],
)
def test_kill(context_of_run: Context, note: Callable[[str], None]) -> None:
    """The service survives a kill of web1's website, with losses bounded."""
    must_pass(context_of_run, "kill", note)
