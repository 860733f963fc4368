"""The kinds of host that can be made on this computer: a lab on each, and a table of what worked.

A kind is where the machines run, or what they are made of: those of Debian 12 have the HAProxy, the
Docker Engine and the rsyslog of its time, which are nearer to Rocky Linux 9's. Docker Desktop and
its like are engines whose containers cannot be reached: one is made here, in a container of its own
with the machines' image, and only its API is published. For each kind the table says which engine
it was and how long each command took, or with which code it ended.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import docker
import requests
from docker.models.containers import Container

from labkit import child
from labkit.course import find_blueprint
from labkit.lab.containers.engine import bounding_set, capabilities, connect
from labkit.lab.containers.images import ensure_node_image
from labkit.lab.containers.node import DATA_FOLDERS

TABLE = Path(__file__).parents[1] / "docs" / "includes" / "hosts.md"
LAB = "hosts"
COMMANDS = ("up", "step all", "check", "drill kill", "verify --smoke")
NOT_AWAY = ("verify --smoke",)  # three labs at once, which ask of machines and not of the way there
# Of lb: what the machines' system calls itself, and the versions of what the checks read.
ABOUT = (
    ". /etc/os-release; haproxy=$(haproxy -v | sed -n 's/^[^0-9]*\\([0-9.]*\\).*/\\1/p;q');"
    " engine=$(docker version --format '{{.Server.Version}}');"
    ' echo "$NAME ${VERSION_ID}: HAProxy $haproxy, Docker ${engine%%+*}"'
)
API_PORT = 2375
ENGINE = "hosts-engine"
PATIENCE_S = 90.0
API_OF_IT = f"""\
[Service]
ExecStart=
ExecStart=/usr/sbin/dockerd -H unix:///var/run/docker.sock -H tcp://0.0.0.0:{API_PORT} --tls=false
"""
# A machine's own services: its firewall would shut the API out.
MASKED = ("firewalld", "haproxy", "rsyslog", "ssh")


@dataclass
class Row:
    """A kind of host and what came of it."""

    kind: str
    engine: Mapping[str, str]
    machines: str = ""
    ended: list[str] = field(default_factory=list)

    def line(self) -> str:
        about = [self.engine.get(key, "") for key in ("ServerVersion", "CgroupVersion", "Driver")]
        return f"| {' | '.join([self.kind, *about, self.machines, *self.ended])} |\n"


def main() -> bool:
    """Try every kind, one after the other, and write the table; whether all of them worked."""
    here = connect()
    direct, controller = {"LABKIT_REACH": "direct"}, {"LABKIT_REACH": "controller"}
    older = {**direct, "LABKIT_FAMILY": "debian12"}
    rows = [
        tried("Linux, its own engine", here, direct),
        tried("the same, with older machines", here, older),
        tried("the same, by a controller", here, controller),
    ]
    with unreachable_engine(here) as place:
        # It has no network: what it needs is carried there, as to a class room without one.
        with tempfile.TemporaryDirectory() as bundle:
            labkit(f"bundle --for-class {bundle}", dict(os.environ))
            labkit(f"bundle --from {bundle}", {**os.environ, "DOCKER_HOST": place})
        engine = docker.DockerClient(place, version="auto", timeout=600)
        rows.append(tried("an engine reached by its API alone", engine, {"DOCKER_HOST": place}))
    commands = (f"`labkit {one}`" for one in COMMANDS)
    head = ("host", "engine", "cgroup", "storage", "machines", *commands)
    TABLE.write_text(
        f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n{''.join(row.line() for row in rows)}",
        encoding="utf-8",
    )
    return all("exit" not in ended for row in rows for ended in row.ended)


def tried(kind: str, engine: docker.DockerClient, environment: Mapping[str, str]) -> Row:
    """A lab on this kind of host, from `up` to a drill; it is gone afterwards."""
    row = Row(kind, {key: str(value) for key, value in engine.info().items()})
    with tempfile.TemporaryDirectory() as folder:
        told = {**os.environ, "XDG_STATE_HOME": folder, "XDG_CACHE_HOME": folder, **environment}
        try:
            for command in COMMANDS:
                if command in NOT_AWAY and environment.get("LABKIT_REACH") != "direct":
                    row.ended.append("")
                    continue
                started = time.monotonic()
                code = labkit(command, told)
                seconds = f"{time.monotonic() - started:.0f} s"
                row.ended.append(f"**exit {code}**" if code else seconds)
            row.machines = machines(told)
        finally:
            labkit("destroy --yes", told)
    return row


def labkit(command: str, environment: Mapping[str, str]) -> int:
    """Type a command; its exit code."""
    print(f"$ labkit {command}", flush=True)
    return subprocess.run(words_of(*command.split()), env=environment, check=False).returncode


def machines(environment: Mapping[str, str]) -> str:
    """What lb says that it is; "" where it cannot be asked."""
    words = words_of("exec", "lb", "--", "sh", "-c", ABOUT)
    asked = subprocess.run(words, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    return asked.stdout.strip()


def words_of(*command: str) -> list[str]:
    """A command of labkit about the lab of this script, as this Python starts it."""
    return child.python("labkit.cli.main", "--lab", LAB, *command)


@contextmanager
def unreachable_engine(here: docker.DockerClient) -> Iterator[str]:
    """An engine in a container, whose own containers nobody outside it reaches; its address."""
    image = ensure_node_image(here, print, find_blueprint(), "debian13")
    volumes = {f"{ENGINE}-{kind}": path for kind, path in DATA_FOLDERS.items()}
    host = here.api.create_host_config(
        cap_drop=["ALL"],
        cap_add=capabilities(bounding_set()),
        security_opt=["seccomp=unconfined", "apparmor=unconfined"],
        tmpfs={"/run": "exec", "/run/lock": "", "/tmp": "exec"},
        binds={name: {"bind": path, "mode": "rw"} for name, path in volumes.items()},
        port_bindings={API_PORT: ("127.0.0.1", None)},
    )
    # It is an engine of its own, that sets what it likes of its containers' networks.
    host |= {"CgroupnsMode": "private", "MaskedPaths": [], "ReadonlyPaths": []}
    made = here.api.create_container(
        image,
        name=ENGINE,
        host_config=host,
        ports=[API_PORT],
        environment={"container": "docker"},
    )
    container = here.containers.get(made["Id"])
    try:
        container.put_archive("/", configuration())
        container.start()
        container.reload()
        port = container.attrs["NetworkSettings"]["Ports"][f"{API_PORT}/tcp"][0]["HostPort"]
        answers(container, port)
        yield f"tcp://127.0.0.1:{port}"
    finally:
        container.remove(force=True, v=True)
        for name in volumes:
            here.volumes.get(name).remove(force=True)


def configuration() -> bytes:
    """A tar archive of what makes a machine of a lab an engine, and nothing else."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        service = tarfile.TarInfo("etc/systemd/system/docker.service.d/50-api.conf")
        service.size = len(API_OF_IT)
        tar.addfile(service, io.BytesIO(API_OF_IT.encode()))
        for name in MASKED:
            mask = tarfile.TarInfo(f"etc/systemd/system/{name}.service")
            mask.type, mask.linkname = tarfile.SYMTYPE, "/dev/null"
            tar.addfile(mask)
    return made.getvalue()


def answers(container: Container, port: str) -> None:
    """Return once the engine's API answers; RuntimeError, with its log, if it does not in time."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            if requests.get(f"http://127.0.0.1:{port}/_ping", timeout=1).ok:
                return
        except requests.RequestException:
            pass
        if time.monotonic() > deadline:
            raise RuntimeError(str(container.exec_run("journalctl -n 20 -u docker").output))
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
