"""Planted faults: each is failed by the check that is meant for it, and by no other.

Each fault is planted as a student would make it, on the machines, and taken back afterwards. Since
a grading costs more than planting, faults that have nothing to do with each other are planted
together: exactly their checks fail. Those that a drill must find are in `test_6_availability.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from labkit.course import Verdict, load_course
from labkit.grading import GradeResult
from labkit.grading.explain import read_checks
from labkit.grading.graph import Graph, Node
from tests.fakes.by_hand import (
    BUILD,
    COMPOSE,
    CONFIG,
    DOCKERFILE,
    INDEX,
    PROJECT,
    PULL,
    PUSH,
    RELOAD,
    SCRIPT,
    UP,
    edit,
)
from tests.integration.conftest import Cli, drill

REGISTRY = "/srv/registry/docker-compose-registry.yml"
EDITED = (CONFIG, COMPOSE, INDEX, SCRIPT, DOCKERFILE, REGISTRY, "/etc/hosts")
TOGETHER = 4  # faults in a grading; more, and a message would be hard to read


@dataclass(frozen=True)
class Fault:
    """What is broken on which machine, how it is taken back, and the check meant for it."""

    name: str
    check: str
    plant: dict[str, str]  # machine -> script, in order
    heal: dict[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> set[str]:
        """The files that are edited: a second edit would keep the first one as the original."""
        return {one for one in EDITED if any(one in script for script in self.plant.values())}


def on(machine: str, scripts: tuple[str, str]) -> dict[str, dict[str, str]]:
    """`plant` and `heal` of a fault on one machine."""
    return {"plant": {machine: scripts[0]}, "heal": {machine: scripts[1]}}


NO_AUTH = edit(SCRIPT, "s/^( *)@auth.login_required.*/\\1/", f"{BUILD}; {UP}; {PUSH}")

FAULTS = [
    Fault(
        "a name missing in /etc/hosts of web1",
        "machines.hosts_web1",
        **on("web1", ("cp /etc/hosts /root/hosts; sed /web2/d /root/hosts > /etc/hosts",
                      "cat /root/hosts > /etc/hosts")),
    ),
    Fault(
        "a name missing in /etc/hosts of lb",
        "machines.hosts_lb",
        **on(
            "lb",
            (
                "cp /etc/hosts /root/hosts; sed /web2/d /root/hosts > /etc/hosts",
                "cat /root/hosts > /etc/hosts",
            ),
        ),
    ),
    Fault(
        "no EXPOSE in the Dockerfile",
        "dockerfile.exposes",
        **on("web1", edit(DOCKERFILE, "/^EXPOSE/d", "true")),
    ),
    Fault(
        "a Dockerfile that does not build",
        "dockerfile.builds",
        **on("web1", edit(DOCKERFILE, "s/requirements.txt/requirement.txt/", "true")),
    ),
    Fault(
        "an API without authentication",
        "build.auth",
        {"web1": NO_AUTH[0], "web2": PULL},
        {"web1": NO_AUTH[1], "web2": PULL},
    ),
    Fault(
        "YAML that does not parse",
        "compose.valid",
        **on("web1", edit(COMPOSE, "s/^  website:/ \\twebsite:/", "true")),
    ),
    Fault(
        "wrong port in compose",
        "compose.ports",
        **on("web1", edit(COMPOSE, 's/"80:80"/"80:8080"/', UP)),
    ),
    Fault(
        "wrong credentials",
        "compose.credentials",
        **on("web1", edit(COMPOSE, "s/PASSWORD: .*/PASSWORD: ruby/", UP)),
    ),
    Fault(
        "no restart policy",
        "deploy.restart",
        **on("web1", edit(COMPOSE, 's/restart: .*/restart: "no"/', UP)),
    ),
    Fault(
        "a PHP error in index.php",
        "index.valid",
        **on("web1", edit(INDEX, "s/^const API = /const API == /", "true")),
    ),
    Fault(
        "placeholder left in index.php",
        "index.service_name",
        **on("web1", edit(INDEX, "s#http://api:5000/#http://<api_ip_or_name:port>/#", "true")),
    ),
    Fault(
        "image not pushed",
        "registry.pushed",
        {"lb": "cd /srv/registry && docker compose -f docker-compose-registry.yml down -v 2>&1; "
               "docker compose -f docker-compose-registry.yml up -d 2>&1; sleep 2"},
        {"web1": PUSH},
    ),
    Fault(
        "the registry's page stopped",
        "registry-ui.page",
        **on("lb", ("docker stop -t 1 registry-ui-1", "docker start registry-ui-1")),
    ),
    Fault(
        "web2 running another image",
        "second-server.same_image",
        **on("web2", (
            (f"{PROJECT}; cp .env .env.kept; docker commit --change 'LABEL other=1'"
            " student-list-api-1 student-age:other;"
            f" echo STUDENT_AGE_IMAGE=student-age:other > .env; {UP}"),
            f"{PROJECT}; mv .env.kept .env; {UP}; docker image rm student-age:other")),
    ),
    Fault(
        "a haproxy.cfg that haproxy -c refuses",
        "haproxy.runs",
        **on("lb", edit(CONFIG, "s/default_backend my-backend/default_backend my-backnd/", "true")),
    ),
    Fault(
        "one server missing in my-backend",
        "haproxy.backend",
        **on("lb", edit(CONFIG, "/server web2/d", RELOAD)),
    ),
    Fault(
        "a backend that is not called my-backend",
        "haproxy.named",
        **on("lb", edit(CONFIG, "s/my-backend/webs/", RELOAD)),
    ),
    Fault(
        "no check",
        "haproxy.checked",
        **on("lb", edit(CONFIG, "s/(server web. web.:80) check/\\1/", RELOAD)),
    ),
    Fault(
        "another balance",
        "haproxy.balances",
        **on("lb", edit(CONFIG, "s/balance roundrobin/balance source/", RELOAD)),
    ),
    Fault(
        "log not written",
        "haproxy.logged",
        **on("lb", ("mv /etc/rsyslog.d/haproxy.conf /root/; systemctl restart rsyslog",
                    "mv /root/haproxy.conf /etc/rsyslog.d/; systemctl restart rsyslog")),
    ),
    Fault(
        "stats closed",
        "stats.page",
        **on("lb", edit(CONFIG, "/^listen stats/,$d", RELOAD)),
    ),
    Fault(
        "a slow refresh of the stats page",
        "stats.refresh",
        **on("lb", edit(CONFIG, "s/stats refresh .*/stats refresh 60s/", RELOAD)),
    ),
    Fault(
        "a machine with another name",
        "machines.names",
        **on("web2", ("hostnamectl set-hostname web9", "hostnamectl set-hostname web2")),
    ),
    Fault(
        "Docker does not start at boot",
        "machines.docker_lb",
        **on("lb", ("systemctl disable -q docker.service docker.socket",
                    "systemctl enable -q docker.service docker.socket")),
    ),
    Fault(
        "no VOLUME in the Dockerfile",
        "dockerfile.volume",
        **on("web1", edit(DOCKERFILE, "/^VOLUME/d", "true")),
    ),
    Fault(
        "no CMD in the Dockerfile",
        "dockerfile.command",
        **on("web1", edit(DOCKERFILE, "/^CMD/d", "true")),
    ),
    Fault(
        "the page mounted where Apache does not look",
        "compose.volumes",
        **on("web1", edit(COMPOSE, "s#:/var/www/html#:/var/www/pages#", UP)),
    ),
    Fault(
        "website and API on different networks",
        "compose.network",
        **on("web1", edit(
            COMPOSE,
            "0,/^      - student-list/s//      - other/; s/^networks:/networks:\\n  other:/", UP)),
    ),
    Fault(
        "the API stopped",
        "deploy.running",
        **on("web1", (f"{PROJECT}; docker compose stop -t 1 api 2>&1", UP)),
    ),
    Fault(
        "a wrong port in index.php",
        "index.reaches",
        **on("web1", edit(INDEX, "s#http://api:5000/#http://api:5001/#", "true")),
    ),
    Fault(
        "a page without its button",
        "verify.form",
        **on("web1", edit(INDEX, "/<button/d", "true")),
    ),
    Fault(
        "the registry stopped",
        "registry.answers",
        **on("lb", ("docker stop -t 1 registry-registry-1",
                    "docker start registry-registry-1; sleep 1")),
    ),
    Fault(
        "the registry's certificate not trusted",
        "registry.pulled",
        **on("web1", ("mv /etc/docker/certs.d /root/", "mv /root/certs.d /etc/docker/")),
    ),
    Fault(
        "the registry's page looks elsewhere",
        "registry-ui.shows",
        **on("lb", edit(
            REGISTRY, "s#https://registry:5000#http://lb:9#",
            "cd /srv/registry; docker compose -f docker-compose-registry.yml up -d 2>&1; sleep 1")),
    ),
    Fault(
        "the website on web2 stopped",
        "second-server.lists",
        # until HAProxy has noticed, half of its visitors would meet the stopped server
        **on("web2", (f"{PROJECT}; docker compose stop -t 1 website 2>&1; sleep 8", UP)),
    ),
    Fault(
        "port 80 of lb closed",
        "haproxy.serves",
        **on("lb", ("firewall-cmd -q --remove-service=http", "firewall-cmd -q --add-service=http")),
    ),
    Fault(
        "web2 does not answer to ping",
        "machines.ping",
        **on("web2", ("iptables -I INPUT -p icmp -j DROP", "iptables -D INPUT -p icmp -j DROP")),
    ),
    Fault(
        "an image that was built anew and does not run",
        "build.runs",
        **on("web1", (
            (f"docker tag student-age:1.0 kept:1; cp -a {SCRIPT} {SCRIPT}.kept;"
            f" sed -i '1i raise SystemExit(1)' {SCRIPT}; {BUILD}"),
            (f"mv {SCRIPT}.kept {SCRIPT}; docker tag kept:1 student-age:1.0;"
            " docker image rm kept:1"))),
    ),
    Fault(
        "no service for the API",
        "compose.services",
        **on("web1", edit(
            COMPOSE, "/^  api:/,/^networks:/{/^networks:/!d}; /depends_on/,+1d", "true")),
    ),
    Fault(
        "a page that shows no student",
        "verify.list",
        **on("web1", edit(INDEX, "s/foreach [(].list as/foreach ([] as/", "true")),
    ),
    Fault(  # last: nothing can be brought up without it
        "the image under another name",
        "build.image",
        **on("web1", (("docker tag student-age:1.0 my-api:1; docker image rm student-age:1.0"
                      " lb:5000/student-age:1.0"),
                      ("docker tag my-api:1 student-age:1.0;"
                      " docker tag my-api:1 lb:5000/student-age:1.0; docker image rm my-api:1"))),
    ),
]  # fmt: skip


def together(faults: list[Fault]) -> list[list[Fault]]:
    """The faults in as few groups as come of putting each into the first that takes it.

    In a group no check rests on another's, and no file is edited twice.
    """
    checks = read_checks(load_course()).values()
    graph = Graph([Node(one.id, one.step.number, one.spec) for one in checks])
    groups: list[list[Fault]] = []
    for fault in faults:
        for group in groups:
            if len(group) < TOGETHER and not any(
                fault.check in graph.with_ancestors([other.check])
                or other.check in graph.with_ancestors([fault.check])
                or fault.changed & other.changed
                for other in group
            ):
                group.append(fault)
                break
        else:
            groups.append([fault])
    return groups


def heal(fault: Fault, exec_on: Callable[[str, str], str]) -> None:
    """Take a fault back."""
    for machine, script in fault.heal.items():
        exec_on(machine, script)


def test_each_fault_is_planted_once() -> None:
    planted = [fault.name for group in together(FAULTS) for fault in group]
    assert sorted(planted) == sorted({fault.name for fault in FAULTS})
    assert len({fault.check for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize(
    "faults", together(FAULTS), ids=lambda faults: ", ".join(fault.name for fault in faults)
)
def test_only_the_intended_checks_fail(
    done: Cli,
    exec_on: Callable[[str, str], str],
    found: Callable[[], GradeResult],
    faults: list[Fault],
) -> None:
    """The intended checks fail; every other passes or is blocked by them; none is in doubt."""
    del done
    with ExitStack() as planted:
        for fault in faults:
            for machine, script in fault.plant.items():
                exec_on(machine, script)
            planted.callback(heal, fault, exec_on)
        result = found()
    failed = {check.id: check.message for check in result.checks
              if check.verdict is Verdict.FAILED}  # fmt: skip
    unclear = {check.id: check.message for check in result.checks
               if check.verdict is Verdict.INCONCLUSIVE}  # fmt: skip
    intended = {fault.check for fault in faults}
    assert set(failed) == intended, failed
    assert not unclear
    for check in result.checks:
        if check.verdict is Verdict.BLOCKED:
            assert check.because in intended
        if check.id in intended:
            assert check.expected
            assert check.seen
            assert check.where


def test_everything_passes_again(done: Cli, found: Callable[[], GradeResult]) -> None:
    """With every fault taken back nothing fails: the faults were the only cause."""
    del done
    result = found()
    assert {check.id: check.message for check in result.checks
            if check.verdict is not Verdict.PASSED} == {}  # fmt: skip


def test_a_plain_insecure_registry_passes_too(
    done: Cli, exec_on: Callable[[str, str], str], found: Callable[[], GradeResult]
) -> None:
    """Without TLS and password, set up by hand and told to the engines, the marks are the same."""
    plain = (
        "cd /srv/registry && docker compose -f docker-compose-registry.yml stop registry 2>&1;"
        " docker run -d --name plain --restart unless-stopped -p 5000:5000 --network"
        " registry_registry --network-alias registry registry:2"
    )
    insecure = (
        "cp /etc/docker/daemon.json /root/daemon.json; python3 -c '"
        'import json; f = "/etc/docker/daemon.json"; d = json.load(open(f));'
        ' d["insecure-registries"].append("lb:5000"); json.dump(d, open(f, "w"))'
        "'; systemctl reload docker; sleep 1"
    )
    ui = ("cd /srv/registry; {0}; docker compose -f docker-compose-registry.yml up -d --no-deps ui"
          " 2>&1")  # fmt: skip
    file = "docker-compose-registry.yml"
    exec_on("lb", plain)
    exec_on("lb", ui.format(f"cp {file} kept; sed -i 's#https://registry#http://registry#' {file}"))
    for web in ("web1", "web2"):
        exec_on(web, insecure)
    exec_on("web1", PUSH)
    exec_on("web2", PULL)
    try:
        result = found()
        drill(done, "pulls")
        drill(done, "no-registry")
    finally:
        exec_on("lb", "docker rm -f -v plain; " + ui.format(f"cat kept > {file}"))
        exec_on("lb", "docker start registry-registry-1")
        for web in ("web1", "web2"):
            exec_on(web, "cat /root/daemon.json > /etc/docker/daemon.json; systemctl reload docker")
        exec_on("web1", PUSH)
        exec_on("web2", PULL)
    # Without the points of the drills, which are asked apart.
    marks = {step.slug: (step.points, step.points_max) for step in result.steps}
    assert marks["registry"] == (1.75, 1.75)
    assert marks["registry-ui"] == (0.75, 0.75)
    assert marks["second-server"] == (0.75, 0.75)
