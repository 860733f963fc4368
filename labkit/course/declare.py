"""What authors of a course write: `@step` above a task, `@check` above a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from labkit.course.artefacts import Artefact
from labkit.course.model import Beginning, CheckSpec, Course, Step, StepFunction

if TYPE_CHECKING:
    from labkit.remote import Shells

F = TypeVar("F", bound=Callable[..., object])  # of any fixtures, as pytest has it


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
    undo: Callable[[Shells], None] | None = None,
    beginning: Beginning | None = None,
) -> Callable[[StepFunction], Step]:
    """Turn a function into a `Step`; it is given the shells of the machines in `on`, by name.

    A submission without any of `artefacts` earns nothing by the step; what it brings `beside` may
    be missing.
    """
    machines = (on,) if isinstance(on, str) else tuple(on)

    def make(run: StepFunction) -> Step:
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
            beginning=beginning,
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
    requires: Sequence[str] = (),
    judges: str = "",
    limit_s: int = 0,
) -> Callable[[F], F]:
    """Mark a pytest test as a check; its docstring is the sentence that the learner reads.

    `probes` and `why` are what `labkit explain` says of it; `requires` names what it asks of a
    machine that not every provider has (`labkit doctor --parity`). `judges` is the path of an
    artefact that its step brings beside: filled with the reference, it earns nothing. `limit_s` is
    for a check that may rightly take longer than others, in seconds.
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
        requires=tuple(requires),
        judges=judges,
        limit_s=limit_s,
    )

    def mark(function: F) -> F:
        if not (function.__doc__ or "").strip():
            raise TypeError(f"{function.__name__} needs a docstring: the sentence learners read")
        function.__dict__["labkit_check"] = spec
        return function

    return mark


def load_checks(course: Course) -> dict[str, Callable[..., object]]:
    """The check functions by id (`SLUG.NAME`), in the order of the course; no machine is asked."""
    found: dict[str, Callable[..., object]] = {}
    for module in course.checks():
        step = step_of(course, module.__name__.rpartition(".")[2])
        for name, value in vars(module).items():
            if step and isinstance(getattr(value, "labkit_check", None), CheckSpec):
                found[f"{step.slug}.{name.removeprefix('test_')}"] = value
    return found


def step_of(course: Course, module: str) -> Step | None:
    """The step whose checks a module holds, by the number in its name: `test_03_build`."""
    return course.step(module.split("_")[1].lstrip("0"))
