"""Does a hostile submission reach the grader's computer, or a mark? Some hundred kinds, one lab.

    python -m benchmarks.hostile [--only TEXT] [--page FILE]

Each kind is submitted as a folder or an archive, in which labkit then stands, and graded on one
lab; canaries stand on this computer (files, a port of its loopback, settings of the kernel) and on
the machines (files beyond a student's own folders). Limits: nothing reached, no machine touched,
nothing passed that must not, and nothing made inconclusive.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.hostile import watch
from benchmarks.hostile.kinds import ARTEFACTS, Kind, hand_in, kinds
from benchmarks.result import Figure, Result, machine, markdown
from labkit.accuracy.bench import Bench
from labkit.accuracy.corpus import Case, Expected
from labkit.accuracy.matrix import Outcome
from labkit.classroom import read_submission
from labkit.course import Course, Verdict, load_course, select
from labkit.errors import LabkitError
from labkit.lab import open_lab
from labkit.locale import use_course

TAKES = "an hour"
LAB = os.environ.get("LABKIT_LAB") or "hostile"


@dataclass(frozen=True)
class Found:
    """What became of a kind."""

    kind: Kind
    outcome: Outcome
    computer: tuple[str, ...] = ()  # what of this computer it reached
    machines: tuple[str, ...] = ()  # what of the machines it touched

    @property
    def passed_wrongly(self) -> bool:
        """Whether it earned what it must not."""
        verdict = self.outcome.verdicts.get(self.kind.caught_by)
        return bool(self.kind.caught_by) and verdict == Verdict.PASSED

    @property
    def unclear(self) -> list[str]:
        """The checks that it made inconclusive."""
        found = self.outcome.verdicts.items()
        return [name for name, verdict in found if verdict == Verdict.INCONCLUSIVE]

    @property
    def verdict(self) -> str:
        """In a word or two, the check with it that says so."""
        if self.unclear:
            return f"inconclusive: {', '.join(self.unclear)}"
        verdicts = self.outcome.verdicts
        if self.kind.caught_by and verdicts.get(self.kind.caught_by) != Verdict.BLOCKED:
            return f"{verdicts.get(self.kind.caught_by, 'not asked')}: {self.kind.caught_by}"
        return f"failed: {', '.join(self.outcome.failed)}" if self.outcome.failed else "ignored"

    @property
    def held(self) -> bool:
        """Whether nothing was reached, earned or left open."""
        return not (self.computer or self.machines or self.passed_wrongly or self.unclear)


def measure(only: str = "", page: Path | None = None) -> Result:
    """Grade them all. `page` is written anew after each, so that an interrupt loses nothing."""
    os.environ["LABKIT_LANG"] = "en"
    course = load_course()
    use_course(course.root)
    canary = f"/labkit-pwned-{os.getpid()}"
    asked = watch.Asked()
    wanted = [one for one in kinds(asked.port, canary) if only in f"{one.family}: {one.name}"]
    found: list[Found] = []
    with _folders() as (home, submissions), asked.listening():
        bench = Bench(course, open_lab(LAB), home, lambda line: print(line, file=sys.stderr))
        computer = watch.Computer(asked, canary, submissions)
        try:
            bench.close()  # what a killed run may have left
            _bring_the_reference(bench)
            for kind, case in _in_order(course, wanted, submissions):
                found.append(_graded(bench, kind, case, computer, canary))
                _say(found[-1], len(found), len(wanted))
                if page:
                    page.write_text(table(found, len(wanted)), encoding="utf-8")
        except KeyboardInterrupt:
            print(f"interrupted after {len(found)} of {len(wanted)} kinds", file=sys.stderr)
        finally:
            bench.close()
    return report(found, len(wanted))


@contextmanager
def _folders() -> Iterator[tuple[Path, Path]]:
    """Where reports go, and where submissions lie, in which labkit stands meanwhile."""
    before = Path.cwd(), os.environ.get("TMPDIR")
    with tempfile.TemporaryDirectory(prefix="labkit-hostile-") as root:
        home, submissions = Path(root, "out"), Path(root, "submissions")
        for folder in (home, submissions):
            folder.mkdir()
        os.environ["TMPDIR"] = root
        try:
            yield home, submissions
        finally:
            os.chdir(before[0])
            os.environ.pop("TMPDIR")
            if before[1]:
                os.environ["TMPDIR"] = before[1]


def _in_order(
    course: Course, wanted: Sequence[Kind], submissions: Path
) -> Iterator[tuple[Kind, Case | LabkitError]]:
    """Each kind as the grader reads it, the latest steps first: they leave the others standing.

    What cannot be read at all comes before, with what was said of it.
    """
    cases: list[tuple[Kind, Case]] = []
    for number, kind in enumerate(wanted):
        folder = submissions / str(number)
        folder.mkdir()
        os.chdir(folder)
        try:
            files = read_submission(hand_in(kind, folder)).files
        except LabkitError as error:
            yield kind, error
            continue
        steps = frozenset(step.number for step in select(course, kind.steps))
        cases.append((kind, Case(str(number), kind.family, files, Expected("", steps))))
    for kind, case in sorted(cases, key=lambda pair: -max(pair[1].expected.steps)):
        os.chdir(submissions / case.name)
        yield kind, case


def _bring_the_reference(bench: Bench) -> None:
    """All that is right, so that what changes from then on is a kind's. LabkitError if it is not.

    Its steps are known to hold from then on, and are not asked about again.
    """
    steps = frozenset(step.number for step in bench.course.steps)
    folder = bench.course.root / "steps" / "reference"
    files = {path: (folder / path).read_bytes() for path in ARTEFACTS}
    outcome = bench.judge(Case("reference", "accepted", files, Expected("", steps)), again=False)
    if outcome.problems:
        raise LabkitError("; ".join(outcome.problems), then="python -m benchmarks.hostile")


def _graded(
    bench: Bench, kind: Kind, case: Case | LabkitError, computer: watch.Computer, canary: str
) -> Found:
    computer.look_away()
    began = time.monotonic()
    if isinstance(case, LabkitError):
        outcome = Outcome(kind.name, kind.family, "", "", kind.caught_by, [], {"read": "failed"},
                          {}, {"read": case.what}, 0.0)  # fmt: skip
        touched: list[str] = []
    else:
        bench.ready()
        watch.mark(bench.shells)
        outcome = bench.judge(case, again=False)
        touched = watch.touched(bench.shells, canary)
    outcome.seconds = time.monotonic() - began
    return Found(kind, outcome, tuple(computer.reached()), tuple(touched))


def _say(one: Found, done: int, total: int) -> None:
    word = "" if one.held else "  NOT HELD"
    print(f"{done}/{total} {one.kind.family}: {one.kind.name}: {one.verdict} "
          f"({one.outcome.seconds:.0f} s){word}", file=sys.stderr)  # fmt: skip
    for line in (*one.computer, *one.machines):
        print(f"      {line}", file=sys.stderr)
    if not one.held or (one.verdict.startswith("failed") and not one.kind.caught_by):
        for check, said in one.outcome.messages.items():
            print(f"      {check}: {said[:300]}", file=sys.stderr)


def table(found: Sequence[Found], wanted: int) -> str:
    """Every kind with what became of it, for the documentation."""
    rows = [("handed in", "what is hostile in it", "verdict", "computer", "machines", "s")]
    for one in found:
        rows.append((one.kind.family, one.kind.name, one.verdict,
                     "; ".join(one.computer) or "untouched", "; ".join(one.machines) or "untouched",
                     f"{one.outcome.seconds:.0f}"))  # fmt: skip
    held = sum(one.held for one in found)
    said = f"{held} of {wanted} kinds held, {len(found)} tried: {machine()}."
    return f"{said}\n\n{markdown(rows)}\n"


def report(found: Sequence[Found], wanted: int) -> Result:
    """What must be zero, and how long a kind took."""
    zeros = {
        "reached this computer": sum(bool(one.computer) for one in found),
        "touched a machine beyond its folders": sum(bool(one.machines) for one in found),
        "passed wrongly": sum(one.passed_wrongly for one in found),
        "inconclusive": sum(bool(one.unclear) for one in found),
    }
    seconds = tuple(one.outcome.seconds for one in found) or (0.0,)
    return Result(
        (
            Figure("kinds", (float(len(found)),)),
            *(Figure(what, (float(count),)) for what, count in zeros.items()),
            Figure("a kind", seconds, "s"),
        ),
        held=len(found) == wanted > 0 and not any(zeros.values()),
    )


def main() -> None:
    """Grade them, print, and say whether everything held."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", default="", metavar="TEXT", help="kinds with this in their names")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the table there, too")
    options = parser.parse_args()
    page = options.page.resolve() if options.page else None
    measure(options.only, page).finish()


if __name__ == "__main__":
    main()
