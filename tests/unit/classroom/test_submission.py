"""A submission is carried through the steps and graded, on a course and machines made for this."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from labkit.classroom import Carried, GradeOptions, carry, recognised, submission
from labkit.classroom.carrying import FailedStep, jobs
from labkit.classroom.submission import submission_record
from labkit.course import Artefact, Beginning, Files, ReadingRules, Step, Submission, Verdict
from labkit.errors import LabkitError, NothingToGradeError, NotReadyError, StepFailedError
from labkit.grading import Context, GradeResult, Scope, grade
from labkit.lab import Lab
from labkit.lab.lock import hold
from labkit.remote import Shells, SshShell
from labkit.reporting import SILENT, CheckBegan, CheckEnded, Reporter
from tests.fakes.four_steps import GOOD, MODULES, Made, Shell, folder_of, made, recognise
from tests.fakes.told import Told


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Made]:
    """The made course; its modules are forgotten afterwards."""
    yield made(tmp_path / "course")
    for module in MODULES:
        sys.modules.pop(module, None)


# -- carried through the steps


def carried(course: Made, files: Mapping[str, bytes], **more: Any) -> tuple[Carried, Shell]:
    shells = course.shells()
    own = recognise({**GOOD, **files}, Path())
    found = carry(course.course, course.course.steps, shells, own, **more)
    return found, shells["web1"]


def test_every_step_in_order_then_what_was_started_is_waited_for(course: Made) -> None:
    begun: list[str] = []
    found, shell = carried(course, {}, on_begin=lambda step: begun.append(step.slug))
    assert found.failed_steps == []
    assert course.done == ["base", "alpha", "beta", "gamma", "settle"]
    assert begun == course.done[:-1]
    assert shell.files == {f"/{name}": data for name, data in GOOD.items()}


def test_a_step_that_fails_is_noted_and_the_next_ones_are_tried(course: Made) -> None:
    found, shell = carried(course, {"a.txt": b"broken", "b.txt": b"broken too"})
    assert [(one.step.slug, one.what, one.where) for one in found.failed_steps] == [
        ("alpha", "a.txt is broken", "web1"), ("beta", "b.txt is broken", "web1")
    ]  # fmt: skip
    assert course.done[-2:] == ["gamma", "settle"]
    assert shell.files["/c.txt"] == b"good\n"


def test_a_lost_machine_ends_it(course: Made) -> None:
    found, _shell = carried(course, {"b.txt": b"lost"})
    assert [(one.step.slug, one.what) for one in found.failed_steps] == [("beta", "web1 is lost")]
    assert course.done == ["base", "alpha", "beta"]


def test_a_machine_lost_while_waiting_is_a_note_too(course: Made) -> None:
    def settle(_shells: object) -> None:
        raise LabkitError("no answer")

    course.course = replace(course.course, settle=settle)
    found, _shell = carried(course, {})
    assert [one.what for one in found.failed_steps] == ["no answer"]


def test_steps_that_show_are_left_out(course: Made) -> None:
    steps = [replace(step, shows=step.slug == "beta") for step in course.course.steps]
    course.course = replace(course.course, steps=steps)
    carried(course, {})
    assert "beta" not in course.done


# -- side by side


def a_step(number: int, slug: str, on: str, needs: str = "", **more: Any) -> Step:
    def run(_shells: Shells, _files: Files) -> None:
        """Nothing."""

    return Step(number, slug, "x", tuple(on.split()), run, tuple(needs.split()),
                titles={"en": slug}, **more)  # fmt: skip


def waits(*steps: Step) -> list[tuple[str, str, set[int]]]:
    return [(job.step.slug, " ".join(job.on), set(job.after)) for job in jobs(steps)]


def test_work_waits_for_what_was_before_on_its_machines_and_for_what_it_needs() -> None:
    assert waits(
        a_step(1, "base", "web1 web2"),
        a_step(2, "left", "web1", "base"),
        a_step(3, "right", "web2", "base"),
        a_step(4, "alone", "lb", "left"),
        a_step(5, "seen", "web1 web2 lb", "left right", shows=True),
        a_step(6, "end", "web2", "alone"),
    ) == [
        ("base", "web1 web2", set()),
        ("left", "web1", {0}),
        ("right", "web2", {0}),
        ("alone", "lb", {1}),
        ("end", "web2", {0, 2, 3}),
    ]


def test_a_beginning_waits_only_for_what_itself_needs() -> None:
    nothing = Beginning(lambda _shells, _files: None, ("lb",), ("base",))
    assert waits(
        a_step(1, "base", "web1 lb"),
        a_step(2, "build", "web1", "base"),
        a_step(3, "push", "web1 lb", "base build", beginning=nothing),
    ) == [
        ("base", "web1 lb", set()),
        ("build", "web1", {0}),
        ("push", "lb", {0}),
        ("push", "web1 lb", {0, 1, 2}),
    ]


def test_what_needs_a_step_that_is_not_carried_out_waits_for_nothing() -> None:
    assert waits(a_step(4, "late", "web1", "base build")) == [("late", "web1", set())]


def beside(course: Made, *steps: Step, **more: Any) -> Carried:
    shells = {name: Shell(0) for name in ("web1", "web2", "lb")}
    return carry(course.course, steps, shells, Submission({}), **more)


def test_machines_that_need_not_wait_work_at_the_same_time(course: Made) -> None:
    both = threading.Barrier(2, timeout=20)  # passed only by two at once

    def meet(_shells: Shells, _files: Files) -> None:
        both.wait()

    left = replace(a_step(1, "left", "web1"), run=meet)
    right = replace(a_step(2, "right", "web2"), run=meet)
    assert beside(course, left, right).failed_steps == []


def test_failed_steps_are_in_the_order_of_the_steps(course: Made) -> None:
    later = threading.Event()

    def first(_shells: Shells, _files: Files) -> None:
        assert later.wait(20)
        raise StepFailedError("one")

    def second(_shells: Shells, _files: Files) -> None:
        later.set()
        raise StepFailedError("two")

    found = beside(
        course,
        replace(a_step(1, "left", "web1", "base"), run=first),
        replace(a_step(2, "right", "web2", "base"), run=second),
    )
    assert [one.what for one in found.failed_steps] == ["one", "two"]


def test_a_step_with_a_beginning_is_said_to_begin_once(course: Made) -> None:
    begun: list[str] = []
    beginning = Beginning(lambda _shells, _files: None, ("lb",), ())
    step = a_step(1, "push", "web1 lb", beginning=beginning)
    beside(course, step, on_begin=lambda step: begun.append(step.slug))
    assert begun == ["push"]


def test_a_step_whose_beginning_failed_goes_no_further_and_others_do(course: Made) -> None:
    def refuse(_shells: Shells, _files: Files) -> None:
        raise StepFailedError("refused")

    steps = [
        replace(
            a_step(1, "push", "web1 lb", "base", beginning=Beginning(refuse, ("lb",), ())),
            run=lambda _shells, _files: course.done.append("push"),
        ),
        replace(
            a_step(2, "page", "lb", "push"), run=lambda _shells, _files: course.done.append("page")
        ),
    ]
    found = beside(course, *steps)
    assert [(one.step.slug, one.what) for one in found.failed_steps] == [("push", "refused")]
    assert course.done == ["page", "settle"]


def test_with_a_machine_lost_nothing_more_is_begun_elsewhere(course: Made) -> None:
    def lose(_shells: Shells, _files: Files) -> None:
        raise NotReadyError("lost")

    steps = [
        replace(a_step(1, "left", "web1", "base"), run=lose),
        replace(
            a_step(2, "right", "web2", "left"),
            run=lambda _shells, _files: course.done.append("right"),
        ),
    ]
    assert [one.what for one in beside(course, *steps).failed_steps] == ["lost"]
    assert course.done == []


def test_a_step_with_nothing_of_a_learners_that_fails_is_the_labs_trouble(course: Made) -> None:
    """Its checks would fail a learner whose files have not even been looked at."""

    def stall(_shells: Shells, _files: Files) -> None:
        raise StepFailedError("it had not finished after 20 s", where="web2")

    steps = [
        replace(a_step(1, "base", "web1 web2"), run=stall),
        replace(a_step(2, "right", "lb"), run=lambda _shells, _files: time.sleep(0.2)),
        replace(
            a_step(3, "after", "lb", "right"),
            run=lambda _shells, _files: course.done.append("after"),
        ),
    ]
    with pytest.raises(NotReadyError, match=r"step 1.*not finished after 20 s") as caught:
        beside(course, *steps)
    assert (caught.value.where, caught.value.then) == ("web2", "labkit doctor")
    assert course.done == []


def test_a_defect_closes_the_connections_so_that_nothing_is_waited_for(course: Made) -> None:
    shells = {name: Shell(0) for name in ("web1", "web2", "lb")}

    def defect(_shells: Shells, _files: Files) -> None:
        raise KeyError("a defect")

    with pytest.raises(KeyError):
        carry(course.course, [replace(a_step(1, "left", "web1"), run=defect)], shells,
              Submission({}))  # fmt: skip
    assert all(shell.closed for shell in shells.values())


# -- recognised and recorded


def test_nothing_of_the_practical_is_nothing_to_grade(course: Made) -> None:
    files = {f"photo-{number}.png": b"" for number in range(9)}
    with pytest.raises(NothingToGradeError, match="nothing in alice") as caught:
        recognised(course.course, folder_of(files))
    assert caught.value.where == "photo-0.png, photo-1.png, photo-2.png, photo-3.png, photo-4.png"
    assert "labkit init" in caught.value.then


def test_one_file_is_enough(course: Made) -> None:
    found = recognised(course.course, folder_of({"deep/b.txt": b"x"}), ReadingRules(fill=False))
    assert (dict(found.sources), found.fill) == ({"b.txt": "deep/b.txt"}, False)


def test_the_record_says_what_was_read_changed_filled_and_not_carried_out(course: Made) -> None:
    files = {"a.txt": b"x", "else": b""}
    own = replace(recognise(files, Path()), notes=("changed",))
    failed = FailedStep(course.course.steps[1], "w" * 1000, "web1")
    assert submission_record(course.course, folder_of(files), own, Carried([failed])) == {
        "files": 2,
        "skipped": [{"path": "x", "why": "it is too large"}],
        "notes": ["changed", "step 2 (alpha): " + "w" * 600],
        "filled": ["b.txt", "c.txt"],
    }
    unfilled = submission_record(
        course.course, folder_of(files), replace(own, fill=False), Carried()
    )
    assert (unfilled["filled"], unfilled["notes"]) == ([], ["changed"])


# -- graded


def test_a_submission_from_files_to_result(
    course: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shells = course.shells()
    monkeypatch.setattr(submission, "open_shells", lambda *_any, **_more: shells)
    result = submission.grade_submission(
        course.course,
        folder_of({"a.txt": b"good", "c.txt": b"broken"}),
        course.lab(tmp_path),
        tmp_path / "out" / "deep",
        GradeOptions(frozenset({2, 4}), drills=False),
    )
    assert (result.learner, result.complete) == ("alice", True)
    assert {one.id: str(one.verdict) for one in result.checks} == {
        "alpha.there": "passed", "alpha.after": "passed",
        "gamma.there": "failed", "gamma.after": "blocked",
    }  # fmt: skip
    assert course.done == ["base", "alpha", "beta", "gamma", "settle"]
    written = json.loads((tmp_path / "out" / "deep" / "result.json").read_text())
    assert written["submission"]["filled"] == ["b.txt"]
    assert written["submission"]["notes"] == ["step 4 (gamma): c.txt is broken"]
    assert shells["web1"].closed


def test_steps_after_the_last_wanted_one_are_not_carried_out(
    course: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "open_shells", course.shells)
    options = GradeOptions(frozenset({2}), drills=False, learner="bob")
    folder = folder_of({"a.txt": b"good"})
    lab = course.lab(tmp_path)
    result = submission.grade_submission(course.course, folder, lab, tmp_path, options)
    assert course.done == ["base", "alpha", "settle"]
    assert [step.slug for step in result.steps] == ["alpha"]
    assert result.learner == "bob"


def test_nothing_is_made_for_a_folder_with_nothing_in_it(course: Made, tmp_path: Path) -> None:
    with pytest.raises(NothingToGradeError):
        submission.grade_submission(
            course.course, folder_of({"x": b""}), course.lab(tmp_path), tmp_path / "out",
            GradeOptions(frozenset({1})),
        )  # fmt: skip
    assert not (tmp_path / "out").exists()
    assert course.done == []


@pytest.mark.parametrize("fails", [False, True])
def test_a_fresh_lab_is_gone_afterwards_whatever_happens(
    course: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    names: list[str] = []

    def opened(name: str, provider: str) -> Lab:
        names.append(name)
        assert provider == "chosen"
        (tmp_path / "state").mkdir()
        return replace(course.lab(tmp_path / "state"), name=name)

    monkeypatch.setattr(submission, "open_lab", opened)
    course.provider.fails = fails

    def use() -> None:
        with submission.fresh_lab(lambda _line: None, "chosen") as lab:
            assert lab.name.startswith("sub-")
            raise KeyboardInterrupt

    with pytest.raises(NotReadyError if fails else KeyboardInterrupt):
        use()
    assert course.provider.destroyed == 1
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("fails", [False, True])
def test_virtual_machines_are_kept_put_back_before_and_off_afterwards(
    course: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    def opened(name: str, provider: str) -> Lab:
        assert (name, provider) == ("sub-vagrant", "vagrant")
        (tmp_path / "state").mkdir(exist_ok=True)
        return replace(course.lab(tmp_path / "state"), name=name)

    monkeypatch.setattr(submission, "open_lab", opened)
    course.provider.fails = fails

    def use() -> None:
        with submission.fresh_lab(lambda _line: None, "vagrant") as lab:
            assert course.provider.done == ["fresh"]
            with pytest.raises(NotReadyError, match="grade --submission"), hold(lab, "up"):
                pass
            raise KeyboardInterrupt

    with pytest.raises(NotReadyError if fails else KeyboardInterrupt):
        use()
    assert course.provider.done == ["fresh", "down"]
    assert course.provider.destroyed == 0
    assert (tmp_path / "state").exists()


# -- the options, as evidence keeps them

KEPT = {"steps": [1, 2], "drills": True, "fill": False, "documented": False, "as_found": True,
        "forward": True, "learner": "ada", "reference_credit": 1.0, "seed": 7,
        "limit_s": None}  # fmt: skip
CHOSEN = GradeOptions(
    frozenset({2, 1}), reading=ReadingRules(fill=False, as_found=True), learner="ada", seed=7
)


def test_options_are_kept_flat_and_read_back() -> None:
    """Evidence of any version is read: what it names is a contract."""
    assert CHOSEN.to_json() == KEPT
    assert GradeOptions.from_json(KEPT) == CHOSEN


def test_what_evidence_is_too_old_to_know_is_as_usual() -> None:
    older = {name: value for name, value in KEPT.items() if name not in ("as_found", "limit_s")}
    reading = ReadingRules(fill=False)
    assert GradeOptions.from_json(older) == replace(CHOSEN, reading=reading)


# -- gaps: what a submission lacks is worth nothing


def graded(
    course: Made,
    files: Mapping[str, bytes],
    out: Path,
    *,
    machine: Mapping[str, bytes] = GOOD,
    reporter: Reporter = SILENT,
    steps: frozenset[int] = frozenset({2, 3, 4}),
    **more: Any,
) -> GradeResult:
    """Grade machines on which everything is good, by the submission that has only `files`."""
    context = Context(course=course.course, lab=course.lab(out), out=out)
    context.submission = recognise(files, Path())
    shell = Shell(1)
    shell.files = {f"/{name}": data for name, data in machine.items()}
    context.shells["web1"] = cast("SshShell", shell)
    return grade(context, Scope(steps), reporter, **more)


def test_a_step_whose_files_are_missing_is_worth_nothing_whatever_filled_the_gap(
    course: Made, tmp_path: Path
) -> None:
    result = graded(course, {"a.txt": b"good"}, tmp_path)
    checks = {one.id: one for one in result.checks}
    assert {name: (str(one.verdict), one.because) for name, one in checks.items()} == {
        "alpha.there": ("passed", ""), "alpha.after": ("passed", ""),
        "beta.there": ("failed", ""), "beta.after": ("blocked", "beta.there"),
        "gamma.there": ("failed", ""), "gamma.after": ("blocked", "gamma.there"),
    }  # fmt: skip
    assert (result.score_low, result.score_high) == (2, 2)
    first = checks["beta.there"]
    assert first.message == "it is missing from the submission: b.txt"
    assert (first.expected, first.seen, first.where) == ("b.txt in the submission", "none", "")
    assert checks["beta.after"].message == "waits for: b.txt is good."
    origins = {step.slug: str(step.artefacts[0].origin) for step in result.steps}
    assert origins == {"alpha": "own", "beta": "missing", "gamma": "missing"}


def test_it_is_worth_nothing_at_every_instant(course: Made, tmp_path: Path) -> None:
    """Also in the file that a killed run leaves behind."""
    highest = []

    def look(_event: object) -> None:
        found = json.loads((tmp_path / "result.json").read_text())
        highest.append(sum(found["steps"][1]["checks"][at]["points"] for at in (0, 1)))
        assert found["score_high"] <= 2

    graded(course, {"a.txt": b"good"}, tmp_path, reporter=Told(CheckBegan, CheckEnded, look=look))
    assert len(highest) == 12
    assert set(highest) == {0}


def test_doubt_opens_no_points_where_nothing_was_handed_in(course: Made, tmp_path: Path) -> None:
    result = graded(course, {"a.txt": b"x"}, tmp_path, machine={**GOOD, "b.txt": b"grader"})
    assert (result.score_low, result.score_high) == (2, 2)
    assert {str(one.verdict) for one in result.steps[1].checks} == {"failed", "blocked"}


def test_reference_credit_does_not_bring_it_back(course: Made, tmp_path: Path) -> None:
    result = graded(course, {"a.txt": b"good\n"}, tmp_path, reference_credit=0.5)
    assert [one.credit for one in result.checks] == [0.5, 0.5, 0, 0, 0, 0]
    assert result.score == 1


def test_a_step_without_files_depends_on_those_of_what_it_needs(
    course: Made, tmp_path: Path
) -> None:
    """It is worth something as long as one of them was submitted."""
    steps = list(course.course.steps)
    steps[2] = replace(steps[2], artefacts=(), needs=("base", "alpha"))  # as build, deploy, verify
    steps[3] = replace(steps[3], artefacts=(), needs=("beta",))
    course.course = replace(course.course, steps=steps)
    own = graded(course, {"a.txt": b"x"}, tmp_path)
    assert own.count(Verdict.PASSED) == 6
    none = graded(course, {"c.txt": b"x"}, tmp_path)
    assert [str(one.verdict) for one in none.checks] == ["failed", *["blocked"] * 5]
    assert {one.because for one in none.checks[1:]} == {"alpha.there"}
    assert none.score == 0


def test_a_step_of_several_files_needs_one_of_them(course: Made, tmp_path: Path) -> None:
    steps = list(course.course.steps)
    steps[1] = replace(steps[1], artefacts=(*steps[1].artefacts, *steps[3].artefacts))
    course.course = replace(course.course, steps=steps)
    result = graded(course, {"c.txt": b"x"}, tmp_path, steps=frozenset({2}))
    assert result.count(Verdict.PASSED) == 2


def judging(course: Made, artefact: str) -> None:
    """Let the second step bring a file beside, and a check of it judge that one."""
    steps = list(course.course.steps)
    steps[1] = replace(steps[1], beside=(Artefact(artefact, f"/{artefact}", ("web1",)),))
    course.course = replace(course.course, steps=steps)
    path = course.course.root / "checks" / "test_02_alpha.py"
    text = path.read_text()
    path.write_text(text.replace('"alpha.there"', f'"alpha.there", judges="{artefact}"'))


def test_a_check_that_passes_by_what_was_filled_earns_nothing(course: Made, tmp_path: Path) -> None:
    judging(course, "rules.txt")
    result = graded(course, {"a.txt": b"good", "b.txt": b"x"}, tmp_path)
    after = result.checks[1]
    assert (after.id, str(after.verdict), after.points) == ("alpha.after", "passed", 0)
    assert after.message == (
        "no points: by the course's own rules.txt, which is missing from the submission"
    )
    assert (result.score_low, result.score_high) == (3, 3)
    own = recognise({"a.txt": b"good"}, Path())
    filled = submission_record(course.course, folder_of({"a.txt": b"good"}), own, Carried())[
        "filled"
    ]
    assert filled == ["b.txt", "c.txt", "rules.txt"]


@pytest.mark.parametrize(
    "more", [{"sources": {"rules.txt": "mine"}}, {"spared": frozenset({"rules.txt"})},
             {"fill": False}], ids=str,
)  # fmt: skip
def test_a_check_whose_file_is_there_or_not_needed_earns_its_points(
    course: Made, tmp_path: Path, more: dict[str, Any]
) -> None:
    judging(course, "rules.txt")
    own = recognise({"a.txt": b"good"}, Path())
    more["sources"] = {**own.sources, **more.get("sources", {})}
    context = Context(course=course.course, lab=course.lab(tmp_path), out=tmp_path,
                      submission=replace(own, **more))  # fmt: skip
    shell = Shell(1)
    shell.files = {f"/{name}": data for name, data in GOOD.items()}
    context.shells["web1"] = cast("SshShell", shell)
    assert grade(context, Scope(frozenset({2}))).score == 2


def test_a_step_that_depends_on_no_file_at_all_is_graded_as_ever(
    course: Made, tmp_path: Path
) -> None:
    steps = [replace(step, artefacts=()) for step in course.course.steps]
    course.course = replace(course.course, steps=steps)
    assert graded(course, {"a.txt": b"x"}, tmp_path).count(Verdict.PASSED) == 6


def test_without_a_submission_there_are_no_gaps(course: Made, tmp_path: Path) -> None:
    context = Context(course=course.course, lab=course.lab(tmp_path), out=tmp_path)
    shell = Shell(1)
    shell.files = {f"/{name}": data for name, data in GOOD.items()}
    context.shells["web1"] = cast("SshShell", shell)
    assert grade(context, Scope(frozenset({2, 3, 4}))).score == 6
