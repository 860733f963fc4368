"""A lab that is used again does only what differs, and its answers are those of a fresh one."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labkit.accuracy import Case, bench
from labkit.accuracy.bench import Bench, in_groups, signatures, with_fix
from labkit.accuracy.corpus import Expected, Fix
from labkit.accuracy.matrix import Disagreement, Outcome
from labkit.course import Opinion, load_course
from labkit.grading import Context, GradeResult, grade
from tests import ROOT
from tests.fakes.four_steps import GOOD, MODULES, Made, Shell, made

COURSE = load_course()
REFERENCE = ROOT / "steps" / "reference"
WHOLE = {
    path.relative_to(REFERENCE).as_posix(): path.read_bytes()
    for path in REFERENCE.rglob("*")
    if path.is_file() and path.name not in ("haproxy-11.cfg", "haproxy-hardened.cfg")
}

# -- signatures, of the project's own course


def changed(after: Mapping[str, bytes], before: Mapping[str, bytes] = WHOLE) -> list[int]:
    """The steps whose signature differs."""
    one, two = (signatures(COURSE, COURSE.recognise(each, REFERENCE)) for each in (before, after))
    return [number for number in one if one[number] != two[number]]


def edited(path: str, text: bytes = b"# mine\n") -> dict[str, bytes]:
    return {**WHOLE, path: WHOLE.get(path, b"") + text}


LATER = list(range(2, 14))


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("simple_api/Dockerfile", LATER),
        ("docker-compose.yml", [4, 5, 6, 7, 10, 11, 12, 13]),
        ("website/index.php", [6, 7, 10, 11, 12, 13]),
        ("docker-compose-registry.yml", [8, 9, 10, 11, 12, 13]),
        ("haproxy/haproxy.cfg", [11, 12, 13]),
        ("simple_api/student_age.json", LATER),  # anything else may be built or mounted
        ("notes.txt", LATER),
        ("haproxy/rsyslog-haproxy.conf", [11, 12, 13]),  # brought beside
    ],
)
def test_a_change_reaches_the_steps_that_bring_it_and_those_after(
    path: str, steps: list[int]
) -> None:
    assert changed(edited(path)) == steps


def test_line_ends_of_windows_do_not_matter() -> None:
    windows = {path: data.replace(b"\n", b"\r\n") for path, data in WHOLE.items()}
    assert changed(windows) == []


def test_the_order_of_the_files_does_not_matter() -> None:
    more = {**WHOLE, "a.txt": b"1", "b.txt": b"2"}
    assert changed(dict(reversed(more.items())), more) == []


def test_a_folder_around_everything_does_not_matter() -> None:
    assert changed({f"tp/{path}": data for path, data in WHOLE.items()}) == []


def test_the_same_bytes_in_two_files_are_not_those_of_one() -> None:
    one, two = {**WHOLE, "a": b"x", "b": b""}, {**WHOLE, "a": b"", "b": b"x"}
    assert changed(two, one) == LATER


def test_how_the_image_is_built_reaches_the_build_and_not_the_file_before() -> None:
    compose = (
        "services:\n  web: {image: 'php:apache'}\n"
        "  api: {build: {context: simple_api, args: {V: VALUE}}, volumes: ['./x:/data']}\n"
    )
    one, two = (
        {**WHOLE, "docker-compose.yml": compose.replace("VALUE", value).encode()} for value in "12"
    )
    assert changed(two, one) == list(range(3, 14))


def test_what_fills_a_gap_is_part_of_it() -> None:
    """The page of the reference is fitted to the name of the service."""
    before = {"docker-compose.yml": b"services: {w: {image: php}, one: {image: student-age}}"}
    after = {"docker-compose.yml": before["docker-compose.yml"].replace(b"one", b"two")}
    assert changed(after, before) == [4, 5, 6, 7, 10, 11, 12, 13]


def case_of(files: Mapping[str, bytes], name: str = "one", steps: Iterable[int] = LATER) -> Case:
    return Case(name, "accepted", dict(files), Expected("", frozenset(steps)))


def in_order(cases: Sequence[Case]) -> list[Case]:
    return [case for group in in_groups(COURSE, cases) for case in group]


def test_cases_that_share_the_most_are_beside_each_other() -> None:
    other = edited("simple_api/Dockerfile")
    cases = [
        case_of(other, "a1"),
        case_of(edited("haproxy/haproxy.cfg"), "b1"),
        case_of({**other, "website/index.php": b"<?php"}, "a2"),
        case_of(WHOLE, "b2"),
        case_of({**other, "haproxy/haproxy.cfg": b"backend x\n"}, "a3"),
    ]
    names = [one.name[0] for one in in_order(cases)]
    assert names in (list("aaabb"), list("bbaaa"))
    assert in_order(cases) == in_order(cases[::-1])
    assert in_order([]) == []


def test_only_the_steps_that_are_carried_out_decide_the_place() -> None:
    early = case_of(edited("haproxy/haproxy.cfg"), "early", steps=[2, 3])
    late = case_of(edited("simple_api/Dockerfile"), "late", steps=[2])
    names = {one.name for one in in_order([early, case_of(WHOLE, "x", [2, 3]), late])}
    assert names == {"early", "x", "late"}


def test_groups_are_cut_where_cases_share_little() -> None:
    first = [case_of(edited("haproxy/haproxy.cfg", b"a%d" % n), "a") for n in range(9)]
    page = {**edited("haproxy/haproxy.cfg"), "simple_api/Dockerfile": b"FROM x\n"}
    second = [case_of({**page, "haproxy/haproxy.cfg": b"b%d" % n}, "b") for n in range(8)]
    groups = in_groups(COURSE, [*second, *first])
    assert sorted("".join(case.name for case in group) for group in groups) == ["a" * 9, "b" * 8]
    assert [len(group) for group in in_groups(COURSE, first, labs=3)] == [6, 3]
    assert [len(group) for group in in_groups(COURSE, first * 4)] == [24, 12]


def test_what_waits_for_a_limit_begins_first() -> None:
    cases = [case_of(edited("haproxy/haproxy.cfg", b"%d" % n), f"{n}") for n in range(62)]
    first, *_between, last = in_groups(COURSE, cases)
    slow = last[0].name
    assert slow not in {case.name for case in first}
    cases = [
        replace(case, expected=replace(case.expected, takes=240)) if case.name == slow else case
        for case in cases
    ]
    assert slow in {case.name for case in in_groups(COURSE, cases)[0]}


# -- one lab, several cases, on the made course


class Judged:
    """A bench on the made course, and what it does to its machines."""

    def __init__(self, course: Made, bench_of_it: Bench, opened: list[Shell]) -> None:
        self.course = course
        self.bench = bench_of_it
        self.opened = opened

    def __call__(
        self,
        name: str = "one",
        kind: str = "accepted",
        steps: Iterable[int] = (2, 3, 4),
        files: Mapping[str, bytes] | None = None,
        **more: Any,
    ) -> bench.Outcome:
        """Judge a case; what was done and asked before is forgotten."""
        self.course.done.clear()
        for shell in self.opened:
            shell.asked.clear()
        expected = Expected("why", frozenset(steps), **more)
        return self.bench.judge(Case(name, kind, {**GOOD, **(files or {})}, expected))

    @property
    def asked(self) -> list[str]:
        """The checks that were asked, on any lab."""
        return [name for shell in self.opened for name in shell.asked]


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Judged]:
    course = made(tmp_path / "course")
    opened: list[Shell] = []

    def shells(_lab: object) -> dict[str, Shell]:
        found = course.shells()
        opened.append(found["web1"])
        return found

    monkeypatch.setattr(bench, "open_shells", shells)
    lab = course.lab(tmp_path)
    yield Judged(course, Bench(course.course, lab, tmp_path, lambda _line: None), opened)
    for module in MODULES:
        sys.modules.pop(module, None)


ALL = ["base", "alpha", "beta", "gamma", "settle"]


def test_the_first_case_is_carried_through_every_step(judge: Judged) -> None:
    found = judge()
    assert (found.problems, found.tries, found.points) == ([], 1, 6)
    assert judge.course.done == ALL
    assert judge.course.provider.ups == 1


def test_the_checks_know_whose_work_they_judge(
    judge: Judged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with `labkit grade --submission`: some ask otherwise of what was handed in."""
    known = []

    def graded(context: Context, *rest: Any, **more: Any) -> GradeResult:
        known.append(context.submission)
        return grade(context, *rest, **more)

    monkeypatch.setattr(bench, "grade", graded)
    judge(files={"a.txt": b"good, too"})
    assert [one.files["a.txt"] for one in known if one] == [b"good, too"]


