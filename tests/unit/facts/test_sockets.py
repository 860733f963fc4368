"""What `ss -Hltnp` says, line by line."""

from __future__ import annotations

import pytest

from labkit.facts.sockets import Listener, listeners


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (
            'LISTEN 0 9 *:8080 *:* users:(("nginx",pid=42,fd=6),("nginx",pid=41,fd=7))',
            [Listener(8080, frozenset({"nginx"}), frozenset({"41", "42"}))],
        ),
        (
            'LISTEN 0 128 [fe80::1%eth0]:443 [::]:* users:(("haproxy",pid=7,fd=3))',
            [Listener(443, frozenset({"haproxy"}), frozenset({"7"}))],
        ),
        ("LISTEN 0 128 *:22 *:*", [Listener(22, frozenset(), frozenset())]),
        ("LISTEN 0 128 /run/x.sock *", []),
        ("LISTEN 0", []),
        ("ESTAB 0 0 10.0.0.1:80 10.0.0.2:4000", []),
        ("", []),
    ],
)
def test_a_line_is_a_port_and_who_holds_it(line: str, found: list[Listener]) -> None:
    assert listeners(line) == found
