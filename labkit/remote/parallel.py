"""The same thing on several machines at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def everywhere(act: Callable[[T], R], things: Iterable[T]) -> list[R]:
    """Call `act` on each thing in a thread of its own; results in the order of the things.

    All of them finish before the first error (in that order) is raised: a machine is never left
    in the middle of a change because another one failed.
    """
    wanted = list(things)
    if len(wanted) == 1:
        return [act(wanted[0])]
    with ThreadPoolExecutor(max_workers=max(1, len(wanted))) as pool:
        futures = [pool.submit(act, thing) for thing in wanted]
    return [future.result() for future in futures]
