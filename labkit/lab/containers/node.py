"""One machine as a container: what it is made of, how it is started, when it is ready."""

from __future__ import annotations

import base64
import io
import json
import socket
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import docker
from docker.errors import NotFound
from docker.models.containers import Container

from labkit.errors import LabkitError, NotReadyError
from labkit.lab.common import not_whole, started_again
from labkit.lab.containers.engine import (
    MASKED,
    READ_ONLY,
    SECURITY,
    bounding_set,
    capabilities,
    cgroup_parent,
    cpu_shares,
    explained,
    processors_each,
)
from labkit.lab.containers.listing import (
    ADDRESS_LABEL,
    LAB_LABEL,
    MACHINE_LABEL,
    OS_LABEL,
    USER_LABEL,
)
from labkit.lab.containers.network import INNER_BRIDGE, INNER_POOL, network_name
from labkit.lab.store import KeyPair
from labkit.locale import _

if TYPE_CHECKING:
    from labkit.remote import SshShell

USER_ID = 1000
# An idle computer needs 6 s, one with both cores busy 20 s; beside others that took all, over 120.
BOOT_LIMIT_S = 240.0
POLL_S = 0.05
FAILED = "$(systemctl --failed --plain --no-legend | cut -d' ' -f1)"
# Between two looks at a container that boots. One costs the engine and this side 4 ms of processor
# time: three nodes, looked at as often as they are knocked at, would keep a fifth of a core busy.
LOOK_S = 1.0
# What a submission may take of the computer: a fork bomb or a memory hog ends in its own machine.
# An engine without these control groups warns and goes on without.
PROCESSES = 4096  # a machine with every container of the practical has about 100 threads
MEMORY = 3 * 2**30  # bytes; such a machine was seen to use 250 MiB, caches included
# resolv.conf(5). Where no name server answers, the usual 5 s, several times over, would use up the
# time of every question that holds a name.
RESOLVING = ["timeout:1", "attempts:2"]
DATA_FOLDERS = {"docker": "/var/lib/docker", "containerd": "/var/lib/containerd"}
# Ends in 7 while the engine does not answer. None is waited for where systemd starts none: a
# machine whose Docker comes in step 1.
READY = (
    "systemctl is-system-running --wait; ! systemctl is-enabled --quiet docker 2>/dev/null"
    " || sudo -n docker info --format '{{.Driver}}' 2>/dev/null || exit 7"
)


@dataclass(frozen=True)
class Node:
    """Everything that decides what a machine's container looks like."""

    lab: str
    name: str
    number: int  # among the machines of the lab, from 0: what its own Docker's networks are made of
    image: str
    address: str
    mirror: str
    user: str  # who logs in, with `login_key`
    os: str
    host_key: KeyPair
    login_key: KeyPair
    moved: str = ""  # from another lab's checkpoint: the sed script that puts its addresses right
    checkpoint: bool = False  # the image is one, and has this machine's configuration
    published: tuple[int, ...] = ()  # ports that a browser beside the engine's network wants

    @property
    def container_name(self) -> str:
        return f"labkit-{self.lab}-{self.name}"

    @property
    def labels(self) -> dict[str, str]:
        return {
            LAB_LABEL: self.lab,
            MACHINE_LABEL: self.name,
            ADDRESS_LABEL: self.address,
            OS_LABEL: self.os,
            USER_LABEL: self.user,
        }

    @property
    def volumes(self) -> dict[str, str]:
        """Volume name -> folder. Docker's data needs volumes: overlay2 does not nest."""
        return {f"{self.container_name}-{kind}": path for kind, path in DATA_FOLDERS.items()}


def daemon_json(node: Node, resolvers: list[str]) -> dict[str, object]:
    """The configuration of the node's own Docker Engine.

    Its networks are set apart from the lab's (nested subnets collide otherwise) and the mirror is
    asked first. BuildKit insists on TLS for a mirror that is not named as insecure as well. Images
    are in containerd's store, as Docker Engine 29 has it by itself: the store of older engines
    compresses every layer again for a push.
    """
    configuration: dict[str, object] = {
        "bip": INNER_BRIDGE.format(node.number),
        "default-address-pools": [{"base": INNER_POOL.format(node.number * 16), "size": 24}],
        "registry-mirrors": [f"http://{node.mirror}:5000"],
        "insecure-registries": [f"{node.mirror}:5000"],
        "features": {"containerd-snapshotter": True},
        "shutdown-timeout": 3,  # seconds for containers that ignore SIGTERM, when a node stops
        "log-driver": "json-file",
        "log-opts": {"max-size": "10m", "max-file": "2"},
    }
    if resolvers:
        configuration["dns"] = resolvers
    return configuration


