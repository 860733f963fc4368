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

from labkit.course import load_course
from tests.integration.conftest import ROOT, Cli, wait_until
from tests.integration.test_2_faults import (
    BACK,
    BUILD,
    COMPOSE,
    CONFIG,
    INDEX,
    KEEP,
    RELOAD,
    SCRIPT,
    UP,
    edit,
)

Exec = Callable[[str, str], str]
Scripts = list[tuple[str, str]]  # (machine, script), in order

PLAIN = ROOT / "steps" / "reference" / "haproxy" / "haproxy.cfg"
REGISTRY = "cd /srv/registry && docker compose -f docker-compose-registry.yml"
DATA = "/srv/student-list/simple_api/student_age.json"
REGISTRY_FILE = "/srv/registry/docker-compose-registry.yml"
HEALTHY = "for try in $(seq 60); do curl -sfo /dev/null http://localhost/ && break; sleep 0.5; done"


def drill(cli: Cli, *words: str, code: int) -> str:
    """`labkit drill WORDS`, which must end with this exit code; what it printed."""
    return cli("drill", *words, code=code).stdout


def put(exec_on: Exec, machine: str, path: str, text: str) -> None:
    """Make a file on a machine hold a text."""
    code = base64.b64encode(text.encode()).decode()
    exec_on(machine, f"echo {code} | base64 -d > {path}")


def results(cli: Cli) -> list[dict[str, Any]]:
    """The records that the last `labkit drill` left."""
    reports = Path(cli.environment["XDG_STATE_HOME"]) / "labkit" / cli.lab / "reports"
    last = max(reports.iterdir(), key=lambda folder: folder.stat().st_mtime)
    return [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((last / "drills").glob("drill-*.json"))
        if not path.name.endswith(".plan.json")
    ]


# The drills of the steps before the last: each is seen to fail for a fault of its own. That they
# pass on the reference is seen in the whole mark (test_1_demo.py).

# A list that was seen once is shown for ever after.
STALE = edit(
    INDEX,
    "s#= students\\(\\);#= students(); file_put_contents(LAST, serialize($list));#;"
    " s#http_response_code\\(502\\);#$list = unserialize(file_get_contents(LAST));#;"
    ' s#^const PATIENCE_.*#&  const LAST = "/tmp/list";#; /error = .problem/d',
    "true",
)
EXIT = edit(
    SCRIPT,
    "s/^( *)return jsonify\\(error=error.description\\).*/\\1os._exit(1)/",
    BUILD,
)
NO_RESTART = edit(COMPOSE, "/restart:/d", UP)
FORGETFUL = edit(
    REGISTRY_FILE,
    "s#- registry-data:/var/lib/registry#- {type: tmpfs, target: /var/lib/registry}#",
    # Made anew by hand: Compose would carry the old container's volume over.
    f"{REGISTRY} rm -sf registry 2>&1; {REGISTRY} up -d --quiet-pull 2>&1",
)
PUSH = "su student -c 'docker push -q lb:5000/student-age:1.0'"
# A copy of what the registry held, in the place of its page.
COPY = (
    f"{REGISTRY} stop ui; mkdir -p /srv/copy/v2 && cd /srv/copy && echo '<html>' > index.html"
    ' && echo \'{"repositories":["student-age"]}\' > v2/_catalog'
    " && docker run -d --name copy -p 8080:80 -v /srv/copy:/var/www/html:ro php:apache"
)
NO_COPY = f"docker rm -f copy; {REGISTRY} start ui"
# web2's page asks the API of web1.
LEND = (
    "docker run -d --restart unless-stopped --name lent -p 5001:5000"
    f" -v {DATA}:/data/student_age.json:ro student-age:1.0"
)
WEB1 = "$(getent hosts web1 | cut -d' ' -f1)"
BORROW = (
    f'{KEEP.format(INDEX)}; sed -i -E "s#http://[^/]*/pozos#http://{WEB1}:5001/pozos#" {INDEX};'
    f" if cmp -s {INDEX} {INDEX}.kept; then exit 9; fi"
)
CUT_OFF = (
    "mkdir -p /etc/systemd/system/haproxy.service.d && printf '[Service]\\nExecReload=\\n"
    "ExecReload=/bin/systemctl --no-block restart haproxy\\n'"
    " > /etc/systemd/system/haproxy.service.d/reload.conf && systemctl daemon-reload"
)
NOT_CUT_OFF = (
    "rm -r /etc/systemd/system/haproxy.service.d && systemctl daemon-reload"
    " && systemctl reset-failed haproxy && systemctl restart haproxy"
)
SELDOM = edit(CONFIG, "s/(server web. .*) check/\\1 check inter 20s/", RELOAD)

