"""What the plain and the hardened configuration lose, drill by drill, side by side in one run.

    python -m benchmarks.failover [--requests 200000] [--rate 200] [--lab bench]

Every drill in which the hardened configuration may lose no GET. The plain one does each once, at
the course's own rate: at more, the website that comes back drowns in what a plain HAProxy keeps
open. The hardened one does them in turn, at `--rate`, until so many requests have been scheduled.
The limit: not one GET lost and not one POST carried out twice. A run that is inconclusive counts
for nothing and is listed. The table goes to standard output and into the tutorial's page on
hardening, with versions and machine.
"""

from __future__ import annotations

import argparse
import datetime
import math
import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.pages import write
from benchmarks.result import Figure, Result
from labkit.course import Course, Drill, Limits, Verdict, load_course
from labkit.grading import Context, perform_drill
from labkit.lab import open_lab
from labkit.load.record import DrillResult

TAKES = "60 minutes"
ROOT = Path(__file__).resolve().parents[1]
PAGES = {"en": ROOT / "docs/en/hardening.md", "fr": ROOT / "docs/fr/hardening.md"}
HEADERS = {
    "en": (
        "drill", "plain: lost", "plain: detected", "hardened: GET lost", "POST lost",
        "detected (worst)", "carried out twice", "lost, yet carried out",
    ),
    "fr": (
        "exercice", "simple : pertes", "simple : détection", "durcie : GET perdus", "POST perdus",
        "détection (pire)", "exécutés deux fois", "perdus, pourtant exécutés",
    ),
}  # fmt: skip
NEVER = {"en": "never", "fr": "jamais"}
OF = {"en": "{lost} of {all}", "fr": "{lost} sur {all}"}


@dataclass
class Tally:
    """What one configuration did in one drill, over its runs."""

    results: list[DrillResult] = field(default_factory=list)
    unclear: int = 0

    def total(self, name: str) -> int:
        """The sum of a count over the runs, what was not measured apart."""
        return sum(getattr(one, name) or 0 for one in self.results)

    @property
    def lost(self) -> int:
        return self.total("failed_get") + self.total("failed_post")

    @property
    def detected(self) -> float | None:
        """The worst detection time in seconds; None if there was nothing to detect."""
        seen = [one.detect_s for one in self.results if one.detect_s is not None]
        return max(seen, default=None)


