"""A class on one page that stands on its own, `class.html`: what a teacher looks at.

Like a report it has no script and asks nobody. What is drawn is also said in words or figures.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from jinja2 import Template
from markupsafe import Markup, escape

from labkit.classroom.belonging import Belonging
from labkit.classroom.items import FEW, items
from labkit.classroom.table import Row, mark
from labkit.course import Verdict
from labkit.grading.model import CheckResult, GradeResult, StepResult
from labkit.grading.writers.html import page_template
from labkit.grading.writers.safe import cleaned
from labkit.grading.writers.summary import causes, doubts
from labkit.load.words import bar_word
from labkit.locale import _, language, number
from labkit.text import clean
from labkit.words import span, verdict_word

BINS = 10  # of the distribution
BATCH = 50  # learners in a table: a browser lays out those that are nearly in sight
MOST_CAUSES = 15
NAME = 200  # characters of a name


@dataclass(frozen=True)
class Learner:
    """A row of the table with the result it rests on, in the points of the teacher's scale."""

    row: Row
    result: GradeResult | None = None
    page: str = ""  # the learner's own, relative to the class's
    belonging: Belonging | None = None  # None: there are no variants, or the number is not known

    @property
    def steps(self) -> dict[int, StepResult]:
        return {step.number: step for step in self.result.steps} if self.result else {}


@dataclass(frozen=True)
class Bin:
    """Marks from `start` to `end`, the last one with its end."""

    start: float
    end: float
    count: int


@dataclass(frozen=True)
class CommonCause:
    """A check that several learners failed of themselves, and how it was seen at one of them."""

    step: StepResult
    check: CheckResult
    of: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class DrillRow:
    """A drill over the class: verdicts, and median, least and most of what was measured."""

    name: str
    bar: str
    verdicts: Counter[Verdict]
    figures: list[tuple[str, str]]


@dataclass(frozen=True)
class Doubt:
    """What could not be determined, for whom, and what settles it."""

    why: str
    settle: str
    names: tuple[str, ...]


