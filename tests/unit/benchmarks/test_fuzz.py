"""Every reader of what others write: whatever stands there is read or not, and breaks nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.fuzz import READERS
from checks.pages import list_form
from labkit.course import NotMetError
from labkit.facts.foreign import as_json, number, table
from labkit.facts.http.browser import MOST_MARKS, finished
from labkit.facts.http.pages import Page

REPEATED = st.builds(lambda piece, times: piece * times, st.binary(max_size=6), st.just(300))


@pytest.mark.parametrize("name", READERS)
@settings(
    max_examples=30, derandomize=True, deadline=None, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(data=st.data())
def test_no_text_breaks_a_reader(name: str, data: st.DataObject) -> None:
    read, pieces = READERS[name]
    known = st.sampled_from([piece.encode() for piece in pieces])
    parts = data.draw(st.lists(known | st.binary(max_size=20) | REPEATED, max_size=12))
    read(b"".join(parts))


@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, '{"a":' * 200_000, "9" * 5000, "[" * 150 + "]" * 150, "nonsense", "", "\ud800"],
)
def test_json_that_is_none_has_no_value(text: str) -> None:
    assert as_json(text) is None


def test_json_as_people_write_it_has_its_value() -> None:
    value = {"a": [1, {"b": [None, "\u20ac"]}], "c": "[[[["}
    assert as_json(json.dumps(value)) == value


@pytest.mark.parametrize("text", ["", None, "-1", "1.5", "\u0663", "9" * 5000, "x"])
def test_what_is_no_number_is_nought(text: str | None) -> None:
    assert number(text) == 0


def test_a_table_has_the_rows_that_are_whole() -> None:
    assert table("a,b\n1,2\n3\n,4\n", "a", "b") == [{"a": "1", "b": "2"}]
    assert table("a,b\n" + "x" * 140_000, "a") == []


ENDLESS = {
    "unfinished tags": "<a " * 300_000,
    "unfinished styles": "<style " * 140_000,
    "styles": "<style>" * 140_000,
    "comments": "<!--" * 250_000,
    "quotes": "<a b='" + '<a b="' * 160_000,
    "instructions": "<?" * 500_000,
    "sections": "<![CDATA[" * 100_000,
    "ampersands": "&" * 1_000_000,
    "a huge character": "&#" + "9" * 900_000 + ";",
    "a huge character in two": "&#<?x>" + "9" * 5000,
    "less-than signs": "<" * 1_000_000,
}


@pytest.mark.parametrize("html", ENDLESS.values(), ids=ENDLESS)
def test_a_hostile_page_is_a_bounded_one_for_the_parser(html: str) -> None:
    """What is given to the parser has no half tag, and no more marks than it reads quickly."""
    left = finished(html)
    assert left.count("<") + left.count("&") <= 2 * MOST_MARKS
    assert left.count("<") == left.count(">")
    with pytest.raises(NotMetError):
        list_form(Page("http://web1/", 200, html))
