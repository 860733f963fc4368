"""Pairs of submissions that share what is rare, and only those."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.classroom.similar import (
    SHORTEST,
    Pair,
    fingerprints,
    readable,
    similar_pairs,
    tokens,
)

REFERENCE = "\n".join(f"  setting_{number}: value_{number} [{number}]" for number in range(40))
OWN = "\n".join(f"  clef_{number}: valeur_{number} ({number})" for number in range(6))
CLASS = {f"student{number}": {"haproxy.cfg": REFERENCE} for number in range(12)}


def pairs(**more: str) -> list[Pair]:
    texts = {**CLASS, **{key: {"haproxy.cfg": text} for key, text in more.items()}}
    return similar_pairs(texts, [REFERENCE], at_least=1)


def test_what_the_course_gives_is_nobodys() -> None:
    assert pairs() == []
    assert similar_pairs(CLASS, [], at_least=1) == []  # nor what many have
    two = {key: {"haproxy.cfg": REFERENCE} for key in ("ada", "bob")}
    assert similar_pairs(two, [REFERENCE], at_least=1) == []
    assert similar_pairs(two, [], at_least=1)


def test_a_rare_passage_is_shown_on_both_sides_with_its_lines() -> None:
    (pair,) = pairs(ada=f"{REFERENCE}\n{OWN}", bob=f"# mine\n{OWN}\n{REFERENCE}")
    assert (pair.left, pair.right) == ("ada", "bob")
    (trace,) = pair.traces
    assert (trace.left.first, trace.left.last) == (41, 46)
    assert (trace.right.first, trace.right.last) == (2, 7)
    assert trace.left.text == OWN == trace.right.text


def test_other_spaces_hide_nothing() -> None:
    squeezed = OWN.replace(": ", ":").replace("  ", "\t")
    (pair,) = pairs(ada=OWN, bob=squeezed)
    assert len(pair.traces) == 1


def test_an_odd_spelling_is_a_trace_of_its_own() -> None:
    (pair,) = pairs(ada="# ne pas oublié\nport 80", bob="port 81\nlog # OUBLIÉ")
    (trace,) = pair.traces
    assert (trace.word, trace.left.first, trace.right.first) == ("oublié", 1, 2)


def test_what_three_of_a_small_class_have_is_common() -> None:
    assert pairs(ada=OWN, bob=OWN, eve=OWN) == []


def test_few_traces_are_chance() -> None:
    texts = {**CLASS, "ada": {"a": "maladroit"}, "bob": {"b": "maladroit"}}
    assert similar_pairs(texts, [REFERENCE]) == []


def test_binaries_are_not_read_and_escapes_not_shown() -> None:
    assert readable(b"\x7fELF\0") is None
    (pair,) = pairs(ada=f"\x1b[2J{OWN}", bob=OWN)
    assert "\x1b" not in pair.traces[0].left.text


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_is_long_enough_and_shared_has_a_fingerprint_in_common(
    data: st.DataObject,
) -> None:
    """The guarantee of the paper."""
    words = st.lists(st.sampled_from("abcdefgh"), max_size=30).map(" ".join)
    core = " ".join(
        data.draw(st.lists(st.sampled_from("ijkl"), min_size=SHORTEST, max_size=SHORTEST))
    )
    one, two = (
        {
            mark
            for mark, _at in fingerprints(tokens(f"{data.draw(words)} {core} {data.draw(words)}"))
        }
        for _ in range(2)
    )
    assert one & two