def test_the_same_case_again_is_asked_again_and_nothing_is_done(judge: Judged) -> None:
    judge()
    assert judge(name="two").problems == []
    assert judge.course.done == ["settle"]
    assert judge.asked == ["a.txt", "b.txt", "c.txt"]
    assert judge.course.provider.ups == 1


@pytest.mark.parametrize(
    ("changed_file", "done"),
    [
        ("a.txt", ["undo beta", "undo alpha", "alpha", "beta", "settle"]),
        ("b.txt", ["undo beta", "beta", "settle"]),
        ("c.txt", ["undo gamma", "gamma", "settle"]),
    ],
)
def test_only_what_differs_and_what_depends_on_it_is_undone_and_done_again(
    judge: Judged, changed_file: str, done: list[str]
) -> None:
    judge()
    assert judge(files={changed_file: b"good, too"}).problems == []
    assert judge.course.done == done
    assert judge.opened[0].files[f"/{changed_file}"] == b"good, too"


def test_a_file_that_is_no_artefact_may_matter_to_every_step_but_the_first(judge: Judged) -> None:
    judge()
    judge(files={"notes.txt": b"x"})
    assert judge.course.done == [
        "undo gamma", "undo beta", "undo alpha", "alpha", "beta", "gamma", "settle"
    ]  # fmt: skip


