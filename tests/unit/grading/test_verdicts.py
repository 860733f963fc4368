"""The grader's own error paths: how a test's end becomes a verdict, on a course made for this."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from labkit.course import Course, Verdict
from labkit.errors import LabkitError
from labkit.grading import CheckResult, Context, GradeResult, Scope, grade
from labkit.grading.context import NO_PIPE
from labkit.lab import Lab
from labkit.reporting import CheckEnded
from tests.fakes.every_verdict import ALPHA, FakeProvider, every_verdict, run
from tests.fakes.told import Told


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Course]:
    """Of one step, whose checks end in every way there is."""
    yield from every_verdict(tmp_path)


def by_name(result: GradeResult) -> dict[str, CheckResult]:
    """The checks by their names within the step."""
    return {check.id.partition(".")[2]: check for check in result.checks}


def test_every_end_has_its_verdict(course: Course, tmp_path: Path) -> None:
    checks = by_name(run(course, tmp_path))
    assert {name: str(check.verdict) for name, check in checks.items()} == {
        "good": "passed",
        "bad": "failed",
        "after_bad": "blocked",
        "far_after_bad": "blocked",
        "doubtful": "inconclusive",
        "off": "inconclusive",
        "defect": "inconclusive",
        "after_doubt": "inconclusive",
        "after_both": "blocked",
    }


def test_each_says_why(course: Course, tmp_path: Path) -> None:
    checks = by_name(run(course, tmp_path))
    assert checks["good"].message == "seen"
    assert (checks["bad"].expected, checks["bad"].seen, checks["bad"].where) == ("a", "b", "c")
    assert checks["far_after_bad"].because == "alpha.bad"  # the root cause, not the link between
    assert "Bad." in checks["far_after_bad"].message
    assert (checks["doubtful"].message, checks["doubtful"].where) == ("who knows", "look again")
    assert (checks["off"].message, checks["off"].where) == ("web2 is off", "labkit up")
    assert "KeyError" in checks["defect"].message
    assert checks["after_doubt"].because == "alpha.doubtful"


def test_doubt_is_a_range_and_neither_zero_nor_full(course: Course, tmp_path: Path) -> None:
    result = run(course, tmp_path)
    assert (result.score_low, result.score_high, result.score) == (1, 5, None)


@pytest.mark.parametrize("more", [{"free_kib": "100"}, {"room": NO_PIPE}])
def test_a_full_disk_blames_nobody(course: Course, tmp_path: Path, more: dict[str, Any]) -> None:
    """Before a student is blamed the control probe is asked: a full disk makes it a doubt."""
    bad = by_name(run(course, tmp_path, **more))["bad"]
    assert bad.verdict is Verdict.INCONCLUSIVE
    assert "the disk of web1 is full" in bad.message


def test_a_machine_without_room_for_a_process_blames_nobody(course: Course, tmp_path: Path) -> None:
    """After a fork bomb a right Dockerfile cannot be built either."""
    bad = by_name(run(course, tmp_path, room=2))["bad"]
    assert bad.verdict is Verdict.INCONCLUSIVE
    assert "web1 has no room for another process" in bad.message


def test_an_answer_that_a_machine_in_trouble_broke_off_is_no_defect(
    course: Course, tmp_path: Path
) -> None:
    defect = by_name(run(course, tmp_path, room=2))["defect"]
    assert defect.verdict is Verdict.INCONCLUSIVE
    assert "web1 has no room for another process" in defect.message


@pytest.mark.parametrize(
    ("name", "value"),
    [("PYTEST_ADDOPTS", "-v"), ("PYTEST_ADDOPTS", "-k nothing"), ("PYTEST_PLUGINS", "no_such")],
)
def test_settings_for_somebodys_own_tests_touch_no_grade(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    expected = {one: check.verdict for one, check in by_name(run(course, tmp_path)).items()}
    monkeypatch.setenv(name, value)
    seen = {one: check.verdict for one, check in by_name(run(course, tmp_path)).items()}
    assert seen == expected
    assert os.environ[name] == value


def test_a_machine_that_went_off_blames_nobody(course: Course, tmp_path: Path) -> None:
    lab = Lab("made", cast("Any", FakeProvider(running=False)), tmp_path)
    context = Context(course=course, lab=lab, out=tmp_path)
    bad = by_name(grade(context, Scope(frozenset({1}))))["bad"]
    assert bad.verdict is Verdict.INCONCLUSIVE
    assert "web1 is off" in bad.message


def test_the_result_file_is_whole_after_each_check(course: Course, tmp_path: Path) -> None:
    """Read at every instant it is valid, and what has not run yet is in doubt, not zero."""
    seen = []

    def look(_event: object) -> None:
        seen.append(json.loads((tmp_path / "result.json").read_text()))

    run(course, tmp_path, reporter=Told(CheckEnded, look=look))
    assert len(seen) == 9
    assert not any(record["complete"] for record in seen)
    first = {check["id"]: check["verdict"] for check in seen[0]["steps"][0]["checks"]}
    assert first["alpha.good"] == "passed"
    assert first["alpha.bad"] == "inconclusive"
    assert json.loads((tmp_path / "result.json").read_text())["complete"] is True


def test_what_is_known_is_not_asked_again(course: Course, tmp_path: Path) -> None:
    """A step that is verified takes what held before as it is."""
    known = {"alpha.bad": CheckResult("alpha.bad", "Bad.", 1, Verdict.PASSED)}
    checks = by_name(run(course, tmp_path, known=known))
    assert "bad" not in checks
    assert "RuntimeError" in checks["after_bad"].message  # it was asked


def test_checks_that_cannot_be_read_are_the_graders_fault(course: Course, tmp_path: Path) -> None:
    (tmp_path / "checks" / "test_01_alpha.py").write_text("import nothing_of_this_name\n")
    with pytest.raises(LabkitError, match="cannot be read"):
        run(course, tmp_path)


def test_a_parent_that_does_not_exist_is_the_graders_fault(course: Course, tmp_path: Path) -> None:
    text = ALPHA.replace('needs="alpha.bad"', 'needs="alpha.gone"')
    (tmp_path / "checks" / "test_01_alpha.py").write_text(text)
    with pytest.raises(LabkitError, match=r"alpha\.gone"):
        run(course, tmp_path)
