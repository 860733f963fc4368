"""The hardened configuration earns the distinction. It stays on the lab: the last of the files."""

from __future__ import annotations

from labkit.course import load_course
from tests.integration.conftest import RUNS, Cli


def test_the_hardened_configuration_earns_the_mention(done: Cli) -> None:
    """20 of 20, with distinction; every drill for it is in the result."""
    done("step", "13", "--bar", "hardened")
    for _attempt in range(RUNS):
        result = done.json("grade", "-o", "json", code=None)
        if None not in (result["score"], result["mention"]):  # else nobody could tell
            break
    missed = {one["name"]: one["message"] for one in result["drills"] if one["verdict"] != "passed"}
    assert (result["score"], result["mention"]) == (20, True), missed
    wanted = {one.name for one in load_course().drills if one.mention}
    assert wanted <= {one["name"] for one in result["drills"]}
