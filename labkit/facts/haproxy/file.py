"""haproxy.cfg read as HAProxy reads it: words, variables, sections, and where a port leads.

Words, quotes, escapes and variables: configuration manual 3.0, sections 2.2 to 2.4; sections and
`disabled`: section 4. What a file says of itself; what runs is asked of HAProxy.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

LONGEST_LINE = 8192  # characters; HAProxy takes 64 words of a line
ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
VARIABLE = re.compile(r"\{(\w+)(?:-([^}]*))?\}|([A-Za-z_]\w*)")
# The manual, 2.5: a condition on a variable. Those that systemd sets for a service are no file's to
# ask for (systemd.exec(5)).
IF_DEFINED = re.compile(r"defined\((?!HAPROXY|[A-Z]+_SOCKET\)|LISTEN_|SYSTEMD_|PATH\))(\w+)\)")
HEADS = ("global", "defaults", "frontend", "backend", "listen", "userlist", "resolvers", "peers",
         "cache", "http-errors", "program", "ring", "mailers", "fcgi-app")  # fmt: skip
PROXIES = ("frontend", "backend", "listen")
BOUND = re.compile(r"[^/@]*(?:@[^/]*)?:([0-9]{1,5})(?:-([0-9]{1,5}))?")  # the manual, 4.2, bind
MOST_PORTS = 20  # of a range that are looked at
# What somebody has written into a file that a package brought: Debian's has no such sections, el9's
# has three, with servers on the machine itself.
WRITTEN_BY_HAND = (
    r"^\s*(frontend|backend|listen)\s+(?!(main|static|app)\s*$)"
    r"|^\s*server(-template)?\s+\S+\s+(?!127\.)"
)


class UnreadableError(ValueError):
    """A line that HAProxy would not take either, or whose variables nobody can know here."""


@dataclass
class Environment:
    """The variables that a file has set so far."""

    values: dict[str, str] = field(default_factory=dict)
    # Of each .if, the variables whose definition its branch asks for: one that is not defined is
    # never put in. What a branch sets may be set or not.
    _branches: list[list[str]] = field(default_factory=list)

    def read(self, line: str) -> list[str]:
        """The words of the next line, its variables put in; what it sets is kept.

        UnreadableError for an open quote and for a variable that the file does not set.
        """
        asked = dict.fromkeys(itertools.chain.from_iterable(self._branches), "")
        words = words_of(line, {**asked, **self.values})
        keyword = words[0] if words else ""
        self._branch(keyword, words[1:])
        if keyword in ("setenv", "presetenv", "unsetenv"):
            if self._branches or len(words) < 2:
                raise UnreadableError(" ".join(words))
            if keyword == "unsetenv":
                for name in words[1:]:
                    self.values.pop(name, None)
            elif keyword == "setenv" or words[1] not in self.values:
                self.values[words[1]] = words[2] if len(words) > 2 else ""
        return words

    def _branch(self, keyword: str, condition: list[str]) -> None:
        if keyword in (".elif", ".else", ".endif") and self._branches:
            self._branches.pop()
        if keyword in (".if", ".elif", ".else"):
            self._branches.append(IF_DEFINED.findall(" ".join(condition)))


@dataclass
class Section:
    """A section: `frontend website` with the lines below it, numbered as in the file."""

    kind: str
    name: str
    lines: list[tuple[int, list[str]]] = field(default_factory=list)
    defaults: Section | None = None  # those that it inherits
    is_whole: bool = True  # each of its lines could be read, and is in force for certain

    def said(self, *words: str) -> list[list[str]]:
        """What follows on each line that begins with these words."""
        return [
            line[len(words) :] for _number, line in self.lines if line[: len(words)] == [*words]
        ]

    @property
    def is_live(self) -> bool:
        """Whether it is a proxy that takes part: `disabled` binds and checks nothing."""
        inherited = self.defaults is not None and self.defaults.said("disabled")
        disabled = self.said("disabled") or (inherited and not self.said("enabled"))
        return self.kind in PROXIES and not disabled

    @property
    def ports(self) -> list[int]:
        """The ports that it binds, where it says so in so many digits."""
        given = [words[0] for words in self.said("bind") if words]
        addresses = [address for words in given for address in words.split(",")]
        ports: list[int] = []
        for address in addresses:
            if match := BOUND.fullmatch(address):
                first, last = int(match[1]), int(match[2] or match[1])
                ports += range(first, min(last, first + MOST_PORTS) + 1)
        return ports


def sections(text: str) -> list[Section]:
    """The sections of a file, in order. A line that cannot be read counts for nothing.

    Nor does what stands between `.if` and `.endif`, which may be in force or not. The section that
    it stands in is then not whole.
    """
    found: list[Section] = []
    defaults: dict[str, Section] = {}  # by name; "": the latest
    known = Environment()
    depth = 0
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        if not line or line.isspace():
            continue
        try:
            words = known.read(line)
        except UnreadableError:
            words = None
        if words is None or depth > 0:
            for section in found[-1:]:
                section.is_whole = False
        if not words:
            continue
        depth += {".if": 1, ".endif": -1}.get(words[0], 0)
        if depth > 0 or words[0].startswith("."):
            continue
        if words[0] in HEADS:
            found.append(_begun(words, defaults))
            if words[0] == "defaults":
                defaults[found[-1].name] = defaults[""] = found[-1]
            if words[0] in ("frontend", "listen") and len(words) > 2 and ":" in words[2]:
                found[-1].lines.append((number, ["bind", *words[2:]]))
        elif found:
            found[-1].lines.append((number, words))
    return found


def _begun(words: list[str], defaults: dict[str, Section]) -> Section:
    """The section that a line begins; it inherits the latest defaults, or those `from` NAME."""
    kind, rest = words[0], words[1:]
    name = rest[0] if rest and rest[0] != "from" else ""
    named = rest[rest.index("from") + 1] if "from" in rest[:-1] else ""
    inherits = kind in PROXIES or named
    return Section(kind, name, defaults=defaults.get(named) if inherits else None)


def leads_to(text: str, port: int) -> list[str]:
    """The backends that visitors of a port may be handed to, the default one first.

    A `listen` section with servers is its own backend. `default_backend` may stand in `defaults`.
    """
    found: list[str] = []
    for section in sections(text):
        if not section.is_live or port not in section.ports:
            continue
        if section.kind == "listen" and (section.said("server") or section.said("server-template")):
            found.append(section.name)
        own = section.said("default_backend")
        if not own and section.defaults and section.kind == "frontend":
            own = section.defaults.said("default_backend")
        found += [words[0] for words in own if words]
        found += [
            words[0] for words in section.said("use_backend") if words and "%" not in words[0]
        ]
    return list(dict.fromkeys(found))


def bound_ports(text: str) -> list[int]:
    """The ports that a file binds, 80 first."""
    found = {port for section in sections(text) if section.is_live for port in section.ports}
    return sorted(found, key=lambda port: (port != 80, port))


def site_backend(text: str, asked: str) -> str:
    """The backend that visitors are handed to: where the ports lead, the usual web port first.

    `asked`, the name that was asked for, if it is one of several; without any that has servers it
    is the first section that has some, `asked` if there is none.
    """
    serving = [
        section.name
        for section in sections(text)
        if section.kind in ("backend", "listen") and any(server_lines(section))
    ]
    led = [name for port in bound_ports(text) for name in leads_to(text, port)]
    found = [name for name in led if name in serving] or serving
    return asked if asked in found or not found else found[0]


def server_lines(section: Section) -> Iterator[tuple[int, list[str]]]:
    """The number and words of each line of a server, or of a template for several."""
    for number, words in section.lines:
        if words[0] in ("server", "server-template") and len(words) > 2:
            yield number, words


def words_of(line: str, variables: dict[str, str] | None = None) -> list[str]:
    """The words of a line. UnreadableError where a variable is not known, or a quote is open."""
    if len(line) > LONGEST_LINE:
        raise UnreadableError(line[:40])
    words: list[str] = []
    word: str | None = None
    quote = ""
    at = 0
    while at < len(line):
        sign = line[at]
        at += 1
        if sign == "\0":
            raise UnreadableError("\\0")
        if quote != "'" and sign == "\\":
            char, at = _escaped(line, at, quote)
            word = (word or "") + char
        elif quote and sign == quote:
            quote = ""
        elif not quote and sign in "'\"":
            quote, word = sign, word or ""
        elif quote == '"' and sign == "$" and re.match(r"[A-Za-z_{]", line[at : at + 1]):
            value, at = _valued(line, at, variables or {})
            word = (word or "") + value
        elif not quote and sign in " \t\v\f":
            if word is not None:
                words.append(word)
            word = None
        elif not quote and sign == "#":
            break
        else:
            word = (word or "") + sign
    if quote:
        raise UnreadableError(line.strip()[:40])
    return words if word is None else [*words, word]


def _valued(line: str, at: int, variables: dict[str, str]) -> tuple[str, int]:
    """The value of the variable behind a dollar sign, and where the line goes on."""
    match = VARIABLE.match(line, at)
    if not match:
        raise UnreadableError(line[at - 1 : at + 30])
    value = variables.get(match.group(1) or match.group(3), match.group(2))
    if value is None or (match.group(1) or "").startswith("HAPROXY"):
        raise UnreadableError(line[at - 1 : at + 30])
    return value, match.end()


def _escaped(line: str, at: int, quote: str) -> tuple[str, int]:
    """What stands behind a backslash, and where the line goes on."""
    sign = line[at : at + 1]
    if sign == "x":
        digits = re.match(r"[0-9A-Fa-f]{2}", line[at + 1 : at + 3])
        if not digits:
            raise UnreadableError(line[at - 1 : at + 3])
        return chr(int(digits.group(), 16)), at + 3
    if sign in ESCAPED and not quote:
        return ESCAPED[sign], at + 1
    if sign in ("\\", '"', "'", "$") or (not quote and sign in (" ", "#")):
        return sign, at + 1
    return "\\", at
