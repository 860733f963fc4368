"""One fault, three instruments: what stock Locust does not notice.

    python -m benchmarks.stock_locust [--rate 50] [--lab stock]

On a lab of its own with the plain configuration, the website of web1 is paused for 10 s, three
times: under labkit's open loop, under Locust's users with time-outs as short as its patience, and
under Locust's users as the quick start writes them. All are meant to send the same number of
requests per second for 26 s. The table goes to standard output and into the tutorial's page on
measuring. Locust's numbers are those of its own report; what it has not asked or was still waiting
for at the end is in none of them.
"""

from __future__ import annotations

import argparse
import datetime
import math
import os
import platform
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.failover import labkit
from benchmarks.pages import write
from benchmarks.result import Figure, Result
from benchmarks.stock_locust import StockLocust
from checks.drills.aims import behind_lb, website_aim
from checks.drills.failover import website
from labkit.course.model import Aim, Load
from labkit.lab import Lab, faults, open_lab, open_shells
from labkit.load.run import Generator, base_url, make_plan
from labkit.remote import Shell
from subject.balancer import haproxy_on

TAKES = "5 minutes"
ROOT = Path(__file__).resolve().parents[2]
PAGES = {"en": ROOT / "docs/en/measuring.md", "fr": ROOT / "docs/fr/measuring.md"}
SECONDS, FAULT_AT_S, HANG_S = 26.0, 5.0, 10.0
PATIENCE_S, SLOW_S = 5.0, 1.0
WHOLE_TIMEOUT_S = 60.0
POLL_S = 0.5

HEADERS = {
    "en": (
        "instrument", "requests sent", "failed", "slower than 1 s",
        "started in each second of the hang",
    ),
    "fr": (
        "instrument", "requêtes envoyées", "échecs", "plus lentes que 1 s",
        "commencées dans chaque seconde du blocage",
    ),
}  # fmt: skip
NAMES = {
    "en": {
        "open": "open loop, {rate}/s, patience 5 s",
        "HurriedVisitor": "Locust, {rate} users × `constant_throughput(1)`, time-outs of 5 s",
        "Visitor": "Locust, the same users, no time-outs set",
    },
    "fr": {
        "open": "boucle ouverte, {rate}/s, patience 5 s",
        "HurriedVisitor": "Locust, {rate} utilisateurs × `constant_throughput(1)`, délais de 5 s",
        "Visitor": "Locust, les mêmes utilisateurs, sans délai d'attente",
    },
}


@dataclass(frozen=True)
class Seen:
    """What an instrument sent and what it says became of it."""

    sent: int
    failed: int
    slow: int
    during: tuple[int, ...]  # requests started in each second of the hang

    def cells(self, language: str) -> tuple[str, ...]:
        share = f"{self.failed / self.sent * 100:.1f} %"
        if language == "fr":
            share = share.replace(".", ",").replace(" ", "\N{NO-BREAK SPACE}")
        during = ", ".join(map(str, self.during))
        return str(self.sent), f"{self.failed} ({share})", str(self.slow), during


@dataclass(frozen=True)
class Place:
    """The lab under test; `fault` pauses web1's website now, and lets it go on by itself."""

    lab: Lab
    aim: Aim
    out: Path
    fault: Callable[[], None]

    def strike(self, started: float) -> float:
        """The fault at its time after the first request (epoch s); since when it is in effect."""
        time.sleep(max(0.0, started + FAULT_AT_S - time.time()))
        self.fault()
        return time.time()


def open_loop(place: Place, rate: int) -> Seen:
    """labkit's own generator."""
    machine = place.lab.prove_target("lb")
    plan = make_plan(
        Load("website", rate=rate, post_share=0, patience_s=PATIENCE_S),
        base_url(machine, place.aim.port),
        duration_s=SECONDS,
        out=place.out,
        seed=None,
        options={},
        name="open",
    )
    scenario = ROOT / "checks" / "load" / "website.py"
    with Generator(plan, scenario, place.out / "open.log", machine=machine) as generator:
        hung = place.strike(generator.wait_started())
        done = generator.finish()
    return Seen(
        sent=plan.count - done.unsent,
        failed=sum(not row.ok for row in done.rows),
        slow=sum(row.ok and row.ended - row.scheduled > SLOW_S for row in done.rows),
        during=per_second((row.started for row in done.rows), hung),
    )


