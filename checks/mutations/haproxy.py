"""Faults in haproxy.cfg."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from checks.mutations.planting import Artefact, Mutate, either, ended, sub
from subject.contract import BACKEND

planted = Artefact("haproxy", "haproxy/haproxy.cfg")

SECTION = re.compile(r"(global|defaults|frontend|backend|listen)\b\s*(\S*)")
INDENT = "    "
CHECKS_OWN = "inter|fastinter|downinter|rise|fall|observe|error-limit|on-error"


@dataclass(frozen=True)
class Line:
    """A line and the section that it is in; the section's own first line is in it, too."""

    text: str
    kind: str  # global, defaults, frontend, backend, listen; "" before the first section
    name: str

    @property
    def words(self) -> list[str]:
        """Without the comment."""
        return re.sub(r"(^|\s)#.*", "", self.text).split()

    @property
    def is_head(self) -> bool:
        """Whether it begins its section."""
        return self.words[:1] == [self.kind]

    @property
    def is_of_backend(self) -> bool:
        return self.kind in ("backend", "listen") and self.name == BACKEND

    @property
    def is_server(self) -> bool:
        return self.is_of_backend and self.words[:1] == ["server"] and len(self.words) > 2

    def says(self, *words: str) -> bool:
        """Whether it begins with these words."""
        return self.words[: len(words)] == list(words)

    def sub(self, pattern: str, new: str) -> Line:
        """With a pattern replaced outside of the comment."""
        code, mark, rest = self.text.partition(" #")
        return replace(self, text=re.sub(pattern, new, code) + mark + rest)

    def plus(self, words: str) -> Line:
        """With more words at its end."""
        return self.sub(r"\s*\Z", f" {words}")


Wanted = Callable[[Line], bool]
Change = Callable[[Line], Line | None]  # None takes the line away


def lines(text: str) -> list[Line]:
    """The configuration, line by line."""
    found, kind, name = [], "", ""
    for one in text.split("\n"):
        head = SECTION.match(one.strip())
        if head:
            kind, name = head[1], head[2]
        found.append(Line(one, kind, name))
    return found


def joined(parts: list[Line]) -> str:
    """The configuration as text."""
    return "\n".join(one.text for one in parts)


def every(wanted: Wanted, change: Change) -> Mutate:
    """An operator that changes all of these lines."""

    def mutate(text: str) -> Iterator[str]:
        # What follows the last line end is no line: HAProxy refuses a file without that end.
        changed = [change(one) if one.text and wanted(one) else one for one in lines(text)]
        yield joined([one for one in changed if one])

    return mutate


def each(wanted: Wanted, change: Change) -> Mutate:
    """An operator that changes one of these lines at a time."""

    def mutate(text: str) -> Iterator[str]:
        found = lines(text)
        for at, one in enumerate(found):
            if wanted(one):
                new = [changed] if (changed := change(one)) else []
                yield joined([*found[:at], *new, *found[at + 1 :]])

    return mutate


def last(wanted: Wanted, change: Change) -> Mutate:
    """An operator that changes the last of these lines, if there are two or more."""
    return lambda text: list(each(wanted, change)(text))[1:][-1:]


def into(wanted: Wanted, line: str) -> Mutate:
    """An operator that adds a line below the heads of these sections."""
    return every(
        lambda one: one.is_head and wanted(one),
        lambda one: replace(one, text=f"{one.text}\n{INDENT}{line}"),
    )


def only(condition: Callable[[str], object], mutate: Mutate) -> Mutate:
    """The operator for texts of which something holds."""
    return lambda text: mutate(text) if condition(text) else []


def lacks(pattern: str) -> Callable[[str], bool]:
    """Whether no line outside of comments has this."""
    return lambda text: not re.search(pattern, "\n".join(" ".join(x.words) for x in lines(text)))


def gone(_line: Line) -> None:
    """No line."""
    return


def is_server(line: Line) -> bool:
    return line.is_server


def is_backend(line: Line) -> bool:
    return line.is_of_backend


def is_web(line: Line) -> bool:
    """Whether it is in what takes the visitors: a frontend, or the listen of that name."""
    return line.kind == "frontend" or (line.kind == "listen" and line.name == BACKEND)


