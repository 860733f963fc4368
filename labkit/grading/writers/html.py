"""A result as one HTML page that stands on its own: no script, no font, no other file.

The page is filled in from `report.html.j2` with autoescape on: titles, messages and what was seen
on the machines are partly the learner's own text. A Content-Security-Policy in the page forbids
everything but its own styles, in case something should ever slip through.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from labkit.course import Origin, Verdict
from labkit.grading.model import GradeResult
from labkit.grading.writers.safe import cleaned
from labkit.grading.writers.summary import (
    about_submission,
    carried_forward,
    causes,
    caveat,
    doubts,
)
from labkit.load.availability import Judged
from labkit.load.record import DrillResult
from labkit.load.timeline import Words, svg
from labkit.load.words import LIMIT_WORDS, bar_word
from labkit.locale import _, language, number
from labkit.whole import write_whole
from labkit.words import span, verdict_word

SYMBOLS = {
    Verdict.PASSED: "✓",
    Verdict.FAILED: "✗",
    Verdict.BLOCKED: "⊘",
    Verdict.INCONCLUSIVE: "?",
}


@dataclass(frozen=True)
class DrillView:
    """A drill as the page shows it."""

    record: DrillResult
    picture: str  # SVG, safe to insert as it is; "" if the drill did not run
    figures: list[tuple[str, str]]  # label, value with its unit; empty if it did not run
    remarks: list[str]  # what theory and the balancer's own count say of the losses


def write_html(result: GradeResult, path: Path, *, title: str = "") -> None:
    """Write the page, UTF-8, whole; the folder is made. OSError if it cannot be written."""
    write_whole(path, as_html(result, title=title))


def as_html(result: GradeResult, *, title: str = "", note: str = "") -> str:
    """The page as text, in the user's language; `title` is the course's, else its name.

    `note` is what else there is to say of the mark, as whoever marks it wants.
    """
    result = cleaned(result)
    return _template().render(
        title=title or result.course,
        language=language(),
        result=result,
        figure=span(result.score_low, result.score_high),
        caveat=" ".join(filter(None, (caveat(result), note))),
        facts=_facts(result),
        machines=_machines(result),
        causes=causes(result),
        doubts=doubts(result),
        drills=[_view(DrillResult.from_json(data)) for data in result.drills],
        checks={check.id: check for check in result.checks},
        about_submission=about_submission(result),
        verdicts=list(Verdict),
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    made = page_template(__package__, "report.html.j2")
    made.globals.update(
        limit_word=limit_word, origin=_origin, held=_held, seen=_seen, bar_word=bar_word,
        carried_forward=carried_forward,
    )  # fmt: skip
    return made


def page_template(package: str, name: str) -> Template:
    """A template of a page, with autoescape, words, and the report's style as `style`."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    report = resources.files(__package__).joinpath("report.html.j2").read_text(encoding="utf-8")
    style = report.partition("<style>")[2].partition("</style>")[0]
    environment.globals.update(
        _=_, word=verdict_word, symbol=SYMBOLS.__getitem__, number=number, style=Markup(style)
    )
    source = resources.files(package).joinpath(name)
    return environment.from_string(source.read_text(encoding="utf-8"))


def report_words() -> Words:
    """The words of a timeline in the user's language.

    The title leaves the verdict out: the heading above the picture says it, translated.
    """
    return Words(
        lost=_("lost"),
        fault=_("fault"),
        healed=_("healed"),
        after=_("after {seconds} s"),
        of=_("{lost} of {scheduled} ({share} %)"),
        scheduled=_("requests per bin of {bin} s"),
        answered=_("answered"),
        slow=_("slow"),
        seconds=_("seconds"),
        title=_("Drill {name}"),
        desc=_("{scheduled} requests in {duration} s, {lost} lost, {slow} slow. {events}"),
    )


