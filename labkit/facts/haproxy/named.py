"""The files that a configuration names: certificates, error pages, lists and maps.

`crt`, `ca-file` and their folders `crt-base` and `ca-base`: configuration manual 3.0, 3.1 and 5.1;
`errorfile`: 4.2; files of patterns: 7.1.3; maps: 7.3.1.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from labkit.facts.haproxy.file import Section, sections

AUTHORITIES = ("ca-file", "ca-verify-file", "crl-file")
FILES = ("crt-list", "-f", "errorfile", "file", "lf-file")
MAP = re.compile(r"\bmap(?:_\w+)?\(([^,)\s]+)")


@dataclass(frozen=True)
class Named:
    """A file that a configuration names, by its absolute path."""

    path: str
    is_certificate: bool = False  # with its key, where the configuration serves it

    @property
    def is_folder(self) -> bool:
        """Whether a folder is meant, all of whose certificates are served."""
        return self.is_certificate and not posixpath.splitext(self.path)[1]


def named_files(text: str) -> list[Named]:
    """The files that a configuration names, each once. Relative paths without a base are left out.

    An authority that HAProxy brings along, `@system-ca`, is no file.
    """
    read = sections(text)
    bases = {key: words[0] for one in read for key in ("crt-base", "ca-base")
             for words in one.said(key) if words}  # fmt: skip
    found = (one for section in read for one in _of(section, bases))
    return list(dict.fromkeys(one for one in found if one.path.startswith("/")))


def admin_sockets(text: str) -> list[str]:
    """The paths at which a configuration opens sockets for its administrator, each once."""
    said = (words[0] for one in sections(text) for words in one.said("stats", "socket") if words)
    places = (address.removeprefix("unix@") for address in said)
    return list(dict.fromkeys(place for place in places if place.startswith("/")))


def _of(section: Section, bases: dict[str, str]) -> Iterator[Named]:
    for _number, words in section.lines:
        if words[0] == "errorfile" and len(words) > 2:
            yield Named(posixpath.normpath(words[2]))
        for word, following in itertools.pairwise(words):
            if word in ("crt", "default-crt"):
                path = posixpath.join(bases.get("crt-base", ""), following)
                yield Named(posixpath.normpath(path), is_certificate=True)
            elif word in AUTHORITIES:
                path = posixpath.join(bases.get("ca-base", ""), following)
                yield Named(posixpath.normpath(path), is_certificate=True)
            elif word in FILES and words[0] != "errorfile":
                yield Named(posixpath.normpath(following))
        for word in words:
            yield from (Named(posixpath.normpath(path)) for path in MAP.findall(word))
