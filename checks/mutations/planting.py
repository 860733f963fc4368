"""What every operator rests on: how it is declared, and small changes of texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from labkit.course import Mutation

Mutate = Callable[[str], Iterable[str]]


@dataclass(frozen=True)
class Artefact:
    """The artefact that a module's operators are for; called, it declares one of them.

    An operator sees line ends of Unix alone. Whatever it yields that is the original again, or
    was yielded before, is left out.
    """

    slug: str
    path: str

    def __call__(
        self, what: str, caught_by: str, mutate: Mutate, why: str, *, equivalent: str = ""
    ) -> Mutation:
        def mutants(text: str) -> Iterator[str]:
            plain = text.replace("\r\n", "\n")
            seen = {plain}
            for mutant in mutate(plain):
                if mutant not in seen:
                    seen.add(mutant)
                    yield mutant.replace("\n", "\r\n") if "\r\n" in text else mutant

        return Mutation(f"{self.slug}.{what}", self.path, caught_by, mutants, why, equivalent)

    def same(self, what: str, mutate: Mutate, why: str, because: str) -> Mutation:
        """An operator whose mutants behave like their original."""
        return self(what, "", mutate, why, equivalent=because)


def sub(pattern: str, new: str | Callable[[re.Match[str]], str], *, count: int = 0) -> Mutate:
    """An operator that replaces a pattern, everywhere or the first `count` times."""
    compiled = re.compile(pattern, re.MULTILINE | re.IGNORECASE)
    return lambda text: [compiled.sub(new, text, count=count)]


def ended(line: str) -> Mutate:
    """An operator that adds a line at the end."""
    return lambda text: [f"{text.rstrip()}\n{line}\n"]


def either(*operators: Mutate) -> Mutate:
    """All mutants of several operators."""
    return lambda text: (mutant for operator in operators for mutant in operator(text))
