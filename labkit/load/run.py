"""Starts Locust as a process of its own, reads its rows, and never leaves it behind.

A process that has started gets ready, and sends nothing before it is asked to begin: a line on its
standard input. It ends by itself (its plan is bounded, and so is its wait: with us ends its input),
at a deadline of ours, and whenever the block that started it is left: by the end of the run, an
error, or Ctrl-C. The same holds for the workers of a plan that has several: they are children of
the process and of its group.
"""

from __future__ import annotations

import glob
import ipaddress
import os
import random
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from labkit import child
from labkit.course.model import Load
from labkit.errors import LabkitError, UsageError
from labkit.lab.model import Lab, Machine
from labkit.load.clock import CLOCK
from labkit.load.plan import GO, PLAN_VARIABLE, LoadPlan, plan_load
from labkit.load.rows import End, Row, Start, Tail
from labkit.locale import _

START_TIMEOUT_S = 40.0  # importing Locust takes 2 s on an idle core, ten times that on a busy one
HELD_S = 300.0  # ready and not asked to begin, at most: waits for that have limits of their own
WIND_UP_S = 8.0  # after the last patience: Locust's own summary
STOP_S = 3.0  # between SIGTERM and SIGKILL
POLL_S = 0.05
LOOPBACK = "127.0.0.1"
STDERR_LINES = 8


@dataclass(frozen=True)
class LoadRun:
    """What a generator did: its plan, when it started (epoch seconds), the rows that it wrote.

    `worst_lateness_s` is how late a request was started at worst, `unsent` how many never were.
    `complete` is False when the generator, or one of its workers, ended before it had walked its
    schedule.
    """

    plan: LoadPlan
    started: float
    rows: tuple[Row, ...]
    worst_lateness_s: float
    unsent: int
    complete: bool