def test_later_steps_stay_as_they_are_unless_they_rest_on_what_changes(judge: Judged) -> None:
    judge()
    judge(files={"a.txt": b"good 2"}, steps=[2])
    assert judge.course.done == ["undo beta", "undo alpha", "alpha", "settle"]
    judge(files={"a.txt": b"good 2"})
    assert judge.course.done == ["beta", "settle"]  # gamma was there all the time


def test_steps_before_the_graded_ones_are_verified_once(judge: Judged) -> None:
    judge(steps=[4])
    assert sorted(judge.asked) == ["a.txt", "b.txt", "c.txt"]
    judge(steps=[4], files={"c.txt": b"good 2"})
    assert judge.asked == ["c.txt"]
    judge(steps=[4], files={"b.txt": b"good 2"})
    assert judge.asked == ["b.txt", "c.txt"]


def test_what_the_reference_fills_is_verified_once_too(judge: Judged) -> None:
    """Its checks are marked as failed, for what is missing; on the machines they passed."""
    for text, asked in (b"good", ["a.txt", "b.txt", "c.txt"]), (b"good 2", ["c.txt"]):
        for shell in judge.opened:
            shell.asked.clear()
        case = Case("one", "accepted", {"c.txt": text}, Expected("why", frozenset([4])))
        assert judge.bench.judge(case).problems == []
        assert sorted(judge.asked) == asked


def test_what_was_found_wrong_before_is_looked_at_again(judge: Judged) -> None:
    judge(steps=[4], files={"b.txt": b"bad"})
    judge(steps=[4], files={"b.txt": b"bad"})
    assert judge.asked == ["b.txt", "c.txt"]


def test_only_the_graded_steps_count(judge: Judged) -> None:
    found = judge(steps=[4], files={"b.txt": b"bad"})
    assert found.verdicts == {"gamma.there": "passed", "gamma.after": "passed"}
    assert (found.points, found.problems) == (2, [])