def host_resolvers(resolv_conf: str) -> list[str]:
    """The name servers that a container in a node can reach: the host's, by IPv4, loopback apart.

    Without them the inner engine falls back to public ones, since the node's own (127.0.0.11) is
    of no use to a container in it.
    """
    servers = [
        line.split()[1]
        for line in resolv_conf.splitlines()
        if line.startswith("nameserver") and len(line.split()) > 1
    ]
    return [server for server in servers if ":" not in server and not server.startswith("127.")]


def create(engine: docker.DockerClient, node: Node) -> Container:
    """Create (not start) the container and its volumes; an existing one is taken as it is."""
    try:
        return engine.containers.get(node.container_name)
    except NotFound:
        pass
    api = engine.api
    with explained(_("creating {node}", node=node.name)):
        for volume in node.volumes:
            engine.volumes.create(volume, labels=node.labels)
        host = api.create_host_config(
            # nocopy: a volume may be filled from a checkpoint while the container is made.
            binds=[f"{volume}:{path}:nocopy" for volume, path in node.volumes.items()],
            cap_drop=["ALL"],
            cap_add=capabilities(bounding_set()),  # never --privileged: many hosts refuse it
            security_opt=SECURITY,
            # No device_cgroup_rules: the engine's own let the inner engine make its containers'
            # devices and open none but null, zero, full, random, terminals. No disk of the host.
            cpu_shares=cpu_shares(),
            cgroup_parent=cgroup_parent(),
            pids_limit=PROCESSES,
            mem_limit=MEMORY,
            memswap_limit=MEMORY,  # of memory and swap together: no swap
            tmpfs={"/run": "exec", "/run/lock": "", "/tmp": "exec"},  # what systemd expects
            # Of any number that is free, and for this computer alone.
            port_bindings=dict.fromkeys(node.published, ("127.0.0.1", None)) or None,
            dns_opt=RESOLVING,
            init=False,  # systemd is process 1, whatever the engine's default is
            # `sudo reboot` ends process 1 with a failure, and the machine boots again. A power cut
            # is asked of the engine, which then restarts nothing.
            restart_policy={"Name": "on-failure"},
        )
        host["CgroupnsMode"] = "private"  # said explicitly: on cgroup v1 the default is the host's
        host["MaskedPaths"] = MASKED
        host["ReadonlyPaths"] = READ_ONLY
        endpoint = api.create_endpoint_config(ipv4_address=node.address)
        made = api.create_container(
            node.image,
            name=node.container_name,
            labels=node.labels,
            # Both are said even if empty: the image of a checkpoint brings its machine's own.
            entrypoint=["/usr/local/sbin/labkit-boot"],
            environment={
                "container": "docker",
                "LABKIT_FILES": (
                    _archive(_keys(node))
                    if node.checkpoint
                    else first_files(node, processors_each(engine))
                ),
                "LABKIT_MOVED": node.moved,
            },
            ports=list(node.published),
            stop_signal="SIGRTMIN+3",  # the signal for a clean halt of systemd
            host_config=host,
            networking_config=api.create_networking_config(
                {network_name(node.lab): endpoint}  # type: ignore[arg-type]  # a dict, in truth
            ),
        )
        return engine.containers.get(made["Id"])


Files = dict[str, tuple[bytes, int, int]]  # path -> content, mode, owner


def _keys(node: Node) -> Files:
    public, login = (f"{key.public}\n".encode() for key in (node.host_key, node.login_key))
    return {
        "etc/ssh/ssh_host_ed25519_key": (node.host_key.private, 0o600, 0),
        "etc/ssh/ssh_host_ed25519_key.pub": (public, 0o644, 0),
        f"home/{node.user}/.ssh/authorized_keys": (login, 0o600, USER_ID),
    }


