"""c) No flapping: a balancer that comes back does not take the address again."""

from __future__ import annotations

from labkit.course import Files, step
from labkit.remote import Shells
from steps.project import CALM
from steps.s02_address import place


@step(
    3,
    "calm",
    letter="c",
    on=["lb1", "lb2"],
    needs=["address"],
    artefacts=[*CALM.values()],
    title={"en": "An address that stays", "fr": "Une adresse qui reste"},
)
def calm(shells: Shells, files: Files) -> None:
    """The same instance without preemption."""
    place(shells, files, CALM)
