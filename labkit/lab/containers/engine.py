"""The local Docker Engine: found, questioned, and its errors turned into sentences."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
from docker import ContextAPI
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from labkit.errors import NotReadyError
from labkit.lab.containers.endpoint import endpoint, inside
from labkit.locale import _

# What a full-system node with its own Docker Engine was seen to need, with the bit numbers of
# the kernel's capability.h. Nothing that a host may lack (SYS_RESOURCE) is among them, nor what
# opens any file of the host by its number (DAC_READ_SEARCH).
CAPABILITIES = {
    "CHOWN": 0,
    "DAC_OVERRIDE": 1,
    "FOWNER": 3,
    "FSETID": 4,
    "KILL": 5,
    "SETGID": 6,
    "SETUID": 7,
    "SETPCAP": 8,
    "NET_BIND_SERVICE": 10,
    "NET_ADMIN": 12,
    "NET_RAW": 13,
    "SYS_CHROOT": 18,
    "SYS_PTRACE": 19,
    "SYS_ADMIN": 21,
    "SYS_BOOT": 22,
    "SYS_NICE": 23,
    "MKNOD": 27,
    "AUDIT_WRITE": 29,
    "SETFCAP": 31,
}

# System calls that no machine needs: a new kernel, a new clock, swap, files by their number, and
# the large interfaces that the engine's own profile keeps from its containers, too. Keys are
# counted for each user of the host: "there is no such call" is what runc and systemd do without.
SECCOMP = Path(__file__).with_name("seccomp.json").read_text(encoding="utf-8")
# AppArmor's profile for containers forbids mounts, without which nothing boots.
SECURITY = [f"seccomp={SECCOMP}", "apparmor=unconfined"]
# Of /proc and /sys, what is the host's alone: the engine's own lists, but /proc/sys/net stays
# writable, which is the machine's own, and so does /sys, where it mounts its control groups.
MASKED = [
    "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
    "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/firmware",
    "/sys/devices/virtual/powercap",
]  # fmt: skip
READ_ONLY = [
    "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sysrq-trigger", "/proc/sys/abi",
    "/proc/sys/debug", "/proc/sys/dev", "/proc/sys/fs", "/proc/sys/kernel", "/proc/sys/user",
    "/proc/sys/vm", "/sys/kernel",
]  # fmt: skip


def connect() -> docker.DockerClient:
    """A client of the local engine, its API version negotiated.

    NotReadyError if none answers, or one that only speaks as Docker's does.
    """
    try:
        # A build may be silent. An engine behind ssh:// is reached as Docker's own program does,
        # with the user's ssh and its configuration.
        engine = docker.from_env(
            version="auto", timeout=600, use_ssh_client=True, environment=_environment()
        )
        parts = engine.version().get("Components") or []
    except (DockerException, RequestException) as error:
        if "PermissionError" in str(error) or "Permission denied" in str(error):
            raise NotReadyError(
                _("your user may not use the Docker Engine"),
                where=_("the engine's socket"),
                then=_("sudo usermod -aG docker $USER, then log out and in again"),
            ) from error
        if endpoint().partition("://")[0] not in ("unix", "npipe"):
            raise NotReadyError(
                _("no Docker Engine answers at {place}", place=endpoint()), then="docker info"
            ) from error
        raise NotReadyError(
            _("no Docker Engine answers on this computer"),
            where=_("the engine's socket"),
            then=_("make engine   (or: sudo systemctl start docker)"),
        ) from error
    for part in parts:
        if "podman" in str(part.get("Name", "")).lower():
            raise NotReadyError(
                _("{name} {version} answers in the place of a Docker Engine; the machines need one",
                  name=part["Name"], version=part.get("Version", "")),
                where=endpoint(),
                then=_("unset DOCKER_HOST, or https://docs.docker.com/engine/install/"),
            )  # fmt: skip
    return engine


def _environment() -> dict[str, str]:
    """The environment, with the port that the user's ssh has for an engine behind it.

    Where an address names none, docker-py tells ssh 22 (`docker.utils.parse_host`); Docker's own
    program tells it nothing, so that ~/.ssh/config decides.
    """
    environment = dict(os.environ)
    place = environment.get("DOCKER_HOST") or ""
    if not place:
        place = ContextAPI.kwargs_from_context(environment=environment).get("base_url", "")
    address = urlsplit(place)
    if address.scheme != "ssh" or address.port:
        return environment
    try:
        asked = subprocess.run(
            ["ssh", "-G", "--", address.netloc],
            capture_output=True, text=True, check=True, timeout=10,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return environment
    options = dict(line.partition(" ")[::2] for line in asked.stdout.splitlines())
    return {**environment, "DOCKER_HOST": f"{place.rstrip('/')}:{options['port']}"}


def on_its_disk(engine: docker.DockerClient) -> Path | None:
    """A folder on the disk of the engine's images; None if none is within reach from here."""
    if inside():
        return Path("/")  # a controller's own layers lie there
    root = Path(str(engine.info().get("DockerRootDir", "/")))
    return root if root.exists() else None


