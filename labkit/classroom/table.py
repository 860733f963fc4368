"""A class as a table: a row a learner, and what changed between two gradings of them."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from labkit.classroom.intake import Entry
from labkit.classroom.ledger import Ledger, Slot
from labkit.classroom.marking import Marking
from labkit.classroom.roster import Person, matched
from labkit.grading.model import GradeResult
from labkit.grading.writers.sheet import as_text, guarded
from labkit.locale import _
from labkit.words import of_most

NO_GRADE = "-"  # of Moodle's import


@dataclass(frozen=True)
class Row:
    """One learner; the marks are None where there is no result."""

    name: str
    number: str = ""
    email: str = ""
    group: str = ""
    late: str = ""
    excused: bool = False
    state: str = ""  # graded, inconclusive, unreadable, open: not graded yet, absent
    score: float | None = None  # None as well while the mark is a range
    score_low: float | None = None
    score_high: float | None = None
    score_max: float | None = None
    letter: str = ""  # of the settings' letters
    late_percent: float = 0.0  # taken off the marks for lateness
    causes: tuple[str, ...] = ()  # failed checks that are nobody's consequence
    why: str = ""
    seconds: float = 0.0
    report: str = ""  # a folder, relative to the ledger's
    variant: str = ""  # own, other, none; "" where the class has none, or the number is not known


def rows(
    ledger: Ledger,
    entries: Sequence[Entry],
    people: Sequence[Person] = (),
    marking: Marking | None = None,
) -> list[Row]:
    """Every entry as the ledger knows it, then the people of the list with no entry.

    The marks are those of `marking`, else as the course gives them.
    """
    known, absent = matched(people, entries)
    found = [_row(ledger, one, known.get(one.key), marking=marking) for one in entries]
    return found + [Row(**_of(one), state="absent") for one in absent]


def as_csv(found: Sequence[Row]) -> str:
    """A header and a row each; names as in `Row`, numbers with a dot."""
    header = list(asdict(Row("")))
    cells = [
        {**asdict(one), "causes": " ".join(one.causes), "excused": "yes" if one.excused else ""}
        for one in found
    ]
    return as_text(
        [header, *([guarded("" if row[name] is None else row[name]) for name in header]
                   for row in cells)]
    )  # fmt: skip


def as_json_lines(found: Sequence[Row]) -> str:
    """An object a line, names as in `Row`."""
    return "".join(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in found)


def as_moodle(found: Sequence[Row]) -> str:
    """For Moodle's grade import: the user by name, number and address, the grade, the feedback.

    Only who is known by the list or by the platform's number is of use there; who has no certain
    mark has none, and the reason as feedback.
    """
    top = next((one.score_max for one in found if one.score_max is not None), 0)
    table: list[list[str | float]] = [
        ["fullname", "idnumber", "email", f"labkit (/{top:g})", "feedback"]
    ]
    for one in found:
        grade = NO_GRADE if one.score is None or one.excused else f"{one.score:g}"
        told = one.why or ", ".join(one.causes)
        table.append([guarded(one.name), guarded(one.number), guarded(one.email), grade,
                      guarded(html.escape(told, quote=False))])  # fmt: skip
    return as_text(table)


def mark(row: Row) -> str:
    """The mark, or its range, of the maximum; what there is instead."""
    if row.score_max is None:
        return NO_GRADE
    low, high = (row.score_low or 0, row.score_high or 0)
    if row.score is not None:
        low = high = row.score
    letter = f" ({row.letter})" if row.letter else ""
    return f"{of_most(low, high, row.score_max)}{letter}"


@dataclass(frozen=True)
class Difference:
    """What a later grading says of a learner, beside the one that counts."""

    name: str
    before: str
    after: str
    checks: tuple[tuple[str, str, str], ...]  # check, verdict before and after; "" if not there

    @property
    def changed(self) -> bool:
        return bool(self.checks) or self.before != self.after


def differences(
    ledger: Ledger,
    entries: Sequence[Entry],
    people: Sequence[Person] = (),
    marking: Marking | None = None,
) -> list[Difference]:
    """For each entry with a proposal: the marks, and the checks whose verdict changed."""
    known, _absent = matched(people, entries)
    found = []
    for entry in entries:
        if ledger.record(entry.key, "proposed") is None:
            continue
        old, new = (_checks(ledger.result(entry.key, slot)) for slot in ("graded", "proposed"))
        checks = tuple(
            (check, old.get(check, ""), new.get(check, ""))
            for check in {**old, **new}
            if old.get(check) != new.get(check)
        )
        before, after = (
            mark(_row(ledger, entry, known.get(entry.key), slot, marking=marking))
            for slot in _SLOTS
        )
        found.append(Difference(entry.name, before, after, checks))
    return found


_SLOTS: tuple[Slot, Slot] = ("graded", "proposed")


def _row(
    ledger: Ledger,
    entry: Entry,
    person: Person | None,
    slot: Slot = "graded",
    *,
    marking: Marking | None = None,
) -> Row:
    record, result = ledger.record(entry.key, slot), ledger.result(entry.key, slot)
    who: dict[str, Any] = (
        _of(person) if person else {"name": entry.name, "number": entry.number}
    )  # fmt: skip
    if record is None:
        return Row(**who, state="open", why=_("not graded yet"))
    if result is None:
        return Row(**who, state=record.state, why=record.why, seconds=record.seconds)
    causes = [
        check["id"]
        for step in result["steps"]
        for check in step["checks"]
        if check["verdict"] == "failed" and not check["because"]
    ]
    marks = {name: result[name] for name in ("score", "score_low", "score_high", "score_max")}
    if marking:
        found = marking.mark(GradeResult.from_json(result), late=who.get("late", ""))
        marks = {"score": found.score, "score_low": found.low, "score_high": found.high,
                 "score_max": found.most, "letter": found.letter,
                 "late_percent": found.late_percent}  # fmt: skip
    return Row(**who, **marks, state=record.state, causes=tuple(causes), why=record.why,
               seconds=record.seconds, report=f"{entry.key}/{slot}")  # fmt: skip


def _of(person: Person) -> dict[str, Any]:
    return {name: value for name, value in asdict(person).items() if name != "language"}


def _checks(result: Mapping[str, Any] | None) -> dict[str, str]:
    steps = result["steps"] if result else []
    return {check["id"]: check["verdict"] for step in steps for check in step["checks"]}
