"""How soon HAProxy must notice a fault, from the timings of its own configuration.

Formulas and defaults: HAProxy's configuration manual, sections 4.2 (timeout check, timeout
connect) and 5.2 (inter, fastinter, downinter, rise, fall). A check begins at any moment of the
interval; every failed one costs the time until it is given up, and then an interval.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from labkit.facts.haproxy.file import Section
from labkit.facts.haproxy.process import HAProxy

UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
PROMPT_S = 0.1  # until a refusal or an answer is there


@dataclass(frozen=True)
class Timings:
    """The settings that detection depends on, in seconds; the defaults are HAProxy's."""

    inter: float = 2.0
    fastinter: float | None = None
    fall: int = 3
    timeout_check: float | None = None
    timeout_connect: float | None = None
    asks_http: bool = False  # the check asks for a page, and does not only connect

    def _detect(self, failing: float) -> float:
        between = self.inter if self.fastinter is None else self.fastinter
        return self.inter + self.fall * failing + (self.fall - 1) * between

    @property
    def silent(self) -> float:
        """At the latest, when nothing at all comes back."""
        if self.timeout_check is None:
            return self._detect(self.inter)
        return self._detect(min(self.inter, self.timeout_connect or self.inter))

    @property
    def hung(self) -> float | None:
        """At the latest, when connections are accepted and not answered; None: perhaps never."""
        if not self.asks_http:
            return None
        return self._detect(self.inter if self.timeout_check is None else self.timeout_check)

    @property
    def wrong(self) -> float | None:
        """At the latest, when the check is answered with an error; None: perhaps never."""
        return self._detect(PROMPT_S) if self.asks_http else None


def timings_of(haproxy: HAProxy) -> Timings | None:
    """The timings of the first server of the backend, as HAProxy's file has them.

    None if the file says them in a way that is not read here, as a variable of the environment.
    """
    try:
        return read_timings(haproxy.sections, haproxy.site)
    except ValueError:
        return None


def read_timings(sections: Iterable[Section], backend: str) -> Timings:
    """The timings that a configuration gives the first server of the backend.

    Where that tracks another server, they are the other one's. ValueError for a setting that is
    no number, and for a section of which a line cannot be read.
    """
    timeouts: dict[str, float] = {}
    servers: dict[str, str] = {}
    asks_http = False
    served = False
    everything = list(sections)
    backend, server = _checked_for(everything, backend)
    for words in _lines(everything, backend):
        if words[0] == "timeout" and len(words) > 2:
            timeouts[words[1]] = seconds(words[2])
        elif words[:2] == ["option", "httpchk"]:
            asks_http = True
        elif words[:3] == ["no", "option", "httpchk"] or words[:2] == ["option", "tcp-check"]:
            asks_http = False
        elif words[0] == "default-server" and not served:  # it is for those that follow
            servers.update(_settings(words[1:]))
        elif words[0] == "server" and not served and server in ("", *words[1:2]):
            servers.update(_settings(words[3:]))
            served = True
    return Timings(
        inter=seconds(servers.get("inter", "2s")),
        fastinter=seconds(servers["fastinter"]) if "fastinter" in servers else None,
        fall=int(servers.get("fall", "3")),
        timeout_check=timeouts.get("check"),
        timeout_connect=timeouts.get("connect"),
        asks_http=asks_http,
    )


def seconds(word: str) -> float:
    """A time as HAProxy writes it (`500ms`, `2s`, `2000`) in seconds; the default unit is ms."""
    found = re.fullmatch(r"(\d+)(us|ms|s|m|h|d)?", word)
    if not found:
        raise ValueError(f"{word!r} is not a time of HAProxy's")
    return int(found.group(1)) * UNITS[found.group(2) or "ms"]


def _lines(sections: Iterable[Section], backend: str) -> Iterator[list[str]]:
    """Each line that has a say: of the defaults that the backend inherits, then its own."""
    everything = list(sections)
    mine = (
        section
        for section in everything
        if section.kind in ("backend", "listen") and section.name == backend
    )
    section = next(mine, None)
    heard: list[Section] = []
    while section:
        heard.insert(0, section)
        section = section.defaults
    for section in heard or everything:  # without the backend nothing may hide it
        if not section.is_whole:
            raise ValueError(f"{section.kind} {section.name}: a line that cannot be read")
    yield from (words for section in heard for _number, words in section.lines)


def _checked_for(sections: list[Section], backend: str) -> tuple[str, str]:
    """The backend and server whose checks the first server of a backend lives by.

    Its own, "" for the first, unless it says `track [BACKEND/]SERVER` (HAProxy's configuration
    manual, 5.2); that one may track a third.
    """
    server, known = "", set[tuple[str, str]]()
    while (backend, server) not in known:
        known.add((backend, server))
        lines = (words for words in _lines(sections, backend) if words[0] == "server")
        line = next((words for words in lines if server in ("", *words[1:2])), [])
        if "track" in line[3:-1]:
            place, _slash, server = line[line.index("track", 3) + 1].rpartition("/")
            backend = place or backend
    return backend, server


def _settings(words: list[str]) -> Mapping[str, str]:
    known = ("inter", "fastinter", "fall")
    return {name: words[at + 1] for at, name in enumerate(words[:-1]) if name in known}
