"""The page of a class, what is computed for it, and what is written for students and platforms."""

from __future__ import annotations

import csv
import io
import json
import statistics
import zipfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

from benchmarks.made_class import made_class
from labkit.classroom.belonging import Belonging, Strange
from labkit.classroom.intake import Entry
from labkit.classroom.items import items
from labkit.classroom.ledger import Ledger, Record
from labkit.classroom.marking import Marking
from labkit.classroom.overview import Learner, as_page, common_causes, distribution
from labkit.classroom.reports import moodle_name, write_reports
from labkit.classroom.roster import Person
from labkit.classroom.settings import Late, Settings
from labkit.classroom.table import Row, rows
from labkit.course import Course, Verdict, load_course
from labkit.grading.explain import Declared, read_checks
from labkit.grading.model import CheckResult, GradeResult, StepResult
from labkit.locale import use_course

P, F, B, I = Verdict.PASSED, Verdict.FAILED, Verdict.BLOCKED, Verdict.INCONCLUSIVE  # noqa: E741


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_LANG", "en")


@cache
def course() -> Course:
    found = load_course()
    use_course(found.root)
    return found


@cache
def checks() -> dict[str, Declared]:
    return read_checks(course())


def of(*verdicts: Verdict) -> GradeResult:
    """A student with these verdicts, of checks a.0, a.1, … worth a point each."""
    found = [CheckResult(f"a.{at}", "", 1.0, one) for at, one in enumerate(verdicts)]
    return GradeResult("c", "0", {"name": "x"}, "2026-01-01T00:00:00+00:00", len(verdicts),
                       steps=[StepResult(1, "a", "a", "A", found)], complete=True)  # fmt: skip


def test_a_large_class_is_in_tables_that_a_browser_need_not_lay_out_at_once() -> None:
    names = [f"Student {at:03}" for at in range(120)]
    students = [Learner(Row(name, state="open")) for name in names]
    page = BeautifulSoup(as_page(students, title="", command=""), "html.parser")
    tables = page.select(".batch > table")
    assert [one["aria-label"] for one in tables] == [
        "Learners 1 to 50", "Learners 51 to 100", "Learners 101 to 120",
    ]  # fmt: skip
    assert [row.th.text for one in tables for row in one.tbody("tr")] == names  # type: ignore[union-attr]
    assert all(one.thead for one in tables)


# Item analysis ----------------------------------------------------------------------------------


def test_facility_and_corrected_correlation() -> None:
    table = [(P, P, P), (P, P, F), (P, F, P), (F, F, F), (F, P, F)]
    first = items([of(*row) for row in table])[0]
    assert (first.told, first.facility) == (5, 0.6)
    rest = [1.0, 0.5, 0.5, 0.0, 0.5]  # of the other two, without the item itself
    assert first.correlation == pytest.approx(statistics.correlation([1, 1, 1, 0, 0], rest))
    assert not first.poor
    assert first.few


def test_what_is_blocked_or_inconclusive_is_missing_and_no_zero() -> None:
    known = [of(P, P), of(F, F), of(P, P)]
    first, second = items([*known, of(F, B), of(P, I)])
    assert (second.told, second.facility) == (3, pytest.approx(2 / 3))
    assert (second.blocked, second.inconclusive) == (1, 1)
    assert second.correlation == pytest.approx(1.0)
    assert first.told == 5  # it is known of all five, the rest of two of them is not
    assert first.correlation == pytest.approx(1.0)


@pytest.mark.parametrize("results", [[], [of(P, P)], [of(P, P), of(P, F)], [of(B, B), of(I, P)]])
def test_no_correlation_where_there_is_none(results: list[GradeResult]) -> None:
    assert all(one.correlation is None for one in items(results)[:1])
    assert all(one.facility is None for one in items(results) if not one.told)


