"""Controls of step 13's drills: what must pass passes, what must fail fails."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator

import pytest

from tests.fakes.by_hand import CONFIG
from tests.integration.conftest import ROOT, Cli, drill, wait_until

Exec = Callable[[str, str], str]

PLAIN = ROOT / "steps" / "reference" / "haproxy" / "haproxy.cfg"
HEALTHY = "for try in $(seq 60); do curl -sfo /dev/null http://localhost/ && break; sleep 0.5; done"


def put(exec_on: Exec, machine: str, path: str, text: str) -> None:
    """Make a file on a machine hold a text."""
    code = base64.b64encode(text.encode()).decode()
    exec_on(machine, f"echo {code} | base64 -d > {path}")


@pytest.fixture
def nobody_balances(done: Cli, exec_on: Exec) -> Iterator[Cli]:
    """HAProxy passes everything on to web1, unchecked: as if there were no balancer."""
    lines = PLAIN.read_text(encoding="utf-8").splitlines()
    alone = [line for line in lines if "server web2" not in line]
    text = "\n".join(alone).replace("server web1 web1:80 check", "server web1 web1:80") + "\n"
    exec_on("lb", f"cp -p {CONFIG} /root/kept.cfg")
    put(exec_on, "lb", CONFIG, text)
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


@pytest.mark.parametrize("name", ["kill", "hang", "cut", "errors", "api"])
def test_without_a_balancer_every_fault_fails_the_course_bar(
    nobody_balances: Cli, name: str
) -> None:
    """One server that nobody replaces is not high availability, whatever breaks it."""
    drill(nobody_balances, name, code=1)


def test_a_fault_ends_even_if_its_cause_is_killed(done: Cli, exec_on: Exec) -> None:
    """`kill -9` of labkit in the middle of a drill: the machine heals itself all the same."""
    started = done.popen("drill", "hang")
    paused = "docker ps -q --filter status=paused"
    wait_until(lambda: bool(exec_on("web1", paused).strip()))
    started.kill()
    started.wait()
    wait_until(lambda: not exec_on("web1", paused).strip())
    exec_on("web1", HEALTHY)
