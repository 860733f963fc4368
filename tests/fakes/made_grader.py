"""A grader made for the tests of a class on workers: a file says what to find, a lab is a file.

It knows no machine. `LABS` is a folder given by the environment, in which it makes and removes a
file for each lab, as a real grader does with machines.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from labkit.classroom.ledger import note_lab
from labkit.classroom.roll import Job, Outcome, _stop

PATIENCE_S = 120  # of a test that has failed: nothing waits for ever


def labs() -> Path:
    """Where labs are files."""
    return Path(os.environ["MADE_LABS"])


def made_grader(job: Job) -> Outcome:
    """Grade by what is written: `good`, `bad`, or `waits`, until a file named `go` is there."""
    assert job.entry.folder
    signal.signal(signal.SIGTERM, _stop)
    text = job.entry.folder.files["a"].decode()
    lab = labs() / job.lab
    note_lab(job.out, job.lab)
    lab.write_text(f"{job.entry.key} {os.getpid()}", encoding="utf-8")
    try:
        end = time.monotonic() + PATIENCE_S
        while text == "waits" and not (labs() / "go").exists() and time.monotonic() < end:
            time.sleep(0.02)
    except KeyboardInterrupt:
        lab.unlink()
        os._exit(2)
    lab.unlink()
    verdict = {"bad": "failed"}.get(text, "passed")
    points = 1 if verdict == "passed" else 0
    check = {"id": "a.there", "verdict": verdict, "because": "", "message": ""}
    found = {"score": points, "score_low": points, "score_high": points, "score_max": 1,
             "steps": [{"checks": [check]}]}  # fmt: skip
    (job.out / "result.json").write_text(json.dumps(found), encoding="utf-8")
    return Outcome("graded", "", 1.0)
