"""The figures of a result that need no machine, computed again from what they rest on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from labkit.course import Course, Verdict
from labkit.load.judging import record
from labkit.load.kept import kept_run
from labkit.locale import _

ROUNDED = 0.011  # a mark has two decimals


def contradictions(result: Mapping[str, Any], course: Course, drills: Path) -> Iterator[str]:
    """What a result says and what follows from its own parts, where these differ; a sentence each.

    `drills` is the folder with the raw rows of the drills.
    """
    yield from _marks(result)
    for claimed in result["drills"]:
        yield from _drill(claimed, course, drills)


def _marks(result: Mapping[str, Any]) -> Iterator[str]:
    low = high = 0.0
    for step in result["steps"]:
        for check in step["checks"]:
            passed = check["verdict"] == Verdict.PASSED
            if not 0 <= check["points"] <= (check["points_max"] if passed else 0):
                yield _different(check["id"], check["points"], 0)
            if check["verdict"] == Verdict.INCONCLUSIVE:
                high += check["points_max"]
        points = sum(check["points"] for check in step["checks"])
        if not _same(step["points"], points):
            yield _different(step["slug"], step["points"], points)
        low += points
    if not _same(result["score_low"], low):
        yield _different("score_low", result["score_low"], low)
    # What is open is worth its points at most: a step done with reference files may give less.
    if not low - ROUNDED <= result["score_high"] <= low + high + ROUNDED:
        yield _different("score_high", result["score_high"], low + high)
    certain = result["score_low"] if result["score_low"] == result["score_high"] else None
    if result["score"] != certain:
        yield _different("score", result["score"], certain)


def _drill(claimed: Mapping[str, Any], course: Course, drills: Path) -> Iterator[str]:
    name = claimed["name"]
    drill = next((one for one in course.drills if one.name == name), None)
    if drill is None:
        yield _("there is no drill {name!r} in this course", name=name)
        return
    if claimed["samples"] is None:  # it could not begin: there are no rows
        if claimed["verdict"] == Verdict.PASSED:
            yield _different(name, claimed["verdict"], None)
        return
    try:
        run = kept_run(drills, f"drill-{name}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield _("the rows of the drill {name} cannot be read: {why}", name=name, why=error)
        return
    found = record(drill, claimed["bar"], run, claimed["runs"]).to_json()
    for figure, value in found.items():
        # The sentence is in the language of the one who graded; it is made of the figures.
        if figure != "message" and claimed[figure] != _plain(value):
            yield _different(f"{name}.{figure}", claimed[figure], value)


def _plain(value: Any) -> Any:
    """As it is after JSON, which knows no tuples."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, tuple | list) else value


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, abs_tol=ROUNDED)


def _different(figure: str, claimed: object, found: object) -> str:
    return _("{figure}: {claimed} is claimed, {found} follows", figure=figure,
             claimed=_short(claimed), found=_short(found))  # fmt: skip


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:59] + "…"
