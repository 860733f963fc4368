"""For all tests: messages in English, whatever the language of whoever runs them; and what failed,
told once more in the file $FAILURES, which `make test` prints at its end."""

import os
from pathlib import Path

import pytest

os.environ["LABKIT_LANG"] = "en"

# pytest-xdist tells its workers the width of its own terminal; Rich keeps what it finds when it is
# imported. Tests that care set a width themselves.
os.environ.pop("COLUMNS", None)

LAST_LINES = 25  # of a failure: the assertion, and what it has to say


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    path = os.environ.get("FAILURES")
    is_told_again = "PYTEST_XDIST_WORKER" in os.environ  # to its controller
    if not report.failed or not path or is_told_again:
        return
    told = "\n".join(report.longreprtext.splitlines()[-LAST_LINES:])
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(f"\n-- {report.nodeid} ({report.when})\n{told}\n")
