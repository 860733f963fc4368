"""Timelines in text and as SVG, drawn from a record that went through JSON."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from labkit.course.verdict import Verdict
from labkit.load.availability import Judged, Series
from labkit.load.record import DrillResult, Samples
from labkit.load.timeline import pieces, rebin, sparkline, svg, text

DESIGN_KEYS = {"name", "verdict", "bar", "bars", "scheduled", "failed_get", "failed_post", "slow",
               "detect_s", "recover_s", "longest_gap_s", "duplicates", "ghosts", "flaps", "limits",
               "samples"}  # fmt: skip


def result(seconds: float = 26.0, name: str = "kill") -> DrillResult:
    """Half of the requests lost between 5 s and 9.6 s, web1 DOWN until 17.3 s."""
    bins = int(seconds * 4)
    failed = tuple(12 if 20 <= index < 38 else 0 for index in range(bins))
    samples = Samples(
        duration_s=seconds,
        series=Series(0.25, (25,) * bins, failed, (0,) * bins),
        states={"web1": "UP", "web2": "UP"},
        changes=((9.6, "web1", "DOWN"), (17.3, "web1", "UP")),
        fault_s=5.0,
        heal_s=15.0,
    )
    return DrillResult(
        name=name, verdict=Verdict.PASSED, bar="course", message="fine", seed=3, runs=1,
        bars={"course": "passed", "hardened": "failed"}, scheduled=25 * bins, failed_get=200,
        failed_post=16, slow=0, detect_s=4.6, recover_s=2.3, longest_gap_s=0.02, flaps=0,
        limits=(Judged("lost", 320, 216, True),), samples=samples,
    )  # fmt: skip


def test_a_record_survives_json_and_has_the_keys_of_the_design() -> None:
    data = json.loads(json.dumps(result().to_json()))
    assert set(data) >= DESIGN_KEYS
    assert set(data) - DESIGN_KEYS == {"message", "seed", "runs"}
    assert data["duplicates"] is None
    assert data["bars"] == {"course": "passed", "hardened": "failed"}
    assert DrillResult.from_json(data) == result()


def test_the_text_timeline_says_everything_in_words() -> None:
    lines = text(result())
    assert "✂ fault" in lines[0]
    assert "✚ healed" in lines[0]
    assert "DOWN after 4.6 s" in lines[1]
    assert "UP after 2.3 s" in lines[1]
    assert lines[2].split() == ["web2", "UP"]
    assert re.fullmatch(r"lost  ·+▄+▂·+", lines[3])
    # the losses stand where the ruler says that they were: 5 s of 26 s along the line
    assert lines[3].index("▄") == pytest.approx(6 + 66 * 5 / 26, abs=1)
    assert lines[4].strip() == "216 of 2600 (8.3 %)"
    assert all(len(line) <= 72 for line in lines)


def test_states_that_follow_each_other_quickly_are_not_written_over_each_other() -> None:
    samples = result().samples
    assert samples is not None
    quick = replace(samples, changes=((9.6, "web1", "DOWN"), (9.7, "web1", "UP")))
    line = text(replace(result(), samples=quick))[1]
    assert "DOWN after 4.6 s UP" in line


def test_a_total_loss_fills_the_line() -> None:
    samples = result().samples
    assert samples is not None
    lost = replace(samples, series=Series(0.25, (4,) * 10, (4,) * 10, (0,) * 10))
    assert sparkline(lost, 10) == "█" * 10


def test_bins_are_merged_whole() -> None:
    merged = rebin(Series(0.25, (1,) * 10, (1,) + (0,) * 9, (0,) * 10), 4)
    assert (merged.bin_s, merged.scheduled, merged.failed) == (0.75, (3, 3, 3, 1), (1, 0, 0, 0))


@pytest.mark.parametrize("seconds", [26.0, 120.0])
def test_the_svg_is_small_well_formed_and_readable_aloud(seconds: float) -> None:
    drawn = svg(result(seconds))
    assert len(drawn.encode()) < 30_000
    root = ElementTree.fromstring(drawn)
    names = {child.tag.split("}")[1]: child.text or "" for child in root}
    assert names["title"] == "Drill kill: passed"
    assert "216 lost" in names["desc"]
    assert "9.6 s web1 DOWN" in names["desc"]
    words = " ".join("".join(one.itertext()) for one in root.iter() if one.tag.endswith("text"))
    for word in ("fault", "healed", "seconds", "web1", "DOWN"):
        assert word in words
    assert not re.search(r"#[0-9a-fA-F]{3,6}\b|rgb", drawn.replace("#dt-", ""))


def test_names_cannot_break_the_svg() -> None:
    ElementTree.fromstring(svg(result(name='<a "b" & c>')))


def test_two_pictures_on_a_page_do_not_share_ids() -> None:
    one, two = (set(re.findall(r' id="([^"]+)"', svg(result(name=name)))) for name in ("a", "b"))
    assert not one & two


def test_a_drill_that_did_not_run_has_no_picture() -> None:
    nothing = DrillResult("kill", Verdict.INCONCLUSIVE, "course", "web2 is DOWN")
    assert text(nothing) == []
    assert svg(nothing) == ""
    assert DrillResult.from_json(nothing.to_json()) == nothing


def test_pieces_cover_the_run() -> None:
    samples = result().samples
    assert samples is not None
    assert pieces(samples, "web1") == [(0.0, 9.6, "UP"), (9.6, 17.3, "DOWN"), (17.3, 26.0, "UP")]
