"""Plan, run and record: what is computed, what pytest is asked, and how often."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, cast

import pytest

from labkit.course import Blueprint, CheckSpec, Course, Step, Verdict
from labkit.errors import LabkitError
from labkit.grading import Context, Scope, grade, plugin, write_open
from labkit.grading import run as running
from labkit.grading.ahead import Ahead, Asker
from labkit.grading.graph import Graph, Node
from labkit.grading.plan import plan
from labkit.lab import Lab
from labkit.remote import Result

CONFTEST = """
import pytest

def pytest_collection_finish():
    with open(ASKED, "a") as file:
        file.write("collected\\n")

@pytest.fixture(scope="session")
def fact():
    with open(ASKED, "a") as file:
        file.write("made\\n")
    yield
    with open(ASKED, "a") as file:
        file.write("torn down\\n")
"""
CHECKS = """
from labkit.course import check, expect

@check(points=1)
def test_one(fact):
    \"\"\"One.\"\"\"
    expect(not STOP.exists(), expected="a", seen="b", where="c")

@check(points=2, needs="alpha.one")
def test_two(fact):
    \"\"\"Two.\"\"\"
    if STOP.exists() or INTERRUPT.exists():
        raise KeyboardInterrupt
    if SIGNAL.exists():
        try:
            signal.raise_signal(int(SIGNAL.read_text()))
        finally:
            raise NotReadyError("the lab's connection is lost, too")
"""


class Provider:
    """No machine at all."""

    name = "fake"

    def machines(self) -> list[Any]:
        """None."""
        return []

    def describe(self) -> dict[str, str]:
        """Nothing."""
        return {}


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Course]:
    """A course of two checks that writes down what is asked of it."""
    folder = tmp_path / "checks"
    folder.mkdir()
    names = {"ASKED": tmp_path / "asked", "STOP": tmp_path / "stop",
             "INTERRUPT": tmp_path / "interrupt", "SIGNAL": tmp_path / "signal"}  # fmt: skip
    head = "import signal\nfrom pathlib import Path\nfrom labkit.errors import NotReadyError\n"
    head += "".join(f"{name} = Path({str(path)!r})\n" for name, path in names.items())
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "conftest.py").write_text(head + CONFTEST)
    (folder / "test_01_alpha.py").write_text(head + CHECKS)
    step = Step(1, "alpha", "a", ("web1",), lambda _shells, _files: None, titles={"en": "Alpha"})
    made = Course("made", tmp_path, {"en": "Made"}, Blueprint(()), [step], 3.0)
    yield made
    if tmp_path in running._open:
        running._open[tmp_path].close()
    for name in ("test_01_alpha", "conftest"):
        sys.modules.pop(name, None)


def context(course: Course) -> Context:
    """A lab of no machines."""
    lab = Lab("made", cast("Any", Provider()), course.root)
    return Context(course=course, lab=lab, out=course.root / "out")


def asked(course: Course) -> list[str]:
    """What the course was asked so far."""
    return (course.root / "asked").read_text().split("\n")[:-1]


ALL = Scope(frozenset({1}))


def test_checks_are_collected_once_and_asked_anew_each_time(course: Course) -> None:
    for _time in range(3):
        assert grade(context(course), ALL, keep=False).score == 3
    assert asked(course) == ["collected", *["made", "torn down"] * 3]


def test_a_later_run_sees_what_is_so_by_then(course: Course) -> None:
    (course.root / "stop").touch()
    first = grade(context(course), ALL, keep=False)
    (course.root / "stop").unlink()
    again = grade(context(course), ALL, keep=False)
    assert [one.verdict for one in first.checks] == [Verdict.FAILED, Verdict.BLOCKED]
    assert [one.verdict for one in again.checks] == [Verdict.PASSED, Verdict.PASSED]


def test_an_open_result_asks_nothing(course: Course) -> None:
    result = write_open(context(course), ALL, learner="Ada")
    assert [one.verdict for one in result.checks] == [Verdict.INCONCLUSIVE] * 2
    assert '"complete": false' in (course.root / "out" / "result.json").read_text()
    assert asked(course) == ["collected"]


def test_an_interrupt_tears_down_and_the_next_run_begins_again(course: Course) -> None:
    (course.root / "interrupt").touch()
    with pytest.raises(KeyboardInterrupt):
        grade(context(course), ALL)
    assert asked(course) == ["collected", "made", "torn down"]
    (course.root / "interrupt").unlink()
    assert grade(context(course), ALL).score == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_is_one_even_if_what_is_put_away_after_it_fails(
    course: Course, number: signal.Signals
) -> None:
    (course.root / "signal").write_text(str(int(number)))
    before = signal.signal(number, signal.default_int_handler)  # as `labkit` has it
    try:
        with pytest.raises(KeyboardInterrupt):
            grade(context(course), ALL)
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)
    assert asked(course) == ["collected", "made", "torn down"]


def test_a_course_that_cannot_be_read_is_said_each_time(course: Course) -> None:
    (course.root / "checks" / "test_01_alpha.py").write_text("import no_such_module\n")
    for _time in range(2):
        with pytest.raises(LabkitError, match="no_such_module"):
            grade(context(course), ALL, keep=False)


def test_a_conftest_that_cannot_be_read_is_said(course: Course) -> None:
    (course.root / "checks" / "conftest.py").write_text("import no_such_module\n")
    with pytest.raises(LabkitError, match="no_such_module"):
        grade(context(course), ALL, keep=False)


def test_nothing_of_the_session_stays_with_the_process(course: Course) -> None:
    hooks = (threading.excepthook, sys.unraisablehook)
    grade(context(course), ALL, keep=False)
    assert (threading.excepthook, sys.unraisablehook) == hooks


SLOW = """
import time
from labkit.course import check