def as_page(learners: Sequence[Learner], *, title: str, command: str, refresh_s: int = 0) -> str:
    """The page as text, in the user's language.

    `command` grades the class: what settles a doubt is that command with an option. A browser
    asks for the page again after `refresh_s` seconds, unless 0.
    """
    learners = [_cleaned(one) for one in learners]
    results = [one.result for one in learners if one.result]
    steps = {step.number: step for result in results for step in result.steps}
    marks = [one.row.score for one in learners if one.row.score is not None]
    most = max((one.row.score_max or 0 for one in learners), default=0)
    return _template().render(
        title=title,
        refresh_s=refresh_s,
        language=language(),
        learners=learners,
        BATCH=BATCH,
        steps=[steps[one] for one in sorted(steps)],
        facts=_facts(learners, marks),
        bins=(spread := distribution(marks, most)),
        picture=_picture(spread),
        marks=marks,
        most=most,
        ranges=sum(one.row.score is None and one.row.score_max is not None for one in learners),
        causes=common_causes(learners)[:MOST_CAUSES],
        items=items(results),
        few=FEW,
        drills=_drills(results),
        doubts=_doubts(learners, command),
        has_variants=any(one.belonging for one in learners),
        mark=mark,
        bar_word=bar_word,
        states=state_words(),
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    return page_template(__package__, "class.html.j2")


def state_words() -> dict[str, str]:
    """The states of a row in the user's language."""
    return {
        "graded": _("graded"),
        "inconclusive": verdict_word(Verdict.INCONCLUSIVE),
        "unreadable": _("cannot be read"),
        "open": _("open"),
        "absent": _("nothing handed in"),
    }


def _cleaned(learner: Learner) -> Learner:
    """Names and reasons are partly learners' texts, as messages are."""
    row = learner.row
    texts = {name: clean(getattr(row, name), NAME) for name in ("name", "number", "group", "why")}
    return replace(
        learner,
        row=Row(**{**vars(row), **texts}),
        result=cleaned(learner.result) if learner.result else None,
    )


# Marks ------------------------------------------------------------------------------------------


def _facts(learners: Sequence[Learner], marks: Sequence[float]) -> list[tuple[str, str]]:
    states = Counter(one.row.state for one in learners)
    facts = [(word, str(states[state])) for state, word in state_words().items() if states[state]]
    if marks:
        facts += [
            (_("mean"), _short(statistics.fmean(marks))),
            (_("median"), _short(statistics.median(marks))),
            (_("lowest and highest"), _span(min(marks), max(marks))),
        ]
    if len(marks) > 1:
        facts.append((_("standard deviation"), _short(statistics.stdev(marks))))
    return facts


def distribution(marks: Sequence[float], most: float) -> list[Bin]:
    """Certain marks in bins of the same width from 0 to `most`."""
    if not marks or not most:
        return []
    width = most / BINS
    counts = Counter(min(math.floor(one / width + 1e-9), BINS - 1) for one in marks)
    return [Bin(at * width, (at + 1) * width, counts[at]) for at in range(BINS)]


def _picture(bins: Sequence[Bin]) -> Markup:
    """A histogram; what it shows is its title, and a table beside it."""
    if not bins:
        return Markup()
    highest, width, height = max(one.count for one in bins), 600, 180
    step = width / len(bins)
    parts = []
    for at, one in enumerate(bins):
        tall = height * one.count / highest
        x, y = at * step, height - tall + 20
        if one.count:
            parts.append(
                f'<rect x="{x + 3:.0f}" y="{y:.0f}" width="{step - 6:.0f}" height="{tall:.0f}" '
                f'rx="3"/><text x="{x + step / 2:.0f}" y="{y - 5:.0f}">{one.count}</text>'
            )
        parts.append(f'<text x="{x:.0f}" y="{height + 38}">{_short(one.start)}</text>')
    parts.append(f'<text x="{width}" y="{height + 38}">{_short(bins[-1].end)}</text>')
    told = "; ".join(f"{_span(one.start, one.end)}: {one.count}" for one in bins if one.count)
    title = escape(_("Marks, and how many learners have them: {told}", told=told))
    return Markup(
        f'<svg viewBox="-12 0 {width + 24} {height + 46}" role="img" class="marks">'
        f"<title>{title}</title>{''.join(parts)}</svg>"
    )


# Causes, drills, doubts -------------------------------------------------------------------------


def common_causes(learners: Sequence[Learner]) -> list[CommonCause]:
    """The failed checks that are nobody's consequence, the most frequent first."""
    found: dict[str, list[tuple[str, StepResult, CheckResult]]] = defaultdict(list)
    for learner in learners:
        for cause in causes(learner.result) if learner.result else ():
            found[cause.check.id].append((learner.row.name, cause.step, cause.check))
    listed = []
    for struck in found.values():
        name, step, check = struck[0]
        listed.append(CommonCause(step, check, name, tuple(one for one, _s, _c in struck)))
    return sorted(listed, key=lambda one: (-len(one.names), one.step.number))


def _drills(results: Sequence[GradeResult]) -> list[DrillRow]:
    found: dict[tuple[str, str], list[dict[str, object]]] = defaultdict(list)
    for result in results:
        for drill in result.drills:
            found[drill["name"], drill["bar"]].append(drill)
    measured = {
        "failed_get": _("GET requests lost"),
        "failed_post": _("POST requests lost"),
        "detect_s": _("detection, after the fault"),
        "recover_s": _("recovery, after the heal"),
        "longest_gap_s": _("longest gap without an answer"),
    }
    return [
        DrillRow(
            name,
            bar,
            Counter(Verdict(str(one["verdict"])) for one in runs),
            [(label, _spread([one[key] for one in runs], key)) for key, label in measured.items()],
        )
        for (name, bar), runs in found.items()
    ]


def _spread(values: Sequence[object], key: str) -> str:
    """Median, with the least and the most where they differ."""
    numbers = [float(one) for one in values if isinstance(one, int | float)]
    if not numbers:
        return _("not measured")
    unit = " s" if key.endswith("_s") else ""
    middle = f"{_short(statistics.median(numbers))}{unit}"
    least, most = min(numbers), max(numbers)
    return middle if least == most else f"{middle} ({_span(least, most)})"


def _doubts(learners: Sequence[Learner], command: str) -> list[Doubt]:
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for learner in learners:
        row = learner.row
        if row.state == "inconclusive":
            told = doubts(learner.result) if learner.result else []
            for why in [one.why for one in told] or [row.why]:
                found[why, f"{command} --only inconclusive"].append(row.name)
        elif row.state == "open":
            found[row.why, command].append(row.name)
        elif row.state == "unreadable":
            found[row.why, _("ask for the files again, then: {command}", command=command)].append(
                row.name
            )
    return [
        Doubt(why, settle, tuple(dict.fromkeys(names)))
        for (why, settle), names in sorted(found.items(), key=lambda one: -len(one[1]))
    ]


def _short(value: float) -> str:
    return number(round(value, 2))


def _span(low: float, high: float) -> str:
    return span(round(low, 2), round(high, 2))