def test_a_check_that_only_the_weak_pass_is_named_poor() -> None:
    results = [of(F, P, P), of(F, P, P), of(P, F, F), of(P, F, F)]
    first = items(results)[0]
    assert first.correlation == pytest.approx(-1.0)
    assert (first.poor, first.contrary) == (True, False)  # of four students it may be chance
    assert items(results * 2)[0].contrary


# The page ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marks", "counts"),
    [([0, 20, 19.99, 10], [1, 0, 0, 0, 0, 1, 0, 0, 0, 2]), ([], [])],
)
def test_each_mark_is_in_one_bin(marks: list[float], counts: list[int]) -> None:
    assert [one.count for one in distribution(marks, 20)] == counts


def test_causes_come_by_how_many_they_struck() -> None:
    def student(name: str, *verdicts: Verdict) -> Learner:
        return Learner(Row(name), of(*verdicts))

    found = common_causes([student("Ada", F, P), student("Bob", P, F), student("Eve", B, F)])
    assert [(one.check.id, one.of, one.names) for one in found] == [
        ("a.1", "Bob", ("Bob", "Eve")), ("a.0", "Ada", ("Ada",)),
    ]  # fmt: skip


def test_a_page_without_anybody_graded_says_so() -> None:
    page = as_page([Learner(Row("Ada", state="open", why="not graded yet"))], title="C",
                   command="labkit class grade X")  # fmt: skip
    text = BeautifulSoup(page, "html.parser").get_text(" ")
    assert "There is no certain mark yet." in text
    assert "labkit class grade X" in text
    assert "Nobody failed a check." in text


def test_whose_files_are_of_another_variant_is_shown_with_what_chance_would_do() -> None:
    trait = course().traits[0]
    own, found = trait.values[:2]
    strange = Belonging(3, (Strange(trait, own, (found,)),), 1, ("Bob",), 0.25)
    students = [
        Learner(Row("Ada", state="graded"), belonging=strange),
        Learner(Row("Bob", state="graded"), belonging=Belonging(5, (), 0)),
        Learner(Row("Eve", state="open")),
    ]
    page = BeautifulSoup(as_page(students, title="", command=""), "html.parser")
    rows_of = page.select("section[aria-labelledby=variants] tbody tr")
    assert [[cell.text for cell in row(["th", "td"])] for row in rows_of] == [
        ["Ada", f"{trait.title('en')} {own}", found, "Bob", "0.25"],
    ]  # fmt: skip
    honest = as_page(students[1:], title="", command="")
    assert "Nobody has what another learner was given." in honest
    assert 'id="variants"' not in as_page(students[2:], title="", command="")


def test_names_and_messages_of_students_are_text() -> None:
    hostile = of(F)
    check = hostile.steps[0].checks[0]
    check.message, check.title = "<script>x</script>\x1b[31m", "<b>"
    page = as_page([Learner(Row("<script>y</script>", state="graded"), hostile)], title="<i>",
                   command="c")  # fmt: skip
    assert "<script" not in page
    assert "\x1b" not in page


def written(
    tmp_path: Path,
    people: list[Person] | None = None,
    *,
    settings: Settings | None = None,
    languages: dict[str, str] | None = None,
) -> tuple[Ledger, list[Entry], Path]:
    """The reports of a made class of three, one broken entry and who submitted nothing."""
    ledger, entries = made_class(tmp_path / "ledger", 3, course(), checks())
    broken = Entry("broken", "Broken", why="it is damaged")
    ledger.finish(ledger.begin("broken"),
                  Record("broken", "Broken", "", "", "unreadable", "it is damaged"))  # fmt: skip
    entries = [broken, *entries]
    marking = Marking(checks(), settings)
    table = rows(ledger, entries, people or [Person("Nobody")], marking)
    page = write_reports(ledger, entries, table, marking, course(), languages or {},
                         command="labkit class grade X")  # fmt: skip
    return ledger, entries, page