@check(points=1)
def test_one():
    \"\"\"One.\"\"\"
    time.sleep(0.5)

@check(points=1, limit_s=60)
def test_long():
    \"\"\"Long.\"\"\"
    time.sleep(0.5)
"""


def test_a_check_is_ended_at_the_limit_of_all_or_at_its_own(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    (course.root / "checks" / "test_01_alpha.py").write_text(SLOW)
    monkeypatch.setattr(plugin, "CHECK_LIMIT_S", 0.1)
    one, long = grade(context(course), ALL, keep=False).checks
    assert (one.verdict, one.message) == (Verdict.INCONCLUSIVE, "it did not end within 0.1 s")
    assert long.verdict is Verdict.PASSED


# -- the plan

GRAPH = Graph(
    [
        Node("a.one", 1, CheckSpec(1), "One."),
        Node("a.two", 1, CheckSpec(1, needs=("a.one",)), "Two."),
        Node("b.three", 2, CheckSpec(1, needs=("a",)), "Three."),
        Node("b.breaks", 2, CheckSpec(1, disturbs=True), "Breaks."),
        Node("b.drill", 2, CheckSpec(1, disturbs=True, drill="x"), "Drill."),
    ]
)


@pytest.mark.parametrize(
    ("scope", "known", "chosen"),
    [
        (Scope(frozenset({1})), (), ["a.one", "a.two"]),
        (Scope(frozenset({2})), (), ["a.one", "a.two", "b.three"]),
        (Scope(frozenset({2})), ("a.one", "a.two"), ["b.three"]),
        (Scope(frozenset({2}), disturbing=True), ("a.one", "a.two"), ["b.three", "b.breaks"]),
        (Scope(frozenset({2}), disturbing=True, drills=True), ("a.one", "a.two"),
         ["b.three", "b.breaks", "b.drill"]),
        (Scope(frozenset()), (), []),
    ],
)  # fmt: skip
def test_the_plan_is_the_scope_and_what_it_waits_for(
    scope: Scope, known: tuple[str, ...], chosen: list[str]
) -> None:
    planned = plan(GRAPH, scope, known)
    assert list(planned) == chosen
    assert {one.verdict for one in planned.values()} <= {Verdict.INCONCLUSIVE}


# -- slow facts, ahead of their turn


class Shell:
    """A machine that repeats what it is asked, and has a second shell."""

    def __init__(self) -> None:
        self.history: list[Result] = []
        self.remembers: list[bool] = []

    def remember(self, on: bool) -> None:
        """Kept, too."""
        self.remembers.append(on)

    def twin(self) -> Shell:
        """Another one."""
        return Shell()

    def ask(self, command: str) -> None:
        """Kept as an answer."""
        self.history.append(Result(command, command, "", 0))


def machines(course: Course) -> Context:
    """A lab of one machine."""
    made = context(course)
    made.shells["web1"] = cast("Any", Shell())
    return made


REMEMBERING = """
from labkit.course import check