def _archive(files: Files) -> str:
    """A tar of these files alone (no folders: their owners stay), gzip, base64."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path, (content, mode, owner) in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), mode
            entry.uid = entry.gid = owner
            entry.mtime = int(time.time())
            tar.addfile(entry, io.BytesIO(content))
    return base64.b64encode(packed.getvalue()).decode()


def first_files(node: Node, processors: int) -> str:
    """What a new node unpacks at its first boot: keys and the engine's configuration.

    And how many processors its programs in Go may take for theirs (runtime: GOMAXPROCS), services
    by systemd.conf(5) and logins by pam_env(8).
    """
    resolv = Path("/etc/resolv.conf")
    resolvers = host_resolvers(resolv.read_text() if resolv.exists() else "")
    configuration = json.dumps(daemon_json(node, resolvers), indent=2).encode() + b"\n"
    limit = f"GOMAXPROCS={processors}\n"
    manager = f"[Manager]\nDefaultEnvironment={limit}"
    return _archive(
        {
            **_keys(node),
            "etc/docker/daemon.json": (configuration, 0o644, 0),
            "etc/environment": (limit.encode(), 0o644, 0),
            "etc/systemd/system.conf.d/20-processors.conf": (manager.encode(), 0o644, 0),
        }
    )


def inject_keys(container: Container, node: Node) -> None:
    """Give a running node this lab's keys again, after they were lost on the user's side."""
    script = f"echo {_archive(_keys(node))} | base64 -d | tar -xz -C /"
    with explained(_("giving {node} its keys again", node=node.name)):
        container.exec_run(
            ["sh", "-c", f"{script}; systemctl restart ssh || systemctl restart sshd"]
        )


def boot(engine: docker.DockerClient, node: Node) -> None:
    """Create and start the node; what is there already is left alone."""
    container = create(engine, node)
    if container.status == "running":
        return
    if container.status == "paused":
        container.unpause()
        return
    with explained(_("starting {node}", node=node.name)):
        container.start()


def wait_ready(engine: docker.DockerClient, node: Node, shell: SshShell) -> float:
    """Wait until the node takes SSH logins and its engine answers; seconds waited.

    Raises `NotReadyError` with the last lines of its console if it stops or takes too long.
    """
    started = time.monotonic()
    deadline = started + BOOT_LIMIT_S
    while not _ssh_answers(node.address):
        _still_running(engine, node, deadline)
    while True:
        try:
            answer = shell.ask(READY, timeout=max(5.0, deadline - time.monotonic()))
        except LabkitError:  # not ready for logins yet: /run/nologin still stands
            answer = None
        if answer and answer.ok and answer.text.startswith("running"):
            return time.monotonic() - started
        if answer and answer.text.startswith("degraded"):
            again = started_again(FAILED)
            failed = shell.ask(again, sudo=True, timeout=BOOT_LIMIT_S).text.split()
            if failed:
                raise not_whole(node.name, failed)
        _still_running(engine, node, deadline)
        time.sleep(POLL_S)


def _ssh_answers(address: str) -> bool:
    """Whether a node greets within LOOK_S."""
    end = time.monotonic() + LOOK_S
    while time.monotonic() < end:
        try:
            with socket.create_connection((address, 22), timeout=LOOK_S) as connection:
                if connection.recv(4) == b"SSH-":
                    return True
        except OSError:
            pass
        time.sleep(POLL_S)
    return False


def _still_running(engine: docker.DockerClient, node: Node, deadline: float) -> None:
    container = engine.containers.get(node.container_name)
    if container.status == "running" and time.monotonic() < deadline:
        return
    console = container.logs(tail=5).decode(errors="replace").strip()
    console = console or _("(nothing)")
    if container.status == "running":
        what = _(
            "{node} did not become ready in time; its console says:\n{console}",
            node=node.name,
            console=console,
        )
    else:
        what = _(
            "{node} stopped at boot; its console says:\n{console}", node=node.name, console=console
        )
    raise NotReadyError(
        what,
        where=node.container_name,
        then=_("labkit destroy, then labkit up (another system: LABKIT_FAMILY=debian13 labkit up)"),
    )
