"""A drill from its first look to its verdict.

The sequence: the target is proven to be ours; steady state is seen; the load begins; the fault
strikes and heals by itself, on its machine; the load ends; steady state is seen again; the
numbers are taken and judged. A run whose generator stalled is repeated, at most twice.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from labkit.course.model import Drill, Limits, Verdict
from labkit.errors import LabkitError, UsageError
from labkit.lab.model import Lab, Machine, Say
from labkit.load.availability import (
    Fault,
    Judged,
    Measured,
    compare,
    doubts,
    effective,
    judge,
    measure,
    series,
)
from labkit.load.plan import LoadPlan
from labkit.load.readings import Watched
from labkit.load.record import DrillResult, Samples
from labkit.load.run import Generator, LoadRun, base_url, make_plan, new_seed
from labkit.load.watch import Starter, Watch
from labkit.locale import _, language

RUNS = 3  # at most; the majority of three turns a 2 % flake into 0.1 %
STEADY_TIMEOUT_S = 15.0
RESTORE_TIMEOUT_S = 30.0  # after the heal was due: a container restarts in 4 s, a machine in 20
TICK_S = 0.1
LIVE_S = 0.25  # between two reports of progress

Phase = str  # "steady", "baseline", "fault", "healed", "restoring"


@dataclass(frozen=True)
class Progress:
    """Where a running drill stands; for a live display. Times in seconds, counts of requests."""

    phase: Phase
    run: int
    elapsed_s: float
    duration_s: float
    scheduled: int
    answered: int
    failed: int
    states: Mapping[str, str]


Live = Callable[[Progress], None]


@dataclass(frozen=True)
class _Run:
    """One run of the sequence, ready to be judged."""

    load: LoadRun
    watched: Watched
    fault: Fault
    restored: str  # "" or why steady state did not come back
    executed: Sequence[str] | None  # ids of POSTs, one per execution; None if nobody can say


@dataclass
class _Site:
    """Everything about where and how a drill is run; the arguments of `run_drill` in one."""

    drill: Drill
    lab: Lab
    shells: Mapping[str, Starter]
    scenario: Path
    watcher: str
    watch_arguments: Sequence[str]
    out: Path
    port: int
    options: Mapping[str, str]
    live: Live | None
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
    shells: Mapping[str, Any],
    *,
    bar: str,
    course_root: Path,
    out: Path,
    say: Say,
    seed: int | None = None,
    live: Live | None = None,
    watcher: Path | None = None,
    watch_arguments: Sequence[str] = (),
    port: int = 80,
    options: Mapping[str, str] | None = None,
) -> DrillResult:
    """Run a drill and judge it at a bar.

    `shells` are the machines' `labkit.remote.Shell`s by name, all of which the fault may use.
    It is called as `fault(shells, heal_after=SECONDS)` and arranges its own end on the machine;
    it may return how many servers it takes away (an int), so that others leaving are flaps.
    `watcher` defaults to the only `checks/load/watch_*.py`; `options` go to the scenario.

    Raw rows are left in `out/drill-NAME.jsonl`, the result beside them as .json, the watcher's
    readings as .watch.jsonl; of runs that were repeated, as `drill-NAME.runN.jsonl`.

    Raises NotReadyError unless the entry machine runs, UsageError for an unknown bar or a load
    out of bounds. What goes wrong later makes the result inconclusive, with the reason.
    """
    limits = _limits(drill, bar)
    folder = course_root / "checks" / "load"
    site = _Site(
        drill=drill,
        lab=lab,
        shells=shells,
        scenario=folder / f"{drill.load.scenario}.py",
        watcher=(watcher or find_watcher(folder)).read_text(encoding="utf-8"),
        watch_arguments=watch_arguments,
        out=out,
        port=port,
        options=options or {},
        live=live,
    )
    site.machine()  # before anything else: without a running lab there is no drill
    out.mkdir(parents=True, exist_ok=True)
    result = _decide(site, bar, limits, new_seed() if seed is None else seed, say)
    text = json.dumps(result.to_json(), indent=1) + "\n"
    (out / f"{site.name}.json").write_text(text, encoding="utf-8")
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


def _limits(drill: Drill, bar: str) -> Limits:
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
    return drill.limits[bar]


def _decide(site: _Site, bar: str, limits: Limits, seed: int, say: Say) -> DrillResult:
    """Run until a run can be judged, at most `RUNS` times."""
    result = DrillResult(site.drill.name, Verdict.INCONCLUSIVE, bar, _("it was not run"))
    for number in range(1, RUNS + 1):
        site.run = number
        try:
            run = _run_once(site, seed + number - 1, say)
        except _NoSteadyStateError as error:
            why = error.what
            if number > 1:
                why = _("{earlier}; then {why}", earlier=result.message, why=why)
            return replace(result, message=why, runs=number - 1)
        except LabkitError as error:
            result = DrillResult(
                site.drill.name, Verdict.INCONCLUSIVE, bar, error.what,
                seed=seed + number - 1, runs=number,
            )  # fmt: skip
        else:
            result = _result(site, bar, limits, run, number)
        if result.verdict is not Verdict.INCONCLUSIVE:
            break
        say(
            _(
                "{drill}, run {number}: {why}",
                drill=site.drill.name,
                number=number,
                why=result.message,
            )
        )
        if number < RUNS:
            _put_aside(site, number)
    return result


class _NoSteadyStateError(LabkitError):
    """The service was not whole before anything was done to it: repeating will not help."""


def _run_once(site: _Site, seed: int, say: Say) -> _Run:
    drill = site.drill
    with Watch(site.shells[drill.entry], site.watcher, site.watch_arguments) as watch:
        say(_("{drill}: waiting for all servers to serve", drill=drill.name))
        reason = watch.wait_steady(STEADY_TIMEOUT_S, lambda: _show(site, "steady", watch, None))
        if reason:
            raise _NoSteadyStateError(
                _("not all servers serve before the fault: {reason}", reason=reason),
                where=drill.entry,
            )
        say(
            _(
                "{drill}: {rate} requests/s for {seconds} s, seed {seed}",
                drill=drill.name,
                rate=_number(drill.load.rate),
                seconds=_number(drill.duration_s),
                seed=seed,
            )
        )
        load, fault = _load_and_fault(site, seed, watch)
        wait = max(0.0, fault.healed - time.time()) + RESTORE_TIMEOUT_S
        restored = watch.wait_steady(wait, lambda: _show(site, "restoring", watch, None))
        watched = watch.watched()
    _keep_readings(site, watched)
    executed = drill.executed(site.shells, load.plan.run) if drill.executed else None
    return _Run(load, watched, fault, restored, executed)


def _load_and_fault(site: _Site, seed: int, watch: Watch) -> tuple[LoadRun, Fault]:
    """The load from its first to its last request, with the fault in it."""
    drill = site.drill
    machine = site.machine()  # proven again, at the last moment before the first packet
    plan = make_plan(
        drill.load, base_url(machine, site.port), duration_s=drill.duration_s, out=site.out,
        seed=seed, options=site.options, name=site.name,
    )  # fmt: skip
    log = site.out / f"{site.name}.locust.log"
    with Generator(plan, site.scenario, log, machine=machine) as generator:
        started = generator.wait_started()
        strike = started + drill.fault_at_s
        _follow(site, generator, watch, "baseline", strike)
        called = time.time()
        said = drill.fault(site.shells, heal_after=drill.heal_after_s)
        returned = time.time()
        _follow(site, generator, watch, "fault", returned + drill.heal_after_s)
        _follow(site, generator, watch, "healed", float("inf"))
        load = generator.finish()
    return load, _fault(called, returned, said, load, watch.watched(), drill.heal_after_s)


def _fault(
    called: float, returned: float, said: Any, load: LoadRun, watched: Watched, heal_after_s: float
) -> Fault:
    at = effective(called, returned, load.rows, watched)
    servers = said if isinstance(said, int) and not isinstance(said, bool) else None
    return Fault(called=called, at=at, healed=at + heal_after_s, servers=servers)


def _follow(site: _Site, generator: Generator, watch: Watch, phase: Phase, until: float) -> None:
    """Read along and report until an instant (epoch s) or until the load ends."""
    while generator.running and not generator.overdue:
        left = until - time.time()
        if left <= 0:
            return
        generator.poll()
        _show(site, phase, watch, generator)
        time.sleep(min(TICK_S, max(0.0, left)))


def _show(site: _Site, phase: Phase, watch: Watch, generator: Generator | None) -> None:
    if site.live is None or time.monotonic() - site.shown < LIVE_S:
        return
    site.shown = time.monotonic()
    reading = watch.latest
    site.live(
        Progress(
            phase=phase,
            run=site.run,
            elapsed_s=time.time() - generator.started if generator else 0.0,
            duration_s=site.drill.duration_s,
            scheduled=round(site.drill.load.rate * site.drill.duration_s),
            answered=len(generator.rows) if generator else 0,
            failed=sum(not row.ok for row in generator.rows) if generator else 0,
            states=reading.states if reading else {},
        )
    )


def _put_aside(site: _Site, number: int) -> None:
    """Keep the files of a run that will be repeated under its number."""
    for suffix in (".jsonl", ".watch.jsonl"):
        path = site.out / f"{site.name}{suffix}"
        if path.exists():
            path.rename(site.out / f"{site.name}.run{number}{suffix}")


def _keep_readings(site: _Site, watched: Watched) -> None:
    lines = (
        json.dumps({"t": one.at, "states": dict(one.states), "counters": dict(one.counters)})
        for one in watched.readings
    )
    path = site.out / f"{site.name}.watch.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


# From a run to its record -------------------------------------------------------------------


def _result(site: _Site, bar: str, limits: Limits, run: _Run, number: int) -> DrillResult:
    measured = measure(
        run.load,
        run.watched,
        slow_s=site.drill.load.slow_s,
        fault=run.fault,
        executed=run.executed,
    )
    verdict, _broken = judge(measured, limits)
    judged = compare(measured, limits)
    return DrillResult(
        name=site.drill.name,
        verdict=verdict,
        bar=bar,
        message=_message(measured, judged, run.restored),
        seed=run.load.plan.seed,
        runs=number,
        scheduled=measured.scheduled,
        failed_get=measured.failed_get,
        failed_post=measured.failed_post,
        slow=measured.slow,
        detect_s=measured.detect_s,
        recover_s=measured.recover_s,
        longest_gap_s=measured.longest_gap_s,
        duplicates=measured.duplicates,
        ghosts=measured.ghosts,
        flaps=measured.flaps,
        limits=tuple(judged),
        samples=_samples(site, run, measured),
    )


def _samples(site: _Site, run: _Run, measured: Measured) -> Samples:
    begin = run.load.started
    plan: LoadPlan = run.load.plan
    control = run.fault.servers == 0  # a fault that takes nothing away is not drawn
    before = [reading for reading in run.watched.readings if reading.at <= begin]
    return Samples(
        duration_s=plan.duration_s,
        series=series(plan, begin, run.load.rows, site.drill.load.slow_s),
        states=dict(before[-1].states) if before else {},
        changes=tuple(
            (change.at - begin, change.server, change.state)
            for change in run.watched.changes()
            if change.at > begin
        ),
        fault_s=None if control else run.fault.at - begin,
        heal_s=None if control else run.fault.healed - begin,
        facts=_facts(run, measured),
    )


def _facts(run: _Run, measured: Measured) -> dict[str, Any]:
    last = run.watched.readings[-1].at if run.watched.readings else 0.0
    names = {name for reading in run.watched.readings for name in reading.counters}
    grown = {name: run.watched.counted(name, run.load.started, last) for name in sorted(names)}
    return {
        "sent": measured.sent,
        "scheduled_post": measured.scheduled_post,
        "worst_lateness_s": round(measured.worst_lateness_s, 4),
        "outage_s": round(measured.outage_s, 3),
        "balance": dict(measured.balance),
        "predicted_loss": _rounded(measured.predicted_loss),
        "balancer_failed": measured.balancer_failed,
        "loss_bound": measured.loss_bound,
        "counters": grown,
        "restored": not run.restored,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


LIMIT_WORDS = {
    "lost_get": "GET requests lost",
    "lost_post": "POST requests lost",
    "lost": "requests lost",
    "slow_share": "share of slow answers",
    "detect_s": "seconds until it was detected",
    "recover_s": "seconds until it was back",
    "duplicates": "POST requests executed twice",
    "flaps": "needless exits from the rotation",
}


def _message(measured: Measured, judged: Sequence[Judged], restored: str) -> str:
    """One line for a person: why it cannot be told, or what was lost and which limits broke."""
    unsure = doubts(measured)
    if unsure:
        return _("; ").join(unsure)
    parts = [
        _(
            "{lost} of {scheduled} requests lost ({share} %)",
            lost=measured.failed,
            scheduled=measured.scheduled,
            share=_number(100 * measured.failed_share, ".1f"),
        )
    ]
    for one in judged:
        what = _(LIMIT_WORDS[one.name])
        if one.held is False:
            seen = _("never") if one.seen is None else _number(one.seen, ".4g")
            limit = _number(one.limit)
            parts.append(_("{what}: {seen}, at most {limit}", what=what, seen=seen, limit=limit))
        elif one.held is None:
            parts.append(_("{what}: not measured", what=what))
    if restored:
        parts.append(_("the service is still not whole: {reason}", reason=restored))
    return _("; ").join(parts)


def _number(value: float, form: str = "g") -> str:
    """A number for people, with a comma where the language has one."""
    text = format(value, form)
    return text.replace(".", ",") if language() == "fr" else text
