"""The hardened configuration under every drill. It stays on the lab: one of the last files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labkit.course import load_course
from labkit.errors import EXIT_INCONCLUSIVE
from tests.fakes.by_hand import CONFIG
from tests.integration.conftest import Cli, drill

Exec = Callable[[str, str], str]


def results(cli: Cli) -> list[dict[str, Any]]:
    """The records that the last `labkit drill` left."""
    reports = Path(cli.environment["XDG_STATE_HOME"]) / "labkit" / cli.lab / "reports"
    last = max(reports.iterdir(), key=lambda folder: folder.stat().st_mtime)
    return [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((last / "drills").glob("drill-*.json"))
        if path.suffixes == [".json"]  # not the plan of a load, nor the instants of a fault
    ]


def test_the_hardened_configuration_passes_every_drill(done: Cli, exec_on: Exec) -> None:
    """`step 13 --bar hardened` puts it in place; no GET is lost, no POST is carried out twice."""
    done("step", "13", "--bar", "hardened")
    assert "retry-on" in exec_on("lb", f"cat {CONFIG}")
    code = done("drill", "all", "--bar", "hardened", code=None).returncode
    found = {one["name"]: one for one in results(done)}
    # Not all of them again for one that could not tell.
    for name in [name for name, one in found.items() if one["verdict"] == "inconclusive"]:
        assert code == EXIT_INCONCLUSIVE
        drill(done, name, "--bar", "hardened")
        found |= {one["name"]: one for one in results(done)}
    hardened = {one.name: one.limits["hardened"] for one in load_course().drills
                if "hardened" in one.limits}  # fmt: skip
    assert found.keys() == hardened.keys()
    for name, one in found.items():
        if hardened[name].lost_get == 0:
            assert one["failed_get"] == 0, name
        # A container that is made anew takes its log with it: there nobody can say.
        assert one["duplicates"] == 0 or name == "redeploy", name
