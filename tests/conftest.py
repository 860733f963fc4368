"""For all tests: messages in English, whatever the language of whoever runs them; and what failed,
told once more in the file $FAILURES, which `make test` prints at its end."""

import os
from pathlib import Path

import pytest

os.environ["LABKIT_LANG"] = "en"

# pytest-xdist tells its workers the width of its own terminal; Rich keeps what it finds when it is
# imported. Tests that care set a width themselves.
os.environ.pop("COLUMNS", None)

# What is graded, some of it made to be run by mistake: hostile/canary has a conftest.py of its own.
collect_ignore_glob = ["class/*", "hostile/*", "submissions/*"]

LONGEST = 400  # characters of a failure: whoever keeps a log may keep its last lines alone


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    path = os.environ.get("FAILURES")
    is_told_again = "PYTEST_XDIST_WORKER" in os.environ  # to its controller
    if not report.failed or not path or is_told_again:
        return
    crash = getattr(report.longrepr, "reprcrash", None)
    told = " ".join((crash.message if crash else report.longreprtext).split())
    if len(told) > LONGEST:
        told = f"{told[: LONGEST // 2]} […] {told[-LONGEST // 2 :]}"
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(f"{report.nodeid} ({report.when}): {told}\n")
