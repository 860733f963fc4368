"""A class is graded whole, whatever is killed, and nobody twice: with a grader made for this."""

from __future__ import annotations

import json
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from labkit.classroom import Folder, GradeOptions
from labkit.classroom.intake import Entry
from labkit.classroom.ledger import Ledger, Record, lab_of, note_lab
from labkit.classroom.roll import Job, Outcome, digest, grade_class, room_for_labs, wanted
from labkit.classroom.roster import Person
from labkit.classroom.table import as_csv, as_json_lines, as_moodle, differences, mark, rows
from labkit.course import load_course
from labkit.errors import NotReadyError

OPTIONS = GradeOptions(frozenset({1, 2}), drills=False)


def entry(name: str, text: str = "good") -> Entry:
    folder = Folder(name, {"a": text.encode()}, [])
    return Entry(name, name.title(), folder=folder)


def result(verdict: str) -> dict[str, Any]:
    low, high = {"passed": (1, 1), "failed": (0, 0), "inconclusive": (0, 1)}[verdict]
    check = {"id": "a.there", "verdict": verdict, "because": "", "message": "=no"}
    return {
        "score": low if low == high else None, "score_low": low, "score_high": high,
        "score_max": 1, "steps": [{"checks": [check]}],
    }  # fmt: skip


@dataclass
class Grader:
    """Grades by what is written in a submission, and remembers whom."""

    asked: list[str] = field(default_factory=list)

    def __call__(self, job: Job) -> Outcome:
        """One entry."""
        assert job.entry.folder
        self.asked.append(job.entry.key)
        note_lab(job.out, job.lab)
        text = job.entry.folder.files["a"].decode()
        if text == "killed":
            raise KeyboardInterrupt
        if text == "dies" or (text == "dies once" and self.asked.count(job.entry.key) == 1):
            raise RuntimeError("gone")
        verdict = {"bad": "failed", "doubtful": "inconclusive"}.get(text, "passed")
        (job.out / "result.json").write_text(json.dumps(result(verdict)))
        return Outcome("inconclusive" if verdict == "inconclusive" else "graded", "", 1.0)


@dataclass
class Class:
    """A class, its ledger, and what was done."""

    ledger: Ledger
    grader: Grader = field(default_factory=Grader)
    removed: list[str] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    told: list[Record] = field(default_factory=list)

    def grade(
        self, *entries: Entry, only: str = "", slot: Any = "graded", version: str = ""
    ) -> None:
        """As the command does it."""
        digests = {one.key: one.digest + version for one in entries}
        with self.ledger.held():
            todo = wanted(entries, self.ledger, digests, only=only, slot=slot)
            grade_class(todo, self.ledger, digests, OPTIONS, labs=3, slot=slot, grader=self.grader,
                        executors=self.executor, remove=self.removed.append,
                        on_done=self.told.append)  # fmt: skip

    def executor(self, count: int) -> Executor:
        """Threads in the place of processes, one at a time: the order is then certain."""
        self.counts.append(count)
        return ThreadPoolExecutor(1)

    def states(self, *entries: Entry) -> list[str]:
        """What the ledger says of entries."""
        found = [self.ledger.record(one.key) for one in entries]
        return [f"{one.state} {one.tries}" if one else "" for one in found]


@pytest.fixture
def school(tmp_path: Path) -> Class:
    return Class(Ledger(tmp_path / "ledger"))


ADA, BOB, EVE = entry("ada"), entry("bob", "bad"), entry("eve", "doubtful")


def test_each_is_graded_once_and_nobody_twice(school: Class) -> None:
    school.grade(ADA, BOB)
    school.grade(ADA, BOB)
    assert sorted(school.grader.asked) == ["ada", "bob"]
    assert school.states(ADA, BOB) == ["graded 1", "graded 1"]
    assert [one.key for one in school.told] == ["ada", "bob"]


