"""HAProxy's statistics page: found by asking its ports."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from checks.haproxy import HAProxy
from checks.pages import Page
from labkit.course import NotMetError

STATISTICS = "Statistics Report"  # which HAProxy's own page calls itself; it has a form, too
Login = tuple[str, str] | None
Ask = Callable[[int, str, Login], Page]  # port, path, login; NotMetError when nobody answers


@dataclass(frozen=True)
class StatsPage:
    """Where the page is and how one gets in."""

    port: int
    uri: str
    auth: Login

    @property
    def csv(self) -> str:
        """The path of its CSV form."""
        return f"{self.uri};csv"


def find_stats(haproxy: HAProxy, ask: Ask) -> tuple[StatsPage | None, str]:
    """The statistics page, wherever it was put; else None and what the last port said."""
    uris = re.findall(r"^[ \t]*stats[ \t]+uri[ \t]+(\S+)", haproxy.text, re.MULTILINE)
    named = re.search(r"^[ \t]*stats[ \t]+auth[ \t]+([^:\s]+):(\S+)", haproxy.text, re.MULTILINE)
    user = (named.group(1), named.group(2)) if named else None
    seen = ""
    for port in sorted(haproxy.ports, key=lambda port: port == 80):
        for uri in dict.fromkeys((*uris, "/haproxy?stats", "/stats", "/")):
            try:
                page = ask(port, uri, user)
            except NotMetError as error:
                seen = f"lb:{port}: {error.seen}"
                break
            if STATISTICS in page.html:
                return StatsPage(port, uri, user), ""
    return None, seen