class Generator:
    """A Locust process for one plan, with its workers. Use as a context manager.

    It gets ready as soon as the block is entered, and begins when `wait_started` is called.
    """

    def __init__(
        self, plan: LoadPlan, scenario: Path, log: Path, *, machine: Machine | None = None
    ) -> None:
        """`log` receives Locust's own output. Without a proven `machine`, loopback only."""
        _refuse_strangers(plan.base_url, machine)
        if not scenario.is_file():
            raise UsageError(_("there is no such load scenario"), where=str(scenario))
        self.plan = plan
        self.rows: list[Row] = []
        self._scenario = scenario
        self._log = log
        self._tails = [Tail(plan.rows_of(worker)) for worker in range(plan.workers)]
        self._starts: list[Start] = []
        self._ends: list[End] = []
        self._held = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        rows = Path(self.plan.rows)
        rows.parent.mkdir(parents=True, exist_ok=True)
        for old in (rows, *rows.parent.glob(f"{glob.escape(rows.stem)}.w[0-9].jsonl")):
            old.unlink(missing_ok=True)
        plan_file = rows.with_suffix(".plan.json")
        self.plan.write(plan_file)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*_command(self._scenario), *self._workers()],
                cwd=child.FOLDER,  # no locust.conf or pyproject.toml of somebody else
                env=_environment(plan_file, self._scenario),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a group of its own, which can be ended as a whole
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        if self._process and self._process.stdin:
            self._process.stdin.close()
        self._held.close()
        for tail in self._tails:
            tail.close()

    def wait_started(self) -> float:
        """Let the process begin, and wait for it to announce its first request; its epoch seconds.

        Raises LabkitError with the end of Locust's output if it ends or says nothing in time.
        """
        self._begin()
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._starts:
            alive = self.running
            self.poll()
            if not self._starts and (not alive or time.monotonic() > deadline):
                raise self._failure(_("the load generator did not start"))
            time.sleep(POLL_S)
        return self.started

    @property
    def started(self) -> float:
        """When the first request is due (epoch seconds); now, as long as it is unknown.

        All workers announce the same instant (`labkit.load.workers`).
        """
        return _earliest(self._starts)

    @property
    def running(self) -> bool:
        """Is the process there?"""
        return self._process is not None and not _has_ended(self._process)

    @property
    def overdue(self) -> bool:
        """Should it have ended by now?"""
        allowed = self.plan.duration_s + self.plan.patience_s + WIND_UP_S
        return bool(self._starts) and CLOCK.now() > self.started + allowed

    def poll(self) -> list[Row]:
        """The rows that are new; also kept in `rows`."""
        new: list[Row] = []
        for line in chain.from_iterable(tail.new() for tail in self._tails):
            if isinstance(line, Row):
                new.append(line)
            elif isinstance(line, Start):
                self._starts.append(line)
            else:
                self._ends.append(line)
        self.rows += new
        return new

    def finish(self) -> LoadRun:
        """Wait for the end of the run, at most until it is overdue, and collect it."""
        self.wait_started()
        while self.running and not self.overdue:
            time.sleep(POLL_S)
        self.kill()
        self.poll()
        if not self.rows:
            raise self._failure(_("the load generator sent nothing"))
        return collected(self.plan, self._starts, self.rows, self._ends)

    def kill(self) -> None:
        """End the process group that we started: Locust, and workers that it may have left."""
        process = self._process
        if process is None or process.returncode is not None:
            return  # it was reaped: its id may belong to somebody else by now
        deadline = time.monotonic() + STOP_S
        _signal(process)
        while not _has_ended(process) and time.monotonic() < deadline:
            time.sleep(POLL_S)
        _signal(process, hard=True)
        process.wait()

    def _begin(self) -> None:
        stdin = self._process and self._process.stdin
        if stdin and not stdin.closed:
            with suppress(BrokenPipeError):  # it has ended: whoever waits for its start will see
                stdin.write(GO)
                stdin.close()

    def _workers(self) -> list[str]:
        """What Locust is told of its workers; nothing if it is to do everything itself."""
        if self.plan.workers == 1:
            return []
        port = str(self._held.enter_context(_reserved_port()).getsockname()[1])
        # Whoever should end it may be gone: Locust then ends itself, and its workers.
        allowed = HELD_S + self.plan.duration_s + self.plan.patience_s + WIND_UP_S
        return [
            "--processes", str(self.plan.workers),
            "--users", str(self.plan.workers), "--spawn-rate", str(self.plan.workers),
            "--master-bind-host", LOOPBACK, "--master-bind-port", port,
            "--master-host", LOOPBACK, "--master-port", port,
            "--expect-workers-max-wait", f"{START_TIMEOUT_S:.0f}", "--run-time", f"{allowed:.0f}s",
        ]  # fmt: skip

    def _failure(self, what: str) -> LabkitError:
        text = self._log.read_text(encoding="utf-8", errors="replace")
        tail = "\n".join(text.strip().splitlines()[-STDERR_LINES:])
        return LabkitError(
            _("{what}:\n{detail}", what=what, detail=tail or _("(it printed nothing)")),
            where=str(self._log),
        )


def collected(
    plan: LoadPlan, starts: Sequence[Start], rows: Sequence[Row], ends: Sequence[End]
) -> LoadRun:
    """What the generator's lines, in whatever order, say together."""
    rows = tuple(sorted(rows, key=lambda row: row.scheduled))
    complete = len(ends) == plan.workers
    seen = [row.started - row.scheduled for row in rows]
    told = [end.worst_lateness_s for end in ends]
    return LoadRun(
        plan=plan,
        started=_earliest(starts),
        rows=rows,
        worst_lateness_s=max(told if complete else told + seen),
        unsent=sum(end.unsent for end in ends) if complete else plan.count - len(rows),
        complete=complete,
    )


def _earliest(starts: Sequence[Start]) -> float:
    return min((start.at for start in starts), default=CLOCK.now())


def run(
    load: Load,
    lab: Lab,
    target: str,
    *,
    duration_s: float,
    scenario_dir: Path,
    out: Path,
    seed: int | None = None,
    port: int = 80,
    options: Mapping[str, str] | None = None,
    name: str = "load",
) -> LoadRun:
    """Load a machine of the lab for a duration in seconds and return what happened.

    Raw rows are left in `out/NAME.jsonl`. Raises NotReadyError unless the machine runs now,
    UsageError when the load is out of bounds, LabkitError when the generator does not work.
    """
    machine = lab.prove_target(target)
    return run_against(
        base_url(machine, port), load, machine=machine, duration_s=duration_s,
        scenario_dir=scenario_dir, out=out, seed=seed, options=options, name=name,
    )  # fmt: skip


