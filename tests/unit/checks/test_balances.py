"""How visits are shared, and when it is asked for a second time."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from checks.test_11_haproxy import LOG, LOOK, _are_even, _must_be_shared, _shares
from labkit.course import NotMetError
from labkit.facts.haproxy.process import HAProxy


class Balancer:
    """Gives its two servers so many visits of each round."""

    def __init__(self, rounds: list[tuple[int, int]]) -> None:
        self.rounds: Iterator[tuple[int, int]] = iter(rounds)
        self.served = [5, 7]  # before anybody asked
        self.asked = 0

    def visit(self) -> None:
        self.asked += 1
        self.served = [a + b for a, b in zip(self.served, next(self.rounds), strict=True)]

    def servers(self) -> list[Any]:
        return [
            SimpleNamespace(name=name, sessions=count)
            for name, count in zip(("web1", "web2"), self.served, strict=True)
        ]

    settled = servers


@pytest.mark.parametrize(
    ("rounds", "shares", "asked"),
    [
        ([(10, 10)], (10, 10), 1),
        ([(12, 8), (10, 10)], (10, 10), 2),
        ([(12, 8), (18, 2)], (18, 2), 2),
        ([(20, 0), (20, 0)], (20, 0), 2),
    ],
)
def test_an_uneven_share_counts_when_it_is_uneven_twice(
    rounds: list[tuple[int, int]], shares: tuple[int, int], asked: int
) -> None:
    balancer = Balancer(rounds)
    found = _shares(cast("HAProxy", balancer), balancer.visit)
    assert tuple(found.values()) == shares
    assert _are_even(found) is (shares == (10, 10))
    assert balancer.asked == asked


@pytest.mark.parametrize("share", [(0, 0), (3, 3)])
def test_requests_that_no_server_sees_are_not_shared(share: tuple[int, int]) -> None:
    balancer = Balancer([share, share])
    haproxy = cast("HAProxy", balancer)
    with pytest.raises(NotMetError):
        _must_be_shared(haproxy, balancer.visit, "20 requests")


def test_one_connection_is_one_session_in_mode_tcp() -> None:
    balancer = Balancer([(1, 0), (1, 0)])
    assert _must_be_shared(cast("HAProxy", balancer), balancer.visit, "", least=1)


def test_who_looks_for_a_request_in_the_log_does_not_find_its_own_command(tmp_path: Path) -> None:
    log = tmp_path / "haproxy.log"
    command = f"{LOOK}0123456789ab".replace(LOG, str(log))
    log.write_text(f"lb sudo: student : COMMAND=/usr/bin/sh -c '{command}'\n")
    assert subprocess.run(["sh", "-c", command], check=False).returncode == 1
    with log.open("a") as file:
        file.write('lb haproxy[7]: website my-backend/web1 "GET /?labkit-0123456789ab HTTP/1.1"\n')
    assert subprocess.run(["sh", "-c", command], check=False).returncode == 0
