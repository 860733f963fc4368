"""The teacher's settings of a class, a TOML file: what counts, for how much, on which scale.

They change no result. A lab finds out what holds, and marks are computed from that: another scale
or other points are a matter of a second, and no submission is graded again for them. A limit may
only leave something open.

    language = "fr"             of the reports; a column `language` of the list goes before it
    scale = 100                 the full mark; or "letters"
    steps = "1-9"               that count; or a list of numbers, letters or slugs
    drills = ["stop", "kill"]   whose checks count; false: none
    reference_credit = 0.5      what a step with nothing but the course's own files is worth
    variants = "secret"         the key of `labkit variant`: whose variant a submission belongs to
    [points]                    of a step, by its number, letter or slug
    [letters]                   each from how many percent of the points
    [late]                      percent_per_day, percent_at_most
    [limits]                    minutes: for one learner, from the machines to the mark
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit.course import Course, select
from labkit.errors import UsageError
from labkit.locale import LANGUAGES, _, number

LARGEST_SETTINGS = 2**20  # bytes
# From how many percent, as schools of the United States usually have it.
LETTERS = {"A": 90.0, "B": 80.0, "C": 70.0, "D": 60.0, "F": 0.0}
HOURS = {"m": 1 / 60, "h": 1, "d": 24, "j": 24, "w": 24 * 7, "s": 24 * 7}  # jours, semaines
DELAY = re.compile(r"(\d+(?:[.,]\d+)?)\s*([a-z]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Late:
    """What lateness costs, in percent of the mark; nothing by default."""

    percent_per_day: float = 0.0
    percent_at_most: float = 100.0

    def percent(self, delay: str) -> float:
        """What is taken off for a delay as the list has it: `2`, `2 days`, `36 h`, `yes`.

        A day begun counts as a day; what is no time at all counts as one.
        """
        if not delay:
            return 0.0
        found = DELAY.search(delay)
        hours = float(found[1].replace(",", ".")) * HOURS.get(found[2][:1].lower(), 24) if found \
            else 24.0  # fmt: skip
        return min(math.ceil(hours / 24) * self.percent_per_day, self.percent_at_most)


@dataclass(frozen=True)
class Settings:
    """What counts, and for how much. The default is what the course says."""

    language: str = ""  # "": that of the command
    scale: float | None = None  # the full mark; None: the sum of the points
    letters: Mapping[str, float] = field(default_factory=dict)  # from which percent; best first
    steps: frozenset[int] | None = None  # numbers; None: all
    drills: frozenset[str] | None = None  # names; None: all
    reference_credit: float = 1.0
    points: Mapping[str, float] = field(default_factory=dict)  # slug of a step -> its points
    late: Late = Late()
    variants: str = ""  # the key; "": everybody has the same
    minutes: float | None = None  # for one learner; None: as long as it takes

    def letter(self, share: float) -> str:
        """The letter of a share of the points, from 0 to 1; "" without letters."""
        reached = (name for name, percent in self.letters.items() if 100 * share >= percent - 1e-9)
        return next(reached, "")


def read_settings(path: Path, course: Course) -> Settings:
    """The settings in a file. UsageError that names every mistake in it with its line."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_SETTINGS).decode()
        data = tomllib.loads(text)
    except OSError as error:
        raise UsageError(
            _("the settings {path} cannot be read", path=path), where=error.strerror or str(error)
        ) from error
    except ValueError as error:  # tomllib's own says the line
        raise UsageError(
            _("the settings {path} are not TOML", path=path), where=str(error), then=_example()
        ) from error
    reader = _Reader(data, course)
    settings = reader.settings()
    if reader.mistakes:
        lines = sorted(
            (_line(text, section, key), section, key, what)
            for section, key, what in reader.mistakes
        )
        told = [
            f"{path}:{line}: {f'{section}.{key}' if section else key}: {what}"
            for line, section, key, what in lines
        ]
        raise UsageError(
            _("mistakes in the settings: {count}", count=len(told)),
            where="\n  ".join(told),
            then=_example(),
        )
    return settings


def _example() -> str:
    return _('lines such as: scale = 20, steps = "1-9", [points] build = 3')


