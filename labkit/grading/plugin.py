"""The pytest plugin: tests become checks with verdicts.

pytest finds the tests and runs them; this plugin chooses which, decides what can be asked at all,
and turns the way in which a test ends into one of four verdicts.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from labkit.course import CannotTellError, CheckSpec, NotMetError, Verdict
from labkit.errors import LabkitError
from labkit.grading.context import Context
from labkit.grading.graph import Graph, Node
from labkit.grading.model import CheckResult
from labkit.locale import _
from labkit.text import clean

EVIDENCE_LIMIT = 100_000  # characters of one command's output
CHECK_LIMIT_S = 60  # each command has its own limit; this is for a check that waits for ever
DRILL_LIMIT_S = 400  # three runs of 26 s, each with its waits

OnResult = Callable[[CheckResult], None]
Select = Callable[[Node], bool]


class CheckPlugin:
    """One run over the course's checks."""

    def __init__(
        self,
        context: Context,
        select: Select,
        on_start: OnResult,
        on_result: OnResult,
        *,
        on_planned: Callable[[list[CheckResult]], None],
        deadline: float,
        known: Mapping[str, CheckResult],
    ) -> None:
        self.context = context
        self.select = select
        self.on_start = on_start
        self.on_result = on_result
        self.on_planned = on_planned
        self.deadline = deadline
        self.known = known
        self.results: dict[str, CheckResult] = dict(known)
        self.graph = Graph([])
        self.errors: list[str] = []  # of collection: a course that cannot be read
        self._notes: list[str] = []

    # -- what the checks may ask for

    @pytest.fixture(scope="session")
    def context_of_run(self) -> Context:
        """The run's context."""
        return self.context

    @pytest.fixture
    def note(self) -> Callable[[str], None]:
        """Say what was seen although the check passed."""
        return self._notes.append

    # -- which checks, in which order

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what went wrong while the checks were read."""
        if report.failed:
            self.errors.append(str(report.longrepr))

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Keep the chosen checks and what they wait for; plan their results."""
        nodes = {node.id: (node, item) for item in items if (node := self._node(item))}
        try:
            self.graph = Graph([node for node, _item in nodes.values()])
        except LabkitError as error:  # a course with a mistake in it: said by whoever runs us
            self.errors.append(error.what)
            items.clear()
            return
        wanted = [name for name, (node, _item) in nodes.items() if self.select(node)]
        chosen = self.graph.with_ancestors(wanted) - set(self.known)
        items[:] = [item for name, (_node, item) in nodes.items() if name in chosen]
        for name, (node, item) in nodes.items():
            if name in chosen:
                self.results[name] = CheckResult(
                    id=name,
                    title=_(_sentence(item)),
                    points_max=node.spec.points,
                    message=_("not run yet"),
                    hints=tuple(_(hint) for hint in node.spec.hints),
                )
                item.stash[_ID] = name
        self.on_planned([self.results[name] for name in nodes if name in chosen])
        del config

    def _node(self, item: pytest.Item) -> Node | None:
        spec = getattr(getattr(item, "function", None), "labkit_check", None)
        number = Path(str(item.path)).stem.split("_")[1]
        step = self.context.course.step(number.lstrip("0"))
        if not isinstance(spec, CheckSpec) or step is None:
            return None
        name = item.name.removeprefix("test_").partition("[")[0]
        return Node(f"{step.slug}.{name}", step.number, spec)

    # -- one check

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Run a check, or say why it cannot be asked."""
        result = self.results[item.stash[_ID]]
        self.on_start(result)
        self._notes.clear()
        before = self.context.history()
        started = time.monotonic()
        with _time_limit(DRILL_LIMIT_S if self._spec(item).drill else CHECK_LIMIT_S):
            outcome = yield
        result.seconds = time.monotonic() - started
        if result.verdict is Verdict.PASSED:
            result.message = " · ".join(self._notes)
        self._keep_evidence(result, before)
        self.on_result(result)
        return outcome

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip what is blocked, before any of its fixtures is made."""
        result = self.results[item.stash[_ID]]
        if time.monotonic() > self.deadline:
            result.message = _("the run's time was over before this check")
            pytest.skip(result.message)
        obstacle = self.graph.obstacle(result.id, self.results)
        if obstacle:
            result.verdict, result.because = obstacle
            result.message = _("waits for: {check}", check=self.results[result.because].title)
            pytest.skip(result.message)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        """Turn the way in which the test ended into a verdict."""
        report = yield
        result = self.results[item.stash[_ID]]
        error = call.excinfo.value if call.excinfo else None
        if error is not None and not isinstance(error, pytest.skip.Exception):
            self._judge(result, error)
        elif error is None and call.when == "call":
            result.verdict = Verdict.PASSED
        return report

    def _judge(self, result: CheckResult, error: BaseException) -> None:
        if isinstance(error, NotMetError) and not (trouble := self.context.trouble()):
            result.verdict = Verdict.FAILED
            result.expected, result.seen, result.where = error.expected, error.seen, error.where
            result.message = _(
                "expected {expected}; seen {seen}", expected=error.expected, seen=error.seen
            )
            return
        result.verdict = Verdict.INCONCLUSIVE
        if isinstance(error, NotMetError):
            result.message = _("the lab itself is in trouble: {trouble}", trouble=trouble)
            result.where = "labkit doctor"
        elif isinstance(error, CannotTellError):
            result.message, result.where = error.why, error.settle
        elif isinstance(error, LabkitError):
            result.message, result.where = error.what, error.then
        else:  # a defect of a check: the grader's fault, never the student's
            result.message = _(
                "the grader itself failed: {error}", error=f"{type(error).__name__}: {error}"
            )

    def _spec(self, item: pytest.Item) -> CheckSpec:
        return self.graph.nodes[item.stash[_ID]].spec

    def _keep_evidence(self, result: CheckResult, before: dict[str, int]) -> None:
        answers = self.context.since(before)
        if not answers:
            return
        folder = self.context.out / "evidence"
        folder.mkdir(parents=True, exist_ok=True)
        lines = []
        for machine, answer in answers:
            said = clean(answer.said, EVIDENCE_LIMIT)
            lines.append(f"{machine} $ {answer.command}\n{said}\n[{answer.exit_code}]\n")
        path = folder / f"{result.id}.txt"
        path.write_text("\n".join(lines), encoding="utf-8")
        result.evidence = str(path.relative_to(self.context.out))


_ID = pytest.StashKey[str]()


def _sentence(item: pytest.Item) -> str:
    """The first paragraph of a check's docstring, on one line."""
    text = getattr(item, "function").__doc__ or ""  # noqa: B009  # pytest.Item has no such type
    return " ".join(text.strip().split("\n\n")[0].split())


@contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    """End a check that waits for ever (main thread, POSIX)."""

    def out_of_time(_signal: int, _frame: Any) -> None:
        raise CannotTellError(_("no end within {seconds} s", seconds=seconds))

    previous = signal.signal(signal.SIGALRM, out_of_time)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
