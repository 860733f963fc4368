"""Results as a run leaves them, and what reads their reports."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import jsonschema

from labkit.course import Origin, Verdict
from labkit.grading.model import ArtefactRecord, CheckResult, GradeResult, StepResult
from labkit.grading.schema import published
from labkit.load.availability import Judged, Series
from labkit.load.record import DrillResult, Samples

P, F, B, I = Verdict.PASSED, Verdict.FAILED, Verdict.BLOCKED, Verdict.INCONCLUSIVE  # noqa: E741
HOSTILE = "<script>alert('x')</script>\x1b[31m&\x00"


def drill(verdict: Verdict = F) -> DrillResult:
    """A kill that costs 216 of 2600 requests."""
    bins = 104
    samples = Samples(
        duration_s=26.0,
        series=Series(0.25, (25,) * bins, (0,) * 20 + (12,) * 18 + (0,) * 66, (0,) * bins),
        states={"web1": "UP", "web2": "UP"},
        changes=((9.6, "web1", "DOWN"), (17.3, "web1", "UP")),
        fault_s=5.0,
        heal_s=15.0,
        facts={"predicted_loss": 230.0, "balancer_failed": 216, "loss_bound": None},
    )
    return DrillResult(
        name="kill", verdict=verdict, bar="hardened", message="216 of 2600 requests lost",
        bars={"course": "passed", "hardened": str(verdict)},
        seed=3, runs=1, scheduled=2600, failed_get=200, failed_post=16, slow=0, detect_s=4.6,
        recover_s=2.3, longest_gap_s=0.02, flaps=0, samples=samples,
        limits=(Judged("lost_get", 0, 200, False), Judged("duplicates", 0, None, None)),
    )  # fmt: skip


def graded(*, complete: bool = True) -> GradeResult:
    """Two steps: passed, failed, blocked by it; passed again. The mark is 2.5 of 20."""
    build = StepResult(3, "c", "build", "Build the image", artefacts=[
        ArtefactRecord("simple_api/Dockerfile", Origin.OWN, "0123456789ab" + "c" * 52),
        ArtefactRecord("docker-compose.yml", Origin.MISSING, ""),
    ])  # fmt: skip
    build.checks = [
        CheckResult("build.image", "There is an image.", 1.0, P, "student-age:1.0", seconds=0.2),
        CheckResult(
            "build.runs", "It runs.", 2.0, F, "expected an answer; seen =SUM(A1) | " + HOSTILE,
            expected="an answer", seen="=SUM(A1) | " + HOSTILE, where="web1:5000",
            hints=("first hint", "second hint", "third hint"), seconds=1.5,
        ),
        CheckResult("build.auth", "It asks who is there.", 0.5, B, "waits for: It runs.",
                    because="build.runs"),
    ]  # fmt: skip
    page = StepResult(7, "g", "verify", "See the page")
    page.checks = [CheckResult("verify.page", "A browser sees the list.", 1.5, P)]
    return GradeResult(
        "student-list", "0.1.0", {"name": "lab", "provider": "containers", "os": "rocky9"},
        "2026-03-02T09:00:00+00:00", 20, learner="alice", seconds=63.25, complete=complete,
        steps=[build, page], drills=[drill().to_json()],
    )  # fmt: skip


def a_range() -> GradeResult:
    """web1 went off: two checks struck, one that waits for them."""
    result = graded()
    for check in result.steps[0].checks[1:]:
        check.verdict, check.because = I, ""
        check.expected = check.seen = ""
        check.message, check.where = "web1 is off", "labkit up"
    result.steps[1].checks[0].verdict = I
    result.steps[1].checks[0].because = "build.runs"
    return result


def killed() -> GradeResult:
    """A run of which nothing but the first check was asked."""
    result = graded(complete=False)
    for check in result.checks[1:]:
        check.verdict, check.message, check.because = I, "not run yet", ""
        check.expected = check.seen = check.where = ""
    result.drills = []
    return result


def cold() -> GradeResult:
    """A drill that could not begin."""
    result = graded()
    result.drills = [DrillResult("stop", I, "course", "not all servers serve").to_json()]
    return result


def empty() -> GradeResult:
    return GradeResult("c", "0.1.0", {"name": "lab"}, "2026-03-02T09:00:00+00:00", 20)


ALL: list[Callable[[], GradeResult]] = [graded, a_range, killed, cold, empty]


def problems(data: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(published())
    return [error.message for error in validator.iter_errors(data)]


class Page(HTMLParser):
    """Tags, ids, references and text of a page; fails on tags that do not match."""

    VOID = frozenset({"meta", "br", "path", "rect"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.text = ""
        self.language = ""
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in self.VOID:
            self._open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src", "xlink:href", "action", "srcset"):
                self.references.append(value or "")
            if (tag, name) == ("html", "lang"):
                self.language = value or ""

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
