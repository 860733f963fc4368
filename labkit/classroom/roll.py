"""A class, graded: each entry on a lab of its own, as many labs at once as the computer bears.

The ledger is the truth. An entry that it knows, of the same files, course, labkit and options, is
not graded again; a run that was killed leaves nothing that counts. What a lab could not tell is
tried once more, alone, with nothing beside it; then it is inconclusive, and named.
"""

from __future__ import annotations

import ctypes
import hashlib
import multiprocessing
import os
import shutil
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    as_completed,
)
from dataclasses import dataclass, replace
from pathlib import Path

from labkit import __version__
from labkit.classroom.intake import Entry
from labkit.classroom.ledger import Ledger, Record, Slot, State, forget, lab_of, note_lab
from labkit.classroom.parcel import unpack
from labkit.classroom.submission import GradeOptions, fresh_lab, grade_submission, recognised
from labkit.course import PARTS, Course, Verdict, load_course
from labkit.errors import EXIT_USAGE, LabkitError, NothingToGradeError, NotReadyError
from labkit.grading.writers.html import write_html
from labkit.lab import open_lab
from labkit.locale import _, language, number, use_course

LAB_PREFIX = "class-"
LAB_MEMORY = 1024  # MiB that are left free for a lab: 450 is its goal, builds take more
OWN_MEMORY = 1024  # MiB for the computer itself
END_S = 90.0  # for a process that was asked to end: seconds for its lab, more on a busy computer
PR_SET_PDEATHSIG = 1  # prctl(2)


@dataclass(frozen=True)
class Job:
    """What a process that grades is given."""

    entry: Entry
    out: Path
    lab: str
    options: GradeOptions
    language: str = "en"


@dataclass(frozen=True)
class Outcome:
    """What it gives back; the result itself is in the job's folder, or in `files`."""

    state: State
    why: str = ""
    seconds: float = 0.0
    files: bytes = b""  # the job's folder, from a computer that cannot write into it


Grader = Callable[[Job], Outcome]
Executors = Callable[[int], Executor]  # how many at once -> what runs them