def test_what_was_expected_to_fail_is_no_problem_and_no_second_try(judge: Judged) -> None:
    found = judge(kind="wrong", files={"b.txt": b"bad"}, caught_by="beta.there", mark=(4, 4))
    assert (found.problems, found.tries) == ([], 1)
    assert found.verdicts["beta.after"] == "blocked"
    assert found.because == {"beta.after": "beta.there"}
    assert "expected good; seen bad" in found.messages["beta.there"]


def test_what_was_not_expected_is_tried_again_on_a_fresh_lab(judge: Judged) -> None:
    found = judge(files={"b.txt": b"bad"})
    assert found.tries == 2
    assert [one.split(":")[0] for one in found.problems] == [
        "beta.there was failed", "beta.after was blocked by beta.there"
    ]  # fmt: skip
    assert (judge.course.provider.ups, judge.course.provider.destroyed) == (2, 1)
    assert judge.course.done == ALL * 2
    assert judge.opened[0].closed


def test_an_answer_that_only_a_fresh_lab_gives_is_a_problem(judge: Judged) -> None:
    """`doubtful` fails on the first lab and passes on any later one."""
    found = judge(files={"b.txt": b"doubtful"})
    assert found.tries == 2
    assert found.verdicts["beta.there"] == "passed"
    assert len(found.problems) == 2
    assert all(one.startswith("only on a fresh lab: beta.") for one in found.problems)
    assert judge(files={"b.txt": b"doubtful"}).problems == []


def test_a_lab_that_cannot_be_made_is_an_answer_that_tells_nothing(judge: Judged) -> None:
    judge.course.provider.fails = True
    found = judge()
    assert found.verdicts == {"lab": "inconclusive"}
    assert found.problems == ["lab was inconclusive: no engine"]
    assert (found.tries, found.points) == (2, 0)


def test_a_step_that_fails_is_for_the_checks_to_judge(judge: Judged) -> None:
    found = judge(kind="wrong", files={"b.txt": b"broken"}, caught_by="beta.there")
    assert found.problems == []


def test_a_defect_of_the_grader_is_a_problem(judge: Judged) -> None:
    found = judge(files={"b.txt": b"grader"})
    assert "beta.there was inconclusive: the grader itself failed" in found.problems[0]


def test_rounds_and_time_are_noted(judge: Judged) -> None:
    expected = Expected("why", frozenset({2}))
    found = judge.bench.judge(Case("x", "accepted", GOOD, expected), turn=3)
    assert found.round == 3
    assert found.seconds > 0


def test_after_the_end_nothing_is_remembered(judge: Judged) -> None:
    judge(steps=[4])
    judge.bench.close()
    assert judge.course.provider.destroyed == 1
    judge(steps=[4])
    assert judge.course.done == ALL
    assert sorted(judge.asked) == ["a.txt", "b.txt", "c.txt"]


def test_what_a_submission_has_not_is_filled_and_worth_nothing(judge: Judged) -> None:
    """As `labkit grade --submission` has it."""
    case = Case("x", "partial", {"b.txt": b"good"}, Expected("why", frozenset({2, 3, 4})))
    found = judge.bench.judge(case)
    assert found.points == 2
    assert [name for name, verdict in found.verdicts.items() if verdict == "passed"] == [
        "beta.there", "beta.after"
    ]  # fmt: skip
    assert found.because == {"alpha.after": "alpha.there", "gamma.after": "gamma.there"}


# -- the third hint, followed literally


def test_a_hint_that_mends_is_noted(judge: Judged) -> None:
    fix = Fix("b.txt", "bad", "good")
    found = judge(kind="wrong", files={"b.txt": b"bad"}, caught_by="beta.there", fix=fix)
    assert (found.fixed, found.problems) == (True, [])
    assert judge.course.done[-3:] == ["undo beta", "beta", "settle"]
    assert found.verdicts["beta.there"] == "failed"  # as it was before


