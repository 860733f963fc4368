"""a) Three machines that know one another's names, with Docker Engine and Compose."""

from __future__ import annotations

import shlex

from labkit.course import Files, step
from labkit.remote import Shell, Shells, everywhere

# Written as a file instead of by `dnf config-manager`, whose sub-command differs between dnf 4
# and dnf 5. Sources: https://docs.docker.com/engine/install/rhel/, checked against Docker's own
# repo file; https://docs.rockylinux.org/gemstones/containers/docker/ names the same repository.
DOCKER_REPO = """\
[docker-ce-stable]
name=Docker CE Stable - $basearch
baseurl=https://download.docker.com/linux/rhel/$releasever/$basearch/stable
enabled=1
gpgcheck=1
gpgkey=https://download.docker.com/linux/rhel/gpg
"""
DOCKER_RHEL = (
    "docker-ce",
    "docker-ce-cli",
    "containerd.io",
    "docker-buildx-plugin",
    "docker-compose-plugin",
)
DOCKER_DEBIAN = ("docker.io", "docker-cli", "docker-compose")


@step(
    1,
    "machines",
    letter="a",
    on=("web1", "web2", "lb"),
    title={"en": "Three machines and their names", "fr": "Trois machines et leurs noms"},
)
def machines(shells: Shells, _files: Files) -> None:
    """Hostnames, /etc/hosts, Docker; then each machine pings the others."""
    lab = list(shells.values())
    everywhere(lambda shell: prepare(shell, lab), lab)
    for shell in lab:
        for other in lab:
            if other is not shell:
                shell.run(f"ping -q -c 1 -W 2 {shlex.quote(other.name)}")


def prepare(shell: Shell, lab: list[Shell]) -> None:
    """Names and Docker on one machine."""
    name = shlex.quote(shell.name)
    shell.run(
        f"sudo hostnamectl set-hostname {name}",
        unless=f'test "$(hostname)" = {name}',
    )
    hosts = shell.read("/etc/hosts") or ""
    shell.write("/etc/hosts", with_names(hosts, {one.name: one.address for one in lab}), root=True)
    install_docker(shell)
    shell.service("docker")
    join = shlex.join(["sudo", "usermod", "-aG", "docker", shell.user])
    if shell.run(join, unless="id -nG | grep -qw docker"):
        shell.renew_login()
    shell.run("docker version --format '{{.Server.Version}}' && docker compose version --short")


def install_docker(shell: Shell) -> None:
    """Docker Engine and Compose: from Docker's repository on Rocky, from Debian's on Debian."""
    if shell.ask("docker compose version && systemctl cat docker").ok:
        return
    if shell.family == "redhat":
        shell.write("/etc/yum.repos.d/docker-ce.repo", DOCKER_REPO, root=True)
    shell.install(redhat=DOCKER_RHEL, debian=DOCKER_DEBIAN)


def with_names(hosts: str, addresses: dict[str, str]) -> str:
    """/etc/hosts with one line per machine, other definitions of the same names taken out."""
    kept = []
    for line in hosts.splitlines():
        names = line.partition("#")[0].split()[1:]
        rest = [name for name in names if name not in addresses]
        if len(rest) == len(names):
            kept.append(line)
        elif rest:
            kept.append(" ".join([line.split()[0], *rest]))
    lines = [f"{address} {name}" for name, address in addresses.items()]
    return "\n".join([*kept, *lines]) + "\n"
