"""HAProxy's statistics page: found by asking its ports."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from labkit.course import NotMetError
from labkit.facts.haproxy.file import Section
from labkit.facts.haproxy.passwords import HASHES, PASSWORD
from labkit.facts.haproxy.process import HAProxy
from labkit.facts.http.pages import Page

STATISTICS = "Statistics Report"  # which HAProxy's own page calls itself; it has a form, too
UNAUTHORISED = 401
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
    users: list[Login] = [*dict.fromkeys(logins_of(said))] or [None]
    seen = ""
    for port in sorted(haproxy.ports, key=lambda port: port == 80):
        for uri in dict.fromkeys((*uris, "/haproxy?stats", "/stats", "/")):
            try:
                page, user = _let_in(users, functools.partial(ask, port, uri))
            except NotMetError as error:
                seen = f"{haproxy.shell.name}:{port}: {error.seen}"
                break
            if STATISTICS in page.html:
                return StatsPage(port, uri, user), ""
    return None, seen


def _let_in(users: Sequence[Login], ask: Callable[[Login], Page]) -> tuple[Page, Login]:
    """The page that the first user sees who is let in, else the last one's."""
    for user in users:
        page = ask(user)
        if page.status != UNAUTHORISED:
            break
    return page, user


def logins_of(sections: Sequence[Section]) -> Iterator[tuple[str, str]]:
    """Who may see the page: by `stats auth`, or by a userlist whose password is known."""
    for section in sections:
        for words in section.said("stats", "auth"):
            name, _colon, password = words[0].partition(":") if words else ("", "", "")
            yield name, password
    for section in sections:
        for words in section.said("user") if section.kind == "userlist" else ():
            if len(words) > 2 and words[1] == "insecure-password":
                yield words[0], words[2]
            elif len(words) > 2 and words[1] == "password" and words[2] in HASHES.values():
                yield words[0], PASSWORD
