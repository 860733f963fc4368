"""A shell that records what would be done. Questions may go to a real machine or to given facts."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping

from labkit.remote.shell import READ_TIMEOUT_S, RUN_TIMEOUT_S, RemoteProcess, Result, Shell

Answer = Callable[[str], Result]


def from_facts(facts: Mapping[str, str | int]) -> Answer:
    """Answers from data: the key is a part of the question, the value its output or exit code.

    The first key that occurs in the question wins; a question without an answer ends in 1, so
    that whatever it asked for is planned.
    """

    def answer(command: str) -> Result:
        for part, value in facts.items():
            if part in command:
                if isinstance(value, int):
                    return Result(command, "", "", value)
                return Result(command, value, "", 0)
        return Result(command, "", "", 1)

    return answer


class PlannedShell(Shell):
    """Records commands and files instead of carrying them out."""

    def __init__(self, name: str, answer: Answer, *, user: str = "user", address: str = "") -> None:
        super().__init__(name, user, address)
        self.answer = answer
        self.plan: list[str] = []
        self.files: dict[str, bytes] = {}

    def ask(self, command: str, *, sudo: bool = False, timeout: float = READ_TIMEOUT_S) -> Result:
        """The given answer; `timeout` changes nothing here."""
        del timeout
        return self.answer(f"sudo -n {command}" if sudo else command)

    def read(self, path: str, *, root: bool = False) -> str | None:
        """What the plan has put there, else the given answer."""
        planned = self.files.get(path)
        return super().read(path, root=root) if planned is None else planned.decode()

    def run(
        self, command: str, *, cwd: str = "", unless: str = "", timeout: float = RUN_TIMEOUT_S
    ) -> bool:
        """Record the command, unless it is not needed."""
        del timeout
        prefix = f"cd {shlex.quote(cwd)} && " if cwd else ""
        if unless and self.answer(prefix + unless).ok:
            return False
        self.plan.append(f"{self.name}:{cwd} $ {command}" if cwd else f"{self.name} $ {command}")
        return True

    def upload(
        self, content: bytes, path: str, *, mode: str, root: bool, quiet: bool = False
    ) -> None:
        """Record the file."""
        del mode
        if not quiet:
            self.plan.append(f"{self.name} $ {'sudoedit' if root else 'nano'} {path}")
        self.files[path] = content

    def start(self, command: str, *, stdin: str = "") -> RemoteProcess:
        """Record the command; there is nothing to read."""
        del stdin
        self.plan.append(f"{self.name} $ {command} &")
        return _Nothing()


class _Nothing:
    def lines(self) -> Iterator[str]:
        return iter(())

    def stop(self) -> None:
        """Nothing runs."""
