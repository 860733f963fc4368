"""`kill -9` at random moments of the verbs that change a lab: the next command puts it right.

    python -m benchmarks.kills [--count 100] [--seed 1]

On a lab of its own, in rounds: `step`, `grade`, `save`, `restore`, `reset`, `destroy`, `up`, each
killed somewhere between its start and the end that it had when nobody disturbed it. Then the same
command is typed again, and has to end well; what is on the machines afterwards has to be what an
undisturbed command leaves; a result file that was being written has to be valid and to say nothing
else than the undisturbed one; after `destroy` nothing may be left. Images and mirror must be there
before (`labkit up && labkit destroy`).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from jsonschema import Draft202012Validator

from benchmarks.result import Figure, Result
from labkit.grading.schema import published
from labkit.lab import open_lab
from labkit.lab.leftovers import find_leftovers

TAKES = "2 hours"
LAB = "kills-bench"
STEPS = "1-3"  # machines, a file, an image: what is seconds to redo and still can be half
KEPT, VICTIM = "kept", "victim"  # checkpoints: one that is there, one that is being made
LATER = "/var/tmp/after-the-checkpoint"
GONE_S = 10.0  # a process that a killed command started may take so long to notice
LIMIT_S = 600.0


class UnsettledError(Exception):
    """What the next command, or a look at the machines afterwards, found wrong."""


@dataclass
class Campaign:
    """What was killed when, and what came of it."""

    seed: int
    folder: Path  # for reports
    seconds: dict[str, float] = field(default_factory=dict)  # verb -> undisturbed
    verdicts: dict[str, str] = field(default_factory=dict)  # check -> undisturbed
    moments: dict[str, list[float]] = field(default_factory=dict)  # verb -> seconds after its start
    unsettled: int = 0
    wrong: int = 0
    left: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    @property
    def kills(self) -> int:
        """How many commands were killed before they had ended."""
        return sum(map(len, self.moments.values()))

    def disturb(self, *words: str) -> None:
        """Start a command and kill it; the first time that a verb is met, only take its time."""
        verb = words[0]
        if verb not in self.seconds:
            started = time.monotonic()
            code(*words)
            self.seconds[verb] = time.monotonic() - started
            return
        moment = self.dice.uniform(0.0, self.seconds[verb])
        started = time.monotonic()
        process = start(*words)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=moment)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if process.returncode != -signal.SIGKILL:
            self.seconds[verb] = time.monotonic() - started  # quicker than the last time
            return
        self.moments.setdefault(verb, []).append(moment)
        print(f"{self.kills:>4}  {verb} killed after {moment:.2f} s", file=sys.stderr)
        self.left += sum(1 for _one in outliving(process.pid))


def start(*words: str) -> subprocess.Popen[str]:
    """A labkit command as a process, and a session, of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "labkit.cli.main", "--lang", "en", "--lab", LAB, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def code(*words: str) -> tuple[int, str]:
    """How a command ends, and the end of what it said."""
    with start(*words) as process:
        try:
            said, _none = process.communicate(timeout=LIMIT_S)
        except BaseException:
            process.kill()  # an interrupt of ours does not reach its session
            raise
    return process.returncode, said[-1500:]


def must(*words: str, end: int = 0) -> None:
    """A command that has to end so."""
    ended, said = code(*words)
    if ended != end:
        raise UnsettledError(f"labkit {' '.join(words)} ended in {ended}, not {end}:\n{said}")


def outliving(session: int) -> Iterator[int]:
    """The processes of a killed command that are still there when they had time to notice."""
    deadline = time.monotonic() + GONE_S
    while there := [pid for pid in _processes() if _session(pid) == session]:
        if time.monotonic() > deadline:
            yield from there
            return
        time.sleep(0.2)


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


# A verb each: what is killed, what is typed next, and what must be so then ---------------------


def step(campaign: Campaign) -> None:
    """The steps after the first one."""
    must("reset", "1")
    campaign.disturb("step", "2-3")
    must("step", "2-3")
    must("check", STEPS)


def grade(campaign: Campaign) -> None:
    """A mark; of the killed one, what it says so far."""
    first = not campaign.verdicts
    reports = campaign.folder / "killed", campaign.folder / "whole"
    for report in reports:
        (report / "result.json").unlink(missing_ok=True)
    campaign.disturb("grade", "--no-drills", "--report", str(reports[0]))
    if first:
        campaign.verdicts = verdicts(reports[0])
        return
    if (reports[0] / "result.json").exists():
        said = verdicts(reports[0])
        open_ones = {name for name, verdict in said.items() if verdict == "inconclusive"}
        campaign.wrong += differing(campaign.verdicts, said, but=open_ones)
    code("grade", "--no-drills", "--report", str(reports[1]))  # 1: ten steps are not done
    campaign.wrong += differing(campaign.verdicts, verdicts(reports[1]))


