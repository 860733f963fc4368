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


def main() -> None:
    """Measure, print, and say whether the limits held."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeat", type=int, default=3)
    repeat = parser.parse_args().repeat
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
    held = statistics.median(found[FRESH]) <= FRESH_LIMIT_S
    for name, values in found.items():
        ratios = [one / yardstick for one, yardstick in zip(values, build, strict=True)]
        ratio = statistics.median(ratios)
        if name in RATIO_LIMITS:
            held = held and ratio <= RATIO_LIMITS[name]
            limit = f"limit {RATIO_LIMITS[name]:g} builds"
        else:
            limit = f"limit {FRESH_LIMIT_S:g} s"
        print(
            f"{name:<22} min {min(values):5.1f}   median {statistics.median(values):5.1f}"
            f"   max {max(values):5.1f} s   = {ratio:4.1f} builds   {limit}"
        )
    print(f"{'one build, no cache':<22} median {statistics.median(build):5.1f} s")
    print(f"limits: {'held' if held else 'NOT HELD'}")
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