def cpu_shares() -> int:
    """What a container may have of a processor that others want as well (`--cpu-shares`).

    Machines give way as whoever makes them does: with `nice -n 10` they have a ninth of what the
    others have. 1024 is what a container has otherwise, and each step of niceness divides by 1.25
    as in the kernel (sched_prio_to_weight). 0, the engine's default, for who is not nice.
    """
    if sys.platform == "win32":
        return 0
    niceness = os.nice(0)
    return round(1024 / 1.25**niceness) if niceness > 0 else 0


def processors_each(engine: docker.DockerClient) -> int:
    """How many processors the programs of one machine may take for theirs: half of the engine's.

    A container sees all of them, and so do nine runtimes of Go in three machines: each spreads its
    work over as many threads, which wake each other all the time. With one of two a container
    starts for a seventh less of processor time, and a list of containers is had for a third less.
    """
    return max(1, int(engine.info().get("NCPU", 1)) // 2)


def cgroup_parent() -> str | None:
    """The control group in which machines have theirs, as the engine calls it (`--cgroup-parent`).

    What is set there holds for all machines of a lab together: a share of a server that others use
    as well, or only what nobody else wants. The engine's default, None, unless LABKIT_CGROUP_PARENT
    says another.
    """
    return os.environ.get("LABKIT_CGROUP_PARENT") or None


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn an error of the engine into a sentence that says what was being done."""
    try:
        yield
    except APIError as error:
        text = str(error.explanation or error)
        if "no space left" in text.lower():
            raise NotReadyError(
                _("the disk is full ({doing})", doing=doing),
                then=_("docker system df, then docker system prune"),
            ) from error
        raise NotReadyError(
            _("the Docker Engine refused: {text}", text=text), where=doing, then="labkit doctor"
        ) from error
    except RequestException as error:
        raise NotReadyError(
            _("the Docker Engine does not answer any more"), where=doing, then="labkit doctor"
        ) from error


def is_rootless(info: Mapping[str, Any]) -> bool:
    """Whether the engine, by its `info()`, is a user's own, with the rights of a user namespace."""
    return any("name=rootless" in option for option in info.get("SecurityOptions") or [])


def has_control_groups(info: Mapping[str, Any]) -> bool:
    """Whether its containers get control groups, without which no systemd starts in them.

    A rootless engine says "none" where none are handed down to it: with version 1, or without the
    user's own systemd (docs.docker.com/engine/security/rootless).
    """
    return info.get("CgroupDriver") != "none"


def must_have_control_groups(engine: docker.DockerClient) -> None:
    """NotReadyError if no machine could start on this engine."""
    if not has_control_groups(engine.info()):
        raise NotReadyError(
            _("the Docker Engine is rootless and has no control groups: no machine starts on it"),
            where=endpoint(),
            then=_("a Docker Engine that is not rootless"),
        )


def bounding_set() -> int:
    """The capabilities that the engine itself may give, as the kernel's bit mask.

    Read from dockerd's own /proc entry where it can be found, else from ours: in a restricted
    host both lack the same ones, and asking for one of those makes the engine refuse to start a
    container at all. A controller's own say nothing; it sees no dockerd if the engine is rootless,
    and then all of its user namespace.
    """
    own = Path("/proc/self/status")
    for process in Path("/proc").glob("[0-9]*/comm"):
        try:
            if process.read_text().strip() == "dockerd":
                return _cap_bnd(process.with_name("status").read_text())
        except OSError:
            continue  # it ended meanwhile
    return _cap_bnd(own.read_text()) if own.exists() and not inside() else -1


def _cap_bnd(status: str) -> int:
    found = re.search(r"^CapBnd:\s*([0-9a-f]+)", status, re.MULTILINE)
    return int(found.group(1), 16) if found else -1


def capabilities(mask: int) -> list[str]:
    """What a node asks for: all that it needs and that the host can give."""
    return [name for name, bit in CAPABILITIES.items() if mask >> bit & 1]
