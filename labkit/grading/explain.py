"""What there is to say of a check before it is asked: read from the course, without any lab."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from labkit.course import CheckSpec, Course, Drill, Limits, Step, load_checks
from labkit.errors import UsageError
from labkit.grading.graph import Graph, Node
from labkit.load.words import LIMIT_WORDS, bar_word
from labkit.locale import _, language, number


@dataclass(frozen=True)
class Declared:
    """A check as its author wrote it, with its place among the others."""

    id: str
    step: Step
    sentence: str
    spec: CheckSpec
    waits_for: tuple[str, ...] = ()  # ids, in the course's order
    awaited_by: tuple[str, ...] = ()


def read_checks(course: Course) -> dict[str, Declared]:
    """Every check of a course by its id, in the course's order."""
    found = {}
    for name, function in load_checks(course).items():
        step = course.step(name.partition(".")[0])
        assert step is not None  # a check bears the name of its step
        sentence = " ".join((function.__doc__ or "").split("\n\n")[0].split())
        found[name] = Declared(name, step, sentence, vars(function)["labkit_check"])
    parents = Graph(
        [Node(check.id, check.step.number, check.spec) for check in found.values()]
    ).parents
    return {
        name: Declared(
            name,
            check.step,
            check.sentence,
            check.spec,
            waits_for=parents[name],
            awaited_by=tuple(other for other in found if name in parents[other]),
        )
        for name, check in found.items()
    }


def find_check(course: Course, checks: Mapping[str, Declared], wanted: str) -> Declared:
    """The check of this id. UsageError, with the nearest name, if there is none."""
    name = wanted.strip().lower()
    if name in checks:
        return checks[name]
    names = {check.id.partition(".")[2]: check.id for check in checks.values()}
    names |= {known: known for known in (*checks, *(step.slug for step in course.steps))}
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    raise UsageError(
        _("there is no check and no step {name!r}", name=wanted),
        then=f"labkit explain {names[near[0]] if near else 'all'}",
    )


def drill_of(course: Course, check: Declared) -> Drill | None:
    """The drill that a check judges, None if it judges none."""
    return next((drill for drill in course.drills if drill.name == check.spec.drill), None)


def load_words(drill: Drill) -> str:
    """The load of a drill, in a sentence."""
    return _(
        "{rate} requests/s to {machine} for {seconds} s, whatever becomes of earlier ones; "
        "one that waits longer than {patience} s is lost (checks/load/{scenario}.py)",
        rate=number(drill.load.rate),
        machine=drill.entry,
        seconds=number(drill.duration_s),
        patience=number(drill.load.patience_s),
        scenario=drill.load.scenario,
    )


def fault_words(drill: Drill) -> str:
    """What a drill breaks and for how long, in a sentence."""
    title = drill.title(language())
    if drill.control:
        return title
    return _(
        "{title}; {at} s after the start, undone {heal} s later at the latest",
        title=title,
        at=number(drill.fault_at_s),
        heal=number(drill.heal_after_s),
    )


def limit_words(limits: Limits) -> str:
    """What a drill may cost at one bar."""
    asked = {name: limit for name, limit in vars(limits).items() if limit is not None}
    return " · ".join(f"{_(LIMIT_WORDS[name])} ≤ {number(limit)}" for name, limit in asked.items())


def drill_words(drill: Drill) -> Iterator[tuple[str, str]]:
    """What there is to say of a drill: what it is about, and the words, in the user's language."""
    yield _("load"), load_words(drill)
    yield _("fault"), fault_words(drill)
    for bar, limits in drill.limits.items():
        yield _("limits, {bar}", bar=bar_word(bar)), limit_words(limits)
    if drill.promise:
        yield _("besides"), _("and no more than the timings of the configuration under test allow")
