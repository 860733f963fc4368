"""rsyslog's files in a submission: the one with the rule for HAProxy's log, and those before."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from labkit.facts.haproxy.file import sections
from steps.project import RSYSLOG
from steps.recognition.balancer import is_below, suffix
from steps.recognition.choosing import least
from steps.recognition.handed_in import Files, text_of

RSYSLOG_WORD = re.compile(
    r"^[ \t]*(\$ModLoad|\$UDPServer|module ?\(|input ?\(|local[0-7]\."
    r"|:\w+, ?|if[ \t]+\$|ruleset ?\()",
    re.M | re.I,
)
OF_RSYSLOG = re.compile(r"\.conf(\.txt)?$|(^|/)[^/]*rsyslog[^/.]*$")
CALLED_RSYSLOG = re.compile(r"r?syslog[^/]*\.(txt|cfg)$|(^|/)rsyslog\.d/[^/]*$", re.I)
HAPROXY_LOG = re.compile(r"^(?>.*?haproxy).*\.log", re.M)


def rules(files: Files, balancer: str) -> str:
    """rsyslog's file with the rule for HAProxy's log: words of rsyslog's, comments apart."""
    found = [
        path
        for path in _of_rsyslog(files, balancer)
        if HAPROXY_LOG.search(_without_comments(text_of(files[path])))
    ]
    return min(found, key=least, default="")


def spared(files: Files, balancer: str) -> frozenset[str]:
    """What another file does without: rsyslog's, where HAProxy logs to a socket.

    Debian's package brings a rule of its own for the socket that its configuration names
    (/etc/rsyslog.d/49-haproxy.conf); by UDP nobody listens unless a student says so.
    """
    read = sections(text_of(files[balancer])) if balancer else []
    targets = [words[0] for one in read for words in one.said("log") if words]
    return frozenset({RSYSLOG.path} if any(one.endswith("/dev/log") for one in targets) else ())


def before_rules(files: Files, balancer: str, rules: str) -> list[str]:
    """Files of rsyslog's beside that with the rule, which open what it needs, last first.

    Beside rsyslog.d stands rsyslog.conf, which is read before.
    """
    folder = PurePosixPath(rules).parent
    home = folder.parent if folder.suffix == ".d" else folder
    return sorted(
        (
            path
            for path in _of_rsyslog(files, balancer)
            if (PurePosixPath(path).parent in (home, folder) or is_below(path, home))
            and path != rules
            and re.search(r"imudp|imuxsock|UDPServerRun", text_of(files[path]))
            and not HAPROXY_LOG.search(_without_comments(text_of(files[path])))
        ),
        key=lambda path: (suffix(path) == ".d", path),
        reverse=True,
    )


def _of_rsyslog(files: Files, balancer: str) -> list[str]:
    return [
        path
        for path, data in files.items()
        if path != balancer
        and (
            (OF_RSYSLOG.search(path.lower()) and RSYSLOG_WORD.search(_uncommented(data)))
            or (CALLED_RSYSLOG.search(path) and RSYSLOG_WORD.match(_uncommented(data).lstrip()))
        )
    ]


def is_the_rule(text: str) -> bool:
    """Whether a text begins as rsyslog's files do, and has the rule for HAProxy's log."""
    bare = _without_comments(text)
    return bool(RSYSLOG_WORD.match(bare.lstrip()) and HAPROXY_LOG.search(bare))


def _uncommented(data: bytes) -> str:
    return _without_comments(text_of(data))


def _without_comments(text: str) -> str:
    return re.sub(r"(^|\s)#.*", r"\1", text)
