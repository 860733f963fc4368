"""Which check waits for which, and what is to blame when one cannot be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from labkit.course import CheckSpec, Verdict
from labkit.errors import LabkitError
from labkit.grading.model import CheckResult
from labkit.locale import _


@dataclass(frozen=True)
class Node:
    """A check in the graph, with its place in the course."""

    id: str
    step: int
    spec: CheckSpec
    sentence: str = ""  # what must hold, in English


class Graph:
    """Checks in the order of the course, and their parents resolved to check ids."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = {node.id: node for node in nodes}
        self.parents = {node.id: self._resolve(node, nodes) for node in nodes}

    def _resolve(self, node: Node, nodes: Sequence[Node]) -> tuple[str, ...]:
        """Parents by id. A step's name stands for its checks that are worth points."""
        parents: list[str] = []
        for name in node.spec.needs:
            if name in self.nodes:
                found = [name]
            else:
                found = [
                    other.id
                    for other in nodes
                    if other.id.partition(".")[0] == name
                    and other.spec.points > 0
                    and not other.spec.disturbs
                ]
            order = [other.id for other in nodes]
            if not found or any(order.index(parent) >= order.index(node.id) for parent in found):
                raise LabkitError(
                    _(
                        "the check {check} needs {name}, which does not come before it",
                        check=node.id,
                        name=name,
                    ),
                    where="checks/",
                )
            parents += found
        return tuple(dict.fromkeys(parents))

    def with_ancestors(self, wanted: Iterable[str]) -> set[str]:
        """The wanted checks and everything that they wait for."""
        found: set[str] = set()
        todo = list(wanted)
        while todo:
            check = todo.pop()
            if check not in found:
                found.add(check)
                todo += self.parents[check]
        return found

    def obstacle(
        self, check: str, results: Mapping[str, CheckResult]
    ) -> tuple[Verdict, str] | None:
        """Why a check cannot be asked: (blocked or inconclusive, the root cause's id), or None.

        A failure outweighs a doubt: what is blocked by a failed check stays blocked whatever a
        doubtful one turns out to be.
        """
        doubt = ""
        for parent in self.parents[check]:
            result = results.get(parent)
            if result is None:
                continue
            if result.verdict in (Verdict.FAILED, Verdict.BLOCKED):
                return Verdict.BLOCKED, result.because or parent
            if result.verdict is Verdict.INCONCLUSIVE:
                doubt = doubt or result.because or parent
        return (Verdict.INCONCLUSIVE, doubt) if doubt else None
