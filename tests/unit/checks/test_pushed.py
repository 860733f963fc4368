"""What is said of a registry into which nothing was pushed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from checks.test_08_registry import test_pushed as pushed
from labkit.course import NotMetError
from labkit.remote import PlannedShell, from_facts


@pytest.mark.parametrize(
    ("for_itself", "seen"), [(False, "nothing"), (True, "store is published for lb itself alone")]
)
def test_that_nobody_else_reaches_it_is_said(for_itself: bool, seen: str) -> None:
    registry: Any = SimpleNamespace(
        pushed=lambda _wanted: {},
        repositories=list,
        container=SimpleNamespace(is_for_itself=for_itself, name="store"),
        scheme="http",
        name="lb:5000",
    )
    with pytest.raises(NotMetError) as caught:
        pushed(PlannedShell("web1", from_facts({})), cast("Any", registry))
    assert caught.value.seen == seen
