"""What a haproxy.cfg that was handed in may say here: these first words, and nothing else.

HAProxy can run Lua, commands and files that it includes. This practical needs a handful of words,
so they are listed; everything else is named and not loaded.
"""

from __future__ import annotations

import shlex

SECTIONS = frozenset(["global", "defaults", "frontend", "backend", "listen"])
WORDS = frozenset(
    [
        "log",
        "chroot",
        "user",
        "group",
        "daemon",
        "maxconn",
        "mode",
        "option",
        "timeout",
        "retries",
        "bind",
        "default_backend",
        "use_backend",
        "acl",
        "balance",
        "server",
        "default-server",
        "monitor-uri",
        "monitor",
        "monitor-net",
        "http-check",
        "stats",
        "errorfile",
        "http-request",
        "http-response",
        "cookie",
        "nbthread",
        "nbproc",
        "description",
    ]
)
ACTIONS = frozenset(["deny", "return", "set-header", "add-header", "del-header", "redirect"])


def refused(text: str) -> list[tuple[str, int]]:
    """The first words that are not listed, each with its line; [] if all are."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            found.append((line.strip()[:40], number))
            continue
        if words and not _is_listed(words):
            found.append((words[0], number))
    return found


def _is_listed(words: list[str]) -> bool:
    first, rest = words[0], words[1:]
    if first in ("http-request", "http-response"):
        return bool(rest) and rest[0] in ACTIONS and not any("lua" in word for word in rest)
    if first == "option":
        return "external-check" not in rest
    if first == "errorfile":
        return len(rest) == 2 and rest[1].startswith("/etc/haproxy/errors/")
    if first == "stats" and rest[:1] == ["socket"]:
        return len(rest) > 1 and rest[1].startswith(("/run/haproxy/", "/var/lib/haproxy/"))
    return first in SECTIONS or first in WORDS
