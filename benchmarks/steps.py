"""All steps on a fresh lab, all steps with nothing to do, all checks without drills.

    python -m benchmarks.steps [--repeat 3]

Limits: 90 s for the steps on two cores; what has nothing to do, and all checks, may take 1.2 times
as long as what the machine itself can do at least: one `docker build` of the reference image
without any cache, on the same node and in the same round. Seconds of a noisy computer say little,
so that these two are judged by the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

from benchmarks.result import Figure, Result, ratios

TAKES = "5 minutes"
LAB = "bench"
FRESH, NOTHING, CHECKS = "steps, fresh", "steps, nothing to do", "checks, no drills"
FRESH_LIMIT_S = 90.0
RATIO_LIMITS = {NOTHING: 1.2, CHECKS: 1.2}


def labkit(*words: str) -> float:
    """Seconds of a command, as a user has it; it must succeed."""
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "labkit.cli.main", "--lab", LAB, *words],
        check=True,
        capture_output=True,
    )
    return time.monotonic() - started


def measure(repeat: int = 3) -> Result:
    """Seconds of each, and how many builds they are, round by round."""
    found: dict[str, list[float]] = {name: [] for name in (FRESH, NOTHING, CHECKS)}
    build: list[float] = []
    try:
        for _round in range(repeat):
            labkit("reset", "0")
            found[FRESH].append(labkit("step", "all"))
            found[NOTHING].append(labkit("step", "all"))
            found[CHECKS].append(labkit("check"))
            build.append(
                labkit("exec", "web1", "--", "docker", "build", "--no-cache", "-q",
                       "/srv/student-list/simple_api")
            )  # fmt: skip
    finally:
        labkit("destroy")
    times = {name: ratios(f"{name}, in builds", found[name], build) for name in found}
    held = statistics.median(found[FRESH]) <= FRESH_LIMIT_S
    held = held and all(times[name].median <= limit for name, limit in RATIO_LIMITS.items())
    seconds = (Figure(name, tuple(values), "s") for name, values in found.items())
    yardstick = Figure("one build, no cache", tuple(build), "s")
    return Result((*times.values(), *seconds, yardstick), held=held)


def main() -> None:
    """Measure, print, and say whether the limits held."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeat", type=int, default=3)
    measure(parser.parse_args().repeat).finish()


if __name__ == "__main__":
    main()
