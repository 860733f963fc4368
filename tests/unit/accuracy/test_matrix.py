"""Found against expected: what counts as a problem, the confusion matrix, the verdict, the page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labkit.accuracy import Campaign, Case, Outcome
from labkit.accuracy.corpus import Expected
from labkit.accuracy.matrix import Disagreement, Tally, compare, ratio, tally, totals
from labkit.accuracy.page import page_of, text_of, write_page
from labkit.accuracy.verdict import Findings
from labkit.course import Mutation

PASSED, FAILED, BLOCKED, UNCLEAR = "passed", "failed", "blocked", "inconclusive"


def case(kind: str = "wrong", name: str = "one", **more: Any) -> Case:
    made_by = "x.op" if kind == "mutant" else ""
    return Case(name, kind, {}, Expected("why", frozenset({2}), **more), made_by=made_by)


def outcome(
    one: Case,
    verdicts: Mapping[str, str],
    because: Mapping[str, str] | None = None,
    **more: Any,
) -> Outcome:
    return Outcome(
        name=one.name, kind=one.kind, made_by=one.made_by, why=one.expected.why,
        caught_by=one.expected.caught_by, steps=[2], verdicts=dict(verdicts),
        because=dict(because or {}), messages={"x.b": "said"},
        **{"points": 0.0, **more},
    )  # fmt: skip


def problems(
    one: Case, verdicts: Mapping[str, str], because: Mapping[str, str] | None = None, **more: Any
) -> list[str]:
    return compare(one, outcome(one, verdicts, because, **more))


RIGHT = case("accepted")
WRONG = case(caught_by="x.a")

# -- one case


@pytest.mark.parametrize(
    ("one", "verdicts", "because"),
    [
        (RIGHT, {"x.a": PASSED, "x.b": PASSED}, {}),
        (RIGHT, {}, {}),
        (WRONG, {"x.a": FAILED, "x.b": PASSED}, {}),
        (WRONG, {"x.a": FAILED, "x.b": BLOCKED, "y.c": BLOCKED}, {"x.b": "x.a", "y.c": "x.a"}),
        (WRONG, {"x.a": FAILED, "x.b": UNCLEAR}, {"x.b": "x.a"}),
        (case(caught_by="x.a", also=("x.b",)), {"x.a": FAILED, "x.b": FAILED}, {}),
        (case(caught_by="x.a", also=("x.b",)), {"x.a": FAILED, "x.b": FAILED, "x.c": BLOCKED},
         {"x.c": "x.b"}),
        (case(caught_by="x.a", unclear=("x.b",)), {"x.a": FAILED, "x.b": UNCLEAR}, {}),
        (case(unclear=("x.b",)), {"x.b": UNCLEAR, "x.c": UNCLEAR}, {"x.c": "x.b"}),
        (case(caught_by="x.a", mark=(1, 2)), {"x.a": FAILED}, {}),
    ],
)  # fmt: skip
def test_what_was_expected_is_no_problem(
    one: Case, verdicts: dict[str, str], because: dict[str, str]
) -> None:
    assert problems(one, verdicts, because, points=1.5) == []


@pytest.mark.parametrize(
    ("one", "verdicts", "because", "said"),
    [
        (RIGHT, {"x.b": FAILED}, {}, "x.b was failed: said"),
        (RIGHT, {"x.b": UNCLEAR}, {}, "x.b was inconclusive: said"),
        (RIGHT, {"x.a": BLOCKED}, {"x.a": "x.b"}, "x.a was blocked by x.b: said"),
        (WRONG, {"x.a": PASSED}, {}, "x.a should have failed: passed"),
        (WRONG, {"x.a": UNCLEAR}, {}, "x.a should have failed: inconclusive"),
        (WRONG, {}, {}, "x.a should have failed: not asked"),
        (WRONG, {"x.a": FAILED, "x.b": FAILED}, {}, "x.b was failed: said"),
        # Failed on its own account, whatever the cause that is noted beside it.
        (WRONG, {"x.a": FAILED, "x.b": FAILED}, {"x.b": "x.a"}, "x.b was failed by x.a: said"),
        (WRONG, {"x.a": FAILED, "x.c": BLOCKED}, {"x.c": "x.z"}, "x.c was blocked by x.z: "),
        (WRONG, {"x.a": FAILED, "x.c": BLOCKED}, {}, "x.c was blocked: "),
        (case(caught_by="x.a", also=("x.b",)), {"x.a": FAILED, "x.b": PASSED}, {},
         "x.b should have failed: passed"),
        (case(unclear=("x.b",)), {"x.b": FAILED}, {}, "x.b should have been inconclusive: failed"),
        (case(unclear=("x.b",)), {}, {}, "x.b should have been inconclusive: not asked"),
        (case(caught_by="x.a", mark=(2, 2.75)), {"x.a": FAILED}, {},
         "1.5 points, expected 2 to 2.75"),
        (case(caught_by="x.a", mark=(0.5, 1.25)), {"x.a": FAILED}, {},
         "1.5 points, expected 0.5 to 1.25"),
    ],
)  # fmt: skip
def test_each_kind_of_problem_is_told(
    one: Case, verdicts: dict[str, str], because: dict[str, str], said: str
) -> None:
    assert problems(one, verdicts, because, points=1.5) == [said]


def test_what_should_have_failed_and_was_blocked_is_a_problem() -> None:
    found = problems(WRONG, {"x.a": BLOCKED, "x.b": FAILED}, {"x.a": "x.b"})
    assert found == ["x.a should have failed: blocked", "x.b was failed: said"]


@pytest.mark.parametrize("points", [2, 2.75, 1.9995, 2.7505])
def test_a_mark_includes_its_ends(points: float) -> None:
    assert problems(case(caught_by="x.a", mark=(2, 2.75)), {"x.a": FAILED}, points=points) == []


def test_a_lab_in_trouble_is_a_problem_of_every_case() -> None:
    assert problems(RIGHT, {"lab": UNCLEAR}) == ["lab was inconclusive: "]
    assert len(problems(WRONG, {"lab": UNCLEAR})) == 2


# -- a mutant's fate


def test_a_survivor_is_noticed_by_nothing() -> None:
    mutant = case("mutant", caught_by="x.a")
    assert outcome(mutant, {"x.a": PASSED, "x.b": UNCLEAR}).survived
    assert not outcome(mutant, {"x.a": FAILED}).survived
    assert not outcome(mutant, {"x.b": FAILED}).survived
    assert not outcome(case("mutant"), {"x.a": PASSED}).survived  # it changes nothing
    assert not outcome(WRONG, {"x.a": PASSED}).survived  # a person's, and no mutant


def test_noticed_by_another_check_only() -> None:
    mutant = case("mutant", caught_by="x.a")
    assert outcome(mutant, {"x.a": PASSED, "x.b": FAILED}).by_another
    assert not outcome(mutant, {"x.a": FAILED, "x.b": FAILED}).by_another
    assert not outcome(mutant, {"x.a": PASSED}).by_another
    assert not outcome(case("mutant"), {"x.b": FAILED}).by_another


def test_the_record_tells_what_did_not_pass_and_counts_the_rest() -> None:
    record = outcome(WRONG, {"x.a": FAILED, "x.b": PASSED, "x.c": PASSED}).to_json()
    assert (record["passed"], record["verdicts"]) == (2, {"x.a": FAILED})
    json.dumps(record)


# -- the confusion matrix

SEEN = [
    (WRONG, {"x.a": FAILED, "x.b": PASSED, "x.c": BLOCKED}),
    (WRONG, {"x.a": PASSED, "x.b": FAILED, "x.c": UNCLEAR}),
    (WRONG, {"x.a": BLOCKED, "x.b": FAILED, "x.c": PASSED}),
    (WRONG, {"x.a": UNCLEAR}),
    (RIGHT, {"x.a": PASSED, "x.b": PASSED}),
    (RIGHT, {"x.a": FAILED, "x.b": UNCLEAR}),
    (case("mutant", caught_by="x.a"), {"x.a": FAILED}),
    (case("mutant"), {"x.a": PASSED}),
    (case(caught_by="x.b", also=("x.c",)), {"x.b": FAILED, "x.c": FAILED}),
]


def tallied() -> dict[str, Tally]:
    return tally((one, outcome(one, verdicts)) for one, verdicts in SEEN)


def test_every_answer_has_its_place() -> None:
    assert tallied() == {
        "x.a": Tally("x.a", true_fail=2, false_fail=1, false_pass=3, true_pass=2, unclear=1,
                     mutants_killed=1),
        "x.b": Tally("x.b", true_fail=1, false_fail=2, true_pass=2, unclear=1),
        "x.c": Tally("x.c", true_fail=1, true_pass=1, blocked=1, unclear=1),
    }  # fmt: skip


def test_precision_and_recall() -> None:
    found = tallied()
    assert found["x.a"].precision == 2 / 3
    assert found["x.a"].recall == 2 / 5
    assert (found["x.b"].precision, found["x.b"].recall) == (1 / 3, 1)
    assert totals(found) == (4 / 7, 4 / 7)


def test_nothing_is_no_share() -> None:
    assert (Tally("x").precision, Tally("x").recall) == (None, None)
    assert Tally("x", true_pass=5).precision is None
    assert Tally("x", false_pass=1).recall == 0
    assert Tally("x", false_fail=1).precision == 0
    assert totals({}) == (None, None)
    assert (ratio(1, 0), ratio(0, 1), ratio(1, 4)) == (None, 0, 0.25)


def test_a_tally_as_plain_data() -> None:
    assert Tally("x", true_fail=1, false_pass=1).to_json()["recall"] == 0.5


# -- the verdict


def findings(*seen: tuple[Case, Outcome]) -> Findings:
    equivalent = Mutation("x.op", "f", "", lambda text: [text], "Why.", "It is | the same.")
    return Findings(Campaign(list(seen), seconds=61.6, labs=3, load=[1.0, 4.04]), [equivalent])


def rounds(*verdicts: str, one: Case = RIGHT) -> Findings:
    return findings(
        *((one, outcome(one, {"x.a": seen}, round=n)) for n, seen in enumerate(verdicts, 1))
    )


def test_flawless_is_all_as_expected_every_time() -> None:
    assert rounds(PASSED, PASSED).flawless
    assert not rounds(PASSED, FAILED).flawless
    problem = (RIGHT, outcome(RIGHT, {"x.a": PASSED}, problems=["x"]))
    assert not findings(problem).flawless
    assert findings(problem).problems == [problem[1]]


def test_nothing_graded_is_not_flawless() -> None:
    assert not findings().flawless


def test_a_flip_is_a_verdict_that_was_not_always_the_same() -> None:
    found = rounds(PASSED, FAILED, PASSED).flips
    assert [vars(one) for one in found] == [
        {"case": "one", "check": "x.a", "seen": {PASSED: 2, FAILED: 1}}
    ]
    assert rounds(UNCLEAR, UNCLEAR).flips == []


def test_two_cases_of_one_name_and_different_kinds_do_not_flip() -> None:
    seen = [(RIGHT, outcome(RIGHT, {"x.a": PASSED})), (WRONG, outcome(WRONG, {"x.a": FAILED}))]
    assert findings(*seen).flips == []


def test_a_check_that_was_asked_in_one_round_only_is_a_flip() -> None:
    """As when the lab was in trouble in the other one."""
    seen = [(RIGHT, outcome(RIGHT, {"x.a": PASSED})), (RIGHT, outcome(RIGHT, {"lab": UNCLEAR}))]
    assert [vars(one) for one in findings(*seen).flips] == [
        {"case": "one", "check": "x.a", "seen": {PASSED: 1, "not asked": 1}},
        {"case": "one", "check": "lab", "seen": {UNCLEAR: 1, "not asked": 1}},
    ]


def everything() -> Findings:
    mutant = case("mutant", "x.op@reference", caught_by="x.a")
    same = case("mutant", "x.op@other")
    seen = [
        (RIGHT, outcome(RIGHT, {"x.a": PASSED}, fixed=None)),
        (WRONG, outcome(WRONG, {"x.a": FAILED}, fixed=True)),
        (WRONG, outcome(WRONG, {"x.a": FAILED}, fixed=False, round=2, problems=["p | q", "r"])),
        (mutant, outcome(mutant, {"x.a": PASSED})),
        (mutant, outcome(mutant, {"x.a": PASSED, "x.b": FAILED}, round=2)),
        (same, outcome(same, {"x.a": PASSED})),
    ]
    return findings(*seen)


def test_the_record_of_a_campaign() -> None:
    record = everything().to_json()
    json.dumps(record)
    assert {name: record[name] for name in (
        "schema", "entries", "accepted", "partial", "wrong", "mutants", "operators", "rounds",
        "flawless", "survivors", "killed_by_another", "equivalent", "hints_followed",
        "hints_that_mended", "flips", "seconds",
    )} == {
        "schema": "labkit/verify/v1", "entries": 2, "accepted": 1, "partial": 0, "wrong": 1,
        "mutants": 2, "operators": 1, "rounds": 2, "flawless": False,
        "survivors": ["x.op@reference"], "killed_by_another": ["x.op@reference"],
        "equivalent": dict.fromkeys(("x.op@reference", "x.op@other"), "It is | the same."),
        "hints_followed": 2, "hints_that_mended": 1, "flips": 1, "seconds": 61.6,
    }  # fmt: skip
    assert record["machine"]["load"] == [1.0, 4.0]
    assert record["problems"] == [
        {"name": "one", "kind": "wrong", "round": 2, "problems": ["p | q", "r"]}
    ]
    assert [one["check"] for one in record["checks"]] == ["x.a", "x.b"]
    assert len(record["cases"]) == 6


def test_a_tool_that_says_otherwise_is_told_and_is_no_error() -> None:
    refused = Disagreement("tool -c", "x.a", PASSED, "line 3:\n no")
    accepted = Disagreement("tool -c", "x.b", FAILED, "")
    seen = findings(
        (RIGHT, outcome(RIGHT, {"x.a": PASSED}, disagreements=[refused])),
        (WRONG, outcome(WRONG, {"x.b": FAILED}, disagreements=[accepted])),
    )
    assert seen.flawless
    record = seen.to_json()
    json.dumps(record)
    assert record["disagreements"] == [
        {"name": "one", "kind": "accepted", "round": 1, **vars(refused)},
        {"name": "one", "kind": "wrong", "round": 1, **vars(accepted)},
    ]
    text = text_of(seen)
    assert "accepted one: x.a passed, tool -c refuses it: line 3: no" in text
    assert "wrong one: x.b failed, tool -c accepts it" in text
    assert rows_of(page_of(seen))["tools that say otherwise"] == ["2"]


def test_a_campaign_without_a_load_has_none() -> None:
    assert Findings(Campaign(), []).to_json()["machine"]["load"] == []


# -- shown


def rows_of(page: str) -> dict[str, list[str]]:
    """The tables' rows by their first cell."""
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:] for row in cells}


