"""Verdicts and marks as people read them, in their language: the one place that words them."""

from __future__ import annotations

from labkit.course.verdict import Verdict
from labkit.locale import _, number


def verdict_word(verdict: Verdict) -> str:
    """A verdict in a sentence or a table."""
    return {
        Verdict.PASSED: _("passed"),
        Verdict.FAILED: _("failed"),
        Verdict.BLOCKED: _("blocked"),
        Verdict.INCONCLUSIVE: _("inconclusive"),
    }[verdict]


def short_verdict(verdict: Verdict) -> str:
    """A verdict in a column of a terminal, nine letters at most; failed stands out by itself."""
    short = {Verdict.FAILED: _("FAILED"), Verdict.INCONCLUSIVE: _("unclear")}
    return short.get(verdict) or verdict_word(verdict)


def counted(verdict: Verdict, count: int) -> str:
    """How many checks ended so: "3 failed"."""
    return {
        Verdict.PASSED: _("{count} passed", count=count),
        Verdict.FAILED: _("{count} failed", count=count),
        Verdict.BLOCKED: _("{count} blocked", count=count),
        Verdict.INCONCLUSIVE: _("{count} unclear", count=count),
    }[verdict]


def span(low: float, high: float) -> str:
    """A number, or the range in which it lies: "12.5", "12.5 – 15"."""
    return number(low) if low == high else f"{number(low)} – {number(high)}"


def of_most(low: float, high: float, most: float) -> str:
    """A mark, or its range, of the most that could be reached: "12.5 / 20"."""
    return f"{span(low, high)} / {number(most)}"