@pytest.mark.parametrize("fix", [Fix("b.txt", "bad", "worse"), Fix("b.txt", "absent", "good")])
def test_a_hint_that_does_not_mend_is_a_problem(judge: Judged, fix: Fix) -> None:
    found = judge(kind="wrong", files={"b.txt": b"bad"}, caught_by="beta.there", fix=fix)
    assert found.fixed is False
    assert found.problems == ["the third hint, followed literally, does not make it pass"]


def test_a_hint_is_not_tried_where_the_rest_is_not_as_expected(judge: Judged) -> None:
    fix = Fix("b.txt", "bad", "good")
    found = judge(kind="wrong", files={"b.txt": b"bad"}, caught_by="alpha.there", fix=fix)
    assert found.fixed is None


def fixed(files: Mapping[str, bytes], fix: Fix) -> dict[str, bytes] | None:
    case = Case("x", "wrong", files, Expected("", frozenset({11}), "haproxy.checked", fix=fix))
    fixed = with_fix(COURSE, case)
    return dict(fixed.files) if fixed else None


def test_a_fix_changes_a_file_of_the_entry_or_of_the_reference() -> None:
    own = {"lb.cfg": b"backend b\n  server a web1:80\n"}
    fix = Fix("lb.cfg", "web1:80", "web1:80 check")
    assert fixed(own, fix) == {"lb.cfg": b"backend b\n  server a web1:80 check\n"}
    found = fixed(own, Fix("docker-compose.yml", "unless-stopped", "always"))
    assert found is not None
    assert b"restart: always" in found["docker-compose.yml"]
    assert found["lb.cfg"] == own["lb.cfg"]


def test_a_fix_sees_the_reference_as_it_was_fitted() -> None:
    compose = b"services: {w: {image: php}, back: {image: student-age}}"
    found = fixed({"docker-compose.yml": compose}, Fix("website/index.php", "http://back:", "x"))
    assert found is not None
    assert b"http://back:" not in found["website/index.php"]


def test_a_fix_that_finds_nothing_is_none() -> None:
    assert fixed({"a.cfg": b"backend b\n"}, Fix("a.cfg", "absent", "b")) is None
    assert fixed({"a.cfg": b"backend b\n"}, Fix("nowhere", "a", "b")) is None


def test_errors_of_a_course_are_not_hidden(judge: Judged) -> None:
    """A step with a defect is nobody's submission's fault."""

    def run(shells: object, _files: object) -> None:
        raise ZeroDivisionError(shells)

    steps = [replace(one, run=run) if one.slug == "base" else one
             for one in judge.bench.course.steps]  # fmt: skip
    judge.bench.course = replace(judge.bench.course, steps=steps)
    with pytest.raises(ZeroDivisionError):
        judge()


# -- a second opinion


@pytest.mark.parametrize(
    ("verdict", "said", "whole", "listed"),
    [
        ("passed", "line 3: no", False, True),
        ("passed", "line 3: no", True, True),
        ("passed", "", True, False),
        ("failed", "", True, True),
        ("failed", "", False, False),  # it reads a part of what the check asks for
        ("failed", "line 3: no", True, False),
        ("passed", None, True, False),
        ("failed", None, True, False),
        ("blocked", "line 3: no", True, False),
        ("inconclusive", "", True, False),
    ],
)
def test_a_tool_that_says_otherwise_is_listed(
    tmp_path: Path, verdict: str, said: str | None, whole: bool, listed: bool
) -> None:
    opinion = Opinion("tool -c", "haproxy.runs", lambda _submission, _shells: said, whole)
    course = replace(COURSE, opinions=(opinion,))
    lab: Any = None
    judging = Bench(course, lab, tmp_path, print)
    case = Case("a case", "wrong", WHOLE, Expected("", frozenset({11})))
    outcome = Outcome(
        "a case", "wrong", "", "", "", [11], {"haproxy.runs": verdict}, {}, {}, 0.0
    )  # fmt: skip
    found = judging.disagreements(case, outcome)
    assert found == (
        [Disagreement("tool -c", "haproxy.runs", verdict, said or "")] if listed else []
    )
