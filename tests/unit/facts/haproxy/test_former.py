"""What HAProxy 2.4 took, in the words of later versions."""

from __future__ import annotations

import pytest

from labkit.facts.haproxy.former import in_todays_words

SEND = "http-check send meth HEAD uri /x.php ver HTTP/1.1 hdr Host "


@pytest.mark.parametrize(
    ("written", "headers"),
    [
        (r"HTTP/1.1\r\nHost:\ www.example.org", "www.example.org"),
        (r"HTTP/1.1\r\nHost:www", "www"),
        (r'"HTTP/1.1\r\nHost: www"', "www"),
        (r"'HTTP/1.1\r\nHost: www'  # as the guide says", "www"),
        (r"HTTP/1.1\r\nHost:\ www\r\nUser-Agent:\ HA\ Proxy", "www hdr User-Agent 'HA Proxy'"),
        (r"HTTP/1.1\r\nHost:\ www\r\n", "www"),
    ],
)
def test_headers_behind_the_version_are_sent_by_a_rule_of_their_own(
    written: str, headers: str
) -> None:
    line = f"option httpchk HEAD /x.php {written}"
    text, said = in_todays_words(f"backend a\n  {line}\n  server b c:80\n")
    assert text == f"backend a\n  option httpchk\n  {SEND}{headers}\n  server b c:80\n"
    assert said == {line: f"{SEND}{headers}"}


def test_processes_are_asked_for_no_more() -> None:
    text, said = in_todays_words(
        "global\n  nbproc 2\n  stats socket /run/x process 1 level admin\nfrontend a\n"
        "  bind *:80 process 1 name x\n  bind-process 1 2\n  stats bind-process 1\n"
    )
    assert text == ("global\n  stats socket /run/x level admin\nfrontend a\n  bind *:80 name x\n")
    assert len(said) == 5


@pytest.mark.parametrize(
    "text",
    [
        "backend a\n  option httpchk\n", "backend a\n  option httpchk HEAD / HTTP/1.1\n",
        "backend a\n  # option httpchk HEAD / HTTP/1.1\\r\\nHost:\\ x\n",
        "backend a\n  http-check send hdr Host x\n", "global\n  # nbproc 2\n",
        "frontend a\n  bind *:80 # process 1\n",
    ],
)  # fmt: skip
def test_what_is_still_taken_stays(text: str) -> None:
    assert in_todays_words(text) == (text, {})
