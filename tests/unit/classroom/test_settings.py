"""The teacher's settings: every mistake is named with its line; marks are computed as they say."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from labkit.classroom.marking import Marking
from labkit.classroom.settings import Late, Settings, read_settings
from labkit.course import Course, Origin, Verdict, load_course
from labkit.errors import UsageError
from labkit.grading.explain import Declared, read_checks
from labkit.grading.model import ArtefactRecord, CheckResult, GradeResult, StepResult


@cache
def course() -> Course:
    return load_course()


@cache
def checks() -> dict[str, Declared]:
    return read_checks(course())


def read(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "class.toml"
    file.write_text(text, encoding="utf-8")
    return read_settings(file, course())


def whole(verdict: Verdict = Verdict.PASSED) -> GradeResult:
    """A result of every check of the course, all with one verdict."""
    steps = [
        StepResult(
            step.number, step.letter, step.slug, step.slug,
            [CheckResult(one.id, one.sentence, one.spec.points, verdict)
             for one in checks().values() if one.step is step],
        )
        for step in course().steps
    ]  # fmt: skip
    return GradeResult(course().name, "1", {"name": "x"}, "2026-01-01T00:00:00+00:00",
                       course().points_max, steps=steps, complete=True)  # fmt: skip


def test_a_file_of_settings_is_read(tmp_path: Path) -> None:
    step = course().steps[2]
    drill = course().drills[0].name
    found = read(tmp_path, f"""
        language = "fr"
        scale = 100
        steps = ["1-3", {course().steps[4].number}]
        drills = ["{drill}"]
        reference_credit = 0.5
        [points]
        {step.letter} = 4
        [late]
        percent_per_day = 10
        percent_at_most = 50
    """)  # fmt: skip
    assert found == Settings("fr", 100.0, {}, frozenset({1, 2, 3, 5}), frozenset({drill}), 0.5,
                             {step.slug: 4.0}, Late(10, 50))  # fmt: skip


def test_every_mistake_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, """\
language = "klingon"
scal = 20
scale = "A to F"
steps = [
    "nowhere",
]
drills = ["nothing"]
reference_credit = 1.5
late.percent_per_day = -1

[points]
nowhere = 1
"2" = true

[letters]
A = 90
""")  # fmt: skip
    told = caught.value.where.split("\n  ")
    assert [one.split("class.toml:")[1].split(": ")[:2] for one in told] == [
        ["1", "language"], ["2", "scal"], ["3", "scale"], ["4", "steps"], ["7", "drills"],
        ["8", "reference_credit"], ["9", "late.percent_per_day"], ["12", "points.nowhere"],
        ["13", "points.2"], ["15", "letters"],
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["scale = ", "a = 1\na = 2", "\x00"])
def test_what_is_no_toml_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="TOML"):
        read(tmp_path, text)


@pytest.mark.parametrize("text", ["points = 3", "late = true", "letters = 1", "scale = 0",
                                  "steps = []", "scale = true", "scale = nan",
                                  "[[points]]"])  # fmt: skip
def test_what_means_nothing_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="mistakes"):
        read(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml"):
        read_settings(tmp_path / "none.toml", course())


def test_without_settings_the_mark_is_the_course_s_own() -> None:
    for verdict in Verdict:
        result = whole(verdict)
        mark = Marking(checks()).mark(result)
        assert (mark.low, mark.high, mark.most) == (
            result.score_low, result.score_high, result.score_max,
        )  # fmt: skip


def test_the_scale_and_the_points_of_a_step() -> None:
    first, second = course().steps[:2]
    settings = Settings(scale=100, steps=frozenset({1, 2}), points={first.slug: 1, second.slug: 3})
    result = whole()
    for check in result.steps[0].checks:
        check.verdict = Verdict.FAILED
    marking = Marking(checks(), settings)
    assert (marking.mark(result).low, marking.mark(result).most) == (75, 100)
    marked = marking.marked(result)
    assert [round(step.points_max, 6) for step in marked.steps[:3]] == [25, 75, 0]
    assert result.score_max == course().points_max  # what the lab found is as it was


def test_drills_that_do_not_count_take_their_points_with_them() -> None:
    drilled = sum(one.spec.points for one in checks().values() if one.spec.drill)
    assert drilled
    mark = Marking(checks(), Settings(drills=frozenset())).mark(whole())
    assert mark.most == mark.low == course().points_max - drilled


def test_a_part_of_the_steps_is_marked_out_of_its_worth() -> None:
    result = whole()
    result.steps = result.steps[:1]
    mark = Marking(checks(), Settings(scale=100)).mark(result)
    assert mark.most == mark.low == round(100 * result.steps[0].points_max / 20, 2)


def test_the_course_s_own_files_are_worth_what_the_teacher_says() -> None:
    result = whole()
    step = result.steps[1]
    step.artefacts = [ArtefactRecord("a", Origin.REFERENCE, "1")]
    mark = Marking(checks(), Settings(reference_credit=0.5)).mark(result)
    assert mark.low == course().points_max - step.points_max / 2


def test_a_range_stays_a_range_also_in_letters() -> None:
    result = whole()
    result.steps[3].checks[0].verdict = Verdict.INCONCLUSIVE
    settings = Settings(letters={"A": 100, "B": 50})
    mark = Marking(checks(), settings).mark(result)
    assert (mark.score, mark.letter) == (None, "A – B")
    assert Marking(checks(), settings).mark(whole()).letter == "A"


@pytest.mark.parametrize(
    ("delay", "percent"),
    [("", 0), ("1", 10), ("2 jours", 20), ("25 h", 20), ("15 min", 10), ("oui", 10), ("1,5 d", 20),
     ("1 week", 50)],
)  # fmt: skip
def test_lateness_costs_by_the_day_begun(delay: str, percent: float) -> None:
    assert Late(10, 50).percent(delay) == percent
    assert Late().percent(delay) == 0
    mark = Marking(checks(), Settings(late=Late(10, 50))).mark(whole(), late=delay)
    assert mark.low == round(course().points_max * (1 - percent / 100), 2)


def test_a_result_is_read_back_as_it_was_written() -> None:
    result = whole(Verdict.FAILED)
    result.steps[0].artefacts = [ArtefactRecord("a", Origin.OWN, "1")]
    result.steps[0].checks[0] = replace(
        result.steps[0].checks[0], verdict=Verdict.PASSED, credit=0.5, seen="x"
    )
    assert GradeResult.from_json(result.to_json()).to_json() == result.to_json()
