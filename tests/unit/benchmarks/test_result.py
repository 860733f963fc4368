"""The runner of the benchmarks: what it finds, and what it holds them to. Nothing is measured."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import benchmarks.__main__ as runner
from benchmarks.kills import Campaign, differing, report
from benchmarks.result import Figure, Limit, Result, ratios, read_budget

WHY = "a reason"


def module(name: str, result: Result | BaseException) -> ModuleType:
    """A benchmark that finds this."""
    made = ModuleType(name, f"{name} measures something.")

    def measure() -> Result:
        if isinstance(result, BaseException):
            raise result
        return result

    vars(made).update(TAKES="1 second", measure=measure)
    return made


def test_every_benchmark_has_the_common_shape() -> None:
    known = runner.known()
    assert {
        "failover",
        "kills",
        "load",
        "start",
        "steps",
        "stock_locust",
        "submission",
        "up",
        "verdicts",
    } <= (known.keys())
    for name, found in known.items():
        assert runner.sentence(found).endswith((".", "?")), name
        assert found.TAKES, name


def test_the_budget_names_benchmarks_that_there_are() -> None:
    assert {limit.benchmark for limit in read_budget(runner.BUDGET)} <= runner.known().keys()


@pytest.mark.parametrize("entry", ["at_most = 1.0\nwhy = ' '", "why = 'a reason'"])
def test_a_limit_without_bound_or_reason_is_refused(tmp_path: Path, entry: str) -> None:
    budget = tmp_path / "budget.toml"
    budget.write_text(f"[[limit]]\nbenchmark = 'a'\nfigure = 'b'\n{entry}\n")
    with pytest.raises(ValueError, match="no bound or no reason"):
        read_budget(budget)


@pytest.mark.parametrize(
    ("limit", "held"),
    [
        (Limit("a", "b", WHY, at_most=2.0), True),
        (Limit("a", "b", WHY, at_most=1.9), False),
        (Limit("a", "b", WHY, at_least=2.0), True),
        (Limit("a", "b", WHY, at_least=2.1), False),
        (Limit("a", "of another name", WHY, at_most=9.0), False),
        (Limit("never run", "b", WHY, at_most=9.0), False),
    ],
)
def test_a_limit_is_held_by_the_median_and_never_by_what_was_not_measured(
    limit: Limit, held: bool
) -> None:
    table, answer = runner.compare([limit], {"a": Result((Figure("b", (1.0, 2.0, 9.0)),))})
    assert answer is held
    assert ("BROKEN" in table) is not held


def test_ratios_are_taken_round_by_round() -> None:
    assert ratios("b", [2.0, 9.0], [1.0, 3.0]).values == (2.0, 3.0)


@pytest.mark.parametrize("error", [OSError("no engine"), SystemExit("needs two cores")])
def test_one_that_fails_does_not_lose_what_the_others_found(
    tmp_path: Path, error: BaseException
) -> None:
    report = tmp_path / "found.json"
    found = Result((Figure("b", (1.0,)),))
    modules = {"good": module("good", found), "bad": module("bad", error)}
    assert runner.run(modules, report) == {"good": found, "bad": None}
    written = json.loads(report.read_text())
    assert written["bad"] is None
    assert written["good"]["figures"]["b"]["median"] == 1.0


@pytest.mark.parametrize(("value", "code"), [(1.0, 0), (3.0, 1)])
def test_check_runs_what_the_budget_names_and_ends_with_its_verdict(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: float, code: int
) -> None:
    budget = tmp_path / "budget.toml"
    budget.write_text("[[limit]]\nbenchmark = 'a'\nfigure = 'b'\nat_most = 2.0\nwhy = 'a reason'\n")
    there = {
        "a": module("a", Result((Figure("b", (value,)),))),
        "not in the budget": module("c", AssertionError("must not be run")),
    }
    monkeypatch.setattr(runner, "BUDGET", budget)
    monkeypatch.setattr(runner, "known", lambda: there)
    page = tmp_path / "page.md"
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--check", "--page", str(page)])
    with pytest.raises(SystemExit) as ended:
        runner.main()
    assert ended.value.code == code
    assert "| b |" in page.read_text()


@pytest.mark.parametrize(
    ("found", "held"),
    [({}, True), ({"unsettled": 1}, False), ({"wrong": 1}, False), ({"left": 1}, False),
     ({"moments": {"up": [2.0, 4.0]}}, False)],
    ids=["all settled", "one not settled", "a wrong verdict", "a leftover", "too few"],
)  # fmt: skip
def test_a_campaign_of_kills_holds_if_nothing_at_all_was_lost(
    tmp_path: Path, found: dict[str, Any], held: bool
) -> None:
    campaign = Campaign(1, tmp_path, moments={"up": [2.0, 4.0], "save": [1.0]})
    vars(campaign).update(found)
    assert report(campaign, 3).held is held


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"a": "passed", "b": "failed"}, 0),
        ({"a": "passed", "b": "inconclusive"}, 1),
        ({"a": "passed"}, 1),
        ({"a": "failed", "b": "passed"}, 2),
    ],
)
def test_a_verdict_that_a_kill_changed_or_lost_is_counted(said: dict[str, str], wrong: int) -> None:
    assert differing({"a": "passed", "b": "failed"}, said) == wrong


def test_what_a_killed_run_has_not_asked_yet_is_no_wrong_verdict() -> None:
    assert differing({"a": "passed", "b": "failed"}, {"a": "passed"}, but={"b"}) == 0
