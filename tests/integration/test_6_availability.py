"""Controls of the drills on the real lab: what must pass passes, what must fail fails.

The last of the files: it leaves the lab with the hardened configuration.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import ROOT, Cli

Exec = Callable[[str, str], str]

CONFIG = "/etc/haproxy/haproxy.cfg"
PLAIN = ROOT / "steps" / "reference" / "haproxy" / "haproxy.cfg"


def drill(cli: Cli, *words: str, code: int) -> str:
    """`labkit drill WORDS`, which must end with this exit code; what it printed."""
    return cli("drill", *words, code=code).stdout


@pytest.fixture
def nobody_balances(done: Cli, exec_on: Exec) -> Iterator[Cli]:
    """HAProxy passes everything on to web1, unchecked: as if there were no balancer."""
    lines = PLAIN.read_text(encoding="utf-8").splitlines()
    alone = [line for line in lines if "server web2" not in line]
    text = "\n".join(alone).replace("server web1 web1:80 check", "server web1 web1:80") + "\n"
    code = base64.b64encode(text.encode()).decode()
    exec_on("lb", f"cp -p {CONFIG} /root/kept.cfg; echo {code} | base64 -d > {CONFIG}")
    exec_on("lb", "systemctl reload haproxy")
    try:
        yield done
    finally:
        exec_on("lb", f"cp -p /root/kept.cfg {CONFIG}; systemctl reload haproxy")


def test_no_fault_is_clean(done: Cli) -> None:
    """Without a fault not one request is lost, at either bar."""
    assert "0 of 600" in drill(done, "none", code=0)
    assert "0 of 600" in drill(done, "none", "--bar", "hardened", code=0)


def test_the_plain_configuration_fails_the_hardened_bar(done: Cli) -> None:
    """The same kill passes at the course bar (see the demo's tests) and fails at the other."""
    said = drill(done, "kill", "--bar", "hardened", code=1)
    assert "GET requests lost" in said
    drill(done, "hang", "--bar", "hardened", code=1)


@pytest.mark.parametrize("name", ["kill", "hang", "cut", "api"])
def test_without_a_balancer_every_fault_fails_the_course_bar(
    nobody_balances: Cli, name: str
) -> None:
    """One server that nobody replaces is not high availability, whatever breaks it."""
    drill(nobody_balances, name, code=1)


def test_the_hardened_configuration_passes_every_drill(done: Cli, exec_on: Exec) -> None:
    """`step 13 --hardened` puts it in place; no GET is lost, no POST is carried out twice."""
    done("step", "13", "--hardened")
    assert "retry-on" in exec_on("lb", f"cat {CONFIG}")
    drill(done, "all", "--bar", "hardened", code=0)
    found: list[dict[str, Any]] = results(done)
    assert len(found) == 8
    for one in found:
        assert one["failed_get"] == 0, one["name"]
        if one["name"] != "reload":
            assert one["duplicates"] == 0, one["name"]


def results(cli: Cli) -> list[dict[str, Any]]:
    """The records that the last `labkit drill` left."""
    reports = Path(cli.environment["XDG_STATE_HOME"]) / "labkit" / cli.lab / "reports"
    last = max(reports.iterdir(), key=lambda folder: folder.stat().st_mtime)
    return [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((last / "drills").glob("drill-*.json"))
        if not path.name.endswith(".plan.json")
    ]
