"""The figures as text for a terminal, and as tables for a page of the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from labkit.accuracy.matrix import Disagreement
from labkit.accuracy.verdict import Findings

HEADERS = ("check", "failed rightly", "failed wrongly", "passed wrongly", "passed rightly",
           "blocked", "unclear", "precision", "recall")  # fmt: skip
BAR = "\\|"  # one that does not end a cell


def text_of(findings: Findings) -> str:
    """What an author wants to see: the totals, then all that was not as expected."""
    lines = [": ".join(row) for row in _totals(findings)]
    lines += [f"  flipped: {one.case}, {one.check}: {one.seen}" for one in findings.flips]
    lines += [f"  {one.kind} {one.name}: {'; '.join(one.problems)}" for one in findings.problems]
    lines += [
        f"  {one.kind} {one.name}: {other.check} {other.verdict}, {_words(other)}"
        for one, other in findings.disagreements
    ]
    return "\n".join(lines)


def _words(other: Disagreement) -> str:
    """What a tool says."""
    said = " ".join(other.said.split())
    return f"{other.tool} refuses it: {said}" if said else f"{other.tool} accepts it"


def write_page(findings: Findings, path: Path) -> None:
    """Write the figures as Markdown tables."""
    path.write_text(page_of(findings), encoding="utf-8")


def page_of(findings: Findings) -> str:
    """The totals, the confusion matrix check by check, and the mutants that change nothing."""
    matrix = [
        (
            f"`{one.check}`",
            *map(str, (one.true_fail, one.false_fail, one.false_pass, one.true_pass)),
            *map(str, (one.blocked, one.unclear)),
            _share(one.precision),
            _share(one.recall),
        )
        for one in findings.tallies.values()
    ]
    equivalent = [(f"`{name}`", why) for name, why in findings.equivalent.items()]
    return "\n".join(
        [
            *_table(("figure", "value"), _totals(findings)),
            "",
            *_table(HEADERS, matrix),
            "",
            *_table(("mutant that changes nothing", "why nothing may fail"), equivalent),
            "",
        ]
    )


def _totals(findings: Findings) -> list[tuple[str, str]]:
    followed = sum(one.fixed is not None for one in findings.outcomes)
    passed = sum(one.fixed is True for one in findings.outcomes)
    campaign = findings.campaign
    return [
        ("right answers that differ", str(findings.count("accepted"))),
        ("wrong answers", str(findings.count("wrong"))),
        ("partial answers", str(findings.count("partial"))),
        ("mutants", str(findings.count("mutant"))),
        ("precision", _share(findings.precision)),
        ("recall", _share(findings.recall)),
        ("mutants that survived", str(len(findings.survivors))),
        ("caught by another check only", str(len(findings.by_another))),
        ("third hints followed literally / that corrected it", f"{followed} / {passed}"),
        ("gradings", str(len(findings.outcomes))),
        ("flips", str(len(findings.flips))),
        ("tools that say otherwise", str(len(findings.disagreements))),
        ("seconds", f"{campaign.seconds:.0f}, on {campaign.labs} labs"),
    ]


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(one.replace('|', BAR) for one in cells)} |"

    return [line(headers), f"|{'---|' * len(headers)}", *map(line, rows)]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.4g} %"
