"""The verdict on the grader: what a campaign says of it, as numbers and lists of names."""

from __future__ import annotations

import platform
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from labkit import __version__
from labkit.accuracy.campaign import Campaign
from labkit.accuracy.corpus import KINDS, MUTANT
from labkit.accuracy.matrix import Disagreement, Outcome, tally, totals
from labkit.course import Mutation

SCHEMA = "labkit/verify/v1"


@dataclass(frozen=True)
class Flip:
    """A check whose verdict on one and the same case was not always the same, or there."""

    case: str
    check: str
    seen: dict[str, int]


class Findings:
    """The figures of a campaign."""

    def __init__(self, campaign: Campaign, mutations: Sequence[Mutation]) -> None:
        self.campaign = campaign
        self.outcomes: list[Outcome] = [outcome for _case, outcome in campaign.outcomes]
        self.tallies = dict(sorted(tally(campaign.outcomes).items()))
        self.precision, self.recall = totals(self.tallies)
        self.equivalent = {one.name: one.equivalent for one in mutations if one.equivalent}
        self.flips = list(_flips(self.outcomes))

    @property
    def flawless(self) -> bool:
        """Every case as expected, every time, at the first attempt."""
        return bool(self.outcomes) and not self.problems and not self.flips

    @property
    def problems(self) -> list[Outcome]:
        return [one for one in self.outcomes if one.problems]

    @property
    def survivors(self) -> list[Outcome]:
        """Mutants that change behaviour and that no check noticed."""
        return [one for one in self.outcomes if one.survived]

    @property
    def by_another(self) -> list[Outcome]:
        """What was noticed by another check than the intended one only."""
        return [one for one in self.outcomes if one.by_another]

    @property
    def disagreements(self) -> list[tuple[Outcome, Disagreement]]:
        """Where a tool that is not ours says otherwise: to be read, and no error by itself."""
        return [(one, other) for one in self.outcomes for other in one.disagreements]

    def count(self, kind: str) -> int:
        """How many different cases of a kind there were."""
        return len({one.name for one in self.outcomes if one.kind == kind})

    def to_json(self) -> dict[str, Any]:
        """The record `labkit/verify/v1`: totals, a line per check, a line per case and round."""
        return {
            "schema": SCHEMA,
            "labkit": __version__,
            "machine": {"python": platform.python_version(), "labs": self.campaign.labs,
                        "load": [round(one, 1) for one in _range(self.campaign.load)]},
            "seconds": round(self.campaign.seconds, 1),
            "entries": sum(self.count(kind) for kind in KINDS),
            "accepted": self.count("accepted"),
            "partial": self.count("partial"),
            "wrong": self.count("wrong"),
            "mutants": self.count(MUTANT),
            "operators": len({one.made_by for one in self.outcomes if one.made_by}),
            "rounds": max((one.round for one in self.outcomes), default=0),
            "precision": self.precision,
            "recall": self.recall,
            "flawless": self.flawless,
            "survivors": [one.name for one in self.survivors],
            "killed_by_another": [one.name for one in self.by_another],
            "equivalent": {one.name: self.equivalent[one.made_by] for one in self.outcomes
                           if one.made_by in self.equivalent},
            "hints_followed": sum(one.fixed is not None for one in self.outcomes),
            "hints_that_mended": sum(one.fixed is True for one in self.outcomes),
            "flips": len(self.flips),
            "flipped": [vars(one) for one in self.flips],
            "problems": [{"name": one.name, "kind": one.kind, "round": one.round,
                          "problems": one.problems} for one in self.problems],
            "disagreements": [{"name": one.name, "kind": one.kind, "round": one.round,
                               **vars(other)} for one, other in self.disagreements],
            "checks": [one.to_json() for one in self.tallies.values()],
            "cases": [one.to_json() for one in self.outcomes],
        }  # fmt: skip


def _flips(outcomes: Sequence[Outcome]) -> list[Flip]:
    seen: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    rounds = Counter((one.kind, one.name) for one in outcomes)
    for one in outcomes:
        for check, verdict in one.verdicts.items():
            seen[one.kind, one.name, check][verdict] += 1
    for (kind, name, _check), counts in seen.items():
        if absent := rounds[kind, name] - counts.total():
            counts["not asked"] = absent
    return [
        Flip(name, check, dict(counts))
        for (_kind, name, check), counts in seen.items()
        if len(counts) > 1
    ]


def _range(values: Sequence[float]) -> list[float]:
    return [min(values), max(values)] if values else []