STAGE_FAULTS: dict[str, tuple[Scripts, Scripts]] = {
    "garbage": ([("web1", EXIT[0])], [("web1", EXIT[1])]),
    "crash": ([("web1", NO_RESTART[0])], [("web1", NO_RESTART[1])]),
    "reboot": (
        [("web1", "systemctl disable docker docker.socket 2>&1")],
        [("web1", f"systemctl enable docker docker.socket 2>&1; {HEALTHY}")],
    ),
    "no-api": ([("web1", STALE[0])], [("web1", STALE[1])]),
    "pulls": (
        [("lb", FORGETFUL[0]), ("web1", PUSH)],
        [("lb", FORGETFUL[1]), ("web1", PUSH)],
    ),
    "no-registry": ([("lb", COPY)], [("lb", NO_COPY)]),
    "alone": (
        [("web1", LEND), ("web2", BORROW)],
        [("web2", BACK.format(INDEX)), ("web1", "docker rm -f lent")],
    ),
    "reload": ([("lb", CUT_OFF)], [("lb", NOT_CUT_OFF)]),
    "truth": ([("lb", SELDOM[0])], [("lb", SELDOM[1])]),
}


@pytest.mark.parametrize("name", STAGE_FAULTS)
def test_a_stage_drill_fails_for_its_own_fault(done: Cli, exec_on: Exec, name: str) -> None:
    """Planted as a student would make it, taken back afterwards."""
    plant, heal = STAGE_FAULTS[name]
    try:
        for machine, script in plant:
            exec_on(machine, script)
        drill(done, name, code=1)
    finally:
        for machine, script in heal:
            exec_on(machine, script)
    # What was taken back holds again, and no drill has left anything behind.
    done("check", next(one.step for one in load_course().drills if one.name == name))


def test_every_stage_drill_has_a_planted_fault() -> None:
    """A drill that has never been seen to fail does not count."""
    stages = {one.name for one in load_course().drills if one.step != "failover"}
    assert stages == set(STAGE_FAULTS)


# Step 13 ----------------------------------------------------------------------------------------


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


def test_the_hardened_configuration_passes_every_drill(done: Cli, exec_on: Exec) -> None:
    """`step 13 --hardened` puts it in place; no GET is lost, no POST is carried out twice."""
    done("step", "13", "--hardened")
    assert "retry-on" in exec_on("lb", f"cat {CONFIG}")
    drill(done, "all", "--bar", "hardened", code=0)
    found = {one["name"]: one for one in results(done)}
    hardened = {one.name: one.limits["hardened"] for one in load_course().drills
                if "hardened" in one.limits}  # fmt: skip
    assert found.keys() == hardened.keys()
    for name, one in found.items():
        if hardened[name].lost_get == 0:
            assert one["failed_get"] == 0, name
        # A container that is made anew takes its log with it: there nobody can say.
        assert one["duplicates"] == 0 or name == "redeploy", name


def test_the_hardened_configuration_earns_the_mention(done: Cli) -> None:
    """20 of 20, with distinction; every drill for it is in the result."""
    result = done.json("grade", "-o", "json")
    assert (result["score"], result["mention"]) == (20, True)
    wanted = {one.name for one in load_course().drills if one.mention}
    assert wanted <= {one["name"] for one in result["drills"]}
