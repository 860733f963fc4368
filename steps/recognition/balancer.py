"""HAProxy's configuration in a submission: one file or several, whatever they are called."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any

from labkit.facts.haproxy.file import Section, sections, server_lines
from labkit.facts.haproxy.harmless import SETENV
from steps.recognition.choosing import COPY, least
from steps.recognition.handed_in import NOTES, Files, text_of

# Sections of which a file of HAProxy's has one; other software has caches and rings as well.
PIECES = ("global", "defaults", "frontend", "backend", "listen", "userlist", "resolvers")
# Files of any other name that may be HAProxy's.
ANY_TEXT = re.compile(r"\.(conf|config|cnf|txt|ini)$|(^|/)[^/.]+$", re.I)
BEGINS_BALANCER = re.compile(
    r"(?:[ \t]*(?:#[^\n]*)?\n)*+[ \t]*"
    r"(?:global|defaults|frontend|backend|listen|userlist)\b[^\n:{]*\n"
)
# How one file is made of several: cat A B > haproxy.cfg, or by tee.
ASSEMBLED = re.compile(
    r"^[ \t]*(?:sudo[ \t]+)?cat[ \t]+(?P<names>[^|;&<>\n]{1,500}?)[ \t]*"
    r"(?:\|[ \t]*(?:sudo[ \t]+)?tee|>)[ \t]+\S{0,200}haproxy\.cfg\b",
    re.M,
)
# Variables in double quotes or bare, and what sets them outside of a configuration.
VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)")
ENVIRONMENT = re.compile(r"haproxy\.service(?:\.d/[^/]+\.conf)?$|(?:default|sysconfig)/haproxy$")
LONGEST_NOTES = 100_000  # characters
# What another program makes the file of: nobody's configuration until then.
TEMPLATE = re.compile(r"\.(j2|jinja2?|erb|tmpl|tpl|template)$", re.I)
FILLED_IN = re.compile(r"\{\{|\{%|<%")


def balancer(files: Files) -> str:
    """HAProxy's file, "" if there is none; a copy only if there is no other."""
    found = (
        _serving(files),
        _text_with(files, r"\.cfg$", r"^[ \t]*(backend|listen)\s"),
        _text_with(
            files,
            r"haproxy[^/]*\.(conf|cfg)[^/]*$",
            r"^[ \t]*(backend|listen|frontend|global|defaults)",
        ),
        _by_its_first_line(files),
        _text_with(files, r"haproxy\.cfg$", r"\S"),
    )
    return min(filter(None, found), key=lambda path: bool(COPY.search(path)), default="")


def _serving(files: Files) -> str:
    """The .cfg with servers, and of several the one called haproxy.cfg, or with statistics."""
    read = {
        path: sections(text_of(data))
        for path, data in files.items()
        if path.lower().endswith(".cfg")
    }

    def worth(path: str) -> tuple[Any, ...]:
        copy, *rest = least(path)
        usual = PurePosixPath(path).name.lower() == "haproxy.cfg"
        return copy, not usual, not any(map(_shows_statistics, read[path])), *rest

    serving = [path for path, found in read.items() if any(map(_has_servers, found))]
    return min(serving, key=worth, default="")


def _by_its_first_line(files: Files) -> str:
    """A file of any other name that begins with a section of HAProxy's and has servers.

    lb.conf, haproxy.txt, haproxy: notes that show a configuration begin with something else.
    """
    found = [
        path
        for path, data in files.items()
        if ANY_TEXT.search(path) and is_balancers(text_of(data))
    ]
    return min(found, key=least, default="")


def alike(files: Files) -> list[str]:
    """Every file that could be HAProxy's, copies included."""
    return [
        path
        for path, data in files.items()
        if (path.lower().endswith(".cfg") and any(map(_has_servers, sections(text_of(data)))))
        or (ANY_TEXT.search(path) and is_balancers(text_of(data)))
    ]


def pieces(files: Files, balancer: str) -> list[str]:
    """The files that are one configuration of HAProxy with this one, in their order.

    HAProxy reads those of a folder by their names (management guide, 3: -f). Files beside one
    that leads no visitor to any server are told to it by several -f, and whoever does that
    begins with `global` and `defaults`. Two that define the same section are two attempts.
    """
    told = _assembled(files)
    if balancer in told:
        return told
    folder = PurePosixPath(balancer).parent
    home = folder.parent if folder.suffix == ".d" else folder
    read = {
        path: sections(text_of(data))
        for path, data in files.items()
        if path == balancer
        or (
            path.lower().endswith((".cfg", ".conf"))
            and not COPY.search(path)
            and (PurePosixPath(path).parent in (home, folder) or is_below(path, home))
        )
    }
    kinds = {one.kind for one in read[balancer]}
    if {"frontend", "backend"} <= kinds or "listen" in kinds:
        read = {
            path: found
            for path, found in read.items()
            if path == balancer
            or ".d" in map(suffix, (path, balancer))
            or (_is_page(found) and not any(map(_shows_statistics, read[balancer])))
        }
    taken = {balancer: _names_of(read[balancer])}
    for path, found in sorted(read.items()):
        names = _names_of(found)
        is_piece = any(one.kind in PIECES for one in found)
        if is_piece and not any(names & others for others in taken.values()):
            taken[path] = names
    return sorted(
        taken,
        key=lambda path: (
            suffix(path) == ".d",
            suffix(path) != ".d" and _begins_late(read[path]),
            path,
        ),
    )


