"""Servers in rotation: all of them, and some."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from checks.judging import in_rotation
from labkit.course import NotMetError

UP = SimpleNamespace(name="web1", status="UP", is_up=True)
DOWN = SimpleNamespace(name="web2", status="DOWN", is_up=False)


def balancer(*servers: Any) -> Any:
    return SimpleNamespace(settled=lambda: list(servers))


@pytest.mark.parametrize("servers", [(), (UP, DOWN)], ids=["none", "one is down"])
def test_who_has_no_servers_is_not_ready_either(servers: tuple[Any, ...]) -> None:
    """Asked of a lab without HAProxy as well, for whether a later step holds already."""
    with pytest.raises(NotMetError):
        in_rotation(balancer(*servers))


def test_both_up_are_ready() -> None:
    assert in_rotation(balancer(UP, UP)) == [UP, UP]
