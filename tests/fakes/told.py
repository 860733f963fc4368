"""A reporter that remembers, or calls whoever wants to look at that instant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, get_type_hints

from labkit.reporting import Event, Note, Reporter


class Told(Reporter):
    """Keeps the events that it is told; calls `look` at each of the wanted kinds."""

    def __init__(
        self, *wanted: type[Event], look: Callable[[Event], object] = lambda _event: None
    ) -> None:
        self.wanted = wanted or (Event,)
        self.look = look
        self.events: list[Event] = []

    def tell(self, event: Event) -> None:
        """Keep it."""
        if isinstance(event, self.wanted):
            self.events.append(event)
            self.look(event)

    @property
    def said(self) -> list[str]:
        """The sentences among them."""
        return [one.text for one in self.events if isinstance(one, Note)]


def every_event(text: str) -> list[Event]:
    """An event of each kind, `text` wherever it holds one."""
    return [_filled(kind, text) for kind in Event.__subclasses__()]


def _filled(kind: type[Event], text: str) -> Event:
    hints = get_type_hints(kind)
    made: Mapping[Any, Any] = {
        str: text,
        int: 3,
        float: 1.5,
        bool: False,
        tuple[str, ...]: (text,),
        Mapping[str, str]: {text: text},
    }
    values: dict[str, Any] = {one.name: made[hints[one.name]] for one in fields(kind)}
    if "verdict" in values:
        values["verdict"] = "failed"
    return kind(**values)
