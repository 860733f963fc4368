"""A run of a drill as it lies on the disk: all that its numbers and its verdict follow from.

Plan, rows and readings are written while it goes on; what only the drill itself knew, at its end.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

from labkit.load.availability import Fault
from labkit.load.judging import Run
from labkit.load.plan import LoadPlan
from labkit.load.readings import Reading, Watched
from labkit.load.rows import End, Row, Start, decode
from labkit.load.run import collected
from labkit.whole import write_whole

INSTANTS = ".instants.json"
READINGS = ".watch.jsonl"


def keep_readings(folder: Path, name: str, watched: Watched) -> None:
    """Write what the watcher saw, a line a reading."""
    lines = (
        json.dumps({"t": one.at, "late": one.late, "states": dict(one.states),
                    "counters": dict(one.counters)})
        for one in watched.readings
    )  # fmt: skip
    write_whole(folder / f"{name}{READINGS}", "".join(f"{line}\n" for line in lines))


def keep_instants(folder: Path, name: str, run: Run) -> None:
    """Write what neither the generator nor the watcher wrote."""
    known = {
        "fault": asdict(run.fault),
        "restored": run.restored,
        "whole_at": run.whole_at,
        "executed": None if run.executed is None else list(run.executed),
        "promise_s": run.promise_s,
    }
    write_whole(folder / f"{name}{INSTANTS}", json.dumps(known) + "\n")


def kept_run(folder: Path, name: str) -> Run:
    """The run again. OSError, ValueError, KeyError or TypeError if that is not what lies there."""
    plan = LoadPlan.read(folder / f"{name}.plan.json")
    here = replace(plan, rows=str(folder / Path(plan.rows).name))
    lines = [
        decode(line)
        for worker in range(plan.workers)
        for line in here.rows_of(worker).read_text(encoding="utf-8").splitlines()
    ]
    known = json.loads((folder / f"{name}{INSTANTS}").read_text(encoding="utf-8"))
    readings = [
        json.loads(line)
        for line in (folder / f"{name}{READINGS}").read_text(encoding="utf-8").splitlines()
    ]
    return Run(
        load=collected(
            plan,
            [line for line in lines if isinstance(line, Start)],
            [line for line in lines if isinstance(line, Row)],
            [line for line in lines if isinstance(line, End)],
        ),
        watched=Watched(
            [Reading(one["t"], one["states"], one["counters"], one["late"]) for one in readings]
        ),
        fault=Fault(**known["fault"]),
        restored=known["restored"],
        whole_at=known["whole_at"],
        executed=known["executed"],
        promise_s=known["promise_s"],
    )
