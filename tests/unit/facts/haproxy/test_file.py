"""haproxy.cfg is read as HAProxy reads it."""

from __future__ import annotations

import pytest

from labkit.facts.haproxy.file import (
    Environment,
    UnreadableError,
    leads_to,
    sections,
    site_backend,
    words_of,
)

FILE = """\
global
  setenv WEB_PORT 8000
  stats socket ipv4@127.0.0.1:9999 level admin
defaults
  default_backend pool
frontend site
  bind 10.0.0.1:80,:8081   # both
  bind "*:${WEB_PORT}"
  use_backend static if { path_beg /static }
frontend former
  disabled
  bind *:8080
backend pool
  server web1 web1:80 check
  server-template web 2-3 web:80
listen tcp
  bind :90
  server one web1:80
"""


def test_ports_of_live_sections_with_variables_and_lists_of_addresses() -> None:
    ports = {one.name: one.ports for one in sections(FILE) if one.is_live}
    assert ports == {"site": [80, 8081, 8000], "pool": [], "tcp": [90]}


@pytest.mark.parametrize(
    ("address", "ports"),
    [("*:80-82", [80, 81, 82]), ("[::]:80", [80]), (":::80", [80]), ("ipv4@:8080", [8080]),
     ("*:1-65535", list(range(1, 22))), ("/run/x.sock", []), (":81-80", [])],
)  # fmt: skip
def test_each_port_of_a_range_is_bound(address: str, ports: list[int]) -> None:
    (section,) = sections(f"frontend f\n bind {address}\n")
    assert section.ports == ports


def test_where_a_port_leads() -> None:
    assert leads_to(FILE, 80) == ["pool", "static"]
    assert leads_to(FILE, 90) == ["tcp"]
    assert leads_to(FILE, 8080) == []


def test_what_is_disabled_by_its_defaults_takes_no_part() -> None:
    text = "defaults off\n disabled\nfrontend a\n bind :80\nfrontend b\n enabled\n bind :81\n"
    assert [one.is_live for one in sections(text)] == [False, False, True]
    assert [one.is_live for one in sections(f"{text}defaults\nfrontend c\n")][-1]


def test_what_may_be_in_force_or_not_counts_for_nothing() -> None:
    text = "frontend a\n .if defined(X)\n  bind :81\n .endif\n  bind :80\n"
    assert [one.ports for one in sections(text)] == [[80]]


def test_a_variable_that_the_file_does_not_set_is_not_known() -> None:
    known = Environment()
    assert known.read("setenv PORT 80") == ["setenv", "PORT", "80"]
    assert known.read('bind "*:$PORT"') == ["bind", "*:80"]
    assert known.read('bind "*:${OTHER-81}"') == ["bind", "*:81"]
    with pytest.raises(UnreadableError):
        known.read('bind "*:${OTHER}"')
    with pytest.raises(UnreadableError):
        words_of('log "${HAPROXY_LOCALPEER-x}"')


def test_a_variable_whose_definition_is_asked_for_is_none_where_nobody_defines_it() -> None:
    known = Environment()
    assert known.read(".if defined(TLS_PEM) && !defined(PLAIN)")[0] == ".if"
    assert known.read('bind :443 ssl crt "${TLS_PEM}$PLAIN"') == ["bind", ":443", "ssl", "crt", ""]
    with pytest.raises(UnreadableError):
        known.read('bind "*:${OTHER}"')
    known.read(".else")
    with pytest.raises(UnreadableError):
        known.read('bind "*:${TLS_PEM}"')
    known.read(".endif")
    with pytest.raises(UnreadableError):
        known.read('bind "*:${TLS_PEM}"')


@pytest.mark.parametrize("name", ["HAPROXY_LOCALPEER", "NOTIFY_SOCKET", "LISTEN_FDS", "PATH"])
def test_what_systemd_defines_is_not_known_although_it_is_asked_for(name: str) -> None:
    known = Environment()
    known.read(f".if defined({name})")
    with pytest.raises(UnreadableError):
        known.read(f'log "${name}" local0')


SITE = """
frontend website
    bind *:80
    use_backend my-backend if { path_beg /old }
    default_backend pages
frontend other
    bind *:8080
    default_backend elsewhere
backend elsewhere
    server web1 web1:80
backend pages
    server web1 web1:80
backend my-backend
    {servers}
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (SITE.replace("{servers}", "server web2 web2:80"), "my-backend"),  # among several
        (SITE.replace("{servers}", ""), "pages"),  # nobody is in the one that was asked for
        (SITE.replace("*:80\n", "127.0.0.1:81\n"), "pages"),
        ("listen web\n bind :80\n server a web1:80\nbackend b\n server a web1:80\n", "web"),
        ("frontend f\n bind :80\nbackend b\n server a web1:80\n", "b"),  # it leads nowhere
        ("listen stats\n bind :80\n stats enable\n", "my-backend"),
        ("", "my-backend"),
    ],
)
def test_the_backend_of_the_site_is_the_one_to_which_the_port_leads(text: str, found: str) -> None:
    assert site_backend(text, "my-backend") == found


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (r"a b\ c 'd e' \"f\" g#h", ["a", "b c", "d e", '"f"', "g"]),
        (r'"a\"b" ' + r"'a\b' a\\b", ['a"b', r"a\b", r"a\b"]),
        (r"\x41\#b  # c", ["A#b"]),
        ("''", [""]),
        ("   ", []),
    ],
)
def test_words_are_those_of_haproxy(line: str, words: list[str]) -> None:
    assert words_of(line) == words
