"""The practical as one value: high availability of web servers with HAProxy, in thirteen steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from checks.drills import DRILLS
from checks.mutations import MUTATIONS
from checks.opinions import OPINIONS
from course.variants import TRAITS, personal
from labkit.course import Course, read_blueprint
from steps.carrying import FOUNDATIONS, carry_forward
from steps.project import GIVEN
from steps.recognition import recognise
from steps.s01_machines import machines
from steps.s02_dockerfile import dockerfile
from steps.s03_build import build
from steps.s04_compose import compose
from steps.s05_deploy import deploy
from steps.s06_index import index
from steps.s07_verify import verify
from steps.s08_registry import registry
from steps.s09_registry_ui import registry_ui
from steps.s10_second_server import second_server
from steps.s11_haproxy import haproxy
from steps.s12_stats import stats
from steps.s13_failover import failover
from steps.settling import settle


def checks() -> Sequence[ModuleType]:
    """The modules of the checks; imported here, for most commands need none of them."""
    from checks import (
        test_01_machines,
        test_02_dockerfile,
        test_03_build,
        test_04_compose,
        test_05_deploy,
        test_06_index,
        test_07_verify,
        test_08_registry,
        test_09_registry_ui,
        test_10_second_server,
        test_11_haproxy,
        test_12_stats,
        test_13_failover,
    )

    return (
        test_01_machines,
        test_02_dockerfile,
        test_03_build,
        test_04_compose,
        test_05_deploy,
        test_06_index,
        test_07_verify,
        test_08_registry,
        test_09_registry_ui,
        test_10_second_server,
        test_11_haproxy,
        test_12_stats,
        test_13_failover,
    )


ROOT = Path(__file__).resolve().parents[1]

COURSE = Course(
    name="haproxy-student-list",
    root=ROOT,
    titles={
        "en": "High availability of web servers with HAProxy",
        "fr": "Haute disponibilité de serveurs web avec HAProxy",
    },
    blueprint=read_blueprint(ROOT),
    steps=(
        machines,
        dockerfile,
        build,
        compose,
        deploy,
        index,
        verify,
        registry,
        registry_ui,
        second_server,
        haproxy,
        stats,
        failover,
    ),
    distinction="hardened",
    points_max=20.0,  # a French mark; the checks' points must add up to it
    checks=checks,
    drills=DRILLS,
    mutations=MUTATIONS,
    opinions=OPINIONS,
    recognise=recognise,
    settle=settle,
    foundations=FOUNDATIONS,
    carry_forward=carry_forward,
    given=GIVEN,
    traits=TRAITS,
    personal=personal,
    # What a machine is asked for `labkit doctor --report`, beside what every course asks it:
    # heading -> question, which changes nothing.
    survey={
        "packages of the practical": (
            "if command -v rpm >/dev/null; then rpm -q docker-ce docker-ce-cli containerd.io "
            "docker-compose-plugin haproxy rsyslog firewalld container-selinux httpd-tools podman "
            "curl curl-minimal; else dpkg-query -W docker.io docker-compose haproxy rsyslog "
            "firewalld; fi"
        ),
        "SELinux lets HAProxy connect": ("command -v getsebool && getsebool haproxy_connect_any"),
        "HAProxy": (
            "haproxy -v; sudo -n haproxy -c -f /etc/haproxy/haproxy.cfg; "
            "systemctl is-active haproxy; sudo -n journalctl -u haproxy -n 20 --no-pager"
        ),
        "log of HAProxy": (
            "sudo -n ls -lZ /var/log/haproxy.log; sudo -n tail -n 3 /var/log/haproxy.log"
        ),
    },
)
