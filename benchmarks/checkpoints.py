"""`labkit reset 12` from a checkpoint against doing the twelve steps again, in turn.

    python -m benchmarks.checkpoints [--repeat 3]

Also the seconds of `labkit save` and `labkit restore`, for how long the machines stand still while
a checkpoint is taken, and what a checkpoint takes of the disk. Redoing is what `reset` does without
a checkpoint. The limit is the ratio of redoing to going back, by the median of the pairs: seconds
are those of the machine. Images and mirror must be there before (`labkit up && labkit destroy`).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

from benchmarks.result import Figure, Result, ratios
from labkit.lab import open_lab
from labkit.lab.containers import checkpoints as kept
from labkit.lab.containers.engine import connect

TAKES = "10 minutes"
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


def measure(repeat: int = 3) -> Result:
    """Seconds on a lab with twelve steps done, and the ratio in pairs, A B A B."""
    back, again, saves, stills, restores = [], [], [], [], []
    sizes = []
    name = f"step-{LAST}"
    provider = open_lab(LAB).provider
    provider.up(quiet)
    try:
        labkit("step", f"1-{LAST}")
        for _pair in range(repeat):
            seconds, still = save()
            saves.append(seconds)
            stills.append(still)
            size = next(one.bytes for one in provider.checkpoints() if one.name == "bench")
            sizes.append(size / 2**20)
            restores.append(labkit("restore", "bench"))
            back.append(labkit("reset", str(LAST)))
            for checkpoint in provider.checkpoints():
                provider.forget(checkpoint.name)
            again.append(labkit("reset", str(LAST)))
            provider.save(name, quiet, automatic=True)
    finally:
        provider.destroy(quiet)
    redone = ratios(f"reset {LAST}, redone in goings back", again, back)
    seconds_of = {
        "save": saves,
        "save, machines standing still": stills,
        "restore": restores,
        f"reset {LAST}, from a checkpoint": back,
        f"reset {LAST}, redone": again,
    }
    return Result(
        (
            redone,
            *(Figure(what, tuple(values), "s") for what, values in seconds_of.items()),
            Figure("disk of a checkpoint", tuple(sizes), "MiB"),
        ),
        held=redone.median >= LIMIT,
        versions={"engine": str(connect().version()["Version"])},
    )


def main() -> None:
    """Measure, print, and say whether the limit held."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeat", type=int, default=3)
    measure(parser.parse_args().repeat).finish()


if __name__ == "__main__":
    main()