def saying(*words: str, of: Wanted = lambda _line: True) -> Wanted:
    """Lines that begin with these words."""
    return lambda line: line.says(*words) and of(line)


def carries_check(line: Line) -> bool:
    """Whether it turns checks on, for one server or for all that follow."""
    settings = line.is_server or (
        line.says("default-server") and (line.is_of_backend or line.kind == "defaults")
    )
    return settings and "check" in line.words


def unchecked(line: Line) -> Line:
    """Without its check, nor what means something to checks alone."""
    return line.sub(rf"\s+(check|({CHECKS_OWN})\s+\S+)(?=\s|\Z)", "")


def checks_by_default(text: str) -> bool:
    return any(carries_check(one) and not one.is_server for one in lines(text))


def one_unchecked(text: str) -> Iterator[str]:
    """One server alone is not checked."""
    if checks_by_default(text):
        yield from each(is_server, lambda one: one.plus("no-check"))(text)
    else:
        yield from each(carries_check, unchecked)(text)


def balance(algorithm: str) -> Mutate:
    """Another algorithm, wherever the old one was said."""

    def mutate(text: str) -> Iterator[str]:
        rest = joined([one for one in lines(text) if not one.says("balance")])
        yield from into(is_backend, f"balance {algorithm}")(rest)

    return mutate


def named(line: Line) -> bool:
    """Whether a server is given by the lab's own name, and looked up at the start."""
    return line.is_server and line.words[2].startswith(("web1", "web2"))


def same_server(text: str) -> Iterator[str]:
    """Both lines with the first server's address."""
    addresses = [one.words[2] for one in lines(text) if one.is_server]
    if len(set(addresses)) > 1:
        yield from every(
            lambda one: one.is_server and one.words[2] != addresses[0],
            lambda one: one.sub(re.escape(one.words[2]), addresses[0]),
        )(text)


def same_name(text: str) -> Iterator[str]:
    """Both lines with the first server's name."""
    names = [one.words[1] for one in lines(text) if one.is_server]
    if len(set(names)) > 1:
        yield from every(
            is_server, lambda one: one.sub(r"(server\s+)\S+", rf"\g<1>{names[0]}")
        )(text)  # fmt: skip


def weighted(text: str) -> Iterator[str]:
    """Ten times as many visitors for the last server."""
    plain = joined([one.sub(r"\s+weight \d+", "") if one.is_server else one for one in lines(text)])
    yield from last(is_server, lambda one: one.plus("weight 10"))(plain)


def renamed(text: str) -> Iterator[str]:
    """The backend and what refers to it, under another name."""
    yield from every(
        lambda one: BACKEND in one.words and one.words[0] != "server",
        lambda one: one.sub(rf"(?<=\s){re.escape(BACKEND)}\b", "web-servers"),
    )(text)


def without_section(wanted: Wanted) -> Mutate:
    """An operator that leaves sections out."""
    return every(wanted, gone)


def statistics_of(text: str) -> list[Line]:
    """The lines of the sections that give the statistics page and nothing else."""
    found = lines(text)
    names = {
        one.name for one in found
        if one.kind == "listen" and one.says("stats") and one.name != BACKEND
    }  # fmt: skip
    return [one for one in found if one.kind == "listen" and one.name in names]


def in_statistics(mutate: Callable[[Wanted], Mutate]) -> Mutate:
    """An operator for the lines of the statistics' own section."""

    def apply(text: str) -> Iterator[str]:
        mine = statistics_of(text)
        yield from mutate(lambda line: line in mine)(text)

    return apply


def bound_to_itself(line: Line) -> Line:
    return line.sub(r"(bind\s+)\S*?(:\d+)", r"\g<1>127.0.0.1\2")


IS_CHECKED_BY_HTTP = r"\b(httpchk|http-check)\b"

