"""How long does the page of a class take to open, with 50 students and with 500?

    python -m benchmarks.class_page [--rounds 5]

Chromium opens each from a file, anew each time, until it has been laid out and drawn. Written is
the time from the ledger to all reports. Limit: 500 students open in 2 s.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.made_class import made_class
from benchmarks.result import Figure, Result, ratios
from labkit.classroom.marking import Marking
from labkit.classroom.reports import write_reports
from labkit.classroom.table import rows
from labkit.course import load_course
from labkit.grading.explain import read_checks
from scripts.chromium import chromium

TAKES = "1 minute"
SIZES = (50, 500)
LIMIT_S = 2.0
# Two frames after the load: what is seen has then been drawn.
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def opened(browser: Browser, page: Path) -> float:
    """Seconds until the page is drawn, in a window of its own."""
    window = browser.new_page()
    try:
        started = time.perf_counter()
        window.goto(page.as_uri())
        window.evaluate(DRAWN)
        return time.perf_counter() - started
    finally:
        window.close()


def measure(rounds: int = 5) -> Result:
    """Open both pages in turn."""
    course = load_course()
    checks = read_checks(course)
    written, seconds = {}, dict[int, list[float]]()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        pages = {}
        for size in SIZES:
            ledger, entries = made_class(Path(folder) / str(size), size, course, checks)
            marking, started = Marking(checks), time.perf_counter()
            table = rows(ledger, entries, (), marking)
            pages[size] = write_reports(ledger, entries, table, marking, course, {}, command="")
            written[size] = time.perf_counter() - started
        browser = playwright.chromium.launch(executable_path=chromium())
        for _round in range(rounds):
            for size in SIZES:
                seconds.setdefault(size, []).append(opened(browser, pages[size]))
        browser.close()
    few, many = SIZES
    figures = (
        *(Figure(f"opened, {size} students", tuple(seconds[size]), "s") for size in SIZES),
        ratios(f"opened, {many} over {few}", seconds[many], seconds[few]),
        *(Figure(f"written, {size} students", (written[size],), "s") for size in SIZES),
    )
    return Result(figures, held=max(seconds[many]) <= LIMIT_S)


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    measure(parser.parse_args().rounds).finish()


if __name__ == "__main__":
    main()
