"""The practical from fresh machines to its mark, through the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from labkit.course import load_course
from labkit.grading.schema import published
from labkit.lab import open_lab
from tests.integration.conftest import Cli, measured

# What a second run of all steps could have changed without being asked to.
STATE = """
docker ps -aq --no-trunc | sort
docker ps -q | xargs -r docker inspect -f '{{.State.StartedAt}}'
docker image ls --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' --filter dangling=false|sort
find /srv /etc/haproxy /etc/rsyslog.d /etc/docker /etc/hosts /etc/hostname /var/lib/labkit \
    -type f -printf '%p %T@ %s\\n' | sort
systemctl show -p ActiveEnterTimestamp haproxy rsyslog docker firewalld
"""


@pytest.fixture(scope="module")
def graded(done: Cli) -> dict[str, Any]:
    """The whole mark, as JSON."""
    result: dict[str, Any] = json.loads(measured(done, "grade", "-o", "json"))
    return result


def test_up_is_idempotent(fresh: Cli) -> None:
    """A second `up` finds everything there."""
    before = fresh("status").stdout
    fresh("up")
    assert fresh("status").stdout == before


def test_a_step_refuses_what_earlier_ones_have_left_open(fresh: Cli) -> None:
    """On fresh machines step 3 names step 1 or 2, and what to type."""
    refused = fresh("step", "3", code=4)
    assert "needs step 1" in refused.stderr or "needs step 2" in refused.stderr
    assert "--catch-up" in refused.stderr


def test_catch_up_does_what_comes_before(fresh: Cli) -> None:
    """`step 3 --catch-up` does steps 1 to 3; then there is nothing to do, said so."""
    fresh("step", "3", "--catch-up")
    fresh("check", "3")
    for name in ("c", "build", "3"):
        assert "nothing to do" in fresh("step", name).stderr


def test_plan_changes_nothing(fresh: Cli) -> None:
    """A plan shows commands with their machine and leaves the step undone."""
    planned = fresh("step", "11", "--plan").stdout
    assert "lb $ sudo haproxy -c -f /etc/haproxy/haproxy.cfg" in planned
    fresh("check", "11", code=1)


def test_a_second_run_changes_nothing(done: Cli) -> None:
    """With everything done, no container, image, file or service is touched."""
    machines = ("web1", "web2", "lb")
    before = [done("exec", name, "--", "sh", "-c", STATE).stdout for name in machines]
    again = done("step", "all")
    after = [done("exec", name, "--", "sh", "-c", STATE).stdout for name in machines]
    assert again.stderr.count("nothing to do") == 13
    assert before == after


def test_each_step_is_kept_as_it_was_right_after_it(
    done: Cli, exec_on: Callable[[str, str], str]
) -> None:
    """A checkpoint per step; done again with later ones in place, a step's stays the old one."""
    provider = open_lab(done.lab).provider
    kept = {one.name: one.made for one in provider.checkpoints()}
    assert list(kept) == [f"step-{number}" for number in range(1, 14)]
    exec_on("web1", "cd /srv/student-list && docker compose down 2>&1")
    assert "step 5 holds" in done("step", "5").stderr
    assert {one.name: one.made for one in provider.checkpoints()} == kept


def test_full_mark(graded: dict[str, Any]) -> None:
    """The reference solution gets 20 of 20, and every check has really passed."""
    verdicts = {
        check["id"]: check["verdict"] for step in graded["steps"] for check in step["checks"]
    }
    assert set(verdicts.values()) == {"passed"}, verdicts
    assert graded["score"] == graded["score_max"] == 20


def test_result_follows_the_published_schema(graded: dict[str, Any]) -> None:
    """`grade -o json` is a labkit/result/v1."""
    jsonschema.validate(graded, published())


def test_drills_are_measured(graded: dict[str, Any]) -> None:
    """Both drills really lost requests, noticed the fault and reconciled: nothing is made up."""
    drills = {drill["name"]: drill for drill in graded["drills"]}
    stages = {one.name for one in load_course().drills if one.step != "failover"}
    assert set(drills) == {"stop", "kill"} | stages
    for name in ("stop", "kill"):
        drill = drills[name]
        assert drill["scheduled"] == 1700
        lost = drill["failed_get"] + drill["failed_post"]
        assert 50 <= lost <= 342
        assert 3 <= drill["detect_s"] <= 13
        # half of the rate for as long as the fault was not noticed (research of the project)
        assert lost == pytest.approx(25 * drill["detect_s"], abs=max(3, 0.03 * lost) + 1)
        assert drill["bars"] == {"course": "passed", "hardened": "failed"}
    # A plain configuration costs nobody the time that the mention takes.
    assert graded["mention"] is False


def test_what_a_stage_drill_breaks_is_really_broken(graded: dict[str, Any]) -> None:
    """Each fault that takes a service away is seen in what the service's clients lost."""
    drills = {drill["name"]: drill for drill in graded["drills"]}
    for name in ("crash", "reboot", "no-api", "pulls", "no-registry"):
        assert drills[name]["failed_get"] + drills[name]["failed_post"] > 0, name
    for name in ("garbage", "alone", "reload", "truth"):
        assert drills[name]["failed_get"] + drills[name]["failed_post"] == 0, name
    assert drills["truth"]["detect_s"] is not None


def test_report_is_one_file(done: Cli, graded: dict[str, Any]) -> None:
    """The HTML report is there, holds the timelines, and refers to nothing outside itself."""
    del graded
    state = Path(done.environment.get("XDG_STATE_HOME", "") or "")
    reports = sorted((state / "labkit" / done.lab / "reports").glob("*/report.html"))
    page = reports[-1].read_text(encoding="utf-8")
    assert page.count("<svg") >= 2
    assert 'src="http' not in page
    assert "20" in page


def test_a_stopped_haproxy_fails_and_blocks(done: Cli, exec_on: Callable[[str, str], str]) -> None:
    """One cause is named once; what follows from it is blocked, not failed."""
    exec_on("lb", "systemctl stop haproxy")
    try:
        result = json.loads(done("grade", "-o", "json", code=1).stdout)
    finally:
        exec_on("lb", "systemctl start haproxy")
    checks = {check["id"]: check for step in result["steps"] for check in step["checks"]}
    failed = [name for name, check in checks.items() if check["verdict"] == "failed"]
    assert failed == ["haproxy.runs"]
    for name in ("haproxy.backend", "haproxy.serves", "stats.page", "failover.kill"):
        assert checks[name]["verdict"] == "blocked"
        assert checks[name]["because"] == "haproxy.runs"
    assert result["score"] < 20
