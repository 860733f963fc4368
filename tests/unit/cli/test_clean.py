"""What a student's text may hold, and what is left of it."""

from __future__ import annotations

import datetime
import io
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from labkit.cli import show
from labkit.course import CannotTellError, NotMetError, Verdict, expect
from labkit.errors import LabkitError
from labkit.grading.model import CheckResult
from labkit.remote import Transcript
from labkit.reporting import SILENT, CommandTyped, OutputLine
from labkit.text import clean
from tests.fakes.told import every_event

MARKUP = "[bold red]x[/] [link=http://192.0.2.1]y[/link] [/nothing]"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("plain text, [brackets] and ümlaut 🙂", "plain text, [brackets] and ümlaut 🙂"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b[38:2::1:2:3mcolons\x1b[m", "colons"),
        ("\x9b31mred in one byte\x9b0m", "red in one byte"),
        ("\x1b[2J\x1b[Hcleared", "cleared"),
        ("\x1b]0;a title\x07after", "after"),
        ("\x1b]8;;http://192.0.2.1\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9d0;a title\x9cafter", "after"),
        ("\x1b]52;c;never ended\nthe next line", "\nthe next line"),
        ("\x1bP1$r0m\x1b\\after", "after"),
        ("\x1b_hidden\x1b\\shown", "shown"),
        ("\x1b(B\x1b)0charset", "charset"),
        ("\x1bcreset \x1b7\x1b8", "reset "),
        ("\x1b\x1b[31mtwice", "twice"),
        ("\x1b[", ""),
        ("\x1b", ""),
        (
            "nul\x00 bell\x07 back\x08 form\x0c vertical\x0b del\x7f",
            "nul bell back form vertical del",
        ),
        ("next\x85line", "nextline"),
        ("abc\u202etxt.exe\u202c \u2066x\u2069", "abctxt.exe x"),
        ("half \ud800 of \udfff one", "half  of  one"),
        ("none \ufffe\uffff", "none "),
        ("dos\r\nlines\r\n", "dos\nlines\n"),
        ("10 %\r50 %\r100 %", "100 %"),
        ("10 %\r100 %\r\ndone", "100 %\ndone"),
        ("10 %\r\x1b[K100 %\r\x1b[K", "100 %"),
        ("\r\r", ""),
        ("", ""),
    ],
)
def test_what_is_left_of_a_text(text: str, left: str) -> None:
    assert clean(text) == left
    assert clean(left) == left
    clean(text).encode()


def test_no_single_character_gets_through_that_steers_or_cannot_be_written() -> None:
    for code in range(sys.maxunicode + 1):
        left = clean(chr(code))
        if left and not left.isprintable():
            assert code > 0x9F or left in "\n\t"
        left.encode()


def test_a_long_text_is_cut_and_says_so() -> None:
    assert clean("a" * 400) == "a" * 400
    assert clean("a" * 401) == "a" * 399 + "…"
    assert clean("🙂" * 9, 4) == "🙂🙂🙂…"
    assert [clean("abc", limit) for limit in (0, 1, 2, 3)] == ["", "…", "a…", "abc"]
    assert clean("\x1b[31m" * 400 + "red", 3) == "red"


@pytest.mark.parametrize(
    "piece", ["\x1b[", "\x1b]0;", "\x1b", "\r", "\x9b0", "a\r", "\x1b]\x1b\\", "\x1b[" + "0" * 50]
)
def test_a_megabyte_takes_no_time(piece: str) -> None:
    text = piece * (2**20 // len(piece))
    started = time.process_time()
    assert len(clean(text)) <= 400
    assert time.process_time() - started < 2


# Where it is applied ---------------------------------------------------------------------------


def test_an_outcome_carries_clean_text() -> None:
    error = NotMetError(expected="a\x00", seen="\x1b[31mred " + "x" * 9999, where="web1\x07")
    assert (error.expected, error.where) == ("a", "web1")
    assert error.seen.startswith("red ")
    assert len(error.seen) == 400
    assert "\x1b" not in str(error)
    doubt = CannotTellError("why\x1b[2J", settle="labkit up\x00")
    assert (doubt.why, doubt.settle, str(doubt)) == ("why", "labkit up", "why")


def test_what_is_nothing_when_clean_is_called_nothing() -> None:
    with pytest.raises(NotMetError) as caught:
        expect(False, expected="something", seen="\x1b[0m \x00")
    assert caught.value.seen == "nothing"


def test_the_transcript_can_be_shown_again(tmp_path: Path) -> None:
    log = tmp_path / "transcript.log"
    told = Transcript(log, SILENT, lambda: datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC))
    told.tell(CommandTyped("web1", "echo '\x1b[2J'"))
    told.tell(OutputLine("web1", "\x1b]0;title\x07" + MARKUP + " \udc80"))
    assert log.read_text(encoding="utf-8").splitlines() == [
        "2026-03-02T00:00:00.000+00:00 web1 $ echo ''",
        f"2026-03-02T00:00:00.000+00:00 web1 | {MARKUP} ",
    ]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal with colours that remembers what was sent to it."""
    text = io.StringIO()
    console = Console(
        file=text, force_terminal=True, highlight=False, soft_wrap=True, width=400, no_color=True
    )
    monkeypatch.setattr(show, "progress", console)
    monkeypatch.setattr(show, "results", console)
    return text


def test_a_terminal_shows_text_of_a_machine_as_text(screen: io.StringIO) -> None:
    hostile = f"\x1b[2J\x1b]0;owned\x07{MARKUP}\x08\u202e"
    told = every_event(hostile)
    terminal = show.Terminal()
    for event in told:
        terminal.tell(event)
    events = screen.getvalue().count(MARKUP)
    assert events >= len(told) - 3  # all but those of a drill, which are for a live line
    show.say(hostile)
    show.error(LabkitError(hostile, where=hostile, then=hostile))
    show.table([(hostile,)], (hostile,))
    failed = CheckResult(
        "a.b", hostile, 1, Verdict.FAILED, hostile, hostile, hostile, hostile, (hostile,)
    )
    for verdict in Verdict:
        failed.verdict = verdict
        show.check(failed)
    shown = screen.getvalue()
    assert "owned" not in shown
    assert not set("\x07\x08\u202e") & set(shown)
    assert "\x1b[2J" not in shown
    assert "\x1b]8" not in shown
    assert shown.count(MARKUP) - events == 18
