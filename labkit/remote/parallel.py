"""The same thing on several machines at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def everywhere(act: Callable[[T], R], things: Iterable[T]) -> list[R]:
    """Call `act` on each thing in a thread of its own; results in the order of the things.

    All of them finish before the first error (in that order) is raised, an interrupt among them: a
    machine is never left in the middle of a change because another one failed, and who tidies up
    after Ctrl-C finds all that was made. A second Ctrl-C does not wait.
    """
    wanted = list(things)
    with ThreadPoolExecutor(max_workers=max(1, len(wanted))) as pool:
        futures = [pool.submit(act, thing) for thing in wanted]
        wait(futures)  # not in the pool's exit, out of which an interrupt would lead at once
    return [future.result() for future in futures]


def to_its_end(act: Callable[[], R]) -> R:
    """Call `act`, which an interrupt does not cut off: it is raised when `act` has ended.

    What is asked of an engine is made even if nobody waits for its answer.
    """
    return everywhere(lambda _nothing: act(), [None])[0]
