"""All quick checks, by labkit check and by pytest-testinfra. NOT RUN YET: claims nothing.

    python -m benchmarks.ask [--repeat 5]

questions.py holds a test per check that asks the same with stock pytest-testinfra over its ssh
backend, the system's ssh with one kept connection per machine. All must pass on both sides, on a
lab with all steps done. What labkit says beyond (marks, hints, why) is part of its time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.competitors import installed, versions
from benchmarks.result import Figure, Result, ratios
from labkit.lab import open_lab

TAKES = "5 minutes"
LAB = "bench-ask"
HERE = Path(__file__).parent


def timed(words: Sequence[str]) -> float:
    """Seconds of a program that must succeed; SystemExit with what it said if it does not."""
    started = time.monotonic()
    done = subprocess.run(
        words, cwd=HERE, env={**os.environ, "LABKIT_CHECKPOINTS": "0"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout[-4000:]}")
    return time.monotonic() - started


def labkit(*words: str) -> float:
    """A command of labkit."""
    return timed([sys.executable, "-m", "labkit.cli.main", "--lab", LAB, *words])


def testinfra() -> float:
    """The same questions."""
    lab = open_lab(LAB)
    machines = lab.machines().values()
    config = lab.state / "testinfra_ssh_config"
    lines = []
    for one in machines:
        lines += [
            f"Host {one.address}", f"  User {one.user}", f"  Port {one.port}",
            f"  IdentityFile {one.key}", "  IdentitiesOnly yes",
            f"  UserKnownHostsFile {one.known_hosts}", "  StrictHostKeyChecking yes",
        ]  # fmt: skip
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    inventory = {one.name: (f"ssh://{one.address}", str(config)) for one in machines}
    words = [installed("pytest"), "-q", "-p", "no:cacheprovider", "-c", os.devnull]
    words += ["--rootdir", str(HERE), "--inventory", json.dumps(inventory), "questions.py"]
    return timed(words)


def measure(repeat: int = 5) -> Result:
    """Seconds of both in turn, and how many times labkit's testinfra's are."""
    installed("pytest")
    ours: list[float] = []
    theirs: list[float] = []
    try:
        labkit("up")
        labkit("step", "all")
        for _round in range(repeat):
            ours.append(labkit("check"))
            theirs.append(testinfra())
            print(f"labkit {ours[-1]:.1f} s, testinfra {theirs[-1]:.1f} s", file=sys.stderr)
    finally:
        labkit("destroy")
    figures = (
        ratios("pytest-testinfra, in labkits", theirs, ours),
        Figure("labkit check", tuple(ours), "s"),
        Figure("pytest-testinfra", tuple(theirs), "s"),
    )
    return Result(figures, versions=versions("pytest-testinfra"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeat", type=int, default=5)
    measure(parser.parse_args().repeat).finish()


if __name__ == "__main__":
    main()
