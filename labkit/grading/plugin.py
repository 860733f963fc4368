"""The pytest plugin: tests become checks with verdicts.

pytest finds the tests and runs them; this plugin names them, decides what can be asked at all,
and turns the way in which a test ends into one of four verdicts.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from labkit.course import CannotTellError, CheckSpec, Course, NotMetError, Verdict, step_of
from labkit.errors import LabkitError
from labkit.grading.context import Context
from labkit.grading.graph import Graph, Node
from labkit.grading.model import CheckResult
from labkit.locale import _
from labkit.text import clean
from labkit.whole import write_whole

EVIDENCE_LIMIT = 100_000  # characters of one command's output
# Each command has its own limit, 60 s at most, and may be ended some seconds later; this is for a
# check that waits for ever. One that asks longer says so itself.
CHECK_LIMIT_S = 90
DRILL_LIMIT_S = 400  # three runs of 26 s, each with its waits

OnResult = Callable[[CheckResult], None]


@dataclass
class Run:
    """One run over some checks: what is asked, of which lab, until when, and who is told."""

    context: Context
    planned: dict[str, CheckResult]  # asked in this order; each is filled in as its check ends
    known: dict[str, CheckResult]  # taken as they are
    deadline: float  # of time.monotonic(); what comes later is left open
    on_start: OnResult
    on_result: OnResult

    def __post_init__(self) -> None:
        self.results = self.known | self.planned


class CheckPlugin:
    """Collects the checks of a course once, and judges them in one run after another."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.graph = Graph([])
        self.items: dict[str, pytest.Item] = {}
        self.errors: list[str] = []  # of collection: a course that cannot be read
        self.run: Run | None = None  # the one that goes on
        self._notes: list[str] = []

    # -- what the checks may ask for

    @pytest.fixture(scope="session")
    def context_of_run(self) -> Iterator[Context]:
        """The run's context."""
        with self._run.context.undisturbed(not self._disturbs):
            yield self._run.context

    @pytest.fixture(scope="session")
    def asked_for(self) -> frozenset[str]:
        """The fixtures that the run's checks ask for; none while a run stops or loads something.

        What they stand for may then be asked before its turn, beside other questions.
        """
        if self._disturbs:
            return frozenset()
        planned = self._run.planned
        return frozenset(
            fixture for name in planned for fixture in getattr(self.items[name], "fixturenames", ())
        )

    @property
    def _disturbs(self) -> bool:
        """Whether a check of the run stops or loads something."""
        return any(self.graph.nodes[name].spec.disturbs for name in self._run.planned)

    @pytest.fixture
    def note(self) -> Callable[[str], None]:
        """Say what was seen although the check passed."""
        return self._notes.append

    # -- which checks there are

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what went wrong while the checks were read."""
        if report.failed:
            self.errors.append(str(report.longrepr))

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Name the checks, and see which waits for which."""
        nodes = [(node, item) for item in items if (node := self._node(item))]
        try:
            self.graph = Graph([node for node, _item in nodes])
        except LabkitError as error:  # a course with a mistake in it: said by whoever runs us
            self.errors.append(error.what)
            return
        for node, item in nodes:
            self.items[node.id] = item
            item.stash[_ID] = node.id

    def _node(self, item: pytest.Item) -> Node | None:
        spec = getattr(getattr(item, "function", None), "labkit_check", None)
        step = step_of(self.course, item.path.stem)
        if not isinstance(spec, CheckSpec) or step is None:
            return None
        name = item.name.removeprefix("test_").partition("[")[0]
        return Node(f"{step.slug}.{name}", step.number, spec, _sentence(item))

    # -- one check

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Run a check, or say why it cannot be asked."""
        run, result = self._run, self._result(item)
        run.on_start(result)
        self._notes.clear()
        before = run.context.history()
        started = time.monotonic()
        spec = self._spec(item)
        with _time_limit(spec.limit_s or (DRILL_LIMIT_S if spec.drill else CHECK_LIMIT_S)):
            outcome = yield
        result.seconds = time.monotonic() - started
        if result.verdict is Verdict.PASSED:
            result.message = " · ".join(self._notes)
        _keep_evidence(run.context, result, before)
        run.on_result(result)
        return outcome

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip what is blocked, before any of its fixtures is made."""
        run, result = self._run, self._result(item)
        if time.monotonic() > run.deadline:
            result.message = _("the run's time was over before this check")
            pytest.skip(result.message)
        obstacle = self.graph.obstacle(result.id, run.results)
        if obstacle:
            result.verdict, result.because = obstacle
            result.message = _("waits for: {check}", check=run.results[result.because].title)
            pytest.skip(result.message)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        """Turn the way in which the test ended into a verdict."""
        report = yield
        result = self._result(item)
        error = call.excinfo.value if call.excinfo else None
        if error is not None and not isinstance(error, pytest.skip.Exception):
            self._judge(result, error)
        elif error is None and call.when == "call":
            result.verdict = Verdict.PASSED
        return report

    def _judge(self, result: CheckResult, error: BaseException) -> None:
        result.verdict = Verdict.INCONCLUSIVE
        if isinstance(error, CannotTellError):
            result.message, result.where = error.why, error.settle
        elif isinstance(error, LabkitError):
            result.message, result.where = error.what, error.then
        elif trouble := self._run.context.trouble():  # it may have broken off what a check reads
            result.message = _("the lab itself is in trouble: {trouble}", trouble=trouble)
            result.where = "labkit doctor"
        elif isinstance(error, NotMetError):
            result.verdict = Verdict.FAILED
            result.expected, result.seen, result.where = error.expected, error.seen, error.where
            result.message = _(
                "expected {expected}; seen {seen}", expected=error.expected, seen=error.seen
            )
        else:  # a defect of a check: the grader's fault, never the learner's
            result.message = _(
                "the grader itself failed: {error}", error=f"{type(error).__name__}: {error}"
            )

    def _spec(self, item: pytest.Item) -> CheckSpec:
        return self.graph.nodes[item.stash[_ID]].spec

    def _result(self, item: pytest.Item) -> CheckResult:
        return self._run.planned[item.stash[_ID]]

    @property
    def _run(self) -> Run:
        assert self.run is not None  # pytest asks of a check only while a run goes on
        return self.run


def _keep_evidence(context: Context, result: CheckResult, before: dict[str, int]) -> None:
    answers = context.since(before)
    if not answers:
        return
    lines = []
    for machine, answer in answers:
        said = clean(answer.said, EVIDENCE_LIMIT)
        lines.append(f"{machine} $ {answer.command}\n{said}\n[{answer.exit_code}]\n")
    path = context.out / "evidence" / f"{result.id}.txt"
    write_whole(path, "\n".join(lines))
    result.evidence = str(path.relative_to(context.out))


_ID = pytest.StashKey[str]()


def _sentence(item: pytest.Item) -> str:
    """The first paragraph of a check's docstring, on one line."""
    text = getattr(item, "function").__doc__ or ""  # noqa: B009  # pytest.Item has no such type
    return " ".join(text.strip().split("\n\n")[0].split())


@contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    """End a check that waits for ever (main thread, POSIX)."""

    def out_of_time(_signal: int, _frame: Any) -> None:
        raise CannotTellError(_("it did not end within {seconds} s", seconds=seconds))

    if sys.platform == "win32":  # no such clock: there a controller grades
        yield
        return
    previous = signal.signal(signal.SIGALRM, out_of_time)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