def _facts(result: GradeResult) -> list[tuple[str, str]]:
    """Label and value of what the head of the page says about the run."""
    started = datetime.datetime.fromisoformat(result.started).astimezone(datetime.UTC)
    facts = [
        (_("Learner"), result.learner),
        (_("Date"), f"{started:%Y-%m-%d %H:%M} UTC"),
        (_("Duration"), _duration(result.seconds)),
    ]
    return [(label, value) for label, value in facts if value]


def _machines(result: GradeResult) -> list[tuple[str, str]]:
    """Label and value of what its foot says about the machines: who asks for it looks there."""
    lab = result.lab
    facts = [
        (_("Lab"), " · ".join(lab[key] for key in ("name", "provider", "os") if lab.get(key))),
        (_("Engine"), lab.get("engine", "")),
        (_("Kernel"), lab.get("kernel", "")),
    ]
    return [(label, value) for label, value in facts if value]


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _origin(origin: Origin) -> str:
    return {
        Origin.OWN: _("own"),
        Origin.REFERENCE: _("the course's reference"),
        Origin.MISSING: _("missing"),
    }[origin]


# Drills ----------------------------------------------------------------------------------------


def _view(record: DrillResult) -> DrillView:
    return DrillView(
        record=record,
        picture=Markup(svg(record, words=report_words())),  # svg() escapes its texts itself
        figures=_figures(record),
        remarks=_remarks(record),
    )


def _figures(record: DrillResult) -> list[tuple[str, str]]:
    if record.scheduled is None:
        return []
    counts = [
        (_("requests scheduled"), record.scheduled),
        (_("GET requests lost"), record.failed_get),
        (_("POST requests lost"), record.failed_post),
        (_("slow answers"), record.slow),
    ]
    # Where nobody watched the servers there is no time; where somebody did, there was none to see.
    no_time = _("not measured") if record.flaps is None else _("none seen")
    times = [
        (_("detection, after the fault"), record.detect_s, no_time),
        (_("recovery, after the heal"), record.recover_s, no_time),
        (_("longest gap without an answer"), record.longest_gap_s, _("not measured")),
    ]
    rest = [
        (_("needless exits from the rotation"), record.flaps),
        (_("POST requests executed twice"), record.duplicates),
        (_("ghosts: executed, yet reported as lost"), record.ghosts),
    ]
    return [
        *((label, _count(value)) for label, value in counts),
        *((label, absent if value is None else _seconds(value)) for label, value, absent in times),
        *((label, _count(value)) for label, value in rest),
    ]


def _count(value: int | None) -> str:
    return _("not measured") if value is None else str(value)


def _seconds(value: float) -> str:
    return f"{number(value)} s"


def _remarks(record: DrillResult) -> list[str]:
    """How the count stands against what theory and the balancer say."""
    facts = record.samples.facts if record.samples else {}
    remarks = []
    if facts.get("predicted_loss") is not None:
        text = _("expected by theory: {count} lost", count=number(facts["predicted_loss"]))
        remarks.append(text)
    if facts.get("balancer_failed") is not None:
        remarks.append(_("counted by the balancer: {count} lost", count=facts["balancer_failed"]))
    if facts.get("loss_bound") is not None:
        share = number(round(100 * facts["loss_bound"], 3))
        text = _("nothing lost: with 95 % confidence the true rate is below {share} %", share=share)
        remarks.append(text)
    return remarks


def limit_word(name: str) -> str:
    """What a limit is about, in words; its name if it has none."""
    return _(LIMIT_WORDS.get(name, name))


def _held(limit: Judged) -> str:
    if limit.held is None:
        return "? " + _("not measured")
    return "✓ " + _("held") if limit.held else "✗ " + _("broken")


def _seen(limit: Judged) -> str:
    """What was seen; a time that is broken without having been seen never came."""
    if limit.seen is not None:
        return number(round(limit.seen, 2))
    return _("never") if limit.held is False else "–"