@check(points=1)
def test_one(context_of_run):
    \"\"\"One.\"\"\"
    context_of_run.shell("web1").remembers.append("asked")

@check(points=2, disturbs=True)
def test_two():
    \"\"\"Two.\"\"\"
"""


@pytest.mark.parametrize("disturbing", [False, True])
def test_machines_remember_only_while_a_run_disturbs_nothing(
    course: Course, disturbing: bool
) -> None:
    (course.root / "checks" / "test_01_alpha.py").write_text(REMEMBERING)
    made = machines(course)
    result = grade(made, Scope(frozenset({1}), disturbing=disturbing), keep=False)
    assert {one.verdict for one in result.checks} == {Verdict.PASSED}
    shell = cast("Shell", made.shells["web1"])
    assert shell.remembers == [not disturbing, "asked", False]


def commands(made: Context) -> list[str]:
    """What the check's own shell has as evidence."""
    return [one.command for one in made.shells["web1"].history]


def first(ask: Asker) -> str:
    """A fact that asks one thing."""
    ask.shell("web1").ask("first")
    return "1"


def second(ask: Asker) -> str:
    """A fact that rests on another one."""
    found: str = ask.fact("first")
    ask.shell("web1").ask("second")
    return found + "2"


def test_what_a_fact_asked_is_evidence_of_who_looks_at_it_first(course: Course) -> None:
    made = machines(course)
    with Ahead(made, {"first": first, "second": second}, {"second"}) as ahead:
        assert commands(made) == []
        assert ahead.fact("second") == "12"
        assert commands(made) == ["second"]
        assert ahead.fact("first") == "1"
        assert ahead.fact("first") == "1"
    assert commands(made) == ["second", "first"]


def test_a_fact_that_was_not_begun_is_asked_in_its_turn(course: Course) -> None:
    made = machines(course)
    begun = []
    with Ahead(made, {"first": lambda ask: begun.append(first(ask))}) as ahead:
        assert not begun
        ahead.fact("first")
    assert begun == ["1"]


def test_a_fact_sees_what_is_set_for_its_run(course: Course) -> None:
    judged_by = ContextVar("judged_by", default="as given")
    token = judged_by.set("as found")
    try:
        with Ahead(machines(course), {"seen": lambda _ask: judged_by.get()}, {"seen"}) as ahead:
            assert ahead.fact("seen") == "as found"
    finally:
        judged_by.reset(token)


def test_what_goes_wrong_is_said_to_each_who_looks(course: Course) -> None:
    def wrong(ask: Asker) -> None:
        ask.shell("web1").ask("wrong")
        raise LabkitError("broken")

    made = machines(course)
    with Ahead(made, {"wrong": wrong}, {"wrong"}) as ahead:
        for _time in range(2):
            with pytest.raises(LabkitError, match="broken"):
                ahead.fact("wrong")
    assert commands(made) == ["wrong"]


def test_what_was_begun_has_ended_when_the_run_has(course: Course) -> None:
    ended = threading.Event()

    def slow(ask: Asker) -> None:
        del ask
        threading.Event().wait(0.2)
        ended.set()

    with Ahead(machines(course), {"slow": slow}, {"slow"}):
        pass
    assert ended.is_set()
