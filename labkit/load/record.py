"""What a drill leaves behind: the entry of the result file, with enough to draw it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from labkit.course.verdict import Verdict
from labkit.load.availability import Judged, Series


@dataclass(frozen=True)
class Samples:
    """A run as a picture needs it. All times in seconds after the first scheduled request.

    `states` holds every server's state at the start, `changes` what became of them: (time,
    server, state). `fault_s` and `heal_s` are None in a run without a fault. `facts` are the
    numbers that no limit judges: predicted loss, balance, counters, bounds.
    """

    duration_s: float
    series: Series
    states: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[tuple[float, str, str], ...] = ()
    fault_s: float | None = None
    heal_s: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As it stands in the result file."""
        return {
            "duration_s": self.duration_s,
            "bin_s": self.series.bin_s,
            "scheduled": list(self.series.scheduled),
            "failed": list(self.series.failed),
            "slow": list(self.series.slow),
            "states": dict(self.states),
            "changes": [[round(at, 3), server, state] for at, server, state in self.changes],
            "fault_s": _rounded(self.fault_s),
            "heal_s": _rounded(self.heal_s),
            "facts": dict(self.facts),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Samples:
        """Read back from a result file."""
        return cls(
            duration_s=data["duration_s"],
            series=Series(
                data["bin_s"],
                tuple(data["scheduled"]),
                tuple(data["failed"]),
                tuple(data["slow"]),
            ),
            states=dict(data["states"]),
            changes=tuple((at, server, state) for at, server, state in data["changes"]),
            fault_s=data["fault_s"],
            heal_s=data["heal_s"],
            facts=dict(data["facts"]),
        )


@dataclass(frozen=True)
class DrillResult:
    """One entry of `drills` in the result file (design.md, section 4).

    Numbers are None where nothing was measured: a drill that could not begin has no losses.
    `seed` and `runs` are those of the run that decided and how many it took.
    """

    name: str
    verdict: Verdict
    bar: str
    message: str
    bars: Mapping[str, str] = field(default_factory=dict)  # the same run at every bar: verdicts
    seed: int | None = None
    runs: int = 0
    scheduled: int | None = None
    failed_get: int | None = None
    failed_post: int | None = None
    slow: int | None = None
    detect_s: float | None = None
    recover_s: float | None = None
    longest_gap_s: float | None = None
    duplicates: int | None = None
    ghosts: int | None = None
    flaps: int | None = None
    limits: tuple[Judged, ...] = ()
    samples: Samples | None = None

    def to_json(self) -> dict[str, Any]:
        """Only what JSON knows; times rounded to the millisecond."""
        data = {one.name: getattr(self, one.name) for one in fields(self)}
        for name in ("detect_s", "recover_s", "longest_gap_s"):
            data[name] = _rounded(data[name])
        data["verdict"] = self.verdict.value
        data["bars"] = dict(self.bars)
        data["limits"] = [asdict(one) for one in self.limits]
        data["samples"] = self.samples.to_json() if self.samples else None
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> DrillResult:
        """Read back from a result file."""
        samples = data["samples"]
        return cls(
            **{
                **data,
                "verdict": Verdict(data["verdict"]),
                "limits": tuple(Judged(**one) for one in data["limits"]),
                "samples": Samples.from_json(samples) if samples else None,
            }
        )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
