"""What authors of a course write: `@step` above a task, `@check` above a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from labkit.course.model import Artefact, CheckSpec, Step

F = TypeVar("F", bound=Callable[..., Any])

ALL_MACHINES = ("web1", "web2", "lb")


def step(
    number: int,
    slug: str,
    *,
    letter: str,
    on: str | Sequence[str],
    title: dict[str, str],
    needs: Sequence[str] = (),
    artefacts: Sequence[Artefact] = (),
    beside: Sequence[Artefact] = (),
    shows: bool = False,
    undo: Callable[..., None] | None = None,
) -> Callable[[Callable[..., None]], Step]:
    """Turn a function into a `Step`.

    The function takes a `Shell` for each machine in `on`, under the machine's name; if it has a
    parameter `files`, it is given the artefacts (`labkit.course.artefacts.Files`). A submission
    without any of `artefacts` earns nothing by the step; what it brings `beside` may be missing.
    """
    machines = ALL_MACHINES if on == "all" else (on,) if isinstance(on, str) else tuple(on)

    def make(run: Callable[..., None]) -> Step:
        return Step(
            number=number,
            slug=slug,
            letter=letter,
            on=machines,
            run=run,
            needs=tuple(needs),
            artefacts=tuple(artefacts),
            beside=tuple(beside),
            titles=title,
            shows=shows,
            undo=undo,
        )

    return make


def check(
    *,
    points: float,
    needs: str | Sequence[str] = (),
    hints: Sequence[str] = (),
    disturbs: bool = False,
    drill: str = "",
    probes: str = "",
    why: str = "",
    rests_on: Sequence[str] = (),
    judges: str = "",
) -> Callable[[F], F]:
    """Mark a pytest test as a check; its docstring is the sentence that the student reads.

    `probes` and `why` are what `labkit explain` says of it; `rests_on` names what it asks of a
    machine that not every provider has (`labkit doctor --parity`). `judges` is the path of an
    artefact that its step brings beside: filled with the reference, it earns nothing.
    """
    parents = (needs,) if isinstance(needs, str) else tuple(needs)
    spec = CheckSpec(
        points=points,
        needs=parents,
        hints=tuple(hints),
        disturbs=disturbs or bool(drill),
        drill=drill,
        probes=probes,
        why=why,
        rests_on=tuple(rests_on),
        judges=judges,
    )

    def mark(function: F) -> F:
        if not (function.__doc__ or "").strip():
            raise TypeError(f"{function.__name__} needs a docstring: the sentence students read")
        function.__dict__["labkit_check"] = spec
        return function

    return mark
