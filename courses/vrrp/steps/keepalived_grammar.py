"""What a keepalived.conf that was submitted may say: what is listed here, and nothing else.

keepalived runs commands, as root unless told otherwise: `script`, `notify`, includes. So words are
allowed and not forbidden, and of commands those that ask whether a service answers. The grammar is
keepalived.conf(5)'s: words, braces, `!` and `#` before a comment, quotes around words.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

BLOCKS = frozenset(
    [
        "global_defs",
        "vrrp_script",
        "vrrp_instance",
        "vrrp_track_process",
        "authentication",
        "unicast_peer",
        "virtual_ipaddress",
        "virtual_ipaddress_excluded",
        "virtual_routes",
        "track_script",
        "track_interface",
        "track_process",
        "vrrp_sync_group",
        "group",
    ]
)
WORDS = frozenset(
    [
        "router_id",
        "script_user",
        "enable_script_security",
        "vrrp_version",
        "vrrp_garp_master_delay",
        "vrrp_garp_master_refresh",
        "vrrp_garp_master_repeat",
        "vrrp_garp_interval",
        "vrrp_strict",
        "max_auto_priority",
        "interval",
        "timeout",
        "weight",
        "fall",
        "rise",
        "user",
        "init_fail",
        "process",
        "quorum",
        "delay",
        "state",
        "interface",
        "virtual_router_id",
        "priority",
        "advert_int",
        "version",
        "nopreempt",
        "preempt",
        "preempt_delay",
        "unicast_src_ip",
        "unicast_ttl",
        "garp_master_delay",
        "garp_master_refresh",
        "garp_master_repeat",
        "garp_lower_prio_delay",
        "garp_lower_prio_repeat",
        "auth_type",
        "auth_pass",
        "dont_track_primary",
        "native_ipv6",
        "accept",
        "no_accept",
        "down_timer_adverts",
        "check_unicast_src",
        "virtual_ipaddress",
        "use_vmac",
        "debug",
    ]
)
# In these blocks each line begins with a name or an address of the student's own.
NAMING = frozenset(
    [
        "unicast_peer",
        "virtual_ipaddress",
        "virtual_ipaddress_excluded",
        "track_script",
        "track_interface",
        "track_process",
        "group",
    ]
)
ADDRESSES = "/etc/keepalived/addresses.conf"
# Programs that ask and change nothing; each with no word that could begin another command.
ASKING = re.compile(
    r"(/usr/bin/|/bin/|/usr/sbin/)?"
    r"(curl( +-[A-Za-z-]+( +[0-9.]+)?| +-o +/dev/null| +--[a-z-]+(=[0-9.]+)?)*"
    r" +(-[A-Za-z]+ +)*https?://[A-Za-z0-9.:$\{\}-]+(/[A-Za-z0-9._/?=;-]*)?"
    r"( +-o +/dev/null| +-[fsS]+)*"
    r"|(killall|pkill) +-0 +haproxy|pidof +haproxy|pgrep +(-x +)?haproxy"
    r"|systemctl +is-active +(--quiet +|-q +)?haproxy(\.service)?"
    r"|nc +-z +[A-Za-z0-9.:-]+ +[0-9]+|(/usr/bin/|/bin/)?(true|false))"
)
NAME = re.compile(r"[A-Za-z0-9_.:/$\{\}-]{1,64}")
OPTIONS = frozenset(["dev", "label", "brd", "scope", "weight", "via", "src", "peer", "broadcast"])
LARGEST = 64 * 1024  # characters: a file that a person wrote


@dataclass(frozen=True)
class Refused:
    """Something that is not known to be harmless, and its line."""

    word: str
    line: int


def refused(text: str) -> list[Refused]:
    """What of a keepalived.conf is not known to be harmless, in its order; [] if all is."""
    if len(text) > LARGEST:
        return [Refused("…", 1)]
    found: list[Refused] = []
    inside: list[str] = []
    for number, words in _lines(text):
        for statement in _statements(words):
            if statement == ["}"]:
                inside = inside[:-1]
                continue
            opens = statement[-1] == "{"
            rest = statement[:-1] if opens else statement
            if rest and not _is_harmless(rest, inside, opens=opens):
                found.append(Refused(rest[0], number))
            if opens:
                inside = [*inside, rest[0] if rest else ""]
    return found


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.splitlines(), 1):
        spaced = re.sub(
            r"(?<![$\w])\{|(?<=\s)\{|\}(?!\S)", lambda brace: f" {brace.group()} ", line
        )
        lexer = shlex.shlex(spaced, posix=True, punctuation_chars=False)
        lexer.whitespace_split = True
        lexer.commenters = "#!"
        try:
            words = list(lexer)
        except ValueError:  # a quote that does not end
            words = [line.strip() or "?"]
        if words:
            yield number, words


def _statements(words: list[str]) -> Iterator[list[str]]:
    """The statements of a line; a brace ends one."""
    one: list[str] = []
    for word in words:
        if word == "}":
            if one:
                yield one
            one = []
            yield ["}"]
        else:
            one.append(word)
            if word == "{":
                yield one
                one = []
    if one:
        yield one


def _is_harmless(words: list[str], inside: list[str], *, opens: bool) -> bool:
    first, rest = words[0], words[1:]
    if first == "include":
        return rest == [ADDRESSES]
    if first == "script":
        return inside[-1:] == ["vrrp_script"] and bool(ASKING.fullmatch(" ".join(rest)))
    if inside[-1:] and inside[-1] in NAMING and not opens:
        return all(NAME.fullmatch(word) for word in words)
    known = first in BLOCKS if opens else first in WORDS or first in BLOCKS
    return known and all(NAME.fullmatch(word) for word in rest)
