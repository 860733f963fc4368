"""rsyslog's files in a submission: the one with the rule for HAProxy's log, and those before."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from labkit.facts.haproxy.file import sections
from labkit.facts.rsyslog import without_comments
from steps.project import PACKAGED_RULE, RSYSLOG
from steps.recognition.balancer import is_below, suffix
from steps.recognition.choosing import least
from steps.recognition.handed_in import NOTES, Files, text_of

PACKAGED = PurePosixPath(PACKAGED_RULE).name
RSYSLOG_WORD = re.compile(
    r"^[ \t]*(\$ModLoad|\$UDPServer|module ?\(|input ?\(|local[0-7]\."
    r"|:\w+, ?|if[ \t]+\$|ruleset ?\()",
    re.M | re.I,
)
OF_RSYSLOG = re.compile(r"\.conf(\.txt)?$|(^|/)[^/]*rsyslog[^/.]*$")
CALLED_RSYSLOG = re.compile(r"r?syslog[^/]*\.(txt|cfg)$|(^|/)rsyslog\.d/[^/]*$", re.I)
HAPROXY_LOG = re.compile(r"^(?>.*?haproxy).*\.log", re.M)

ENDS = re.compile(r"\bstop\b|(?:^|[ \t])~[ \t]*$", re.M)

# What rsyslog.conf has in comments, on Debian and on el9, and what takes the signs away.
SYSTEMS_IMUDP = 'module(load="imudp")\ninput(type="imudp" port="514")'
UNCOMMENTED = re.compile(r"\bsed[ \t][^\n]*imudp[^\n]*rsyslog\.conf")
IMUDP = re.compile(r"^[ \t]*(?:module\(load=\"imudp\"\)|\$ModLoad[ \t]+imudp\b)", re.M | re.I)
IMUDP_PORT = re.compile(
    r"^[ \t]*(?:input\(type=\"imudp\"[^)\n]*\)|\$UDPServerRun[ \t]+\d+)", re.M | re.I
)


def rules(files: Files, balancer: str) -> str:
    """rsyslog's file with the rule for HAProxy's log: words of rsyslog's, comments apart."""
    found = [
        path
        for path in _of_rsyslog(files, balancer)
        if HAPROXY_LOG.search(without_comments(text_of(files[path])))
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


def keeps_the_packages(files: Files, balancer: str, rules: str) -> bool:
    """Whether the rule of Debian's package is in force: for a socket, if no file took its place."""
    return bool(spared(files, balancer)) and PurePosixPath(rules).name != PACKAGED


def before_rules(files: Files, balancer: str, rules: str) -> list[str]:
    """Files of rsyslog's beside that with the rule, last first: those that open what it needs.

    Beside rsyslog.d stands rsyslog.conf, which is read before; and what comes before by its name
    may have taken the lines away.
    """
    folder = PurePosixPath(rules).parent
    home = folder.parent if folder.suffix == ".d" else folder
    return sorted(
        (
            path
            for path in _of_rsyslog(files, balancer)
            if (PurePosixPath(path).parent in (home, folder) or is_below(path, home))
            and path != rules
            and (listens(text_of(files[path])) or _takes_away(path, text_of(files[path]), rules))
            and not HAPROXY_LOG.search(without_comments(text_of(files[path])))
        ),
        key=lambda path: (suffix(path) == ".d", path),
        reverse=True,
    )


def _takes_away(path: str, text: str, rules: str) -> bool:
    """Whether a file that rsyslog reads before the one with the rule ends the way of some lines."""
    return (
        PurePosixPath(path).parent == PurePosixPath(rules).parent
        and path < rules
        and bool(ENDS.search(without_comments(text)))
    )


def listens(text: str) -> bool:
    """Whether a file of rsyslog's opens a port or a socket."""
    return bool(re.search(r"imudp|imuxsock|UDPServerRun|AddUnixListenSocket", text, re.I))


def opened_by_notes(files: Files) -> tuple[str, str]:
    """The notes that say what was opened in the system's rsyslog.conf, and that; "" if none do.

    As the lines that stand there, or by a sed that takes away their comment signs.
    """
    for path in sorted(filter(NOTES.search, files), key=least):
        text = text_of(files[path])
        shown = [one.search(text) for one in (IMUDP, IMUDP_PORT)]
        if all(shown):
            return path, "\n".join(one.group().strip() for one in shown if one)
        if UNCOMMENTED.search(text):
            return path, SYSTEMS_IMUDP
    return "", ""


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
    bare = without_comments(text)
    return bool(RSYSLOG_WORD.match(bare.lstrip()) and HAPROXY_LOG.search(bare))


def _uncommented(data: bytes) -> str:
    return without_comments(text_of(data))