class _Reader:
    """Goes through the keys and collects every mistake: section, key, what is wrong."""

    def __init__(self, data: Mapping[str, Any], course: Course) -> None:
        self.data = data
        self.course = course
        self.mistakes: list[tuple[str, str, str]] = []

    def settings(self) -> Settings:
        """What could be read; worth nothing where there are mistakes."""
        keys = {"language", "scale", "steps", "drills", "reference_credit", "variants",
                "points", "letters", "late", "limits"}  # fmt: skip
        for key in self.data.keys() - keys:
            self._wrong("", key, _("no such setting; there are: {known}",
                                   known=", ".join(sorted(keys))))  # fmt: skip
        scale, letters = self._scale()
        return Settings(
            language=self._get("language", "", self._language),
            scale=scale,
            letters=letters,
            steps=self._get("steps", None, self._steps),
            drills=self._get("drills", None, self._drills),
            reference_credit=self._get("reference_credit", 1.0, lambda one: _amount(one, 1)),
            points=self._points(),
            late=self._late(),
            variants=self._get("variants", "", self._variants),
            minutes=self._limits(),
        )

    def _wrong(self, section: str, key: str, what: str) -> None:
        self.mistakes.append((section, key, what))

    def _get(self, key: str, default: Any, read: Callable[[Any], Any], section: str = "") -> Any:
        """A key, read; what is wrong with it is noted, and the default then stands in."""
        table = self._table(section) if section else self.data
        if key not in table:
            return default
        try:
            return read(table[key])
        except ValueError as error:
            self._wrong(section, key, str(error))
        except UsageError as error:
            self._wrong(section, key, f"{error.what} ({error.where})")
        return default

    def _table(self, name: str) -> Mapping[str, Any]:
        table = self.data.get(name, {})
        return table if isinstance(table, dict) else {}

    def _is_table(self, name: str) -> None:
        if not isinstance(self.data.get(name, {}), dict):
            self._wrong("", name, _("expected a table: [{name}]", name=name))

    def _language(self, value: Any) -> str:
        if value not in LANGUAGES:
            raise ValueError(_("one of: {known}", known=", ".join(LANGUAGES)))
        return str(value)

    def _variants(self, value: Any) -> str:
        if not isinstance(value, str) or not value:
            raise ValueError(_("expected a text: the key that `labkit variant` was given"))
        if not self.course.traits:
            raise ValueError(_("the course {name} has no variants", name=self.course.name))
        return value

    def _scale(self) -> tuple[float | None, Mapping[str, float]]:
        self._is_table("letters")
        own = {
            name: self._get(name, 0.0, lambda one: _amount(one, 100), "letters")
            for name in self._table("letters")
        }
        if "scale" in self.data and self.data["scale"] == "letters":
            letters = own or LETTERS
            return None, dict(sorted(letters.items(), key=lambda one: -one[1]))
        if own:
            self._wrong("", "letters", _('they count only with scale = "letters"'))
        return self._get("scale", None, _full_mark), {}

    def _steps(self, value: Any) -> frozenset[int]:
        names = value if isinstance(value, list) else [value]
        found = frozenset(step.number for name in names for step in select(self.course, str(name)))
        if not found:
            raise ValueError(_("at least one step has to count"))
        return found

    def _drills(self, value: Any) -> frozenset[str] | None:
        if isinstance(value, bool):
            return None if value else frozenset()
        known = [drill.name for drill in self.course.drills]
        names = value if isinstance(value, list) else [value]
        unknown = [str(name) for name in names if name not in known]
        if unknown:
            raise ValueError(_("there is no drill {name!r} (there are: {known})",
                               name=unknown[0], known=", ".join(known)))  # fmt: skip
        return frozenset(names)

    def _points(self) -> dict[str, float]:
        self._is_table("points")
        found: dict[str, float] = {}
        for name in self._table("points"):
            step = self.course.step(name)
            points = self._get(name, 0.0, _amount, "points")
            if step is None:
                slugs = ", ".join(one.slug for one in self.course.steps)
                self._wrong("points", name, _("there is no such step; there are: {known}",
                                              known=slugs))  # fmt: skip
            elif step.slug in found:
                self._wrong("points", name, _("the step {step} has its points already",
                                              step=step.slug))  # fmt: skip
            else:
                found[step.slug] = points
        return found

    def _known(self, section: str, *keys: str) -> None:
        self._is_table(section)
        for key in self._table(section).keys() - set(keys):
            self._wrong(section, key, _("no such setting; there are: {known}",
                                        known=", ".join(keys)))  # fmt: skip

    def _limits(self) -> float | None:
        self._known("limits", "minutes")
        minutes: float | None = self._get("minutes", None, _minutes, "limits")
        return minutes

    def _late(self) -> Late:
        keys = ("percent_per_day", "percent_at_most")
        self._known("late", *keys)
        per_day, at_most = (
            self._get(key, default, lambda one: _amount(one, 100), "late")
            for key, default in zip(keys, (0.0, 100.0), strict=True)
        )
        return Late(per_day, at_most)


def _amount(value: Any, most: float = 1000) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise ValueError(_("expected a number from 0 to {most}", most=number(most)))
    return float(value)


def _minutes(value: Any) -> float:
    if found := _amount(value):
        return found
    raise ValueError(_("expected a time above zero"))


def _full_mark(value: Any) -> float:
    if isinstance(value, str):
        raise ValueError(_('expected a number such as 20 or 100, or "letters"'))
    found = _amount(value)
    if not found:
        raise ValueError(_('expected a number such as 20 or 100, or "letters"'))
    return found


def _line(text: str, section: str, key: str) -> int:
    """The line of a key, from 1; that of its section, or 1, where it does not stand by itself.

    tomllib tells values and not where they stand. Keys are searched as they are usually written.
    """
    bare = rf"""(?:{re.escape(key)}|"{re.escape(key)}"|'{re.escape(key)}')"""
    within, of_section = "", 1
    for place, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[+\s*([^\]]*?)\s*\]", line)
        if header:
            within = header[1].strip("\"'")
            if within == (section or key):
                of_section = place
        if within == section and re.match(rf"\s*{bare}\s*[=.]", line):
            return place
        if section and not within and re.match(rf"\s*{re.escape(section)}\s*[=.]", line):
            of_section = place
            if re.match(rf"\s*{re.escape(section)}\s*\.\s*{bare}\s*=", line):
                return place
        if not section and header and within == key:
            return place
    return of_section
