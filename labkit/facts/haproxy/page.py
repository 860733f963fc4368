"""HAProxy's statistics page: found by asking its ports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from labkit.course import NotMetError
from labkit.facts.haproxy.file import Section
from labkit.facts.haproxy.process import HAProxy
from labkit.facts.http.pages import Page

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
    said = [section for section in haproxy.sections if section.kind != "global"]
    uris = [words[0] for section in said for words in section.said("stats", "uri") if words]
    user = login_of(said)
    seen = ""
    for port in sorted(haproxy.ports, key=lambda port: port == 80):
        for uri in dict.fromkeys((*uris, "/haproxy?stats", "/stats", "/")):
            try:
                page = ask(port, uri, user)
            except NotMetError as error:
                seen = f"{haproxy.shell.name}:{port}: {error.seen}"
                break
            if STATISTICS in page.html:
                return StatsPage(port, uri, user), ""
    return None, seen


def login_of(sections: Sequence[Section]) -> Login:
    """Who may see the page: by `stats auth`, or by a userlist whose password can be read."""
    for section in sections:
        for words in section.said("stats", "auth"):
            name, _colon, password = words[0].partition(":") if words else ("", "", "")
            return name, password
    for section in sections:
        for words in section.said("user") if section.kind == "userlist" else ():
            if len(words) > 2 and words[1] == "insecure-password":
                return words[0], words[2]
    return None