MUTATIONS = (
    planted("server-unresolvable", "haproxy.runs",
            only(lacks(r"\binit-addr\b"),
                 last(named, lambda one: one.sub(r"\b(web[12])(?=:)", r"\1-server"))),
            "A server has a name that nobody knows."),
    planted("same-name", "haproxy.runs", same_name, "Two servers of the same name."),
    planted("default-backend-misspelt", "haproxy.runs",
            every(saying("default_backend"), lambda one: one.plus("").sub(
                r"(default_backend\s+)\S+\s*", r"\1mybackend")),
            "The frontend names a backend that does not exist."),
    planted("mode-misspelt", "haproxy.runs",
            sub(r"^([ \t]*mode[ \t]+)http\b", r"\1htpp", count=1), "A mode that does not exist."),
    planted("unknown-keyword", "haproxy.runs",
            either(sub(r"^([ \t]*)balance\b", r"\1balanced", count=1),
                   sub(r"^([ \t]*)default_backend\b", r"\1default-backend", count=1),
                   sub(r"^frontend\b", "front-end", count=1)),
            "A word that HAProxy does not know."),
    planted("missing-argument", "haproxy.runs",
            either(each(is_server, lambda one: one.sub(r"(server\s+\S+).*", r"\1")),
                   each(saying("bind"), lambda one: one.sub(r"(bind)\b.*", r"\1")),
                   each(saying("timeout", "connect"), lambda one: one.sub(r"(connect)\b.*",
                                                                          r"\1"))),
            "A line is not finished."),
    planted("unknown-user", "haproxy.runs",
            every(saying("user"), lambda one: one.sub(r"(user\s+)\S+", r"\1proxy-user")),
            "HAProxy is to run as a user who does not exist."),
    planted("port-taken", "haproxy.runs",
            every(saying("bind", of=is_web), lambda one: one.sub(r":80\b", ":5000")),
            "HAProxy is to listen on a port that the registry has."),
    planted("server-removed", "haproxy.backend",
            each(is_server, gone),
            "One of the servers is missing."),
    planted("same-server", "haproxy.backend", same_server, "The same server twice."),
    planted("backend-renamed", "haproxy.named", renamed,
            "The backend has another name than the practical asks for."),
    planted("no-check", "haproxy.checked", every(carries_check, unchecked),
            "No server is checked."),
    planted("one-check", "haproxy.checked", one_unchecked, "One server is not checked."),
    planted("no-default-backend", "haproxy.serves", every(saying("default_backend"), gone),
            "The frontend hands its visitors to nobody."),
    planted("no-bind", "haproxy.serves", every(saying("bind", of=is_web), gone),
            "The frontend listens nowhere."),
    planted("bound-to-itself", "haproxy.serves",
            every(saying("bind", of=is_web), bound_to_itself), "Only lb itself can visit it."),
    planted("wrong-ports", "haproxy.serves",
            every(is_server, lambda one: one.sub(r"(server\s+\S+\s+[^\s:]+):\d+", r"\1:8081")),
            "Both servers are looked for on a port where nothing listens."),
    planted("servers-by-tls", "haproxy.serves",
            only(lacks(r"\bssl\b"), every(is_server, lambda one: one.plus("ssl verify none"))),
            "The servers are spoken to by TLS, which they do not speak."),
    planted("check-elsewhere", "haproxy.serves",
            every(is_server, lambda one: one.plus("port 8081")),
            "The check asks a port where nothing listens."),
    planted("check-missing-page", "haproxy.serves",
            only(lacks(IS_CHECKED_BY_HTTP), into(is_backend, "option httpchk GET /health")),
            "The check asks for a page that the servers do not have."),
    planted("https-of-another-port", "haproxy.serves",
            sub(r"redirect scheme https\b", "redirect prefix https://lb:8443"),
            "Visitors are sent to HTTPS at a port that nobody listens on."),
    planted("redirected", "haproxy.serves",
            into(is_web, "http-request redirect scheme https"),
            "Visitors are sent to TLS, which nobody speaks here."),
    planted("balance", "haproxy.balances",
            either(*(balance(one) for one in ("source", "leastconn", "first", "uri"))),
            "Another algorithm than round robin."),
    planted("wrong-port", "haproxy.balances",
            last(is_server, lambda one: one.sub(r"(server\s+\S+\s+[^\s:]+):\d+", r"\1:8081")),
            "One server is looked for on a port where nothing listens."),
    planted("weight", "haproxy.balances", weighted, "One server gets ten times the visitors."),
    planted("backup", "haproxy.balances", last(is_server, lambda one: one.plus("backup")),
            "One server is used only while the other is down."),
    planted("disabled", "haproxy.balances", last(is_server, lambda one: one.plus("disabled")),
            "A server was taken out for maintenance and left so."),
    planted("sticky", "haproxy.balances",
            into(is_backend, f"stick-table type ip size 10k expire 10m\n{INDENT}stick on src"),
            "Each visitor stays with the server that served them first."),
    planted("mode-tcp", "haproxy.logged",
            only(lacks(r"\bhttp-(request|response|check)|\bhttpchk|\blog-format|\bretry-on"),
                 every(lambda one: one.says("mode", "http") and (
                     one.kind in ("defaults", "frontend", "backend") or is_backend(one)),
                     lambda one: one.sub(r"\bhttp\b", "tcp"))),
            "HAProxy passes bytes on, and logs no requests."),
    planted("no-log", "haproxy.logged",
            either(every(saying("log", of=lambda one: one.kind == "global"), gone),
                   every(saying("log", "global"), gone)),
            "Nobody is told where to log, or nobody is told to do it."),
    planted("log-level", "haproxy.logged",
            every(saying("log", of=lambda one: one.kind == "global"), lambda one: one.plus("err")),
            "Errors alone are logged."),
    planted("log-port", "haproxy.logged",
            every(saying("log", of=lambda one: one.kind == "global"),
                  lambda one: one.sub(r":514\b", ":5140")),
            "The log is sent to a port where nobody listens."),
    planted("no-httplog", "haproxy.logged", every(saying("option", "httplog"), gone),
            "Connections are logged, requests are not."),
    planted("dontlog-normal", "haproxy.logged",
            into(lambda one: one.kind == "defaults", "option dontlog-normal"),
            "What went well is not logged."),
    planted("no-stats", "stats.page",
            either(in_statistics(without_section),
                   in_statistics(lambda mine: every(saying("stats", of=mine), gone))),
            "There is no statistics page."),
    planted("stats-to-itself", "stats.page",
            in_statistics(lambda mine: every(saying("bind", of=mine), bound_to_itself)),
            "Only lb itself can see the statistics."),
    planted("stats-of-itself", "stats.page",
            in_statistics(lambda mine: into(mine, "stats scope .")),
            "The page shows itself and no backend."),
    planted("no-refresh", "stats.refresh", every(saying("stats", "refresh"), gone),
            "The page stays as it is."),
    planted("other-refresh", "stats.refresh",
            either(sub(r"^([ \t]*stats[ \t]+refresh[ \t]+)\S+", r"\g<1>5s"),
                   sub(r"^([ \t]*stats[ \t]+refresh[ \t]+)\S+", r"\g<1>30s")),
            "The page refreshes itself too often, or too seldom."),
    planted.same("comment", ended("# The end."), "A comment at the end.",
                 "HAProxy does not read comments."),
    planted.same("no-indent", sub(r"^[ \t]+", ""), "Nothing is indented.",
                 "HAProxy knows its sections by their first word."),
    planted.same("blank-lines", sub(r"\n", "\n\n"), "A blank line after each line.",
                 "HAProxy does not read blank lines."),
    planted.same("no-timeouts", sub(r"^[ \t]*timeout (client|server|http-request|queue)\b.*\n", ""),
                 "Timeouts are left out.", "HAProxy warns, and waits for as long as it takes."),
    planted.same("longer-timeouts",
                 sub(r"^([ \t]*timeout (?:client|server)[ \t]+)\S+", r"\g<1>1m"),
                 "Other timeouts.", "Every answer comes long before."),
    planted.same("check-timings", each(is_server, lambda one: one.plus("inter 1s fall 2")),
                 "One server is checked more often.", "How often is the student's to choose."),
    planted.same("static", balance("static-rr"), "static-rr in place of roundrobin.",
                 "It is round robin, too, with weights that stay as they are."),
)  # fmt: skip