def test_what_has_changed_is_graded_again_and_the_old_is_kept(school: Class) -> None:
    school.grade(ADA, BOB)
    better = entry("bob", "good")
    school.grade(ADA, better)
    assert school.grader.asked == ["ada", "bob", "bob"]
    old = school.ledger.root / "bob" / "earlier" / "1" / "result.json"
    assert json.loads(old.read_text()) == result("failed")
    assert school.ledger.result("bob") == result("passed")


def test_only_chooses_whom(school: Class) -> None:
    school.grade(ADA, BOB, EVE)
    for only, whom in (("failed", ["bob"]), ("inconclusive", ["eve", "eve"]), ("BO", ["bob"]),
                       ("changed", []), ("nobody", [])):  # fmt: skip
        school.grader.asked.clear()
        school.grade(ADA, BOB, EVE, only=only)
        assert school.grader.asked == whom, only


def test_what_cannot_be_told_is_tried_once_more_alone(school: Class) -> None:
    once, always = entry("once", "dies once"), entry("always", "dies")
    school.grade(ADA, EVE, once, always)
    assert school.states(ADA, EVE, once, always) == [
        "graded 1", "inconclusive 2", "graded 2", "inconclusive 2",
    ]  # fmt: skip
    assert school.counts == [3, 1, 1, 1]
    found = school.ledger.record("always")
    assert found
    assert "RuntimeError gone" in found.why
    assert len(school.removed) == 3  # the labs of those that died
    assert not list(school.ledger.root.glob("*/.running-*"))


class SideBySide(Class):
    """As many at once as there are labs."""

    def executor(self, count: int) -> Executor:
        self.counts.append(count)
        return ThreadPoolExecutor(count)


@dataclass
class Disturbed(Grader):
    """A grader whose drill can be told only while nothing goes on beside it."""

    beside: Barrier = field(default_factory=lambda: Barrier(2, timeout=5))
    running: list[str] = field(default_factory=list)

    def __call__(self, job: Job) -> Outcome:
        again = job.entry.key in self.asked
        self.running.append(job.entry.key)
        if not again:
            self.beside.wait()
        alone = len(self.running) == 1
        if not again:
            self.beside.wait()
        outcome = super().__call__(job)
        self.running.remove(job.entry.key)
        return outcome if alone else replace(outcome, state="inconclusive")


def test_a_drill_that_was_disturbed_beside_others_is_measured_again_alone(tmp_path: Path) -> None:
    school = SideBySide(Ledger(tmp_path / "ledger"), Disturbed())
    school.grade(ADA, BOB)
    assert school.states(ADA, BOB) == ["graded 2", "graded 2"]
    assert school.counts == [2, 1, 1]


def test_a_broken_entry_is_named_and_stops_nobody(school: Class) -> None:
    broken = Entry("broken", "Broken", why="it is damaged")
    school.grade(broken, ADA)
    assert school.states(broken, ADA) == ["unreadable 1", "graded 1"]
    assert school.grader.asked == ["ada"]
    (row, _ada) = rows(school.ledger, [broken, ADA])
    assert (row.state, row.why, mark(row)) == ("unreadable", "it is damaged", "-")


def test_a_run_that_was_stopped_goes_on_and_its_labs_are_removed(school: Class) -> None:
    killed = entry("bob", "killed")
    with pytest.raises(KeyboardInterrupt):
        school.grade(ADA, killed, EVE)
    assert school.states(ADA, BOB, EVE)[:2] == ["graded 1", ""]
    left = [lab_of(one) for one in school.ledger.root.glob("*/.running-*")]
    school.grade(ADA, BOB, EVE)
    assert school.states(ADA, BOB, EVE) == ["graded 1", "graded 1", "inconclusive 2"]
    assert school.grader.asked.count("ada") == 1
    assert sorted(filter(None, left)) == sorted(school.removed)
    assert not list(school.ledger.root.glob("*/.running-*"))


