"""a) Three machines that know one another."""

from __future__ import annotations

import shlex

from checks.engines import Engine
from labkit.course import check, expect
from labkit.lab import Lab
from labkit.locale import _
from labkit.remote import Shell, everywhere


def _hostname(shell: Shell) -> str:
    return shell.ask("hostname -s").text


@check(
    points=0.25,
    probes=(
        "hostname -s is asked of web1, web2 and lb over SSH; each must answer with its own name."
    ),
    why=(
        "Logs, prompts and error messages carry the machine's name: with a wrong one, people look "
        "for the outage on the wrong machine."
    ),
    hints=[
        "What does the command hostname print on each machine?",
        "hostnamectl set-hostname NAME sets the name, now and for the next boot.",
        (
            "On web1: sudo hostnamectl set-hostname web1; on web2: sudo hostnamectl set-hostname "
            "web2; on lb: sudo hostnamectl set-hostname lb"
        ),
    ],
)
def test_names(web1: Shell, web2: Shell, lb: Shell) -> None:
    """Each machine bears its own name."""
    lab = [web1, web2, lb]
    for shell, seen in zip(lab, everywhere(_hostname, lab), strict=True):
        expect(seen == shell.name, expected=shell.name, seen=seen, where=f"{shell.name} $ hostname")


HOSTS_PROBES = (
    "On this machine, getent ahostsv4 looks up each of the two others by name; the first address "
    "found must be the one that labkit status shows."
)
HOSTS_WHY = (
    "Configuration files name machines, because addresses change. With a name that leads nowhere "
    "HAProxy does not even start; with one that leads elsewhere, your visitors go there."
)
HOSTS_HINTS = (
    "How does a machine find the address of another by its name, without a DNS server?",
    "One line per machine in /etc/hosts: its address, a space, its name. On all three.",
)


def _must_know_the_others(lab: Lab, shell: Shell) -> None:
    """The other machines' addresses by name, as this machine resolves them."""
    machines = lab.machines().values()
    addresses = {one.name: one.address for one in machines if one.name != shell.name}
    script = "; ".join(
        f"echo $(getent ahostsv4 {shlex.quote(name)} | head -1)" for name in addresses
    )
    lines = [line.split(" ")[0] for line in shell.ask(script).stdout.splitlines()]
    found = dict(zip(addresses, lines, strict=False))  # a shell that found no room ends early
    for name, address in addresses.items():
        seen = found.get(name, "")
        expect(
            seen == address,
            expected=_("{name} is {address}", name=name, address=address),
            seen=seen or _("the name is unknown"),
            where=f"{shell.name} $ getent hosts {name}",
        )


@check(
    points=0.1,
    probes=HOSTS_PROBES,
    why=HOSTS_WHY,
    hints=[
        *HOSTS_HINTS,
        (
            "On web1: sudoedit /etc/hosts, and add the lines ADDRESS web2 and ADDRESS lb, with the "
            "addresses that labkit status shows."
        ),
    ],
)
def test_hosts_web1(lab: Lab, web1: Shell) -> None:
    """web1 knows the addresses of the others by name."""
    _must_know_the_others(lab, web1)


@check(
    points=0.1,
    probes=HOSTS_PROBES,
    why=HOSTS_WHY,
    hints=[
        *HOSTS_HINTS,
        (
            "On web2: sudoedit /etc/hosts, and add the lines ADDRESS web1 and ADDRESS lb, with the "
            "addresses that labkit status shows."
        ),
    ],
)
def test_hosts_web2(lab: Lab, web2: Shell) -> None:
    """web2 knows the addresses of the others by name."""
    _must_know_the_others(lab, web2)


@check(
    points=0.05,
    probes=HOSTS_PROBES,
    why=HOSTS_WHY,
    hints=[
        *HOSTS_HINTS,
        (
            "On lb: sudoedit /etc/hosts, and add the lines ADDRESS web1 and ADDRESS web2, with the "
            "addresses that labkit status shows."
        ),
    ],
)
def test_hosts_lb(lab: Lab, lb: Shell) -> None:
    """lb knows the addresses of the others by name."""
    _must_know_the_others(lab, lb)


