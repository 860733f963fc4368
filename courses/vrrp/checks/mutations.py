"""Small faults that a program plants into right answers, and the check that each is for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from labkit.course import Mutation

HAPROXY = "haproxy/haproxy.cfg"
LB1 = "keepalived/lb1.conf"
Mutate = Callable[[str], Iterator[str]]


def _replaced(pattern: str, by: str) -> Mutate:
    """The text with one match in another form, for each match."""
    wanted = re.compile(pattern, re.MULTILINE)

    def mutate(text: str) -> Iterator[str]:
        for found in wanted.finditer(text):
            yield text[: found.start()] + found.expand(by) + text[found.end() :]

    return mutate


MUTATIONS = (
    Mutation(
        name="haproxy.no-check",
        artefact=HAPROXY,
        caught_by="servers.checked",
        mutate=_replaced(r"^(\s*server\s+\S+\s+\S+) check$", r"\1"),
        why="The word check is missing on a server's line.",
    ),
    Mutation(
        name="haproxy.another-port",
        artefact=HAPROXY,
        caught_by="servers.balances_lb1",
        also=("servers.balances_lb2",),
        mutate=_replaced(r"bind \*:80$", "bind *:8080"),
        why="HAProxy listens on a port that no visitor asks.",
    ),
    Mutation(
        name="keepalived.no-track-script",
        artefact=LB1,
        caught_by="address.tracks",
        mutate=_replaced(r"^    track_script \{\n.*\n    \}\n", ""),
        why="The script is written and not tracked.",
    ),
    Mutation(
        name="keepalived.another-router",
        artefact=LB1,
        caught_by="address.runs",
        mutate=_replaced(r"virtual_router_id \d+", "virtual_router_id 5"),
        why="The two balancers are not of one virtual router.",
    ),
    Mutation(
        name="keepalived.one-priority",
        artefact=LB1,
        caught_by="calm.order",
        mutate=_replaced(r"priority 101", "priority 100"),
        why="Both balancers have the same priority.",
    ),
    Mutation(
        name="keepalived.without-comments",
        artefact=LB1,
        caught_by="address.runs",
        mutate=_replaced(r"\A# .*\n", ""),
        why="The first line, a comment, is left out.",
        equivalent="a comment says nothing to keepalived",
    ),
)
