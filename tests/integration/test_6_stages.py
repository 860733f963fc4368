"""The drills of the steps before the last: each is seen to fail for a fault of its own.

That they pass on the reference is seen in the whole mark (test_1_demo.py).
"""

from __future__ import annotations

from collections.abc import Callable
from subprocess import CompletedProcess

import pytest

from labkit.course import load_course
from labkit.errors import EXIT_INCONCLUSIVE
from tests.fakes.by_hand import (
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
from tests.integration.conftest import RUNS, Cli

Exec = Callable[[str, str], str]
Scripts = list[tuple[str, str]]  # (machine, script), in order

REGISTRY = "cd /srv/registry && docker compose -f docker-compose-registry.yml"
DATA = "/srv/student-list/simple_api/student_age.json"
REGISTRY_FILE = "/srv/registry/docker-compose-registry.yml"
HEALTHY = "for try in $(seq 60); do curl -sfo /dev/null http://localhost/ && break; sleep 0.5; done"


# A list that was seen once is shown for ever after.
STALE = edit(
    INDEX,
    "s#= students\\(\\);#= students(); file_put_contents(LAST, serialize($list));#;"
    " s#http_response_code\\(502\\);#$list = unserialize(file_get_contents(LAST));#;"
    ' s#^const PATIENCE_.*#&  const LAST = "/tmp/list";#; /error = .problem/d',
    "true",
)
# It answers, and goes at the first request with a method that it does not know.
EXIT = edit(
    SCRIPT,
    "s/^( *)return jsonify\\(error=error.description\\).*/\\1error.code != 405 or os._exit(1)\\n&/",
    BUILD,
)
NO_RESTART = edit(COMPOSE, "/restart:/d", UP)
FORGETFUL = edit(
    REGISTRY_FILE,
    "s#- registry-data:/var/lib/registry#- {type: tmpfs, target: /var/lib/registry}#",
    # Made anew by hand: Compose would carry the old container's volume over. What comes next pushes
    # to it, and it needs a moment to listen.
    f"{REGISTRY} rm -sf registry 2>&1; {REGISTRY} up -d --quiet-pull 2>&1;"
    " timeout 60 sh -c 'until curl -sko /dev/null https://localhost:5000/v2/; do sleep 0.5; done'",
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
    """Planted as a student would make it, taken back afterwards.

    Anew where the drill could not tell, for want of processors: what it does itself in between (a
    registry restarted that keeps nothing) is not undone by it.
    """
    for _attempt in range(RUNS):
        ended = _planted(done, exec_on, name)
        if ended.returncode != EXIT_INCONCLUSIVE:
            break
    assert ended.returncode == 1, f"{ended.stdout}{ended.stderr}"
    # What was taken back holds again, and no drill has left anything behind.
    done("check", next(one.step for one in load_course().drills if one.name == name))


def _planted(done: Cli, exec_on: Exec, name: str) -> CompletedProcess[str]:
    plant, heal = STAGE_FAULTS[name]
    try:
        for machine, script in plant:
            exec_on(machine, script)
        return done("drill", name, code=None)
    finally:
        for machine, script in heal:
            exec_on(machine, script)


def test_every_stage_drill_has_a_planted_fault() -> None:
    """A drill that has never been seen to fail does not count."""
    stages = {one.name for one in load_course().drills if one.step != "failover"}
    assert stages == set(STAGE_FAULTS)