def verdicts(report: Path) -> dict[str, str]:
    """Check by check; UnsettledError for a result file that is none."""
    try:
        result = json.loads((report / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnsettledError(f"no result can be read: {error}") from error
    for problem in Draft202012Validator(published()).iter_errors(result):
        raise UnsettledError(f"an invalid result: {problem.message}")
    return {check["id"]: check["verdict"] for each in result["steps"] for check in each["checks"]}


def differing(
    undisturbed: dict[str, str], said: dict[str, str], *, but: set[str] | None = None
) -> int:
    """How many verdicts are others than the undisturbed ones, or missing; they are shown."""
    names = undisturbed.keys() - (but or set())
    wrong = [one for one in sorted(names) if said.get(one) != undisturbed[one]]
    for one in wrong:
        print(f"      {one}: {undisturbed[one]}, and now {said.get(one)}", file=sys.stderr)
    return len(wrong)


def save(campaign: Campaign) -> None:
    """A checkpoint; whole or not there, and it can be made then, and used."""
    campaign.disturb("save", VICTIM)
    if VICTIM not in {one.name for one in open_lab(LAB).provider.checkpoints()}:
        must("save", VICTIM)
    must("restore", VICTIM)
    must("check", STEPS)
    must("save", "--remove", VICTIM)


def restore(campaign: Campaign) -> None:
    """Back to a checkpoint: what came after it is gone."""
    must("exec", "web1", "--", "touch", LATER)
    campaign.disturb("restore", KEPT)
    must("restore", KEPT)
    must("exec", "web1", "--", "test", "!", "-e", LATER)
    must("check", STEPS)


def reset(campaign: Campaign) -> None:
    """Back to a step: the next one is not done, and can be."""
    campaign.disturb("reset", "2")
    must("reset", "2")
    must("check", "1-2")
    must("check", "3", end=1)
    must("step", "3")


def destroy(campaign: Campaign) -> None:
    """Nothing is left."""
    campaign.disturb("destroy")
    must("destroy")
    left = leftovers()
    campaign.left += len(left)
    if left:
        print(f"      left: {', '.join(left)}", file=sys.stderr)


def leftovers() -> list[str]:
    """What the engine still has of the lab."""
    found, unasked = find_leftovers()
    if unasked:
        raise UnsettledError(unasked)
    ours = f"labkit-{LAB}-"
    return [f"{one.kind} {one.name}" for one in found if one.lab == LAB or ours in one.name]


def up(campaign: Campaign) -> None:
    """From nothing to three machines on which the steps can be done."""
    campaign.disturb("up")
    must("up")
    must("step", STEPS)
    must("check", STEPS)
    must("save", KEPT)


ROUND: tuple[Callable[[Campaign], None], ...] = (step, grade, save, restore, reset, destroy, up)


def measure(count: int = 100, seed: int | None = None) -> Result:
    """Kill until `count` commands were. Ends at the first lab that no longer can be made.

    An interrupt ends it, too; what was found until then is told, and does not hold.
    """
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(seed or random.SystemRandom().randrange(1, 10_000), Path(folder))
        print(f"seed {campaign.seed}", file=sys.stderr)
        try:
            must("destroy")
            up(campaign)  # the first round takes the verbs' times, and kills nobody
            while campaign.kills < count:
                for verb in ROUND:
                    if campaign.kills < count:
                        _one(verb, campaign)
        except KeyboardInterrupt:
            print(f"interrupted after {campaign.kills} of {count} kills", file=sys.stderr)
        finally:
            code("destroy")
        campaign.left += len(leftovers())
    return report(campaign, count)


def _one(verb: Callable[[Campaign], None], campaign: Campaign) -> None:
    try:
        verb(campaign)
    except UnsettledError as error:
        campaign.unsettled += 1
        print(f"      NOT SETTLED: {error}", file=sys.stderr)
        # Each is to be judged by itself: the next one finds what this one should have left.
        must("destroy")
        if verb is not destroy:
            for words in (("up",), ("step", STEPS), ("save", KEPT)):
                must(*words)


def report(campaign: Campaign, count: int) -> Result:
    """When was killed, verb by verb, and what must be zero; fewer than `count` prove nothing."""
    zeros = {
        "kills after which the next command did not settle it": campaign.unsettled,
        "wrong verdicts": campaign.wrong,
        "leftovers": campaign.left,
    }
    return Result(
        (
            *(
                Figure(f"labkit {verb}, killed after", tuple(moments), "s")
                for verb, moments in campaign.moments.items()
            ),
            Figure("kills", (float(campaign.kills),)),
            *(Figure(what, (float(number),)) for what, number in zeros.items()),
        ),
        held=campaign.kills >= count and not any(zeros.values()),
    )


def main() -> None:
    """Kill, print, and say whether everything was put right."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    for polite in (signal.SIGINT, signal.SIGTERM):  # in the background a shell has SIGINT ignored
        signal.signal(polite, signal.default_int_handler)
    measure(options.count, options.seed).finish()


if __name__ == "__main__":
    main()
