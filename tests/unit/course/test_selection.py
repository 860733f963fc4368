"""Which steps a person means: numbers, letters, slugs, ranges, all."""

from __future__ import annotations

import pytest

from labkit.course import Step, load_course, select
from labkit.errors import UsageError

COURSE = load_course()
ALL = list(range(1, 14))


def numbers(wanted: str) -> list[int]:
    return [step.number for step in select(COURSE, wanted)]


@pytest.mark.parametrize("wanted", ["3", "c", "build", "C", "BUILD", " build "])
def test_a_step_has_three_names(wanted: str) -> None:
    """`labkit step 3`, `labkit step c` and `labkit step build` are the same."""
    assert numbers(wanted) == [3]


@pytest.mark.parametrize("step", COURSE.steps, ids=lambda step: step.slug)
def test_each_step_is_found_by_each_of_its_names(step: Step) -> None:
    for name in (str(step.number), step.letter, step.slug):
        assert select(COURSE, name) == [step]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("1-13", ALL),
        ("3-5", [3, 4, 5]),
        ("c-e", [3, 4, 5]),
        ("build-deploy", [3, 4, 5]),
        ("3-e", [3, 4, 5]),
        ("build-5", [3, 4, 5]),
        ("4-4", [4]),
        (" 3 - 5 ", [3, 4, 5]),
        ("8-registry-ui", [8, 9]),
        ("registry-registry-ui", [8, 9]),
        ("haproxy-m", [11, 12, 13]),
    ],
)
def test_a_range_has_any_names_at_its_ends_and_includes_both(wanted: str, found: list[int]) -> None:
    assert numbers(wanted) == found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("registry-ui-haproxy", [9, 10, 11]),
        ("second-server-haproxy", [10, 11]),
        ("registry-ui-second-server", [9, 10]),
    ],
)
def test_a_range_may_begin_with_a_slug_that_has_a_hyphen(wanted: str, found: list[int]) -> None:
    assert numbers(wanted) == found


@pytest.mark.parametrize("wanted", ["registry-ui", "second-server"])
def test_a_slug_with_a_hyphen_is_no_range(wanted: str) -> None:
    assert [step.slug for step in select(COURSE, wanted)] == [wanted]


@pytest.mark.parametrize("wanted", ["all", "ALL", " all "])
def test_all_is_every_step_in_order(wanted: str) -> None:
    assert numbers(wanted) == ALL


@pytest.mark.parametrize(
    "wanted",
    [
        "0",
        "14",
        "n",
        "dockerfil",
        "",
        "-",
        "1-",
        "-3",
        "1-14",
        "5-3",
        "m-a",
        "a-b-c",
        "1,2",
        "1..3",
    ],
)
def test_what_names_no_step_is_refused_with_the_names_that_do(wanted: str) -> None:
    with pytest.raises(UsageError) as caught:
        select(COURSE, wanted)
    assert repr(wanted) in caught.value.what
    assert caught.value.where.startswith("1 a machines, 2 b dockerfile, ")
    assert caught.value.where.endswith("13 m failover")
    assert caught.value.then == "labkit step 1"
