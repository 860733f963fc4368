"""How long does the page of a class take to open, with 50 students and with 500?

    python -m benchmarks.class_page [--rounds 5]

Chromium opens each from a file, anew each time, until it has been laid out and drawn, and a page
with a single word beside them: the ratio says what a page costs on a computer that is busy as well.
The processor time is that of the process of the page, of the same openings. Written is the time
from the ledger to all reports. Limit: 500 students open in 2 s.
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
ONE_WORD = "<!doctype html><title>word</title><p>word"
# Two frames after the load: what is seen has then been drawn.
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def opened(browser: Browser, page: Path) -> tuple[float, float]:
    """Seconds until the page is drawn, in a window of its own, and those of its processor."""
    window = browser.new_page()
    session = window.context.new_cdp_session(window)
    session.send("Performance.enable")
    try:
        started = time.perf_counter()
        window.goto(page.as_uri())
        window.evaluate(DRAWN)
        seconds = time.perf_counter() - started
        metrics = session.send("Performance.getMetrics")["metrics"]
        return seconds, next(one["value"] for one in metrics if one["name"] == "ProcessTime")
    finally:
        window.close()


def measure(rounds: int = 5) -> Result:
    """Open both pages in turn."""
    course = load_course()
    checks = read_checks(course)
    written: dict[int, float] = {}
    seconds: dict[int, list[float]] = {size: [] for size in (0, *SIZES)}
    processor: dict[int, list[float]] = {size: [] for size in (0, *SIZES)}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        pages = {0: Path(folder) / "word.html"}
        pages[0].write_text(ONE_WORD, encoding="utf-8")
        for size in SIZES:
            ledger, entries = made_class(Path(folder) / str(size), size, course, checks)
            marking, started = Marking(checks), time.perf_counter()
            table = rows(ledger, entries, (), marking)
            pages[size] = write_reports(ledger, entries, table, marking, course, {}, command="")
            written[size] = time.perf_counter() - started
        browser = playwright.chromium.launch(executable_path=chromium())
        for _round in range(rounds):
            for size, page in pages.items():
                took, used = opened(browser, page)
                seconds[size].append(took)
                processor[size].append(used)
        browser.close()
    few, many = SIZES
    figures = (
        *(Figure(f"opened, {size} students", tuple(seconds[size]), "s") for size in SIZES),
        ratios(f"opened, {many} over {few}", seconds[many], seconds[few]),
        ratios(f"opened, {many} over a page of one word", seconds[many], seconds[0]),
        *(
            Figure(f"processor time, {size} students", tuple(processor[size]), "s")
            for size in SIZES
        ),
        Figure("processor time, a page of one word", tuple(processor[0]), "s"),
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
