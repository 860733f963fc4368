"""What is printed, when nobody reads it."""

from __future__ import annotations

import os
import subprocess
import sys

WORK = """
from labkit.cli import show
for _again in range(3):
    show.say("at work")
print("the result")
"""


def test_progress_that_nobody_reads_stops_no_work() -> None:
    """As after `labkit grade 2>&1 >result | head -1`."""
    ours, theirs = os.pipe()
    os.close(ours)
    try:
        done = subprocess.run(
            [sys.executable, "-c", WORK],
            stdout=subprocess.PIPE, stderr=theirs, text=True, check=False,
        )  # fmt: skip
    finally:
        os.close(theirs)
    assert (done.returncode, done.stdout) == (0, "the result\n")
