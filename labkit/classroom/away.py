"""An entry graded on another computer: it comes as bytes, and what was found goes back as bytes.

A check's limit needs a main thread, and a Dask worker has none to give: each entry has a process of
its own, which ends, its lab removed, when the worker is killed. What even that could not remove,
after a power cut or a cluster's own kill, the next entry on the same computer removes.
"""

from __future__ import annotations

import json
import pickle
import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from labkit import __version__, child
from labkit.classroom.ledger import lab_of
from labkit.classroom.parcel import packed
from labkit.classroom.roll import Grader, Job, Outcome, begin, course_digest, remove_lab
from labkit.course import load_course
from labkit.errors import NotReadyError
from labkit.lab.store import state_root
from labkit.locale import _
from labkit.text import clean
from labkit.whole import write_whole

OUTCOME = "outcome.json"


@dataclass(frozen=True)
class Away:
    """A grader for another computer; picklable. `code` is what the one who asks grades with."""

    grader: Grader
    code: str

    def __call__(self, job: Job) -> Outcome:
        """Grade an entry here, in a process of its own; `files` of the outcome is its folder.

        NotReadyError if this computer grades with something else than the one who asks.
        """
        if self.code != code_here():
            raise NotReadyError(
                _("a worker has another labkit, or another course, than this computer"),
                where=socket.gethostname(),
                then="labkit class workers",
            )
        return run_alone(self.grader, job)


def code_here() -> str:
    """What decides a result, beside the files and the options: labkit and the course."""
    return f"{__version__} {course_digest(load_course().root)}"


def run_alone(grader: Grader, job: Job, *, remove: Callable[[str], None] = remove_lab) -> Outcome:
    """Grade an entry in a process that does not outlive this one.

    RuntimeError if it ended before its time. The name of the lab is new at each try: the same entry
    may still be graded elsewhere, by a worker that is no longer heard.
    """
    root = state_root() / "_away" / socket.gethostname()  # homes may be shared by computers
    root.mkdir(parents=True, exist_ok=True)
    remove_left(root, remove)
    with _folder(root) as (folder, lock):
        here = replace(job, out=folder / "out", lab=f"{job.lab[:-8]}{uuid.uuid4().hex[:8]}")
        here.out.mkdir()
        done = subprocess.run(
            child.python("labkit.classroom.away"),
            input=pickle.dumps((grader, here)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=child.environment(),
            pass_fds=[lock.fileno()],  # held by whichever of the two lives longer
            check=False,
        )
        outcome = here.out / OUTCOME
        if not outcome.exists():
            if lab := lab_of(here.out):
                remove(lab)
            said = clean(done.stderr.decode(errors="replace"), 2000).strip().rpartition("\n")[2]
            raise RuntimeError(f"{socket.gethostname()}: {done.returncode} {said}")
        found = json.loads(outcome.read_text(encoding="utf-8"))
        outcome.unlink()
        return Outcome(**found, files=packed(here.out))


def remove_left(root: Path, remove: Callable[[str], None]) -> None:
    """Remove the labs of runs that nobody holds any more, and their folders."""
    for folder in (one for one in root.iterdir() if one.is_dir()):
        with folder.with_suffix(".lock").open("w") as lock:
            if not _locked(lock):
                continue
            if lab := lab_of(folder / "out"):
                remove(lab)
            shutil.rmtree(folder, ignore_errors=True)
            Path(lock.name).unlink(missing_ok=True)


def _locked(file: IO[str]) -> bool:
    """Lock a file, whoever of the processes that have it open lives longest; False if it is."""
    if sys.platform == "win32":  # where no worker of a cluster can have a lab
        return False
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _folder(root: Path) -> Iterator[tuple[Path, IO[str]]]:
    """A folder of a run, locked before it is there: nobody takes it for one that was left."""
    folder = root / uuid.uuid4().hex
    with folder.with_suffix(".lock").open("w") as lock:
        _locked(lock)  # it is new: nobody else has it
        folder.mkdir()
        try:
            yield folder, lock
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            Path(lock.name).unlink(missing_ok=True)


def main() -> None:
    """The process of one entry: a grader and its job on standard input, the outcome in a file."""
    begin()
    grader, job = pickle.load(sys.stdin.buffer)
    outcome: Outcome = grader(job)
    told = {"state": outcome.state, "why": outcome.why, "seconds": outcome.seconds}
    write_whole(job.out / OUTCOME, json.dumps(told))


if __name__ == "__main__":
    main()
