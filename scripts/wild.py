"""Folders of strangers: graded on one lab, compared with what a reader of them expects.

`FOLDER/NAME/sub` is submitted, `FOLDER/NAME/expected.toml` says what must come out: `steps`, and
either nothing more (all of them pass), `caught_by` (a check, or several of which one: it alone is
at fault) or `never` (a verdict that may not occur). `env` is set while the case is graded.
"""

from __future__ import annotations

import os
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labkit.accuracy.bench import Bench, in_groups
from labkit.accuracy.campaign import remove
from labkit.accuracy.corpus import NOTE, Case, Expected
from labkit.accuracy.matrix import Outcome
from labkit.classroom import read_submission
from labkit.course import Course, Verdict, load_course, select
from labkit.lab import open_lab
from labkit.locale import use_course
from labkit.reporting import Say

KIND = "wild"


def main(folder: Path, only: str, lab: str, say: Say = print) -> bool:
    """Grade the cases whose name holds `only`; whether each came out as expected."""
    course = load_course()
    use_course(course.root)
    notes = {
        path.parent.name: tomllib.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob(f"*/{NOTE}"))
        if any(word in path.parent.name for word in only.split(","))
    }
    if not notes:
        say(f"{folder}: no folder with an {NOTE} in it, and {only!r} in its name")
        return False
    cases = [_case(course, folder / name, note) for name, note in notes.items()]
    good = 0
    with tempfile.TemporaryDirectory(prefix="labkit-wild-") as out:
        bench = Bench(course, open_lab(lab), Path(out), lambda _line: None)
        try:
            bench.close()  # what a killed run may have left
            for case in (case for group in in_groups(course, cases) for case in group):
                started = time.monotonic()
                with _environment(notes[case.name].get("env", {})):
                    outcome = bench.judge(case, again=False)
                wrong = differs(notes[case.name], outcome)
                good += not wrong
                say(f"{'no ' if wrong else 'yes'} {case.name} ({time.monotonic() - started:.0f} s)")
                for line in wrong:
                    say(f"      {line}")
                for line in outcome.failed_steps if wrong else []:
                    say(f"      not carried out: {line}")
        finally:
            bench.close()
            remove(open_lab(lab))
    say(f"{good} of {len(cases)} as expected")
    return good == len(cases)


def differs(note: Mapping[str, Any], outcome: Outcome) -> list[str]:
    """In what an outcome is not as expected, a line for each root cause."""
    roots = {
        name: verdict
        for name, verdict in outcome.verdicts.items()
        if verdict in (Verdict.FAILED, Verdict.INCONCLUSIVE) and name not in outcome.because
    }
    if "never" in note:
        roots = {name: verdict for name, verdict in roots.items() if verdict == note["never"]}
    elif "caught_by" in note:
        meant = note["caught_by"]
        meant = meant if isinstance(meant, list) else [meant]
        if any(roots == {name: Verdict.FAILED} for name in meant):
            return []
        if not roots:
            return [f"nothing failed; {' or '.join(meant)} should have"]
    return [
        f"{name} {verdict}: {outcome.messages.get(name, '')}" for name, verdict in roots.items()
    ]


def _case(course: Course, folder: Path, note: Mapping[str, Any]) -> Case:
    steps = frozenset(step.number for step in select(course, str(note.get("steps", "all"))))
    files = read_submission(folder / "sub").files
    return Case(folder.name, KIND, files, Expected(str(note["why"]), steps))


@contextmanager
def _environment(given: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


if __name__ == "__main__":
    import sys

    os.environ["LABKIT_LANG"] = "en"
    folder, only, lab = sys.argv[1:4]
    sys.exit(not main(Path(folder), only, lab))