@check(
    points=0.25,
    needs=["machines.hosts_web1", "machines.hosts_web2", "machines.hosts_lb"],
    probes="Each machine pings the two others by name: one packet each, and 2 s for the answer.",
    why=(
        "A right name is of no use if no packet gets through: what is a machine that is off, or a "
        "wrong address, would later look like a fault of Docker or of HAProxy."
    ),
    hints=[
        "Can each machine reach the others?",
        "ping -c 1 NAME shows whether the other one answers, and under which address.",
        (
            "Where the other machine is off: labkit up. Where the address is wrong: sudoedit "
            "/etc/hosts, as labkit status shows it."
        ),
    ],
)
def test_ping(web1: Shell, web2: Shell, lb: Shell) -> None:
    """Each machine pings the others by name."""
    lab = [web1, web2, lb]

    def silent(shell: Shell) -> list[tuple[str, str]]:
        others = [one.name for one in lab if one is not shell]
        script = "; ".join(f"ping -c 1 -W 2 {name} >/dev/null || echo {name}" for name in others)
        return [(shell.name, name) for name in shell.ask(script).stdout.split()]

    lost = [one for found in everywhere(silent, lab) for one in found]
    if lost:
        machine, name = lost[0]
        expect(
            False,
            expected=_("an answer from {name}", name=name),
            seen=_("none"),
            where=f"{machine} $ ping -c 1 {name}",
        )


DOCKER_PROBES = (
    "On this machine, docker version must show a server, docker compose version must answer, and "
    "systemctl is-enabled must say enabled for docker.service or docker.socket."
)
DOCKER_WHY = (
    "An engine that was only started by hand is gone after the next boot, and every container with "
    "it."
)
DOCKER_HINTS = (
    "Does docker version show a client and a server?",
    (
        "Docker Engine and the Compose plugin are two packages; the service must be started and "
        "enabled."
    ),
)


def _must_run(engine: Engine) -> None:
    """Engine, Compose, and the engine's start at boot, on one machine."""
    expect(
        engine.version[:1].isdigit(),
        expected=_("a Docker Engine that answers"),
        seen=engine.version,
        where=f"{engine.machine} $ docker version",
    )
    expect(
        engine.compose.lstrip("v")[:1].isdigit(),
        expected=_("Docker Compose"),
        seen=engine.compose,
        where=f"{engine.machine} $ docker compose version",
    )
    expect(
        "enabled" in engine.boot.splitlines(),
        expected=_("Docker starts at boot"),
        seen=engine.boot,
        where=f"{engine.machine} $ systemctl is-enabled docker",
    )


@check(
    points=0.1,
    requires=["kernel"],
    probes=DOCKER_PROBES,
    why=DOCKER_WHY,
    hints=[
        *DOCKER_HINTS,
        (
            "On web1: sudo systemctl enable --now docker. What is missing, before that: sudo dnf "
            "install docker-ce docker-compose-plugin, on Debian sudo apt install docker.io "
            "docker-compose"
        ),
    ],
)
def test_docker_web1(engine_web1: Engine) -> None:
    """Docker Engine and Compose run on web1, and start at boot."""
    _must_run(engine_web1)


@check(
    points=0.1,
    requires=["kernel"],
    probes=DOCKER_PROBES,
    why=DOCKER_WHY,
    hints=[
        *DOCKER_HINTS,
        (
            "On web2: sudo systemctl enable --now docker. What is missing, before that: sudo dnf "
            "install docker-ce docker-compose-plugin, on Debian sudo apt install docker.io "
            "docker-compose"
        ),
    ],
)
def test_docker_web2(engine_web2: Engine) -> None:
    """Docker Engine and Compose run on web2, and start at boot."""
    _must_run(engine_web2)


@check(
    points=0.05,
    requires=["kernel"],
    probes=DOCKER_PROBES,
    why=DOCKER_WHY,
    hints=[
        *DOCKER_HINTS,
        (
            "On lb: sudo systemctl enable --now docker. What is missing, before that: sudo dnf "
            "install docker-ce docker-compose-plugin, on Debian sudo apt install docker.io "
            "docker-compose"
        ),
    ],
)
def test_docker_lb(engine_lb: Engine) -> None:
    """Docker Engine and Compose run on lb, and start at boot."""
    _must_run(engine_lb)
