"""What every benchmark hands back, how it is shown, and the budget that it is held against."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One thing measured, once per round: seconds ("s"), a ratio ("×"), a count ("")."""

    name: str
    values: tuple[float, ...]
    unit: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def cells(self) -> tuple[str, ...]:
        """Name, median, lowest and highest, rounds."""
        unit = f" {self.unit}" if self.unit else ""
        shown = (
            f"{value:.4g}{unit}" for value in (self.median, min(self.values), max(self.values))
        )
        return self.name, *shown, str(len(self.values))


def ratios(name: str, over: Sequence[float], under: Sequence[float]) -> Figure:
    """How many times as much the one took as the other, round by round."""
    return Figure(name, tuple(a / b for a, b in zip(over, under, strict=True)), "×")


@dataclass(frozen=True)
class Result:
    """What one run of a benchmark found; `held` is its own limits' verdict, None without any."""

    figures: tuple[Figure, ...]
    held: bool | None = None
    versions: dict[str, str] = field(default_factory=dict)

    def figure(self, name: str) -> Figure:
        """The figure of this name; KeyError names those that there are."""
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(f"no figure {name!r}, only {', '.join(one.name for one in self.figures)}")

    def as_json(self) -> dict[str, Any]:
        """For `json.dumps`: figures by name with unit, median and the rounds' values."""
        return {
            "figures": {
                one.name: {"unit": one.unit, "median": one.median, "values": list(one.values)}
                for one in self.figures
            },
            "held": self.held,
            "versions": self.versions,
            "machine": machine(),
        }

    def table(self) -> str:
        """The figures in Markdown."""
        header = ("figure", "median", "lowest", "highest", "rounds")
        return markdown([header, *(figure.cells() for figure in self.figures)])

    def finish(self) -> None:
        """Print and end the program: 1 if a limit of the benchmark's own was missed."""
        print(self.table())
        if self.held is not None:
            print(f"limits: {'held' if self.held else 'NOT HELD'}")
        sys.exit(1 if self.held is False else 0)


def markdown(rows: Iterable[Sequence[str]]) -> str:
    """A table of which the first row is the header."""
    header, *body = rows
    lines = [header, ["---"] * len(header), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """On what it was measured."""
    system = f"{platform.system()} {platform.release().split('-')[0]}"
    return f"{os.cpu_count()} cores, {system}, Python {platform.python_version()}"


@dataclass(frozen=True)
class Limit:
    """One line of the budget: a figure of a benchmark, its bounds, and the reason for them."""

    benchmark: str
    figure: str
    why: str
    at_most: float | None = None
    at_least: float | None = None

    def holds(self, value: float) -> bool:
        """Whether the median of the rounds lies within."""
        return (self.at_most is None or value <= self.at_most) and (
            self.at_least is None or value >= self.at_least
        )

    def __str__(self) -> str:
        bounds = (("at most", self.at_most), ("at least", self.at_least))
        return " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)


def read_budget(path: Path) -> list[Limit]:
    """The limits of a budget file. ValueError names the entry that has no bound or no reason."""
    limits = [Limit(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["limit"]]
    for limit in limits:
        if not str(limit) or not limit.why.strip():
            raise ValueError(f"{path}: {limit.benchmark}, {limit.figure}: no bound or no reason")
    return limits
