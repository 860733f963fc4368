"""A table that is measured line by line."""

from __future__ import annotations

from benchmarks.class_rate import Rate, page


def test_a_line_that_is_measured_again_takes_the_place_of_its_own_alone() -> None:
    first = page(
        [Rate(2, 6, 180.0, 270.0, (400.0, 410.4), 170.0), Rate(10, 20, 100.0, 1.0, (1.0,), 99.0)]
    )
    second = page(
        [Rate(1, 3, 180.0, 120.0, (390.0,), 178.0), Rate(2, 6, 360.0, 270.0, (430.0,), 350.0)],
        first,
    )
    lines = [line for line in second.splitlines() if line.startswith("|")][2:]
    assert lines == [
        "| 1 | 3 | 180 | 178 | 60 | 40 | 390 |",
        "| 2 | 6 | 360 | 350 | 60 | 45 | 430 |",
        "| 10 | 20 | 100 | 99 | 720 | 0 | 1 |",
    ]
