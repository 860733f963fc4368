"""How long does grading submissions take, from nothing to nothing, drills apart?

    python -m benchmarks.submission [--repeat 3] [--before CHECKOUT]

One alone, and beside it, in turn: the same machines brought up, the same steps carried out by
`labkit step all` (each verified), one look at all checks, and the machines removed. Then two at
once. With `--before`, all submissions are graded by an older checkout of labkit as well
(`git worktree add --detach CHECKOUT COMMIT`), in the same turns. Limits: 60 s for a submission
alone, images present; half of what the older one took, alone and for two at once.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.result import Figure, Result, ratios

TAKES = "12 minutes"
HERE = Path(__file__).parents[1]
ENTRY = HERE / "tests/submissions/accepted/whole-tls-and-health-checks"
LIMIT_S = 60.0
LIMIT_RATIO = 0.5  # of the older checkout's time
LAB = "bench-submission"


def labkit(*words: str, checkout: Path = HERE) -> None:
    """A command as a user of this checkout has it; it must succeed."""
    quiet = subprocess.DEVNULL
    command = [sys.executable, "-m", "labkit.cli.main", *words]
    subprocess.run(
        command, check=True, stdin=quiet, stdout=quiet, stderr=quiet, timeout=900, cwd=checkout
    )


def submissions(count: int, checkout: Path) -> None:
    """So many submissions at once, whole."""
    words = ("grade", "--submission", str(ENTRY), "--no-drills", "-o", "json")
    with ThreadPoolExecutor(count) as pool:
        for future in [pool.submit(labkit, *words, checkout=checkout) for _one in range(count)]:
            future.result()


def by_hand() -> None:
    """The reference, step by step."""
    try:
        for words in (("up",), ("step", "all"), ("check",)):
            labkit("--lab", LAB, *words)
    finally:
        labkit("--lab", LAB, "destroy")


def measure(repeat: int = 3, before: Path | None = None) -> Result:
    """Seconds of each, in turn, and their ratios."""
    one, two, stepped = "one submission", "two at once", "up, step all, check, destroy"
    acts: dict[str, Callable[[], None]] = {}
    for count, name in ((1, one), (2, two)):
        acts[name] = partial(submissions, count, HERE)
        if before:
            acts[f"{name}, before"] = partial(submissions, count, before.resolve())
    acts[stepped] = by_hand
    seconds: dict[str, list[float]] = {name: [] for name in acts}
    for turn in range(repeat):
        for name, act in acts.items():
            started = time.monotonic()
            act()
            seconds[name].append(time.monotonic() - started)
            print(f"{turn + 1} {name}: {seconds[name][-1]:.1f} s", file=sys.stderr)
    figures = [ratios("a submission, in steps by hand", seconds[one], seconds[stepped])]
    if before:
        figures += [
            ratios(f"{name}, in what it took before", seconds[name], seconds[f"{name}, before"])
            for name in (one, two)
        ]
    halved = all(figure.median <= LIMIT_RATIO for figure in figures[1:])
    figures += [Figure(name, tuple(found), "s") for name, found in seconds.items()]
    return Result(tuple(figures), held=halved and statistics.median(seconds[one]) <= LIMIT_S)


def main() -> None:
    """Measure all in turn; exit code 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--before", type=Path, metavar="CHECKOUT")
    options = parser.parse_args()
    measure(options.repeat, options.before).finish()


if __name__ == "__main__":
    main()
