"""`labkit reset 12` from a checkpoint against doing the twelve steps again, in turn.

    python -m benchmarks.checkpoints [--pairs 3]

Also the seconds of `labkit save` and `labkit restore`, for how long the machines stand still while
a checkpoint is taken, and what a checkpoint takes of the disk. Redoing is what `reset` does without
a checkpoint. The limit is the ratio of redoing to going back, by the median of the pairs: seconds
are those of the machine. Images and mirror must be there before (`labkit up && labkit destroy`).
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from labkit.lab import open_lab
from labkit.lab.containers import checkpoints as kept
from labkit.lab.containers.engine import connect

LAB = "checkpoints-bench"
LIMIT = 4.0  # redoing takes at least so many times as long: else nobody would need checkpoints
LAST = 12


def quiet(_line: str) -> None:
    """No progress: only the time counts."""


def labkit(*words: str) -> float:
    """Seconds of a command, as a user has it: a process of its own."""
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "labkit.cli.main", "--lab", LAB, *words],
        check=True,
        capture_output=True,
        env={**os.environ, "LABKIT_CHECKPOINTS": "1" if words[0] == "step" else "0"},
    )
    return time.monotonic() - started


def save() -> tuple[float, float]:
    """Seconds of `labkit save`'s work, and of the machines' standing still in it."""
    still: list[float] = []
    original = kept._standing_still

    def timed(*given: object) -> object:
        started = time.monotonic()
        try:
            return original(*given)  # type: ignore[arg-type]
        finally:
            still.append(time.monotonic() - started)

    kept._standing_still = timed  # type: ignore[assignment]
    started = time.monotonic()
    open_lab(LAB).provider.save("bench", quiet)
    seconds = time.monotonic() - started
    kept._standing_still = original
    return seconds, still[0]


def show(name: str, values: Sequence[float]) -> None:
    """One line of the table."""
    print(
        f"{name:<24} min {min(values):6.2f}   median {statistics.median(values):6.2f}"
        f"   max {max(values):6.2f}"
    )


def measure(pairs: int) -> bool:
    """Measure in pairs, A B A B, and print the ratios; whether the limit is held."""
    back, again, saves, stills, restores = [], [], [], [], []
    size = 0
    name = f"step-{LAST}"
    for _pair in range(pairs):
        provider = open_lab(LAB).provider
        seconds, still = save()
        saves.append(seconds)
        stills.append(still)
        size = next(one.bytes for one in provider.checkpoints() if one.name == "bench")
        restores.append(labkit("restore", "bench"))
        back.append(labkit("reset", str(LAST)))
        for checkpoint in provider.checkpoints():
            provider.forget(checkpoint.name)
        again.append(labkit("reset", str(LAST)))
        provider.save(name, quiet, automatic=True)
    ratios = [redone / gone for redone, gone in zip(again, back, strict=True)]
    version = connect().version()["Version"]
    print(f"engine {version}, {os.cpu_count()} cores, Python {platform.python_version()}, "
          f"{pairs} pairs, {Path(__file__).name}")  # fmt: skip
    show("save (s)", saves)
    show("of it standing still (s)", stills)
    show("restore (s)", restores)
    show(f"reset {LAST}, checkpoint (s)", back)
    show(f"reset {LAST}, redone (s)", again)
    show("ratio", ratios)
    print(f"{'disk (MiB)':<24} {size / 2**20:.0f}")
    held = statistics.median(ratios) >= LIMIT
    print(f"limit (ratio {LIMIT:g}): {'held' if held else 'NOT HELD'}")
    return held


def main() -> None:
    """A lab with twelve steps done, measured, and removed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=3)
    pairs = parser.parse_args().pairs
    provider = open_lab(LAB).provider
    provider.up(quiet)
    try:
        labkit("step", f"1-{LAST}")
        held = measure(pairs)
    finally:
        provider.destroy(quiet)
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
