"""The corpus: submissions written one by one, each with what the grader must find in it.

`accepted/NAME/`, `partial/NAME/` and `wrong/NAME/` hold a learner's files and an `expected.toml`
(its keys: tests/submissions/README.md).
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit.classroom import read_folder
from labkit.course import Course, select
from labkit.errors import NothingToGradeError, UsageError
from labkit.locale import _

KINDS = ("accepted", "partial", "wrong")
MUTANT = "mutant"
NOTE = "expected.toml"


@dataclass(frozen=True)
class Fix:
    """The third hint of the check that caught it, followed literally: one text for another."""

    file: str
    replace: str
    by: str


@dataclass(frozen=True)
class Expected:
    """What the grader must find. Checks that are not named must pass, or be blocked by one that is.

    `mark` is the range of the points over `steps`, drills apart; None where nobody said.
    """

    why: str
    steps: frozenset[int]
    caught_by: str = ""  # "" for what is right
    also: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    mark: tuple[float, float] | None = None
    fix: Fix | None = None
    takes: float = 0.0  # seconds, where something is waited for to its limit: begun first


@dataclass(frozen=True)
class Case:
    """Something to grade: files, and what is expected."""

    name: str
    kind: str
    files: Mapping[str, bytes]
    expected: Expected
    made_by: str = ""  # of a mutant: the operator
    smoke: bool = field(default=False, compare=False)


def load_corpus(folder: Path, course: Course, checks: Collection[str]) -> list[Case]:
    """Every entry, sorted by kind and name; `checks` are the ids that may be named.

    UsageError for a folder without entries and for a note that cannot be used, saying where.
    """
    paths = [path for kind in KINDS for path in sorted((folder / kind).glob(f"*/{NOTE}"))]
    if not paths:
        raise UsageError(
            _("there is no corpus in {folder}", folder=folder),
            where=f"accepted/NAME/{NOTE}",
            then="labkit verify --corpus tests/submissions",
        )
    return [_entry(path, course, checks) for path in paths]


def _entry(path: Path, course: Course, checks: Collection[str]) -> Case:
    try:
        note = tomllib.loads(path.read_text(encoding="utf-8"))
        expected = _expected(note, course)
    except (OSError, ValueError, KeyError, TypeError, UsageError) as error:
        raise UsageError(
            _("the note of an entry cannot be used: {error}", error=error),
            where=str(path),
            then=_("see tests/submissions/README.md"),
        ) from error
    kind = path.parent.parent.name
    named = [expected.caught_by, *expected.also, *expected.unclear]
    unknown = [name for name in named if name and name not in checks]
    if kind == "accepted" and (expected.caught_by or expected.also or expected.unclear):
        unknown = [_("an accepted entry names no check")]
    if kind != "accepted" and not (expected.caught_by or expected.unclear):
        unknown = [_("a wrong entry names the check that catches it")]
    if unknown:
        raise UsageError(
            _("the note of an entry cannot be used: {error}", error=", ".join(unknown)),
            where=str(path),
            then=_("see tests/submissions/README.md"),
        )
    try:
        files = read_folder(path.parent).files
    except NothingToGradeError:
        files = {}  # nothing submitted but the note: everything is filled
    smoke = bool(note.get("smoke", False))
    return Case(path.parent.name, kind, files, expected, smoke=smoke)


def _expected(note: Mapping[str, Any], course: Course) -> Expected:
    fix = note.get("fix")
    mark = note.get("mark")
    low, high = map(float, mark) if mark else (0.0, 0.0)
    return Expected(
        why=str(note["why"]),
        steps=frozenset(
            step.number
            for part in str(note["steps"]).split(",")
            for step in select(course, part.strip())
        ),
        caught_by=str(note.get("caught_by", "")),
        also=tuple(note.get("also", ())),
        unclear=tuple(note.get("unclear", ())),
        mark=(low, high) if mark else None,
        fix=Fix(fix["file"], fix["replace"], fix["with"]) if fix else None,
        takes=float(note.get("takes", 0.0)),
    )
