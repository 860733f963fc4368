"""What is printed, when nobody reads it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest
from rich.console import Console

from labkit.cli import show
from labkit.errors import LabkitError
from labkit.reporting import SILENT, CheckEnded, OutputLine, StepBegan, StepEnded

WORK = """
from labkit.cli import show
from labkit.errors import LabkitError
from labkit.reporting import SILENT, CheckEnded, OutputLine, StepBegan, StepEnded
for _again in range(3):
    show.say("at work")
print("the result")
"""


def test_progress_that_nobody_reads_stops_no_work() -> None:
    """As after `labkit grade 2>&1 >result | head -1`."""
    ours, theirs = os.pipe()
    os.close(ours)
    try:
        done = subprocess.run(
            [sys.executable, "-c", WORK],
            stdout=subprocess.PIPE, stderr=theirs, text=True, check=False,
        )  # fmt: skip
    finally:
        os.close(theirs)
    assert (done.returncode, done.stdout) == (0, "the result\n")


@pytest.mark.parametrize(("language", "said"), [("en", "2.5"), ("fr", "2,5")])
def test_points_are_written_as_the_language_writes_them(
    language: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_LANG", language)
    assert show.points(2.5) == said


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What goes to standard error."""
    text = io.StringIO()
    monkeypatch.setattr(show, "progress", Console(file=text, soft_wrap=True, width=200))
    monkeypatch.setattr(show, "_reporter", show.Terminal())
    return text


def test_a_person_is_told_of_steps_and_checks_in_words(
    shown: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_LANG", "en")
    tell = show.reporter().tell
    tell(StepBegan(3, "c", "build", "Build", {"a": "own", "b": "reference"}))
    for line in range(8):
        tell(OutputLine("web1", f"line {line}"))
    tell(StepEnded(3, "c", "build", "Build", nothing_to_do=False, kept_own=(), seconds=1.26))
    tell(StepEnded(4, "d", "up", "Up", nothing_to_do=True, kept_own=(), seconds=0))
    tell(CheckEnded("up.runs", "failed", 0.5))
    assert shown.getvalue().splitlines() == [
        "",
        "step 3 · c · Build",
        "  own: a",
        "  reference: b",
        *(f"         line {line}" for line in range(6)),
        "         … (all of it: labkit logs transcript)",
        "done: step 3 holds (1.3 s)",
        "step 4 · d · Up: nothing to do, everything holds",
        "FAILED    up.runs  (0.5 s)",
    ]


@pytest.mark.usefixtures("shown")
def test_a_program_is_told_errors_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    show.use("json")
    show.say("at work")
    show.error(LabkitError("it broke", where="here", then="labkit doctor"))
    assert show.only_for_programs() is show.reporter()
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [one.pop("event") for one in told] == ["note", "problem"]
    assert {name: told[1][name] for name in ("what", "where", "then")} == {
        "what": "it broke", "where": "here", "then": "labkit doctor",
    }  # fmt: skip


def test_without_progress_what_is_wrong_is_still_said(shown: io.StringIO) -> None:
    show.use("none")
    show.say("at work")
    show.error(LabkitError("it broke"))
    assert shown.getvalue() == "labkit: it broke\n"
    assert show.only_for_programs() is SILENT