def labkit(lab: str, *words: str) -> str:
    """A command as a user has it; it must succeed."""
    words = ("-m", "labkit.cli.main", "--lab", lab, *words)
    return subprocess.run(
        [sys.executable, *words], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def lossless(drill: Drill) -> bool:
    """Whether the hardened bar admits not one lost GET."""
    limits = drill.limits.get("hardened")
    return limits is not None and 0 in (limits.lost_get, limits.lost)


def faster(course: Course, factor: float) -> Course:
    """The course's lossless drills at so many times their rate, as many POSTs being lost."""

    def limits(given: Limits) -> Limits:
        most = None if given.lost_post is None else math.ceil(given.lost_post * factor)
        return replace(given, lost_post=most)

    drills = (
        replace(
            one,
            load=replace(one.load, rate=one.load.rate * factor),
            limits={bar: limits(given) for bar, given in one.limits.items()},
        )
        for one in course.drills
        if lossless(one)
    )
    return replace(course, drills=tuple(drills))


def campaign(context: Context, requests: int) -> dict[str, Tally]:
    """All drills in turn until so many requests were scheduled; at least one round."""
    found = {drill.name: Tally() for drill in context.course.drills}
    done = 0
    while True:
        for name, tally in found.items():
            result = perform_drill(context, name)
            if result.verdict is Verdict.INCONCLUSIVE:
                tally.unclear += 1
                print(f"{name}: inconclusive: {result.message}", file=sys.stderr)
                if sum(one.unclear for one in found.values()) > len(found):
                    raise SystemExit("too many inconclusive runs: this machine cannot tell")
                continue
            tally.results.append(result)
            done += result.scheduled or 0
            print(f"{context.bar} {name}: {result.message} ({done})", file=sys.stderr)
            if done >= requests and all(one.results for one in found.values()):
                return found


def table(plain: dict[str, Tally], hardened: dict[str, Tally], language: str) -> str:
    """The comparison in Markdown."""

    def seconds(tally: Tally, *, away: bool) -> str:
        if not away:
            return "–"
        value = NEVER[language] if tally.detected is None else f"{tally.detected:.1f} s"
        return value.replace(".", ",") if language == "fr" else value

    def share(lost: int, of: int) -> str:
        return OF[language].format(lost=lost, all=of)

    def counted(tally: Tally, name: str) -> str:
        measured = all(getattr(one, name) is not None for one in tally.results)
        return str(tally.total(name)) if measured else "–"

    rows = [HEADERS[language], tuple("---" for _ in HEADERS[language])]
    for name, weak in plain.items():
        strong = hardened[name]
        away = name not in ("none", "full", "reload")
        rows.append(
            (
                f"`{name}`",
                share(weak.lost, weak.total("scheduled")),
                seconds(weak, away=away),
                share(strong.total("failed_get"), strong.total("scheduled")),
                str(strong.total("failed_post")),
                seconds(strong, away=away),
                counted(strong, "duplicates"),
                counted(strong, "ghosts"),
            )
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def note(
    usual: float, rate: float, versions: str, hardened: dict[str, Tally], language: str
) -> str:
    """Where and with what the table was measured."""
    total = sum(tally.total("scheduled") for tally in hardened.values())
    runs = sum(len(tally.results) for tally in hardened.values())
    unclear = sum(tally.unclear for tally in hardened.values())
    facts = f"{os.cpu_count()} cores, Linux {platform.release().split('-')[0]}, {versions}"
    day = datetime.datetime.now(datetime.UTC).date()
    if language == "fr":
        return (
            f"Mesuré le {day} par `python -m benchmarks.failover`, {usual:g} requêtes par seconde"
            f" pour la configuration simple, {rate:g} pour la durcie\N{NO-BREAK SPACE};"
            f" {facts.replace('cores', 'cœurs')}. Configuration durcie\N{NO-BREAK SPACE}:"
            f" {runs} essais, {total} requêtes, {unclear} essai(s) non concluant(s) écarté(s)."
        )
    return (
        f"Measured on {day} by `python -m benchmarks.failover`, {usual:g} requests per second"
        f" for the plain configuration, {rate:g} for the hardened one;"
        f" {facts}. Hardened: {runs} runs, {total} requests; {unclear} inconclusive, left out."
    )


def measure(requests: int = 200_000, rate: float = 200.0, lab: str = "bench") -> Result:
    """Measure both configurations and write the table into the tutorial."""
    try:
        labkit(lab, "up")
        labkit(lab, "step", "all")
        opened = open_lab(lab)
        course = load_course()
        usual = max(drill.load.rate for drill in course.drills)
        plain_run = Context(
            course=faster(course, 1), lab=opened, out=opened.state / "failover-plain"
        )
        plain = campaign(plain_run, 0)
        plain_run.close()
        labkit(lab, "step", "13", "--bar", "hardened")
        hard_run = Context(
            course=faster(course, rate / usual),
            lab=opened,
            out=opened.state / "failover-hardened",
            bar="hardened",
        )
        hardened = campaign(hard_run, requests)
        hard_run.close()
        said = labkit(lab, "exec", "lb", "--", "haproxy", "-v")
    finally:
        labkit(lab, "destroy")
    found = re.search(r"version (\d+\.\d+\.\d+)", said)
    version = found.group(1) if found else "?"
    for language, page in PAGES.items():
        measured = note(usual, rate, f"HAProxy {version}", hardened, language)
        write(f"{table(plain, hardened, language)}\n\n{measured}", page, "failover")
    print(table(plain, hardened, "en"))
    print(note(usual, rate, f"HAProxy {version}", hardened, "en"))
    lost = sum(tally.total("failed_get") for tally in hardened.values())
    twice = sum(tally.total("duplicates") for tally in hardened.values())
    return Result(
        (
            Figure("hardened: GET lost", (lost,)),
            Figure("hardened: POST carried out twice", (twice,)),
            Figure(
                "hardened: requests", (sum(one.total("scheduled") for one in hardened.values()),)
            ),
            Figure("plain: lost", (sum(tally.lost for tally in plain.values()),)),
        ),
        held=not (lost or twice),
        versions={"HAProxy": version},
    )


def main() -> None:
    """Measure, and say whether the limit held."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--rate", type=float, default=200.0, help="of the hardened runs")
    parser.add_argument("--lab", default="bench")
    options = parser.parse_args()
    measure(options.requests, options.rate, options.lab).finish()


if __name__ == "__main__":
    main()
