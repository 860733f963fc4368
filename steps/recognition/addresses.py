"""Addresses of the student's own machines, and the names that stand for them in this lab."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from labkit.facts.haproxy.file import sections, server_lines, site_backend
from labkit.locale import _
from steps.project import WEBS
from subject.contract import BACKEND

# An address that is asked by HTTP, and one of the machine's by which a port is published.
ASKED = re.compile(r"//(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})(?![\d.])")
PUBLISHED_BY = re.compile(
    r"^([ \t]*(?:-[ \t]*|ports:[ \t]*\[[ \t]*|host_ip:[ \t]*)[\"']?)"
    r"(?!127\.|0\.0\.0\.0)(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})(?=:\d+:\d+|[\"']?[ \t]*$)",
    re.M,
)
PUSHED_DIGEST = re.compile(r"([\w.-]+:\d{2,5}/[\w./-]+:[\w.-]+)@sha256:[0-9a-f]{64}\b")
OWN_HOSTS = ("web1", "web2", "lb", "localhost")
# A server's name is no host; a variable may hold one.
HOSTED = re.compile(r"^([ \t]*(?:(?:server|(?:pre)?setenv)[ \t]+\S+|http-check)[ \t])(.*)$", re.M)
# Addresses of the balancer's own: what it binds, where its log goes, by which it asks.
OWN = re.compile(
    r"^([ \t]*(?P<word>bind|log|source|peer[ \t]+lb|stats[ \t]+socket)[ \t]+"
    r"(?:.*,)?\"?(?:ipv4@|udp@)?)"
    r"(?P<address>\d+\.\d+\.\d+\.\d+)(?=[:\s\",]|$)",
    re.M,
)
INSTEAD = {"bind": "*", "log": "127.0.0.1", "source": "0.0.0.0", "peer": "127.0.0.1",
           "stats": "127.0.0.1"}  # fmt: skip
# What is bound to, or asked by, one of the network interfaces of the student's machine: here they
# have other names, and HAProxy does not start.
BY_INTERFACE = re.compile(
    r"^([ \t]*(?:bind|server|server-template|source)[ \t][^#\n]*?)"
    r"(?<![ \t])[ \t]++interface[ \t]+(?!lo\b)([\w.:@-]+)",
    re.M,
)
LOGS_HERE = re.compile(r"^[ \t]*log[ \t]+\"?(?:udp@|ipv4@)?(?:127\.|localhost\b|/)", re.M)


def published_by_all(text: str) -> tuple[str, list[str]]:
    """A compose file whose ports are published by every address of a machine, not by one's own.

    The addresses of the student's machines, which no machine here has. By 127.0.0.1 is on purpose.
    """
    found = dict.fromkeys(address for _before, address in PUBLISHED_BY.findall(text))
    return PUBLISHED_BY.sub(lambda one: f"{one.group(1)}0.0.0.0", text), list(found)


def without_digests(text: str) -> tuple[str, dict[str, str]]:
    """A compose file whose images of the private registry are named by their tags alone.

    The digest is that of what the student had pushed: what is pushed here has another one.
    """
    found = {one.group(): one.group(1) for one in PUSHED_DIGEST.finditer(text)}
    return PUSHED_DIGEST.sub(r"\1", text), found


def readdressed(config: str) -> tuple[str, list[str]]:
    """HAProxy's file with the names of this lab, where the student's machines had addresses.

    The two hosts of the backend that visitors are led to become web1 and web2, if none of the lab's
    own names is there; an address of the balancer's own becomes all of lb's, and an interface of
    its is any. A log goes to another machine where the file says by `bind` that it has another
    address itself, or logs to lb as well.
    """
    hosts = _hosts(config)
    known = [host for host in hosts if host in OWN_HOSTS or host.startswith("127.")]
    names = {} if known or len(hosts) > 2 else dict(zip(hosts, WEBS, strict=False))
    text = HOSTED.sub(lambda line: line.group(1) + _renamed(line.group(2), names), config)
    said = [_("haproxy.cfg: {host} stands for {name}", host=host, name=name)
            for host, name in names.items()]  # fmt: skip
    own = {f"interface {name}": None for _before, name in BY_INTERFACE.findall(text)}
    text = BY_INTERFACE.sub(r"\1", text)
    anywhere = ("0.0.0.0", *hosts)
    bound = {match["address"] for match in OWN.finditer(text) if match["word"] == "bind"}
    bound = {one for one in bound if one not in anywhere and not one.startswith("127.")}
    logs_here = bool(LOGS_HERE.search(text))

    def instead(match: re.Match[str]) -> str:
        address, word = match["address"], match["word"].split()[0]
        if address.startswith("127.") or address in anywhere:
            return match.group()
        if word == "log" and (logs_here or (bound and address not in bound)):
            return match.group()
        own[address] = None
        return match.group(1) + INSTEAD[word]

    before = ""
    while text != before:  # of several addresses on one line the last is seen first
        before, text = text, OWN.sub(instead, text)
    said += [_("haproxy.cfg: {host} stands for {name}", host=host, name="lb")
             for host in sorted(own)]  # fmt: skip
    return text, said


def _renamed(text: str, names: Mapping[str, str]) -> str:
    for host, name in names.items():
        text = re.sub(rf"(?<![\w.:-]){re.escape(host)}(?![\w.-])", name, text)
    return text


def _hosts(config: str) -> list[str]:
    """The hosts of the servers that visitors are led to."""
    found = (one.partition(":")[0] for one in addresses(config) if one.count(":") <= 1)
    return list(dict.fromkeys(found))


@lru_cache(maxsize=1)
def addresses(config: str) -> tuple[str, ...]:
    """Of the servers of the backend that visitors are led to; of all, where that cannot be told."""
    read = sections(config)
    main = site_backend(config, BACKEND)
    serving = [one for one in read if one.kind in ("backend", "listen") and one.name == main]
    lines = [words for one in serving or read for _number, words in server_lines(one)]
    return tuple(words[2] for words in lines if words[0] == "server" and not _says_sorry(words))


def _says_sorry(words: Sequence[str]) -> bool:
    """Whether a server is one of the balancer's own, for when nobody else is up."""
    return "backup" in words[3:] and words[2].startswith(("127.", "localhost"))