@pytest.mark.parametrize("moment", ["before the record", "after it", "after the move"])
def test_a_kill_at_any_moment_leaves_a_run_that_counts_whole_or_not(
    school: Class, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    school.grade(ADA)
    ledger, record = school.ledger, school.ledger.record("ada")
    assert record
    run = ledger.begin("ada")
    (run / "result.json").write_text(json.dumps(result("failed")))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if moment == "before the record":
            patch.setattr("labkit.classroom.ledger.write_whole", killed)
        elif moment == "after it":
            patch.setattr(ledger, "_move", killed)
        else:
            rename, moves = Path.rename, iter([True, False])
            patch.setattr(Path, "rename",
                          lambda one, to: rename(one, to) if next(moves) else killed())  # fmt: skip
        with pytest.raises(KeyboardInterrupt):
            ledger.finish(run, replace(record, digest="new"))
    with ledger.held():
        pass
    found = ledger.record("ada")
    assert found
    whole = moment != "before the record"
    assert found.digest == ("new" if whole else record.digest)
    assert ledger.result("ada") == result("failed" if whole else "passed")
    assert [one.name for one in (ledger.root / "ada").glob("earlier/*")] == (["1"] if whole else [])


def test_two_commands_do_not_grade_one_class(school: Class) -> None:
    with school.ledger.held(), pytest.raises(NotReadyError), Ledger(school.ledger.root).held():
        pass


def test_a_second_grading_changes_nothing_until_it_is_accepted(school: Class) -> None:
    school.grade(ADA, BOB)
    school.grade(ADA, entry("bob", "good"), slot="proposed")
    before = school.ledger.result("bob")
    (ada, bob) = differences(school.ledger, [ADA, BOB])
    assert not ada.changed
    assert (bob.before, bob.after) == ("0 / 1", "1 / 1")
    assert bob.checks == (("a.there", "failed", "passed"),)
    assert before == result("failed") == school.ledger.result("bob")
    assert [school.ledger.accept(one) for one in ("ada", "bob", "eve")] == [True, True, False]
    assert school.ledger.result("bob") == result("passed")
    assert (school.ledger.root / "bob" / "earlier" / "1" / "result.json").exists()
    assert not (school.ledger.root / "bob" / "proposed").exists()


def test_the_digest_is_of_files_options_and_course(tmp_path: Path) -> None:
    course = load_course()
    found = digest(ADA, course, OPTIONS)
    assert found == digest(entry("other"), course, OPTIONS)
    assert found != digest(BOB, course, OPTIONS)
    assert found != digest(ADA, course, replace(OPTIONS, drills=True))
    assert found != digest(ADA, course, replace(OPTIONS, forward=False))
    (tmp_path / "checks").mkdir()
    mine = replace(course, root=tmp_path)
    before = digest(ADA, mine, OPTIONS)
    (tmp_path / "checks" / "test_01.py").write_text("stricter")
    assert digest(ADA, mine, OPTIONS) != before


@pytest.mark.parametrize(
    ("processors", "free", "drills", "labs"),
    [(2, 24000, False, 2), (16, 8192, False, 7), (4, 1500, False, 1), (16, 24000, True, 1)],
)
def test_as_many_labs_as_the_computer_bears(
    processors: int, free: int, drills: bool, labs: int
) -> None:
    assert room_for_labs(processors, free, drills=drills) == labs


def test_the_table_has_every_entry_and_who_handed_in_nothing(school: Class) -> None:
    school.grade(ADA, BOB, EVE)
    people = [Person("Ada", "1", "ada@x.org", "A"), Person("=cmd", "9", excused=True)]
    found = rows(school.ledger, [ADA, BOB, EVE, entry("new")], people)
    assert [one.state for one in found] == ["graded", "graded", "inconclusive", "open", "absent"]
    assert [mark(one) for one in found] == ["1 / 1", "0 / 1", "0 – 1 / 1", "-", "-"]
    lines = as_csv(found).splitlines()
    assert lines[1].startswith("Ada,1,ada@x.org,A,,,graded,1,1,1,1,")
    assert lines[-1].startswith("'=cmd,9,,,,yes,absent,,,,,")
    assert [json.loads(line)["state"] for line in as_json_lines(found).splitlines()] == [
        one.state for one in found
    ]
    assert [line.split(",")[3] for line in as_moodle(found).splitlines()] == [
        "labkit (/1)", "1", "0", "-", "-", "-",
    ]  # fmt: skip
