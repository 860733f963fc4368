"""Slow facts, asked side by side before the check that needs them comes to its turn.

Each is asked once in a run, in a thread of its own, by shells of its own on the connections that
are there: what they said becomes evidence of the check that first looks at the fact.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from threading import Lock
from types import TracebackType
from typing import Any

from labkit.grading.context import Context
from labkit.remote import SshShell


@dataclass
class _Asking:
    """A fact on its way."""

    twins: dict[str, SshShell] = field(default_factory=dict)
    answer: Future[Any] = field(default_factory=Future)


class Asker:
    """What a fact may ask: the machines, and other facts."""

    def __init__(self, ahead: Ahead, asking: _Asking) -> None:
        self._ahead = ahead
        self._twins = asking.twins

    def shell(self, machine: str) -> SshShell:
        """The shell of a machine. NotReadyError if it is off."""
        if machine not in self._twins:
            self._twins[machine] = self._ahead.twin(machine)
        return self._twins[machine]

    def fact(self, name: str) -> Any:
        """Another fact, or what went wrong when it was asked."""
        return self._ahead.asked(name).answer.result()


Facts = Mapping[str, Callable[[Asker], Any]]


class Ahead:
    """The facts of one run; all that were begun have ended when it is left."""

    def __init__(self, context: Context, facts: Facts, begin: Collection[str] = ()) -> None:
        self._context = context
        self._facts = facts
        self._lock = Lock()
        self._begun: dict[str, _Asking] = {}
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(facts)))
        for name in facts:
            if name in begin:
                self.asked(name)

    def __enter__(self) -> Ahead:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown()  # what a fact has set up on a machine is taken away by then

    def fact(self, name: str) -> Any:
        """A fact, or what went wrong when it was asked, for a check; begun now if it was not."""
        asking = self.asked(name)
        try:
            return asking.answer.result()
        finally:
            for machine, twin in asking.twins.items():
                self._context.shell(machine).history += twin.history
                twin.history = []

    def asked(self, name: str) -> _Asking:
        """The fact on its way."""
        with self._lock:
            if name not in self._begun:
                asking = self._begun[name] = _Asking()
                run = copy_context().run  # what is set for a run holds for its facts as well
                asking.answer = self._pool.submit(run, self._facts[name], Asker(self, asking))
            return self._begun[name]

    def twin(self, machine: str) -> SshShell:
        """A second shell on a machine's connection. NotReadyError if the machine is off."""
        return self._context.shell(machine).twin()
