"""l) The statistics page, which tells the truth."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from bs4.element import Tag

from checks.judging import must_pass
from checks.pages import fetch, must_be_ok
from labkit.course import check, expect, not_met
from labkit.facts.haproxy.page import Login, StatsPage, find_stats
from labkit.facts.haproxy.process import HAProxy
from labkit.facts.http.pages import Page
from labkit.grading import Context
from labkit.lab import Lab
from labkit.locale import _

REFRESH_S = 10
MOST_AGAIN = 2  # ports, of which each may hang; of more, none is asked once more


@pytest.fixture(scope="session")
def stats_page(lab: Lab, haproxy: HAProxy) -> StatsPage:
    """The statistics page, wherever it was put."""

    def ask(port: int, path: str, user: Login) -> Page:
        again = len(haproxy.ports) <= MOST_AGAIN
        return fetch(lab, "lb", port, path, auth=user, to_https=True, again=again)

    page, seen = find_stats(haproxy, ask)
    if page is None:
        ports = ", ".join(map(str, haproxy.ports)) or "-"
        not_met(
            expected=_("HAProxy's statistics page"),
            seen=seen or _("no page of HAProxy on its ports {ports}", ports=ports),
            where=f"lb:{haproxy.config}",
        )
    return page


def _page(lab: Lab, stats: StatsPage) -> Page:
    return fetch(lab, "lb", stats.port, stats.uri, auth=stats.auth, to_https=True)


@check(
    points=0.5,
    needs="haproxy.backend",
    requires=["firewall", "selinux"],
    probes=(
        "HAProxy's ports at lb are asked from outside for its statistics page, at the stats uri of "
        "your file and at the usual paths; it must answer with status 200 within 5 s, 12 s the "
        "second time, and name the backend that visitors reach."
    ),
    why=(
        "When something is wrong, the first question is which server is down. The page answers it "
        "to everybody, also to those who have no shell on lb."
    ),
    hints=[
        "At which address should the statistics page be?",
        "A section listen stats with stats enable; and its port open in firewalld.",
        (
            "listen stats, bind *:8404, stats enable, stats uri /; "
            "sudo firewall-cmd --add-port=8404/tcp"
        ),
    ],
)
def test_page(
    lab: Lab, haproxy: HAProxy, stats_page: StatsPage, note: Callable[[str], None]
) -> None:
    """The statistics page is served and shows the backend."""
    page = _page(lab, stats_page)
    must_be_ok(page)
    expect(
        haproxy.site in page.html,
        expected=_("{backend} on the page", backend=haproxy.site),
        seen=page.text[:120],
        where=page.url,
    )
    note(page.url)


@check(
    points=0.25,
    needs="stats.page",
    probes="The header Refresh of the statistics page, or its meta element, must say 10 seconds.",
    why=(
        "A page that stands still shows how things were when it was opened: on the screen on the "
        "wall everything is green, and outside nothing works."
    ),
    hints=[
        "Does the page change by itself?",
        "The line stats refresh sets how often the browser asks again.",
        "stats refresh 10s   below listen stats",
    ],
)
def test_refresh(lab: Lab, stats_page: StatsPage) -> None:
    """The page refreshes itself every 10 seconds."""
    page = _page(lab, stats_page)
    tag = page.soup.find("meta", attrs={"http-equiv": re.compile("refresh", re.IGNORECASE)})
    seen = page.refresh or (str(tag.get("content", "")) if isinstance(tag, Tag) else "")
    expect(
        seen.partition(";")[0].strip() == str(REFRESH_S),
        expected=_("a refresh every {seconds} s", seconds=REFRESH_S),
        seen=_("every {seconds} s", seconds=seen) if seen else _("no refresh"),
        where=f"http://lb:{stats_page.port}{stats_page.uri}",
    )


@check(
    points=0.25,
    needs=["stats.page", "haproxy.checked", "deploy.running"],
    drill="truth",
    probes=(
        "The drill truth stops web1's website and asks the statistics page all the while: what it "
        "says of web1 must be what HAProxy knows at that moment, within a second."
    ),
    why=(
        "People act on what the page says. While it shows a dead server as up, they look for the "
        "fault everywhere else."
    ),
    hints=[
        "Stop the website on web1 and watch the page: how long until web1 is red?",
        "Only a checked server can be shown as down.",
        (
            "server web1 web1:80 check and server web2 web2:80 check below backend my-backend, and "
            "stats refresh 10s below listen stats"
        ),
    ],
)
def test_truth(context_of_run: Context, note: Callable[[str], None]) -> None:
    """When a server stops and returns, the page says so."""
    must_pass(context_of_run, "truth", note)
