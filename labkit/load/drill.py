"""A drill from its first look to its verdict.

The sequence: the target is proven to be ours; steady state is seen; the load begins; the fault
strikes and heals by itself, on its machine; the load ends; steady state is seen again; the
numbers are taken and judged. A run whose generator stalled is repeated, at most twice.
"""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from labkit.course.model import Aim, Drill, PowerCut
from labkit.course.outcome import CannotTellError, NotMetError
from labkit.course.verdict import Verdict
from labkit.errors import LabkitError, NotReadyError, UsageError
from labkit.lab.faults import Power
from labkit.lab.model import Lab, Machine
from labkit.load.availability import Fault, effective
from labkit.load.clock import CLOCK
from labkit.load.judging import Run, record
from labkit.load.kept import INSTANTS, READINGS, keep_instants, keep_readings
from labkit.load.record import DrillResult
from labkit.load.run import Generator, LoadRun, base_url, make_plan, new_seed
from labkit.load.watch import Unwatched, Watch
from labkit.locale import _, number
from labkit.remote import Shells
from labkit.reporting import DrillBegan, DrillEnded, DrillProgress, Reporter
from labkit.whole import write_whole

RUNS = 3  # at most; the majority of three turns a 2 % flake into 0.1 %
STEADY_TIMEOUT_S = 15.0
TICK_S = 0.1
LIVE_S = 0.25  # between two reports of progress
BESIDE = 24  # prefix of the widest network that a lab has: its machines' neighbours

Phase = str  # "steady", "baseline", "fault", "healed", "restoring"


@dataclass
class _Site:
    """Everything about where and how a drill is run; the arguments of `run_drill` in one."""

    drill: Drill
    lab: Lab
    shells: Shells
    scenario: Path
    watcher: str
    watch_arguments: Sequence[str]
    out: Path
    reporter: Reporter
    run: int = 1
    shown: float = field(default=0.0)

    @property
    def name(self) -> str:
        return f"drill-{self.drill.name}"

    def machine(self) -> Machine:
        return self.lab.prove_target(self.drill.entry)


def run_drill(
    drill: Drill,
    lab: Lab,
    shells: Shells,
    *,
    bar: str,
    course_root: Path,
    out: Path,
    reporter: Reporter,
    seed: int | None = None,
    watcher: Path | None = None,
    watch_arguments: Sequence[str] = (),
) -> DrillResult:
    """Run a drill and judge it at a bar.

    `shells` are the machines' `labkit.remote.Shell`s by name, all of which the fault may use.
    How many servers it says that it takes away is believed: others that leave are flaps.
    `watcher` defaults to the only `checks/load/watch_*.py`.

    Raw rows are left in `out/drill-NAME.jsonl`, the result beside them as .json, the watcher's
    readings as .watch.jsonl, the fault's instants as .instants.json; of runs that were repeated,
    as `drill-NAME.runN.jsonl`.

    Raises NotReadyError unless the entry machine runs, UsageError for an unknown bar or a load
    out of bounds. What goes wrong later makes the result inconclusive, with the reason.
    """
    _refuse_unknown(drill, bar)
    folder = course_root / "checks" / "load"
    site = _Site(
        drill=drill,
        lab=lab,
        shells=shells,
        scenario=folder / f"{drill.load.scenario}.py",
        watcher=(
            (watcher or find_watcher(folder)).read_text(encoding="utf-8") if drill.watched else ""
        ),
        watch_arguments=watch_arguments,
        out=out,
        reporter=reporter,
    )
    site.machine()  # before anything else: without a running lab there is no drill
    out.mkdir(parents=True, exist_ok=True)
    reporter.tell(DrillBegan(drill.name, bar))
    verdict = ""
    try:
        result = _decide(site, bar, new_seed() if seed is None else seed)
        verdict = result.verdict.value
    finally:
        reporter.tell(DrillEnded(drill.name, verdict))
    text = json.dumps(result.to_json(), indent=1) + "\n"
    write_whole(out / f"{site.name}.json", text)
    return result


