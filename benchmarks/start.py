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

LIMIT = 2.0
BASELINE = [sys.executable, "-c", "import click, rich.console, rich.table, rich.text"]
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


def main() -> None:
    """Measure, print, and say whether the limit held."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeat", type=int, default=15)
    repeat = parser.parse_args().repeat
    labkit = [sys.executable, "-m", "labkit.cli.main"]
    runs = {"click and rich alone": BASELINE}
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
    base = statistics.median(found["click and rich alone"])
    held = True
    for name, values in found.items():
        ratio = statistics.median(values) / base
        held = held and ratio <= LIMIT
        print(
            f"{name:<22} min {min(values):5.3f}   median {statistics.median(values):5.3f}"
            f"   max {max(values):5.3f} s   = {ratio:4.2f} times"
        )
    print(f"limit, {LIMIT:g} times: {'held' if held else 'NOT HELD'}")
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