def test_the_page_has_the_totals_and_a_line_per_check(tmp_path: Path) -> None:
    page = page_of(everything())
    rows = rows_of(page)
    assert rows["right answers that differ"] == ["1"]
    assert rows["mutants that survived"] == ["1"]
    assert rows["third hints followed literally / that corrected it"] == ["2 / 1"]
    assert rows["gradings"] == ["6"]
    assert rows["seconds"] == ["62, on 3 labs"]
    assert rows["`x.a`"] == ["2", "0", "2", "2", "0", "0", "100 %", "50 %"]
    assert rows["`x.b`"] == ["0", "1", "0", "0", "0", "0", "0 %", "–"]
    write_page(everything(), tmp_path / "page.md")
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == page


def test_a_cell_is_one_cell_whatever_it_says() -> None:
    lines = page_of(everything()).splitlines()
    (row,) = [line for line in lines if line.startswith("| `x.op`")]
    assert row.replace("\\|", "").count("|") == 3


def test_tables_have_as_many_cells_everywhere() -> None:
    one = replace(RIGHT, name="x")
    tables: dict[int, set[int]] = {}
    number = 0
    for line in page_of(findings((one, outcome(one, {"x.a": PASSED})))).splitlines():
        number += not line
        if line and "the same" not in line:
            tables.setdefault(number, set()).add(line.count("|"))
    assert all(len(found) == 1 for found in tables.values())


def test_the_text_has_all_that_was_not_as_expected() -> None:
    text = text_of(everything())
    assert "  wrong one: p | q; r" in text.splitlines()
    assert "precision: " in text
    flipped = text_of(rounds(PASSED, FAILED)).splitlines()
    assert "  flipped: one, x.a: {'passed': 1, 'failed': 1}" in flipped
