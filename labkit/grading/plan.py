"""Which checks a run is about, and what it will ask: computed, without pytest or a machine."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from labkit.course import Course
from labkit.grading.graph import Graph, Node
from labkit.grading.model import CheckResult
from labkit.locale import _


@dataclass(frozen=True)
class Scope:
    """Which checks a run is about. Ancestors are run as well, but not reported."""

    steps: frozenset[int]
    disturbing: bool = False  # also those that stop or load something
    drills: bool = False  # also those that judge a drill

    def holds(self, node: Node) -> bool:
        """Whether a check belongs to the run."""
        if node.spec.disturbs and not self.disturbing:
            return False
        if node.spec.drill and not self.drills:
            return False
        return node.step in self.steps


def everything(course: Course) -> Scope:
    """All checks of all steps, drills included."""
    return Scope(frozenset(step.number for step in course.steps), disturbing=True, drills=True)


def quick(course: Course, steps: set[int] | None = None) -> Scope:
    """The checks that disturb nothing: post-conditions, and what `labkit check` asks."""
    wanted = steps if steps is not None else {step.number for step in course.steps}
    return Scope(frozenset(wanted))


def plan(graph: Graph, scope: Scope, known: Collection[str] = ()) -> dict[str, CheckResult]:
    """The checks to ask, in the order of the course, each with a result that is still open.

    Those in the scope and all that they wait for, but for the `known` ones.
    """
    wanted = [name for name, node in graph.nodes.items() if scope.holds(node)]
    chosen = graph.with_ancestors(wanted) - set(known)
    return {name: _open(node) for name, node in graph.nodes.items() if name in chosen}


def _open(node: Node) -> CheckResult:
    return CheckResult(
        id=node.id,
        title=_(node.sentence),
        points_max=node.spec.points,
        message=_("not run yet"),
        hints=tuple(_(hint) for hint in node.spec.hints),
    )
