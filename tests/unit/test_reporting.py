"""What work tells while it goes on: one line of JSON an event, whoever listens."""

from __future__ import annotations

import io
import json
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labkit.reporting import CheckEnded, Event, JsonLines, Note, StepBegan
from tests.fakes.told import every_event

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_each_event_is_an_object_on_a_line_of_its_own() -> None:
    out = io.StringIO()
    reporter = JsonLines(out, lambda: NOON)
    reporter.say("at\nwork \x1b[2J é")
    reporter.tell(CheckEnded("build.image", "passed", 1.25))
    reporter.tell(StepBegan(3, "c", "build", "Build", {"Dockerfile": "own"}))
    time = "2026-03-02T12:00:00.000+00:00"
    assert [json.loads(line) for line in out.getvalue().splitlines()] == [
        {"event": "note", "time": time, "text": "at\nwork \x1b[2J é"},
        {"event": "check-ended", "time": time, "id": "build.image", "verdict": "passed",
         "seconds": 1.25},
        {"event": "step-began", "time": time, "number": 3, "letter": "c", "slug": "build",
         "title": "Build", "files": {"Dockerfile": "own"}},
    ]  # fmt: skip
    assert out.getvalue().isascii()  # whatever the stream's encoding is
    assert "\x1b" not in out.getvalue()


def test_every_kind_has_a_name_of_its_own_that_hides_no_field() -> None:
    kinds = Event.__subclasses__()
    assert len({one.kind for one in kinds}) == len(kinds)
    for one in kinds:
        assert not {"event", "time"} & {field.name for field in fields(one)}


@pytest.mark.parametrize("event", every_event("text"), ids=lambda event: event.kind)
def test_every_kind_can_be_written(event: Event) -> None:
    out = io.StringIO()
    JsonLines(out, lambda: NOON).tell(event)
    assert json.loads(out.getvalue())["event"] == event.kind


class Closed(io.StringIO):
    """A pipe that nobody reads."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(len(text))


def test_a_reader_who_has_gone_stops_no_work() -> None:
    reporter = JsonLines(Closed(), lambda: NOON)
    reporter.tell(Note("one"))
    reporter.tell(Note("two"))


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_reference_names_every_kind_and_field(language: str) -> None:
    page = (ROOT / "docs" / language / "reference" / "result.md").read_text(encoding="utf-8")
    for kind in Event.__subclasses__():
        assert f"`{kind.kind}`" in page
        for field in fields(kind):
            assert f"`{field.name}`" in page
