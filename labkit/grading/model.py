"""What a grading run found, as plain records, and the arithmetic of the mark.

The JSON form is `labkit/result/v1` (design.md, section 4), published as
`labkit/grading/result-v1.schema.json`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit.course import Origin, Verdict

SCHEMA = "labkit/result/v1"
DECIMALS = 2  # of a mark; checks are worth multiples of 0.25
# What result.json and the table call the learner.
LEARNER = str(
    tomllib.loads(Path(__file__).with_name("published.toml").read_text(encoding="utf-8"))["learner"]
)


@dataclass
class CheckResult:
    """One check. Until it has run it is inconclusive: a killed run never reads as a zero."""

    id: str
    title: str
    points_max: float
    verdict: Verdict = Verdict.INCONCLUSIVE
    message: str = ""
    expected: str = ""
    seen: str = ""
    where: str = ""
    hints: tuple[str, ...] = ()
    because: str = ""  # the check whose failure blocks this one: the root cause
    evidence: str = ""  # a file, relative to the result's folder
    seconds: float = 0.0
    credit: float = 1.0  # the share of the points that a pass is worth
    carried: tuple[str, ...] = ()  # artefacts of the reference's that it was judged on

    @property
    def points(self) -> float:
        return self.points_max * self.credit if self.verdict is Verdict.PASSED else 0.0

    @property
    def hint(self) -> str:
        return self.hints[0] if self.hints else ""

    def to_json(self) -> dict[str, Any]:
        """The record as in the schema; optional texts are left out when empty."""
        record: dict[str, Any] = {
            "id": self.id,
            "title": self.title,
            "verdict": str(self.verdict),
            "points": round(self.points, DECIMALS),
            "points_max": self.points_max,
            "message": self.message,
            "hint": self.hint if self.verdict is Verdict.FAILED else "",
            "because": self.because,
            "evidence": self.evidence,
            "seconds": round(self.seconds, 3),
        }
        for name in ("expected", "seen", "where"):
            if getattr(self, name):
                record[name] = getattr(self, name)
        if self.carried:
            record["carried_forward"] = list(self.carried)
        return record

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CheckResult:
        """Read back from a result file, which has the first hint alone, and credit by points."""
        worth = data["points_max"]
        passed = data["verdict"] == Verdict.PASSED
        return cls(
            id=data["id"],
            title=data["title"],
            points_max=worth,
            verdict=Verdict(data["verdict"]),
            hints=(data["hint"],) if data["hint"] else (),
            credit=data["points"] / worth if passed and worth else 1.0,
            **{name: data[name] for name in ("message", "because", "evidence", "seconds")},
            **{name: data.get(name, "") for name in ("expected", "seen", "where")},
        )


@dataclass(frozen=True)
class ArtefactRecord:
    """A file that a step grades; `sha256` is empty when it is missing."""

    path: str
    origin: Origin
    sha256: str

    def to_json(self) -> dict[str, str]:
        """The record as in the schema."""
        return {"path": self.path, "origin": str(self.origin), "sha256": self.sha256}

    @classmethod
    def from_json(cls, data: Mapping[str, str]) -> ArtefactRecord:
        """Read back from a result file."""
        return cls(data["path"], Origin(data["origin"]), data["sha256"])


@dataclass
class StepResult:
    """The checks of one step."""

    number: int
    letter: str
    slug: str
    title: str
    checks: list[CheckResult] = field(default_factory=list)
    artefacts: list[ArtefactRecord] = field(default_factory=list)

    @property
    def points(self) -> float:
        return sum(check.points for check in self.checks)

    @property
    def points_max(self) -> float:
        return sum(check.points_max for check in self.checks)

    @property
    def verdict(self) -> Verdict:
        """The worst of its checks: failed, then inconclusive, then blocked, then passed."""
        found = {check.verdict for check in self.checks}
        for verdict in (Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.BLOCKED):
            if verdict in found:
                return verdict
        return Verdict.PASSED

    def to_json(self) -> dict[str, Any]:
        """The record as in the schema."""
        return {
            "number": self.number,
            "letter": self.letter,
            "slug": self.slug,
            "title": self.title,
            "points": round(self.points, DECIMALS),
            "points_max": round(self.points_max, DECIMALS),
            "artefacts": [artefact.to_json() for artefact in self.artefacts],
            "checks": [check.to_json() for check in self.checks],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> StepResult:
        """Read back from a result file."""
        return cls(
            **{name: data[name] for name in ("number", "letter", "slug", "title")},
            checks=[CheckResult.from_json(check) for check in data["checks"]],
            artefacts=[ArtefactRecord.from_json(artefact) for artefact in data["artefacts"]],
        )


@dataclass
class GradeResult:
    """A whole grading run."""

    course: str
    labkit: str
    lab: dict[str, str]
    started: str  # ISO 8601, UTC
    score_max: float
    learner: str = ""
    seconds: float = 0.0
    mention: bool | None = None  # None: it was not tried for
    complete: bool = False  # False while the run goes on, and after a kill
    steps: list[StepResult] = field(default_factory=list)
    drills: list[dict[str, Any]] = field(default_factory=list)
    submission: dict[str, Any] | None = None  # what was read of a submission, and what was not

    @property
    def checks(self) -> list[CheckResult]:
        return [check for step in self.steps for check in step.checks]

    @property
    def score_low(self) -> float:
        """What is certain: the points of the passed checks."""
        return round(sum(check.points for check in self.checks), DECIMALS)

    @property
    def score_high(self) -> float:
        """What could still be reached if everything inconclusive, and all it holds up, passed."""
        open_points = sum(
            check.points_max * check.credit
            for check in self.checks
            if check.verdict is Verdict.INCONCLUSIVE
        )
        return round(self.score_low + open_points, DECIMALS)

    @property
    def score(self) -> float | None:
        """The mark, or None while it is a range."""
        return self.score_low if self.score_low == self.score_high else None

    def count(self, verdict: Verdict) -> int:
        """How many checks ended so."""
        return sum(check.verdict is verdict for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """The record as in the schema."""
        record: dict[str, Any] = {
            "schema": SCHEMA,
            "course": self.course,
            "labkit": self.labkit,
            LEARNER: self.learner,
            "lab": self.lab,
            "started": self.started,
            "seconds": round(self.seconds, 1),
            "complete": self.complete,
            "score": self.score,
            "score_low": self.score_low,
            "score_high": self.score_high,
            "score_max": self.score_max,
            "mention": self.mention,
            "steps": [step.to_json() for step in self.steps],
            "drills": self.drills,
        }
        if self.submission is not None:
            record["submission"] = self.submission
        return record

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> GradeResult:
        """Read back from a result file (`labkit/result/v1`)."""
        names = ("course", "labkit", "lab", "started", "score_max", "seconds", "mention",
                 "complete", "drills")  # fmt: skip
        return cls(
            **{name: data[name] for name in names},
            learner=data[LEARNER],
            steps=[StepResult.from_json(step) for step in data["steps"]],
            submission=data.get("submission"),
        )
