"""What a machine answers about the names of the others, whole and broken off."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from checks.test_01_machines import test_hosts_lb as hosts_lb
from labkit.course import NotMetError
from labkit.remote import PlannedShell, from_facts

ADDRESSES = {"web1": "10.0.0.1", "web2": "10.0.0.2", "lb": "10.0.0.3"}
LAB: Any = SimpleNamespace(
    machines=lambda: {name: SimpleNamespace(name=name, address=address)
                      for name, address in ADDRESSES.items()}
)  # fmt: skip
WHOLE = "10.0.0.1 STREAM web1\n10.0.0.2 STREAM web2\n"


def lb(said: str) -> PlannedShell:
    return PlannedShell("lb", from_facts({"getent": said}))


def test_a_machine_that_knows_the_others_passes() -> None:
    hosts_lb(LAB, lb(WHOLE))


@pytest.mark.parametrize(
    ("said", "seen", "name"),
    [
        ("\n10.0.0.2 STREAM web2\n", "the name is unknown", "web1"),
        ("10.0.0.1 STREAM web1\n10.9.9.9 STREAM web2\n", "10.9.9.9", "web2"),
        ("10.0.0.1 STREAM web1\n", "the name is unknown", "web2"),  # its shell found no room
        ("", "the name is unknown", "web1"),
    ],
)
def test_a_name_that_is_not_known_is_told(said: str, seen: str, name: str) -> None:
    with pytest.raises(NotMetError) as caught:
        hosts_lb(LAB, lb(said))
    assert (caught.value.seen, caught.value.where) == (seen, f"lb $ getent hosts {name}")
