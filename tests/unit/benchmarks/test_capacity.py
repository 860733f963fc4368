"""The model of a class that waits, held against what can be said without it."""

from __future__ import annotations

import random

import pytest

from benchmarks.capacity import RUSH_S, arrivals, waits


def test_one_lab_takes_them_one_after_the_other() -> None:
    assert waits([0, 0, 100], [10, 10, 10], 1) == [10, 20, 10]
    assert waits([0, 0, 0], [10, 20, 10], 2) == [10, 20, 20]


def test_as_many_labs_as_students_wait_for_nothing_but_the_grading() -> None:
    assert waits([0, 1, 2], [7, 8, 9], 3) == [7, 8, 9]


def test_a_queue_of_random_arrivals_waits_as_theory_says() -> None:
    """Pollaczek and Khinchine, constant service: the wait in the queue is load / 2(1 - load)."""
    dice, at, times = random.Random(3), 0.0, []
    for _ in range(60_000):
        at += dice.expovariate(0.5)
        times.append(at)
    found = waits(times, [1.0] * len(times), 1)
    assert sum(found) / len(found) - 1 == pytest.approx(0.5, abs=0.03)


def test_most_come_in_the_last_two_hours() -> None:
    times = arrivals(2000, random.Random(1))
    assert times == sorted(times)
    assert times[-1] <= 0
    late = sum(one > -RUSH_S for one in times)
    assert late / 2000 == pytest.approx(0.6, abs=0.04)
