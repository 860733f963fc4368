"""Processor time of the commands that should start at once, beside an interpreter's own.

    python -m benchmarks.start [--repeat 15]

Limit: twice an interpreter that imports click and rich, which every one of them needs. All are run
in turn, so that a noisy computer is noisy to each; user and system time, of children, too.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile

from benchmarks.result import Figure, Result

TAKES = "1 minute"
LIMIT = 2.0
BASELINE = [sys.executable, "-c", "import click, rich.console, rich.table, rich.text"]
BASELINE_NAME = "click and rich alone"
NOBODYS_LAB = "bench-no-such-lab"
COMMANDS = {
    "--help": ["--help"],
    "explain 3": ["explain", "3"],
    "explain 3, in French": ["--lang", "fr", "explain", "3"],
    "hint 3, no lab": ["--lab", NOBODYS_LAB, "hint", "3"],
    "status, no lab": ["--lab", NOBODYS_LAB, "status"],
}


def processor_time(command: list[str], environment: dict[str, str]) -> float:
    """Seconds of user and system time of one run, whatever it ends with."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(repeat: int = 15) -> Result:
    """Seconds of each command and how many times the baseline's median that is."""
    labkit = [sys.executable, "-m", "labkit.cli.main"]
    runs = {BASELINE_NAME: BASELINE}
    runs |= {name: labkit + words for name, words in COMMANDS.items()}
    found: dict[str, list[float]] = {name: [] for name in runs}
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ, "XDG_STATE_HOME": folder, "XDG_CACHE_HOME": folder,
            "LABKIT_LANG": "en", "COLUMNS": "100",
        }  # fmt: skip
        for command in runs.values():  # the first run fills the caches, Python's own as well
            processor_time(command, environment)
        for _round in range(repeat):
            for name, command in runs.items():
                found[name].append(processor_time(command, environment))
    base = found.pop(BASELINE_NAME)
    least = statistics.median(base)
    times = [
        Figure(name, tuple(value / least for value in values), "×")
        for name, values in found.items()
    ]
    seconds = [Figure(f"{name}, processor", tuple(values), "s") for name, values in found.items()]
    return Result(
        (*times, *seconds, Figure(BASELINE_NAME, tuple(base), "s")),
        held=all(one.median <= LIMIT for one in times),
    )


def main() -> None:
    """Measure, print, and say whether the limit held."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeat", type=int, default=15)
    measure(parser.parse_args().repeat).finish()


if __name__ == "__main__":
    main()
