"""l) The statistics page, which tells the truth."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from bs4.element import Tag

from checks.compose import Stack, quoted
from checks.haproxy import BACKEND, HAProxy
from checks.pages import Page, fetch
from labkit.course import NotMetError, check, expect, not_met
from labkit.lab import Lab
from labkit.locale import _
from labkit.remote import Shell

REFRESH_S = 10
# A refused server is down after at most 3 checks 2 s apart (HAProxy's defaults), an unreadable
# one later; then the page shows it at its next refresh.
TRUTH_LIMIT_S = 8.0 + REFRESH_S
BACK_LIMIT_S = 6.0 + REFRESH_S


@dataclass(frozen=True)
class StatsPage:
    """Where the page is and how one gets in."""

    port: int
    uri: str
    auth: tuple[str, str] | None

    def fetch(self, lab: Lab) -> Page:
        """The page as a browser gets it."""
        return fetch(lab, "lb", self.port, self.uri, auth=self.auth)

    def status(self, lab: Lab, server: str) -> str:
        """What the page says of a server, from its CSV form (`;csv`)."""
        page = fetch(lab, "lb", self.port, f"{self.uri};csv", auth=self.auth)
        for row in csv.DictReader(io.StringIO(page.html.lstrip("# "))):
            if row["pxname"] == BACKEND and row["svname"] == server:
                return str(row["status"])
        return ""


@pytest.fixture(scope="session")
def stats_page(lab: Lab, haproxy: HAProxy) -> StatsPage:
    """The statistics page, wherever it was put."""
    uris = re.findall(r"^\s*stats\s+uri\s+(\S+)", haproxy.text, re.MULTILINE)
    auth = re.search(r"^\s*stats\s+auth\s+([^:\s]+):(\S+)", haproxy.text, re.MULTILINE)
    user = (auth.group(1), auth.group(2)) if auth else None
    seen = _(
        "no page of HAProxy's on its ports {ports}", ports=", ".join(map(str, haproxy.ports)) or "-"
    )
    for port in sorted(haproxy.ports, key=lambda port: port == 80):
        for uri in dict.fromkeys((*uris, "/haproxy?stats", "/stats", "/")):
            try:
                page = fetch(lab, "lb", port, uri, auth=user)
            except NotMetError as error:
                seen = f"lb:{port}: {error.seen}"
                break
            if "Statistics Report" in page.html:
                return StatsPage(port, uri, user)
    not_met(expected=_("HAProxy's statistics page"), seen=seen, where=f"lb:{haproxy.config}")
    return None


@check(
    points=0.5,
    needs="haproxy.backend",
    hints=[
        "At which address should the statistics page be?",
        "A section listen stats with stats enable; and its port open in firewalld.",
        (
            "listen stats, bind *:8404, stats enable, stats uri /; "
            "sudo firewall-cmd --add-port=8404/tcp"
        ),
    ],
)
def test_page(lab: Lab, stats_page: StatsPage, note: Callable[[str], None]) -> None:
    """The statistics page is served and shows my-backend."""
    page = stats_page.fetch(lab)
    page.must_be_ok()
    expect(
        BACKEND in page.html,
        expected=_("{backend} on the page", backend=BACKEND),
        seen=page.text[:120],
        where=page.url,
    )
    note(page.url)


@check(
    points=0.25,
    needs="stats.page",
    hints=[
        "Does the page change by itself?",
        "The line stats refresh sets how often the browser asks again.",
        "stats refresh 10s   below listen stats",
    ],
)
def test_refresh(lab: Lab, stats_page: StatsPage) -> None:
    """The page refreshes itself every 10 seconds."""
    page = stats_page.fetch(lab)
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
    disturbs=True,
    hints=[
        "Stop the website on web1 and watch the page: how long until web1 is red?",
        "Only a checked server can be shown as down.",
        "server web1 web1:80 check   and   stats refresh 10s",
    ],
)
def test_truth(
    lab: Lab,
    web1: Shell,
    haproxy: HAProxy,
    stack: Stack,
    stats_page: StatsPage,
    note: Callable[[str], None],
) -> None:
    """When a server stops and returns, the page says so."""
    address = lab.prove_target("web1").address
    server = next((one.name for one in haproxy.servers() if one.address == address), "")
    if stack.website is None or not server:
        not_met(expected=_("web1 in my-backend"), seen=_("none"), where="lb")
    website = quoted(stack.website)
    web1.ask(f"docker stop -t 1 {website}")
    try:
        down = _wait(lambda: stats_page.status(lab, server).startswith("DOWN"), TRUTH_LIMIT_S)
    finally:
        web1.ask(f"docker start {website}")
    expect(
        down is not None,
        expected=_("{name} DOWN within {seconds} s", name=server, seconds=TRUTH_LIMIT_S),
        seen=stats_page.status(lab, server),
        where=f"http://lb:{stats_page.port}{stats_page.uri}",
    )
    up = _wait(lambda: stats_page.status(lab, server).startswith("UP"), BACK_LIMIT_S)
    expect(
        up is not None,
        expected=_("{name} UP within {seconds} s", name=server, seconds=BACK_LIMIT_S),
        seen=stats_page.status(lab, server),
        where=f"http://lb:{stats_page.port}{stats_page.uri}",
    )
    note(_("DOWN after {down} s, UP after {up} s", down=f"{down:.1f}", up=f"{up:.1f}"))


def _wait(holds: Callable[[], bool], limit_s: float) -> float | None:
    """Seconds until something holds, polled; None if it does not within the limit."""
    started = time.monotonic()
    while time.monotonic() - started < limit_s:
        if holds():
            return time.monotonic() - started
        time.sleep(0.2)
    return None
