"""How long does grading one submission take, from nothing to nothing, drills apart?

    python -m benchmarks.submission [--repeat 3]

Beside it, in turn: the same machines brought up, the same steps carried out by `labkit step all`
(each verified), one look at all checks, and the machines removed. Limit: 60 s for a submission,
images present, and no longer than what it is compared with.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.result import Figure, Result, ratios

TAKES = "8 minutes"
ENTRY = Path(__file__).parents[1] / "tests/submissions/accepted/whole-tls-and-health-checks"
LIMIT_S = 60.0
LAB = "bench-submission"


def labkit(*words: str) -> None:
    """A command as a user has it; it must succeed."""
    quiet = subprocess.DEVNULL
    command = [sys.executable, "-m", "labkit.cli.main", *words]
    subprocess.run(command, check=True, stdin=quiet, stdout=quiet, stderr=quiet, timeout=600)


def submission() -> None:
    """One submission, whole."""
    labkit("grade", "--submission", str(ENTRY), "--no-drills", "-o", "json")


def by_hand() -> None:
    """The reference, step by step."""
    try:
        for words in (("up",), ("step", "all"), ("check",)):
            labkit("--lab", LAB, *words)
    finally:
        labkit("--lab", LAB, "destroy")


def measure(repeat: int = 3) -> Result:
    """Seconds of both, in turn, and their ratio."""
    seconds: dict[str, list[float]] = {"submission": [], "step all": []}
    for turn in range(repeat):
        for name, act in (("submission", submission), ("step all", by_hand)):
            started = time.monotonic()
            act()
            seconds[name].append(time.monotonic() - started)
            print(f"{turn + 1} {name}: {seconds[name][-1]:.1f} s", file=sys.stderr)
    graded, stepped = seconds.values()
    return Result(
        (
            ratios("a submission, in steps by hand", graded, stepped),
            Figure("a submission graded without drills", tuple(graded), "s"),
            Figure("up, step all, check, destroy", tuple(stepped), "s"),
        ),
        held=statistics.median(graded) <= LIMIT_S,
    )


def main() -> None:
    """Measure both in turn; exit code 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeat", type=int, default=3)
    measure(parser.parse_args().repeat).finish()


if __name__ == "__main__":
    main()