def stock(place: Place, rate: int, user: str) -> Seen:
    """Locust with as many of its users as requests are wanted per second."""
    url = base_url(place.lab.prove_target("lb"), place.aim.port)
    with StockLocust(url, user=user, users=rate, seconds=SECONDS, out=place.out) as locust:
        hung = place.strike(locust.wait_started())
        locust.finish()
    rows = locust.requests()
    sent, failed = locust.reported()
    return Seen(
        sent=sent,
        failed=failed,
        slow=sum(not row.failed and row.took_s > SLOW_S for row in rows),
        during=per_second((row.started for row in rows), hung),
    )


def per_second(started: Iterable[float], since: float) -> tuple[int, ...]:
    """How many of these instants lie in each second of the hang."""
    seconds = [math.floor(one - since) for one in started]
    return tuple(seconds.count(second) for second in range(int(HANG_S)))


def wait_whole(shells: Mapping[str, Shell]) -> None:
    """Wait until HAProxy has both servers and both list the students."""
    aims = [website_aim(shells, name) for name in ("web1", "web2")]
    deadline = time.monotonic() + WHOLE_TIMEOUT_S
    while True:
        up = all(server.is_up for server in haproxy_on(shells["lb"]).servers())
        missing = [reason for aim in aims if (reason := aim.unready())]
        if up and not missing:
            return
        if time.monotonic() > deadline:
            raise SystemExit(f"the lab is not whole: {missing or 'a server is down'}")
        time.sleep(POLL_S)


def compare(lab: Lab, rate: int) -> dict[str, Seen]:
    """The fault under each instrument in turn."""
    shells = open_shells(lab)
    out = lab.state / "stock"
    out.mkdir(exist_ok=True)
    instruments: dict[str, Callable[[Place, int], Seen]] = {
        "open": open_loop,
        "HurriedVisitor": partial(stock, user="HurriedVisitor"),
        "Visitor": partial(stock, user="Visitor"),
    }
    found = {}
    try:
        web, container = website(shells)
        fault = partial(faults.pause, web, container, heal_after=HANG_S)
        with behind_lb(shells) as aim:
            place = Place(lab, aim, out, fault)
            for name, instrument in instruments.items():
                wait_whole(shells)
                found[name] = instrument(place, rate)
    finally:
        for shell in shells.values():
            shell.close()
    return found


def table(found: dict[str, Seen], rate: int, language: str) -> str:
    """The comparison in Markdown."""
    rows = [HEADERS[language], tuple("---" for _ in HEADERS[language])]
    for name, seen in found.items():
        rows.append((NAMES[language][name].format(rate=rate), *seen.cells(language)))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def note(version: str, language: str) -> str:
    """Where and with what the table was measured."""
    day = datetime.datetime.now(datetime.UTC).date()
    facts = f"{os.cpu_count()} cores, Linux {platform.release().split('-')[0]}, HAProxy {version}"
    if language == "fr":
        return (
            f"Mesuré le {day} par `python -m benchmarks.stock_locust`, le site de web1 suspendu"
            f" pendant {HANG_S:g} s d'un essai de {SECONDS:g} s\N{NO-BREAK SPACE};"
            f" {facts.replace('cores', 'cœurs')}."
        )
    return (
        f"Measured on {day} by `python -m benchmarks.stock_locust`, web1's website paused for"
        f" {HANG_S:g} s of {SECONDS:g} s; {facts}."
    )


def measure(rate: int = 50, name: str = "stock") -> Result:
    """Measure all three and write the table into the tutorial."""
    try:
        labkit(name, "up")
        labkit(name, "step", "all")
        found = compare(open_lab(name), rate)
        said = labkit(name, "exec", "lb", "--", "haproxy", "-v")
    finally:
        labkit(name, "destroy")
    told = re.search(r"version (\d+\.\d+\.\d+)", said)
    version = told.group(1) if told else "?"
    texts = {
        language: f"{table(found, rate, language)}\n\n{note(version, language)}"
        for language in PAGES
    }
    for language, page in PAGES.items():
        if page.exists():
            write(texts[language], page, "stock")
    print(texts["en"])
    shares = (
        Figure(f"failed, {who}", (seen.failed / seen.sent * 100,), "%")
        for who, seen in found.items()
    )
    return Result(tuple(shares), versions={"HAProxy": version})


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rate", type=int, default=50)
    parser.add_argument("--lab", default="stock")
    options = parser.parse_args()
    measure(options.rate, options.lab).finish()


if __name__ == "__main__":
    main()
