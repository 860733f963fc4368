"""Reports for people and for other programs, over results as a run leaves them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from labkit import locale
from labkit.course import Limits, Verdict
from labkit.errors import UsageError
from labkit.grading.model import GradeResult
from labkit.grading.schema import published
from labkit.grading.writers import WRITERS, as_moodle_table, write_html
from labkit.grading.writers.summary import causes, doubts
from labkit.load.words import LIMIT_WORDS
from tests.fakes.results import ALL, HOSTILE, B, F, I, Page, a_range, cold, graded, killed, problems


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_LANG", "en")


# The schema ------------------------------------------------------------------------------------


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(published())


@pytest.mark.parametrize("make", ALL)
def test_what_a_run_leaves_is_as_published(make: Callable[[], GradeResult]) -> None:
    assert problems(json.loads(WRITERS["json"](make()))) == []


def test_the_schema_names_exactly_what_is_written() -> None:
    definitions = published()["$defs"]
    submission = {"files": 1, "skipped": [], "notes": [], "filled": []}
    result = replace(graded(), submission=submission)
    result.steps[0].checks[1].carried = ("simple_api/Dockerfile",)
    data = result.to_json()
    assert set(published()["properties"]) == set(data)
    assert set(definitions["submission"]["properties"]) == set(submission)
    assert set(definitions["step"]["properties"]) == set(data["steps"][0])
    assert set(definitions["check"]["properties"]) == set(data["steps"][0]["checks"][1])
    assert set(definitions["drill"]["properties"]) == set(data["drills"][0])
    assert set(definitions["limit"]["properties"]) == set(data["drills"][0]["limits"][0])
    assert set(definitions["samples"]["properties"]) == set(data["drills"][0]["samples"])


def test_the_schema_and_the_words_know_every_limit_that_a_drill_can_have() -> None:
    known = {field.name for field in fields(Limits)}
    assert set(published()["$defs"]["limit"]["properties"]["name"]["enum"]) == known
    assert set(LIMIT_WORDS) == known


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("score", "12"),
        ("score_low", -1),
        ("started", "yesterday"),
        ("extra", 1),
        ("steps.0.checks.0.verdict", "ok"),
        ("steps.0.checks.1.points", 2.0),
        ("steps.0.checks.2.because", ""),
        ("steps.0.checks.0.hint", "a hint for what passed"),
        ("steps.0.artefacts.0.sha256", "123"),
        ("steps.0.artefacts.1.sha256", "a" * 64),
        ("drills.0.verdict", "blocked"),
        ("drills.0.bars", {"Two words": "passed"}),
        ("drills.0.bar", ""),
        ("drills.0.bars.course", "blocked"),
        ("drills.0.limits.0.name", "beauty"),
        ("drills.0.limits.0.held", "yes"),
        ("drills.0.samples.changes.0", [1.0, "web1"]),
    ],
)
def test_the_schema_refuses_what_no_run_leaves(place: str, value: object) -> None:
    data: Any = json.loads(WRITERS["json"](graded()))
    *path, last = [int(part) if part.isdigit() else part for part in place.split(".")]
    inner = data
    for part in path:
        inner = inner[part]
    inner[last] = value
    assert problems(data)


# What follows from what ------------------------------------------------------------------------


def test_a_cause_is_shown_once_with_what_waits_for_it() -> None:
    found = causes(graded())
    assert [(one.step.slug, one.check.id) for one in found] == [("build", "build.runs")]
    assert [check.id for check in found[0].waiting] == ["build.auth"]


def test_one_reason_that_strikes_many_checks_is_one_doubt() -> None:
    (doubt,) = doubts(a_range())
    assert (doubt.why, doubt.settle, doubt.points) == ("web1 is off", "labkit up", 4.0)
    assert [check.id for check in doubt.checks] == ["build.runs", "build.auth"]
    assert [check.id for check in doubt.waiting] == ["verify.page"]


def test_a_killed_run_is_settled_by_grading_again() -> None:
    assert [doubt.settle for doubt in doubts(killed())] == ["labkit grade"]


# JUnit -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(WRITERS) - {"json"}))
def test_no_report_holds_what_cannot_be_shown(name: str) -> None:
    result = graded()
    result.checks[2].message, result.checks[2].because = HOSTILE, ""
    result.checks[1].expected = ""
    assert not re.search(r"[\x00\x1b]|\\u00(00|1b)", WRITERS[name](result))


@pytest.mark.parametrize("make", ALL)
def test_junit_counts_what_it_holds(make: Callable[[], GradeResult]) -> None:
    result = make()
    root = ElementTree.fromstring(WRITERS["junit"](result))
    kinds = {"failures": ("failure", F), "errors": ("error", I), "skipped": ("skipped", B)}
    for attribute, (element, verdict) in kinds.items():
        assert int(root.get(attribute, "")) == result.count(verdict)
        assert len(root.findall(f".//{element}")) == result.count(verdict)
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(set(names)) == len(names) == int(root.get("tests", "")) == len(result.checks)


def test_a_junit_failure_says_all_in_its_body() -> None:
    root = ElementTree.fromstring(WRITERS["junit"](graded()))
    case = root.findall(".//testcase")[1]
    body = case.findtext("failure") or ""
    assert case.get("classname") == "03-build"
    for part in ("an answer", "<script>", "web1:5000", "first hint"):
        assert part in body
    assert "second hint" not in body


# Gradescope ------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", ALL)
def test_gradescope_sums_are_the_mark(make: Callable[[], GradeResult]) -> None:
    result = make()
    data = json.loads(WRITERS["gradescope"](result))
    assert data["score"] == pytest.approx(sum(test["score"] for test in data["tests"]))
    assert data["score"] == result.score_low
    assert isinstance(data["execution_time"], float)
    assert {data["visibility"], *(test["visibility"] for test in data["tests"])} == {"visible"}
    assert {test["status"] for test in data["tests"]} <= {"passed", "failed"}
    assert all(isinstance(test["number"], str) for test in data["tests"])


def test_gradescope_says_that_a_range_is_one() -> None:
    data = json.loads(WRITERS["gradescope"](a_range()))
    assert "1 – 5 / 20" in data["output"]
    assert "open, not failed" in data["output"]
    assert "web1 is off (labkit up)" in data["output"]
    struck = data["tests"][1]
    assert (struck["score"], struck["status"]) == (0, "failed")
    assert struck["output"].startswith("INCONCLUSIVE")


# Tables ----------------------------------------------------------------------------------------


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_a_row_per_check() -> None:
    result = graded()
    result.steps[0].checks[1].seen = "=SUM(A1)"
    rows = table(WRITERS["csv"](result))
    assert [row["verdict"] for row in rows] == ["passed", "failed", "blocked", "passed"]
    assert [float(row["points"]) for row in rows] == [1.0, 0, 0, 1.5]
    assert {row["student"] for row in rows} == {"alice"}
    assert [row["check"] for row in rows] == [check.id for check in result.checks]
    assert rows[1]["seen"] == "'=SUM(A1)"


def test_moodle_gets_the_columns_that_its_import_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_LANG", "fr")  # the decimals stay dots
    text = WRITERS["moodle"](graded())
    assert text.splitlines()[0] == "username,idnumber,email,labkit student-list (/20),feedback"
    (row,) = table(text)
    assert row["labkit student-list (/20)"] == "2.5"
    assert row["username"] == row["idnumber"] == row["email"] == "alice"
    assert "It runs." in row["feedback"]


@pytest.mark.parametrize("make", [a_range, killed])
def test_moodle_gets_no_grade_while_it_is_a_range(make: Callable[[], GradeResult]) -> None:
    (row,) = table(WRITERS["moodle"](make()))
    assert row["labkit student-list (/20)"] == "-"
    assert "1 – 5 / 20" in row["feedback"]
    assert "could not be determined: " in row["feedback"]


def test_moodle_refuses_what_would_abort_its_import() -> None:
    nobody = graded()
    nobody.learner = ""
    with pytest.raises(UsageError, match="learner"):
        WRITERS["moodle"](nobody)
    other = graded()
    other.course = "another"
    with pytest.raises(UsageError, match="one course"):
        as_moodle_table([graded(), other])
    assert len(table(as_moodle_table([graded(), a_range()]))) == 2


# The page --------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", ALL)
def test_the_page_stands_on_its_own(make: Callable[[], GradeResult]) -> None:
    text = WRITERS["html"](make())
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert all(reference.startswith("#") for reference in page.references)
    assert {reference[1:] for reference in page.references} <= set(page.ids)
    assert len(set(page.ids)) == len(page.ids)
    assert re.findall(r"https?://[^\"]+", text) in ([], ["http://www.w3.org/2000/svg"])
    assert not re.search(r"@import|url\((?!#)", text)


@pytest.mark.parametrize("make", ALL)
def test_the_page_says_every_verdict_in_words(make: Callable[[], GradeResult]) -> None:
    result = make()
    text = Page(WRITERS["html"](result)).text
    for verdict in Verdict:
        assert result.count(verdict) == 0 or str(verdict) in text


def test_the_page_shows_hostile_text_and_does_not_obey_it() -> None:
    result = graded()
    result.learner = result.course = result.steps[0].title = result.checks[0].message = HOSTILE
    result.checks[0].title, result.checks[1].hints = '"><script>', ('"><script>',)
    result.drills[0]["message"] = HOSTILE
    result.drills[0]["samples"]["states"] = {HOSTILE: HOSTILE}
    text = WRITERS["html"](result)
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "\x1b" not in text
    assert "script" not in Page(text).tags


def test_a_blocked_check_links_to_its_cause() -> None:
    text = WRITERS["html"](graded())
    row = text.split('id="check-build.auth"')[1].split("</li>")[0]
    assert '<a href="#check-build.runs">It runs.</a>' in row


def test_a_cause_outside_of_the_report_is_told_without_a_link() -> None:
    result = graded()
    result.steps[0].checks.pop(1)
    text = WRITERS["html"](result)
    assert "waits for: It runs." in text
    assert "#check-build.runs" not in text


def test_the_page_puts_causes_first() -> None:
    text = WRITERS["html"](graded())
    first = text.split("To settle next")[1].split("<h2>")[0]
    for part in ("an answer", "web1:5000", "first hint", "labkit check 3", "points: 2"):
        assert part in first
    assert "second hint" not in first
    assert "checks that wait for it: 1, points: 0.5" in first


def test_a_drill_is_drawn_and_tabled() -> None:
    text = WRITERS["html"](graded())
    assert text.count("<svg") == 1
    page = Page(text)
    for part in ("4.6 s", "✗ broken", "? not measured", "expected by theory: 230 lost"):
        assert part in page.text


def test_a_drill_that_did_not_run_has_reasons_and_no_picture() -> None:
    text = WRITERS["html"](cold())
    assert "<svg" not in text
    assert "not all servers serve" in text
    assert "Nothing was measured." in text


def test_a_range_and_a_killed_run_are_told_as_such() -> None:
    assert "1 – 5" in WRITERS["html"](a_range())
    assert "open, not failed" in WRITERS["html"](a_range())
    assert "did not finish" in WRITERS["html"](killed())


def test_the_page_is_in_the_users_language(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "checks" / "locale"
    folder.mkdir(parents=True)
    (folder / "fr.po").write_text(
        'msgid "failed"\nmsgstr "en échec"\n\nmsgid "fault"\nmsgstr "la panne"\n',
        encoding="utf-8",
    )
    monkeypatch.setattr(locale, "_course_catalogues", [])
    monkeypatch.setenv("LABKIT_LANG", "fr")
    locale.use_course(tmp_path)
    try:
        page = Page(WRITERS["html"](graded()))
    finally:
        locale._catalogue.cache_clear()
    assert page.language == "fr"
    assert "en échec" in page.text
    assert "la panne" in page.text
    assert "2,5 / 20" in page.text


def test_the_page_is_written_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.html"
    write_html(replace(graded(), learner="Zoé"), path)
    assert "Zoé" in path.read_text(encoding="utf-8")
