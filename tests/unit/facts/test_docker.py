"""What is said of images and containers where there is no engine to ask."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from labkit.course import CannotTellError
from labkit.facts.docker import containers, images
from labkit.remote import PlannedShell, Result, Shell

GONE = (
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon"
    " running?"
)


@pytest.mark.parametrize("ask", [images, containers])
def test_of_an_engine_that_is_gone_nobody_can_tell(ask: Callable[[Shell], object]) -> None:
    """xargs runs nothing, and ends well: an engine without containers looks alike."""

    def shell(said: str) -> Shell:
        return PlannedShell("web1", lambda command: Result(command, "", said, 0))

    assert ask(shell("")) == []
    with pytest.raises(CannotTellError, match="web1"):
        ask(shell(GONE))