def run_against(
    url: str,
    load: Load,
    *,
    duration_s: float,
    scenario_dir: Path,
    out: Path,
    machine: Machine | None = None,
    seed: int | None = None,
    options: Mapping[str, str] | None = None,
    name: str = "load",
) -> LoadRun:
    """`run` against a URL, which must be loopback or belong to the proven `machine`."""
    plan = make_plan(load, url, duration_s=duration_s, out=out, seed=seed, options=options,
                     name=name)  # fmt: skip
    scenario = scenario_dir / f"{load.scenario}.py"
    with Generator(plan, scenario, out / f"{name}.locust.log", machine=machine) as generator:
        return generator.finish()


def make_plan(
    load: Load,
    url: str,
    *,
    duration_s: float,
    out: Path,
    seed: int | None,
    options: Mapping[str, str] | None,
    name: str,
) -> LoadPlan:
    """The plan of a run that starts about now, with a new seed unless one is given."""
    out.mkdir(parents=True, exist_ok=True)
    return plan_load(
        load,
        base_url=url,
        duration_s=duration_s,
        seed=new_seed() if seed is None else seed,
        run=uuid.uuid4().hex[:12],  # of a clock, two runs that begin together would have the same
        rows=(out / f"{name}.jsonl").resolve(),
        options=dict(options or {}),
    )


def new_seed() -> int:
    """A seed that nobody chose, short enough to be typed again."""
    return random.SystemRandom().randrange(1, 1_000_000)


def base_url(machine: Machine, port: int, scheme: str = "http") -> str:
    """The address of a machine's website, without a name service."""
    host = f"[{machine.address}]" if ":" in machine.address else machine.address
    usual = {"http": 80, "https": 443}[scheme]
    return f"{scheme}://{host}:{port}" if port != usual else f"{scheme}://{host}"


def _refuse_strangers(url: str, machine: Machine | None) -> None:
    host = urlsplit(url).hostname or ""
    if machine is not None and host == machine.address:
        return
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False  # a name could resolve to anybody
    if not loopback:
        raise UsageError(
            _("{host} is not a machine of a running lab: it will not be loaded", host=host or url),
            then="labkit up",
        )


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Has it ended? It is not reaped: its id, which is its group's, stays its own until then."""
    if process.returncode is not None:
        return True
    if sys.platform != "linux":  # no such question elsewhere: it is reaped
        return process.poll() is not None
    look = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, process.pid, look) is not None


def _signal(process: subprocess.Popen[bytes], *, hard: bool = False) -> None:
    if sys.platform == "win32":  # no process groups
        process.terminate()
        return
    with suppress(ProcessLookupError, PermissionError):  # nobody is left but the one to be reaped
        os.killpg(process.pid, signal.SIGKILL if hard else signal.SIGTERM)


def _reserved_port() -> socket.socket:
    """A port of loopback that is given to nobody as long as this socket is open.

    SO_REUSEADDR, set once the port is ours, lets the one listen on it who asks for it by number
    and has set it too, as Locust's ZeroMQ does (socket(7), Linux).
    """
    holder = socket.socket()
    holder.bind((LOOPBACK, 0))
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return holder


def _command(scenario: Path) -> list[str]:
    return [
        *child.python("labkit.load.generator"), "-f", str(scenario.resolve()),
        "--headless", "--users", "1", "--spawn-rate", "1",
        "--only-summary", "--loglevel", "WARNING", "--exit-code-on-error", "0",
    ]  # fmt: skip


def _environment(plan_file: Path, scenario: Path) -> dict[str, str]:
    # The course (course/checks/load/NAME.py) for what its scenarios share.
    ours = child.environment(*scenario.resolve().parents[2:3])
    # LOCUST_* of the user's own projects would change our run.
    kept = {name: value for name, value in ours.items() if not name.startswith("LOCUST_")}
    return {**kept, PLAN_VARIABLE: str(plan_file.resolve())}