def room_for_labs(processors: int, free: int, *, drills: bool) -> int:
    """How many labs at once: one a processor, as far as the free memory (MiB) goes.

    Drills measure time, and labs beside each other disturb it: with them there is one at a time.
    """
    if drills:
        return 1
    return max(1, min(processors, (free - OWN_MEMORY) // LAB_MEMORY))


def free_memory() -> int:
    """MiB that can be had without swapping (MemAvailable of proc(5))."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    found = {name: value for name, _colon, value in (line.partition(":") for line in lines)}
    return int(found["MemAvailable"].split()[0]) // 1024


def digest(entry: Entry, course: Course, options: GradeOptions) -> str:
    """Of all that decides a result: the files, the course, labkit, the options.

    A limit of time decides none: what it ended is inconclusive.
    """
    reading = options.reading
    decisive = [sorted(options.steps), options.drills, reading.fill, reading.documented,
                reading.as_found, options.forward, options.reference_credit,
                options.seed]  # fmt: skip
    whole = [entry.digest, course_digest(course.root), __version__, *map(repr, decisive)]
    return hashlib.sha256("\0".join(whole).encode()).hexdigest()


def wanted(
    entries: Sequence[Entry],
    ledger: Ledger,
    digests: dict[str, str],
    *,
    only: str = "",
    slot: Slot = "graded",
) -> list[Entry]:
    """The entries to be graded: those that the ledger does not know as they are now.

    `only` is `failed`, `inconclusive`, `changed` or a part of a name; what it names is graded
    again although it is known, except for `changed`.
    """

    def is_wanted(entry: Entry) -> bool:
        known = ledger.record(entry.key, slot)
        if only == "failed":
            return "failed" in _verdicts(ledger, entry.key, slot)
        if only == "inconclusive":
            return bool(known and known.state == "inconclusive")
        if only not in ("", "changed"):
            return only.casefold() in f"{entry.key} {entry.name}".casefold()
        return known is None or known.digest != digests[entry.key]

    return [one for one in entries if is_wanted(one)]


def grade_class(
    entries: Sequence[Entry],
    ledger: Ledger,
    digests: dict[str, str],
    options: GradeOptions,
    *,
    labs: int,
    slot: Slot = "graded",
    grader: Grader | None = None,
    executors: Executors | None = None,
    remove: Callable[[str], None] | None = None,
    languages: Mapping[str, str] | None = None,
    on_done: Callable[[Record], None] = lambda _record: None,
) -> None:
    """Grade entries; each is in the ledger as soon as it is known.

    `ledger` must be held. `languages` are of the reports, by key of the entry, where they are not
    that of the command. KeyboardInterrupt ends in order: labs are removed, what is known stays.
    """
    grader, executors, remove = grader or grade_job, executors or processes, remove or remove_lab
    for folder, lab in ledger.killed():
        if lab:
            remove(lab)
        forget(folder)

    def settled(entry: Entry, folder: Path, outcome: Outcome, tries: int) -> None:
        record = Record(entry.key, entry.name, entry.number, digests[entry.key], outcome.state,
                        outcome.why, tries, round(outcome.seconds, 1))  # fmt: skip
        ledger.finish(folder, record, slot)
        on_done(record)

    again: list[Entry] = []
    readable = []
    for entry in entries:
        if entry.folder is None:
            settled(entry, ledger.begin(entry.key), Outcome("unreadable", entry.why), 1)
        else:
            readable.append(entry)
    spoken = languages or {}
    for entry, folder, outcome in _run(
        readable, ledger, options, grader, executors, labs, remove, spoken
    ):
        if outcome.state == "inconclusive":
            forget(folder)
            again.append(entry)
        else:
            settled(entry, folder, outcome, 1)
    for entry in again:
        for _entry, folder, outcome in _run(
            [entry], ledger, options, grader, executors, 1, remove, spoken
        ):
            settled(entry, folder, outcome, 2)


def _run(
    entries: Sequence[Entry],
    ledger: Ledger,
    options: GradeOptions,
    grader: Grader,
    executors: Executors,
    labs: int,
    remove: Callable[[str], None],
    languages: Mapping[str, str],
) -> Iterable[tuple[Entry, Path, Outcome]]:
    """Entries as they come to their end. A process that died leaves its entry inconclusive.

    What an executor forgot, because the scheduler behind it has died, is given to a new one.
    """
    if not entries:
        return
    forgotten: list[Entry] = []
    executor = executors(min(labs, len(entries)))
    jobs: dict[Future[Outcome], Job] = {}
    try:
        for entry in entries:
            lab = f"{LAB_PREFIX}{uuid.uuid4().hex[:8]}"
            learner = replace(options, learner=entry.name)
            spoken = languages.get(entry.key) or language()
            job = Job(entry, ledger.begin(entry.key), lab, learner, spoken)
            try:
                jobs[executor.submit(grader, job)] = job
            except BrokenExecutor as error:
                yield entry, job.out, Outcome("inconclusive", _died(error))
        for done in as_completed(jobs):
            job = jobs[done]
            try:
                outcome = done.result()
                if outcome.files:
                    unpack(outcome.files, job.out)
            except CancelledError:
                forget(job.out)
                forgotten.append(job.entry)
                continue
            except NotReadyError:  # of the computer that was to grade it: of all entries, then
                raise
            except Exception as error:  # a defect of ours stops no other entry
                if lab_of(job.out):
                    remove(job.lab)
                outcome = Outcome("inconclusive", _died(error))
            yield job.entry, job.out, outcome
    except BaseException:
        _end([job for done, job in jobs.items() if not done.done()], remove)
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
    yield from _run(forgotten, ledger, options, grader, executors, labs, remove, languages)


def _end(jobs: Sequence[Job], remove: Callable[[str], None]) -> None:
    """Let this computer's processes remove their labs; do it for one that does not come to it."""
    children = multiprocessing.active_children()
    for child in children:
        child.terminate()
    deadline = time.monotonic() + END_S
    for child in children:
        child.join(max(0.0, deadline - time.monotonic()))
    stuck = [child for child in children if child.is_alive()]
    for child in stuck:
        child.kill()
    for job in jobs if stuck else ():
        if lab_of(job.out):
            remove(job.lab)


def _died(error: Exception) -> str:
    return _("the process that graded it ended unexpectedly: {why}",
             why=f"{type(error).__name__} {error}".strip())  # fmt: skip


def processes(count: int) -> Executor:
    """Processes of this computer, since pytest and a check's limit need a main thread each."""
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, mp_context=spawn, initializer=begin)


def begin() -> None:
    """A worker's beginning: it ends with its parent, and Ctrl-C is its parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def grade_job(job: Job) -> Outcome:
    """Grade one entry on a lab of its own, which is removed at the end."""
    assert job.entry.folder is not None
    started = time.monotonic()
    os.environ["LABKIT_LANG"] = job.language
    course = load_course()
    use_course(course.root)
    signal.signal(signal.SIGTERM, _stop)
    note_lab(job.out, job.lab)
    out_of_time = threading.Event()

    def end() -> None:
        out_of_time.set()
        os.kill(os.getpid(), signal.SIGTERM)

    limit = job.options.limit_s
    timer = threading.Timer(limit or 0.0, end)
    if limit:
        timer.start()
    try:
        recognised(course, job.entry.folder, job.options.reading)  # before machines for nothing
        with fresh_lab(lambda _line: None, name=job.lab) as lab:
            result = grade_submission(course, job.entry.folder, lab, job.out, job.options)
        write_html(result, job.out / "report.html", title=course.titles.get(language(), ""))
        open_checks = result.count(Verdict.INCONCLUSIVE)
        why = (
            _("checks that could not be determined: {count}", count=open_checks)
            if open_checks
            else ""
        )
        state: State = "inconclusive" if open_checks else "graded"
    except NothingToGradeError as error:
        state, why = "unreadable", error.what
    except LabkitError as error:
        state, why = "inconclusive", error.what
    except KeyboardInterrupt:
        remove_lab(job.lab)  # it may have come in the middle of just that
        if not out_of_time.is_set():
            os._exit(EXIT_USAGE)  # a pool's process would take the next entry
        state = "inconclusive"
        why = _("it took longer than {minutes} min", minutes=number((limit or 0) / 60, ".3g"))
    finally:
        timer.cancel()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return Outcome(state, why, time.monotonic() - started)


def _stop(_number: int, _frame: object) -> None:
    """Asked to end in the middle of an entry: its lab is removed, which is not disturbed."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def remove_lab(name: str) -> None:
    """A lab whose process is gone, and the keys of its machines."""
    lab = open_lab(name)
    lab.provider.destroy(lambda _line: None)
    shutil.rmtree(lab.state, ignore_errors=True)


def _verdicts(ledger: Ledger, key: str, slot: Slot) -> set[str]:
    result = ledger.result(key, slot) or {"steps": []}
    return {check["verdict"] for step in result["steps"] for check in step["checks"]}


def course_digest(root: Path) -> str:
    """Of all that a course is, the same wherever it lies."""
    whole = hashlib.sha256()
    parts = [root / name for name in PARTS]
    for path in sorted(path for part in parts for path in part.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            whole.update(f"\0{path.relative_to(root)}\0".encode())
            whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()