def find_watcher(folder: Path) -> Path:
    """The watcher of a course: the one file `watch_*.py` beside its scenarios."""
    found = sorted(folder.glob("watch_*.py"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or _("none")
        raise UsageError(
            _("a course needs one watcher, watch_*.py; found {names}", names=names),
            where=str(folder),
        )
    return found[0]


def _refuse_unknown(drill: Drill, bar: str) -> None:
    if bar not in drill.limits:
        known = ", ".join(drill.limits)
        raise UsageError(
            _(
                "drill {drill} has no bar named {bar}; it has {known}",
                drill=drill.name,
                bar=bar,
                known=known,
            )
        )


def _decide(site: _Site, bar: str, seed: int) -> DrillResult:
    """Run until a run can be judged, at most `RUNS` times."""
    result = DrillResult(site.drill.name, Verdict.INCONCLUSIVE, bar, _("it was not run"))
    for attempt in range(1, RUNS + 1):
        site.run = attempt
        try:
            run = _run_once(site, seed + attempt - 1)
            result = record(site.drill, bar, run, attempt)
        except _NoSteadyStateError as error:
            why = error.what
            if attempt > 1:
                why = _("{earlier}; then {why}", earlier=result.message, why=why)
            return replace(result, message=why, runs=attempt - 1)
        except NotMetError as error:
            # What the drill needs of the learner's work is not there, and repeating brings nothing.
            why = _(
                "it cannot be carried out: expected {expected}; seen {seen}",
                expected=error.expected,
                seen=error.seen,
            )
            return replace(result, verdict=Verdict.FAILED, message=why, runs=attempt - 1)
        except (LabkitError, CannotTellError) as error:
            why = error.what if isinstance(error, LabkitError) else error.why
            result = DrillResult(
                site.drill.name, Verdict.INCONCLUSIVE, bar, why,
                seed=seed + attempt - 1, runs=attempt,
            )  # fmt: skip
        if result.verdict is not Verdict.INCONCLUSIVE:
            break
        site.reporter.say(
            _(
                "{drill}, run {number}: {why}",
                drill=site.drill.name,
                number=attempt,
                why=result.message,
            )
        )
        if attempt < RUNS:
            _put_aside(site, attempt)
    return result


class _NoSteadyStateError(LabkitError):
    """The service was not whole before anything was done to it: repeating will not help."""


def _run_once(site: _Site, seed: int) -> Run:
    drill = site.drill
    with _watch(site) as watch, _aim(site) as aim, _generator(site, seed, aim) as generator:
        site.reporter.say(_("{drill}: waiting for the service to be healthy", drill=drill.name))
        reason, _when = _wait_whole(site, watch, aim, "steady", STEADY_TIMEOUT_S)
        if reason:
            raise _NoSteadyStateError(
                _("the service is not healthy before the fault: {reason}", reason=reason),
                where=drill.entry,
            )
        promise_s = drill.promise(site.shells) if drill.promise else None
        site.reporter.say(
            _(
                "{drill}: {rate} requests/s for {seconds} s, seed {seed}",
                drill=drill.name,
                rate=number(drill.load.rate),
                seconds=number(drill.duration_s),
                seed=seed,
            )
        )
        try:
            load, fault = _load_and_fault(site, watch, aim, generator)
            wait = max(0.0, fault.healed - CLOCK.now()) + drill.restore_s
            reason, whole_at = _wait_whole(site, watch, aim, "restoring", wait)
        finally:
            if drill.restore:
                drill.restore(site.shells)
        watched = watch.watched()
    keep_readings(site.out, site.name, watched)
    executed = drill.executed(site.shells, load.plan.run) if drill.executed else None
    run = Run(load, watched, fault, reason, whole_at, executed, promise_s)
    keep_instants(site.out, site.name, run)
    return run


def _watch(site: _Site) -> Watch | Unwatched:
    if not site.drill.watched:
        return Unwatched()
    arguments = [*site.watch_arguments, *site.drill.watching(site.shells)]
    return Watch(site.shells[site.drill.entry], site.watcher, arguments)


def _aim(site: _Site) -> AbstractContextManager[Aim]:
    return site.drill.aim(site.shells) if site.drill.aim else nullcontext(Aim())


def _wait_whole(
    site: _Site, watch: Watch | Unwatched, aim: Aim, phase: Phase, timeout_s: float
) -> tuple[str, float | None]:
    """Wait until the watcher and the service itself say that all is well.

    Returns why it is not ("" if it is), and since when it is (epoch s). Raises LabkitError if
    that could not be asked to the end.
    """
    deadline = time.monotonic() + timeout_s
    reason = watch.wait_steady(timeout_s, lambda: _show(site, phase, watch, None))
    while not reason:
        asked, late = CLOCK.now(), time.monotonic() > deadline
        try:
            missing = aim.unready()
        except LabkitError:  # a machine that boots cannot be asked yet
            if late:
                raise
            missing = "-"
        if not missing:
            return "", asked
        if late:
            return missing, None
        _show(site, phase, watch, None)
        time.sleep(TICK_S)
    return reason, None


def _generator(site: _Site, seed: int, aim: Aim) -> Generator:
    """What will load the aim; it gets ready beside the wait for a healthy service."""
    drill, machine = site.drill, site.machine()
    if aim.address:
        machine = replace(machine, address=aim.address)
    plan = make_plan(
        drill.load, base_url(machine, aim.port, aim.scheme), duration_s=drill.duration_s,
        out=site.out, seed=seed, options=aim.options, name=site.name,
    )  # fmt: skip
    return Generator(plan, site.scenario, site.out / f"{site.name}.locust.log", machine=machine)


def _load_and_fault(
    site: _Site, watch: Watch | Unwatched, aim: Aim, generator: Generator
) -> tuple[LoadRun, Fault]:
    """The load from its first to its last request, with the fault in it."""
    drill = site.drill
    _prove_target(site, aim)  # again, at the last moment before the first packet
    strike = generator.wait_started() + drill.fault_at_s
    _follow(site, generator, watch, "baseline", strike)
    called = CLOCK.now()
    servers = _strike(site)
    returned = CLOCK.now()
    _follow(site, generator, watch, "fault", returned + drill.heal_after_s)
    _follow(site, generator, watch, "healed", float("inf"))
    load = generator.finish()
    at = effective(called, returned, load.rows, watch.watched())
    return load, Fault(called=called, at=at, healed=at + drill.heal_after_s, servers=servers)


def _prove_target(site: _Site, aim: Aim) -> None:
    """Whom the load is for is the entry machine, or an address that moves if the aim names one.

    Such an address is proven like a machine: it lies beside the entry machine's own, and one of the
    lab's machines says that it holds it. NotReadyError otherwise.
    """
    machine = site.machine()
    if not aim.address:
        return
    moving = ipaddress.ip_address(aim.address)
    beside = ipaddress.ip_interface(f"{machine.address}/{BESIDE}").network
    question = f"ip -o address show to {moving}"
    if moving not in beside or not any(
        str(moving) in shell.ask(question).stdout for shell in site.shells.values()
    ):
        raise NotReadyError(
            _("no machine of this lab holds the address {address}", address=moving),
            where=f"{', '.join(site.shells)} $ {question}",
            then=site.lab.command("check"),
        )


def _strike(site: _Site) -> int | None:
    """Let the fault strike; how many servers it takes away, None if nobody can say."""
    fault, heal_after = site.drill.fault, site.drill.heal_after_s
    if not isinstance(fault, PowerCut):
        return fault(site.shells, heal_after=heal_after)
    Power(site.lab).cut(fault.machine, heal_after=heal_after)
    site.shells[fault.machine].renew_login()
    return fault.servers


def _follow(
    site: _Site, generator: Generator, watch: Watch | Unwatched, phase: Phase, until: float
) -> None:
    """Read along and report until an instant (epoch s) or until the load ends."""
    while generator.running and not generator.overdue:
        left = until - CLOCK.now()
        if left <= 0:
            return
        generator.poll()
        _show(site, phase, watch, generator)
        time.sleep(min(TICK_S, max(0.0, left)))


def _show(site: _Site, phase: Phase, watch: Watch | Unwatched, generator: Generator | None) -> None:
    if time.monotonic() - site.shown < LIVE_S:
        return
    site.shown = time.monotonic()
    reading = watch.latest
    site.reporter.tell(
        DrillProgress(
            phase=phase,
            run=site.run,
            elapsed_s=CLOCK.now() - generator.started if generator else 0.0,
            duration_s=site.drill.duration_s,
            scheduled=round(site.drill.load.rate * site.drill.duration_s),
            answered=len(generator.rows) if generator else 0,
            failed=sum(not row.ok for row in generator.rows) if generator else 0,
            states=reading.states if reading else {},
        )
    )


def _put_aside(site: _Site, number: int) -> None:
    """Keep the files of a run that will be repeated under its number."""
    for kind in (".jsonl", ".w[0-9].jsonl", READINGS, INSTANTS):
        for path in site.out.glob(f"{site.name}{kind}"):
            path.rename(site.out / path.name.replace(site.name, f"{site.name}.run{number}", 1))