def _assembled(files: Files) -> list[str]:
    """The files that notes or a script join to HAProxy's by `cat`, in that order."""
    for path in filter(NOTES.search, files):
        for joined in ASSEMBLED.finditer(text_of(files[path])[:LONGEST_NOTES]):
            each = [_named(files, word) for word in joined["names"].split()]
            if all(each) and len(found := [one for named in each for one in named]) > 1:
                return found
    return []


def _named(files: Files, word: str) -> list[str]:
    """The files that a word of a shell's names, by the longest end of it that any have."""
    parts = PurePosixPath(word.strip("\"'")).parts
    for begin in range(len(parts)):
        end = "/".join(parts[begin:])
        if found := sorted(one for one in files if fnmatchcase(f"/{one}", f"*/{end}")):
            return found
    return []


def with_variables(text: str, files: Files) -> tuple[str, list[str]]:
    """A configuration with the variables of its environment, and the files that set them.

    What starts HAProxy sets them: a drop-in of its unit, or the file that Debian's and el9's units
    read. Here the configuration itself does, before anything else.
    """
    wanted = dict.fromkeys(VARIABLE.findall(text))
    own = set(SETENV.findall(text))
    lines: list[str] = []
    told: list[str] = []
    for path in filter(ENVIRONMENT.search, files):
        known = _environment(text_of(files[path]))
        here = [name for name in wanted if name in known and name not in own]
        lines += [f"    setenv {name} {_quoted(known[name])}" for name in here]
        own |= {*here}
        told += [path] if here else []
    return "\n".join(["global", *lines, text]) if lines else text, told


def _environment(text: str) -> dict[str, str]:
    """What `Environment=` lines of a unit set, or plain assignments do."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        assigned = line.strip().removeprefix("Environment=").removeprefix("export ")
        try:
            words = shlex.split(assigned, comments=True)
        except ValueError:
            continue
        pairs = [word.partition("=") for word in words]
        if all(equals and re.fullmatch(r"[A-Za-z_]\w*", name) for name, equals, _value in pairs):
            found |= {name: value for name, _equals, value in pairs}
    return found


def _quoted(value: str) -> str:
    """A word of HAProxy's that is nothing but this text (configuration manual, 2.2)."""
    return "'" + value.replace("'", "'\\''") + "'"


def _text_with(files: Files, name: str, pattern: str) -> str:
    matching = [
        path
        for path, data in files.items()
        if re.search(name, path.lower())
        and re.search(pattern, text_of(data), re.M)
        and not (TEMPLATE.search(path) and FILLED_IN.search(text_of(data)))
    ]
    return min(matching, key=least, default="")


def suffix(path: str) -> str:
    """What the name of a file's folder ends with: .d of conf.d."""
    return PurePosixPath(path).parent.suffix


def is_below(path: str, home: PurePosixPath) -> bool:
    """Whether a file lies in a folder as conf.d is one, of this one."""
    folder = PurePosixPath(path).parent
    return folder.suffix == ".d" and folder.parent == home


def _has_servers(section: Section) -> bool:
    return section.kind in ("backend", "listen") and any(server_lines(section))


def _is_page(read: Collection[Section]) -> bool:
    """Whether it is HAProxy's statistics page alone, kept in a file of its own."""
    kinds = {one.kind for one in read}
    return kinds == {"listen"} and any(map(_shows_statistics, read))


def _shows_statistics(section: Section) -> bool:
    return section.kind != "global" and bool(section.said("stats"))


def _names_of(read: Iterable[Section]) -> set[tuple[str, str]]:
    """The sections of a configuration that may be there once only; the backend's ends are one."""
    return {(one.kind, one.name) for one in read if one.kind != "defaults" or one.name}


def _begins_late(read: Iterable[Section]) -> int:
    """Where a piece of a configuration stands: what is for all of it comes first."""
    kinds = {one.kind for one in read}
    return 0 if "global" in kinds else 1 if "defaults" in kinds else 2


def is_balancers(text: str) -> bool:
    """Whether a text begins as HAProxy's file does, and has servers."""
    return bool(BEGINS_BALANCER.match(text)) and any(map(_has_servers, sections(text)))