def test_everything_is_written_and_every_link_leads_somewhere(tmp_path: Path) -> None:
    ledger, _entries, page = written(tmp_path)
    names = {path.relative_to(page.parent).as_posix() for path in page.parent.rglob("*.*")}
    assert names == {
        "class.html", "class.csv", "class.jsonl", "moodle.csv", "moodle-feedback.zip",
        *(f"feedback/student-{at:03}.html" for at in range(3)),
        *(f"gradescope/student-{at:03}.json" for at in range(3)),
    }  # fmt: skip
    shown = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    links = [str(one["href"]) for one in shown("a")]
    assert all((page.parent / one).exists() for one in links if not one.startswith("#"))
    assert all(shown.find(id=one[1:]) for one in links if one.startswith("#"))
    assert len(shown.select("section[aria-labelledby=learners] tbody tr")) == 5
    assert "it is damaged" in shown.get_text()
    assert ledger.killed() == []


def test_the_heat_map_has_words(tmp_path: Path) -> None:
    _ledger, _entries, page = written(tmp_path)
    shown = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    cells = [one.get_text() for one in shown.select("td.v")]
    assert len(cells) == 3 * len(course().steps)
    assert {one.split()[0] for one in cells} <= {"passed", "failed", "blocked", "inconclusive"}


def test_a_student_reads_their_own_language_and_mark(tmp_path: Path) -> None:
    person = Person("Student 000", "1000", late="2 days", language="fr")
    settings = Settings(scale=100, late=Late(10.0))
    _ledger, _entries, page = written(tmp_path, [person], settings=settings,
                                      languages={"student-000": "fr"})  # fmt: skip
    (line,) = [one for one in csv.DictReader(io.StringIO((page.parent / "class.csv").read_text()))
               if one["name"] == "Student 000"]  # fmt: skip
    assert (line["score_max"], line["late_percent"]) == ("100.0", "20.0")
    own = (page.parent / "feedback/student-000.html").read_text(encoding="utf-8")
    assert '<html lang="fr">' in own
    assert "Rendu en retard (2 days)" in own
    assert course().titles["fr"] in own
    other = (page.parent / "feedback/student-001.html").read_text(encoding="utf-8")
    assert '<html lang="en">' in other
    score = json.loads((page.parent / "gradescope/student-000.json").read_text())["score"]
    assert f"{score:g}" == f"{float(line['score_low']):g}"


def test_feedback_files_are_named_as_moodle_s_import_reads_them(tmp_path: Path) -> None:
    _ledger, _entries, page = written(tmp_path)
    with zipfile.ZipFile(page.parent / "moodle-feedback.zip") as archive:
        names = archive.namelist()
    assert names == [
        f"Student {at:03}_{1000 + at}_assignfeedback_file_feedback.html" for at in range(3)
    ]
    odd = moodle_name(Entry("k", "..Zoé_O'Brien/../x", "7"))
    assert odd.split("_")[1:] == ["7", "assignfeedback", "file", "feedback.html"]
    assert "/" not in odd
    assert not odd.startswith((".", "~"))


def test_the_same_marks_make_the_same_files(tmp_path: Path) -> None:
    _ledger, _entries, page = written(tmp_path / "one")
    _ledger, _entries, again = written(tmp_path / "two")
    for path in page.parent.rglob("*.*"):
        assert path.read_bytes() == (again.parent / path.relative_to(page.parent)).read_bytes()


def test_drills_stand_side_by_side(tmp_path: Path) -> None:
    _ledger, _entries, page = written(tmp_path)
    shown = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    lines: list[Any] = shown.select("section[aria-labelledby=drills] tbody tr")
    assert [one.th.get_text() for one in lines] == [drill.name for drill in course().drills]


def test_an_excused_student_has_no_mark_for_moodle(tmp_path: Path) -> None:
    people = [replace(Person("Student 000"), excused=True)]
    _ledger, _entries, page = written(tmp_path, people)
    (line,) = [one for one in (page.parent / "moodle.csv").read_text().splitlines()
               if one.startswith("Student 000,")]  # fmt: skip
    assert ",-," in line
