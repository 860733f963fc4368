"""All steps on a fresh lab, all steps with nothing to do, all checks without drills.

    python -m benchmarks.steps [--repeat 3]

Limits: 90 s, 6 s and 15 s on two cores. Beside each, in the same run, stands what the machine
itself can do at least: one `docker build` of the same image without any cache, on the same node.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

LAB = "bench"
LIMITS = {"steps, fresh (s)": 90.0, "steps, nothing to do (s)": 6.0, "checks (s)": 15.0}


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
    found: dict[str, list[float]] = {name: [] for name in LIMITS}
    build: list[float] = []
    try:
        for _round in range(repeat):
            labkit("reset", "0")
            found["steps, fresh (s)"].append(labkit("step", "all"))
            found["steps, nothing to do (s)"].append(labkit("step", "all"))
            found["checks (s)"].append(labkit("check"))
            build.append(
                labkit("exec", "web1", "--", "docker", "build", "--no-cache", "-q",
                       "/srv/student-list/simple_api")
            )  # fmt: skip
    finally:
        labkit("destroy")
    yardstick = statistics.median(build)
    held = True
    for name, values in found.items():
        middle = statistics.median(values)
        held = held and middle <= LIMITS[name]
        print(
            f"{name:<26} min {min(values):5.1f}   median {middle:5.1f}   max {max(values):5.1f}"
            f"   limit {LIMITS[name]:g}   = {middle / yardstick:4.1f} builds"
        )
    print(f"{'one build, no cache (s)':<26} median {yardstick:5.1f}")
    print(f"limits: {'held' if held else 'NOT HELD'}")
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
