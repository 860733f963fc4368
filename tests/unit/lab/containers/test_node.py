"""What a machine's container is made of: its engine's settings, its rights, its first files."""

from __future__ import annotations

import base64
import contextlib
import errno
import io
import itertools
import json
import subprocess
import tarfile
from ipaddress import IPv4Network
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker
import pytest
from docker.errors import NotFound

from labkit.course.blueprint import MOST
from labkit.errors import NotReadyError
from labkit.lab.containers import node as nodes
from labkit.lab.containers.engine import CAPABILITIES, capabilities, processors_each
from labkit.lab.containers.network import POOL
from labkit.lab.containers.node import Node, daemon_json, first_files, host_resolvers
from labkit.lab.store import KeyPair
from labkit.remote import Result
from labkit.remote.shell import READ_TIMEOUT_S

HOST_KEY = KeyPair(Path("host"), b"HOST PRIVATE", "ssh-ed25519 HOSTPUBLIC")
LOGIN_KEY = KeyPair(Path("login"), b"LOGIN PRIVATE", "ssh-ed25519 LOGINPUBLIC")
MACHINES = tuple(f"m{number}" for number in range(MOST))  # as many as a course can have
MAX_ARG_STRLEN = 128 * 1024  # bytes: the kernel's limit for one variable of the environment


def node(name: str, lab: str = "one") -> Node:
    return Node(
        lab=lab,
        name=name,
        number=MACHINES.index(name) if name in MACHINES else 0,
        image="labkit/node:debian13-0",
        address="10.77.0.11",
        mirror="10.77.0.2",
        user="ada",
        os="debian13",
        host_key=HOST_KEY,
        login_key=LOGIN_KEY,
    )


def configuration(name: str, resolvers: list[str] | None = None) -> dict[str, Any]:
    return dict(daemon_json(node(name), resolvers or []))


def networks(name: str) -> list[IPv4Network]:
    """Every network that Docker may make inside a machine."""
    made = configuration(name)
    pools = [IPv4Network(pool["base"]) for pool in made["default-address-pools"]]
    assert all(pool["size"] > IPv4Network(pool["base"]).prefixlen for pool in made[
        "default-address-pools"
    ])  # fmt: skip
    return [IPv4Network(made["bip"], strict=False), *pools]


# -- Docker inside a machine


def test_the_networks_inside_the_machines_are_apart_from_one_another() -> None:
    everything = [network for name in MACHINES for network in networks(name)]
    assert len(everything) == 2 * len(MACHINES)
    for one, other in itertools.combinations(everything, 2):
        assert not one.overlaps(other), f"{one} and {other}"


def test_the_networks_inside_the_machines_are_apart_from_every_labs() -> None:
    for name in MACHINES:
        assert not any(network.overlaps(POOL) for network in networks(name))


def test_the_bridge_has_an_address_and_not_only_a_network() -> None:
    """Docker takes `bip` for the bridge's own address; a network address is refused."""
    for name in MACHINES:
        given = configuration(name)["bip"]
        assert str(IPv4Network(given, strict=False)) != given


def test_the_labs_mirror_is_asked_first_and_trusted_without_tls() -> None:
    made = configuration("web1")
    assert made["registry-mirrors"] == ["http://10.77.0.2:5000"]
    assert made["insecure-registries"] == ["10.77.0.2:5000"]


def test_name_servers_are_named_only_where_there_are_some() -> None:
    assert configuration("lb", ["192.0.2.1", "192.0.2.2"])["dns"] == ["192.0.2.1", "192.0.2.2"]
    assert "dns" not in configuration("lb")


@pytest.mark.parametrize(
    ("resolv_conf", "servers"),
    [
        ("nameserver 192.0.2.1\nnameserver 2001:db8::1\n", ["192.0.2.1"]),  # a lab has no IPv6
        ("nameserver 2001:db8::1\n", []),
        ("nameserver 127.0.0.53\noptions edns0\nsearch example.org\n", []),
        ("nameserver 127.0.0.11\nnameserver\t192.0.2.1 \n", ["192.0.2.1"]),
        ("# nameserver 192.0.2.9\n;nameserver 192.0.2.8\nnameserver\n", []),
        ("", []),
    ],
)
def test_the_hosts_name_servers_are_those_that_a_container_can_reach(
    resolv_conf: str, servers: list[str]
) -> None:
    assert host_resolvers(resolv_conf) == servers


@pytest.mark.parametrize("server", ["::1", "fe80::1%eth0"])
def test_a_name_server_that_only_the_host_can_reach_is_left_out(server: str) -> None:
    assert host_resolvers(f"nameserver {server}\nnameserver 192.0.2.1\n") == ["192.0.2.1"]


# -- what the engine is asked for


def test_a_capability_that_the_host_lacks_is_not_asked_for() -> None:
    """The engine refuses to start a container at all that asks for one of those."""
    full = sum(1 << bit for bit in CAPABILITIES.values())
    assert set(capabilities(full)) == set(CAPABILITIES)
    for name, bit in CAPABILITIES.items():
        assert set(capabilities(full & ~(1 << bit))) == set(CAPABILITIES) - {name}


def test_capabilities_that_no_machine_needs_are_not_asked_for() -> None:
    assert set(capabilities(2**41 - 1)) == set(CAPABILITIES)
    assert "SYS_RESOURCE" not in CAPABILITIES
    assert "SYS_MODULE" not in CAPABILITIES
    assert "DAC_READ_SEARCH" not in CAPABILITIES, "with it open_by_handle_at finds any file"


def test_an_unknown_mask_asks_for_all_and_an_empty_one_for_none() -> None:
    assert set(capabilities(-1)) == set(CAPABILITIES)
    assert capabilities(0) == []


def test_the_numbers_of_the_capabilities_are_the_kernels() -> None:
    """From linux/capability.h: a wrong number would ask for another right."""
    assert CAPABILITIES["CHOWN"] == 0
    assert CAPABILITIES["NET_BIND_SERVICE"] == 10
    assert (CAPABILITIES["NET_ADMIN"], CAPABILITIES["NET_RAW"]) == (12, 13)
    assert (CAPABILITIES["SYS_CHROOT"], CAPABILITIES["SYS_PTRACE"]) == (18, 19)
    assert (CAPABILITIES["SYS_ADMIN"], CAPABILITIES["SYS_BOOT"]) == (21, 22)
    assert (CAPABILITIES["MKNOD"], CAPABILITIES["SETFCAP"]) == (27, 31)
    assert len(set(CAPABILITIES.values())) == len(CAPABILITIES)


def test_names_and_volumes_differ_between_machines_and_labs() -> None:
    """Volumes are a machine's disk: two machines must never share one."""
    all_nodes = [node(name, lab) for lab in ("one", "two") for name in MACHINES]
    names = [one.container_name for one in all_nodes]
    volumes = [volume for one in all_nodes for volume in one.volumes]
    assert len(set(names)) == len(all_nodes)
    assert len(set(volumes)) == len(volumes) == 2 * len(all_nodes)
    assert set(all_nodes[0].volumes.values()) == {"/var/lib/docker", "/var/lib/containerd"}


def test_a_node_is_found_again_by_its_labels() -> None:
    assert node("web2").labels == {
        "io.labkit.lab": "one",
        "io.labkit.machine": "web2",
        "io.labkit.address": "10.77.0.11",
        "io.labkit.os": "debian13",
        "io.labkit.user": "ada",
    }


class FakeEngine:
    """An engine without the node, whose API client only puts requests together."""

    def __init__(self) -> None:
        self.api, self.containers, self.volumes = self, self, self
        self.client = docker.APIClient("unix:///nowhere", version="1.41")
        self.asked: dict[str, Any] = {}
        self.made_volumes: list[str] = []

    def info(self) -> dict[str, int]:
        return {"NCPU": 4}

    def get(self, name: str) -> str:
        if not self.asked:
            raise NotFound(name)
        return name

    def create(self, volume: str, labels: dict[str, str]) -> None:
        assert labels
        self.made_volumes.append(volume)

    def create_container(self, image: str, **options: Any) -> dict[str, str]:
        self.asked = {"image": image, **options}
        return {"Id": "new"}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)


def asked_for() -> dict[str, Any]:
    """What the engine is asked for when a machine is made."""
    engine = FakeEngine()
    assert nodes.create(engine, node("web1")) == "new"  # type: ignore[arg-type]
    assert engine.made_volumes == ["labkit-one-web1-docker", "labkit-one-web1-containerd"]
    return engine.asked


def test_a_machine_gets_no_device_of_the_host() -> None:
    """Neither one by name nor a rule by which root in it could open what it makes with mknod."""
    host = asked_for()["host_config"]
    assert not host.get("DeviceCgroupRules")
    assert not host.get("Devices")
    assert not host.get("DeviceRequests")
    assert not host.get("Privileged")
    assert host["CapDrop"] == ["ALL"]
    assert set(host["CapAdd"]) <= set(CAPABILITIES)


def test_calls_that_no_machine_needs_are_refused_and_keys_are_not_there() -> None:
    """Not there, and not refused: runc ends a container that may not have a key."""
    (seccomp,) = (
        option.removeprefix("seccomp=")
        for option in asked_for()["host_config"]["SecurityOpt"]
        if option.startswith("seccomp=")
    )
    profile = json.loads(seccomp)
    answers = {name: rule["errnoRet"] for rule in profile["syscalls"] for name in rule["names"]}
    for name in ("kexec_load", "init_module", "finit_module", "open_by_handle_at", "swapoff"):
        assert answers[name] == errno.EPERM
    for name in ("keyctl", "add_key", "request_key"):
        assert answers[name] == errno.ENOSYS
    assert not {"mount", "unshare", "pivot_root", "setns", "clone", "bpf"} & set(answers)
    assert {one["architecture"] for one in profile["archMap"]} >= {
        "SCMP_ARCH_X86_64",
        "SCMP_ARCH_AARCH64",
    }, "what comes by an architecture that is not named is killed"


def test_settings_of_the_hosts_kernel_are_read_only_but_for_the_network() -> None:
    """`/proc/sys/net` is the machine's own, and its engine forwards packets by it."""
    host = asked_for()["host_config"]
    assert {f"/proc/sys/{name}" for name in ("kernel", "vm", "fs")} <= set(host["ReadonlyPaths"])
    assert "/proc/sysrq-trigger" in host["ReadonlyPaths"]
    assert not {"/proc/sys", "/proc/sys/net"} & {*host["ReadonlyPaths"], *host["MaskedPaths"]}
    assert "/proc/kcore" in host["MaskedPaths"]


def test_a_machine_cannot_take_all_of_the_computer() -> None:
    host = asked_for()["host_config"]
    assert host["PidsLimit"] == 4096
    assert host["Memory"] == host["MemorySwap"] == 3 * 2**30, "no swap beyond the memory"


@pytest.mark.parametrize(("niceness", "shares"), [(-5, None), (0, None), (10, 110), (19, 15)])
def test_a_machine_gives_way_as_whoever_makes_it(
    monkeypatch: pytest.MonkeyPatch, niceness: int, shares: int | None
) -> None:
    """The kernel's weights: 1024 for nobody's niceness, 110 for 10, 15 for 19."""
    monkeypatch.setattr("os.nice", lambda _step: niceness)
    assert asked_for()["host_config"].get("CpuShares") == shares


@pytest.mark.parametrize(("said", "parent"), [("/labkit", "/labkit"), ("", None), (None, None)])
def test_a_machine_is_in_the_control_group_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, said: str | None, parent: str | None
) -> None:
    monkeypatch.delenv("LABKIT_CGROUP_PARENT", raising=False)
    if said is not None:
        monkeypatch.setenv("LABKIT_CGROUP_PARENT", said)
    assert asked_for()["host_config"].get("CgroupParent") == parent


def test_a_name_that_nobody_knows_takes_seconds_and_not_a_minute() -> None:
    """By resolv.conf(5): two names of a check, each asked for as it stands and once more."""
    options = dict(option.split(":") for option in asked_for()["host_config"]["DnsOptions"])
    assert 2 * 2 * int(options["timeout"]) * int(options["attempts"]) < READ_TIMEOUT_S / 2


def test_a_machine_sees_nothing_of_the_hosts_but_its_own_volumes() -> None:
    host = asked_for()["host_config"]
    assert host["Binds"] == [
        "labkit-one-web1-docker:/var/lib/docker:nocopy",
        "labkit-one-web1-containerd:/var/lib/containerd:nocopy",
    ]
    assert host["CgroupnsMode"] == "private"
    assert not {"PidMode", "IpcMode", "UTSMode", "UsernsMode", "PortBindings"} & set(host)


# -- the first files


def unpacked(packed: str) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    """What the machine's `base64 -d | tar -xz -C /` finds."""
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(packed, validate=True))) as tar:
        members = tar.getmembers()
        assert len({member.name for member in members}) == len(members)
        return {
            member.name: (member, stream.read())
            for member in members
            if (stream := tar.extractfile(member))
        }


def test_a_new_machine_unpacks_exactly_these_files() -> None:
    found = unpacked(first_files(node("web1"), 2))
    assert {
        path: (oct(member.mode), member.uid, member.gid) for path, (member, _data) in found.items()
    } == {
        "etc/ssh/ssh_host_ed25519_key": ("0o600", 0, 0),
        "etc/ssh/ssh_host_ed25519_key.pub": ("0o644", 0, 0),
        "home/ada/.ssh/authorized_keys": ("0o600", 1000, 1000),
        "etc/docker/daemon.json": ("0o644", 0, 0),
        "etc/environment": ("0o644", 0, 0),
        "etc/systemd/system.conf.d/20-processors.conf": ("0o644", 0, 0),
    }
    assert all(member.isreg() for member, _data in found.values()), "folders keep their owners"


def test_each_key_is_where_sshd_looks_for_it_and_the_login_key_stays_at_home() -> None:
    files = {path: data for path, (_member, data) in unpacked(first_files(node("lb"), 2)).items()}
    assert files["etc/ssh/ssh_host_ed25519_key"] == b"HOST PRIVATE"
    assert files["etc/ssh/ssh_host_ed25519_key.pub"] == b"ssh-ed25519 HOSTPUBLIC\n"
    assert files["home/ada/.ssh/authorized_keys"] == b"ssh-ed25519 LOGINPUBLIC\n"
    assert not any(b"LOGIN PRIVATE" in data for data in files.values())


def test_the_engines_configuration_is_the_machines_own() -> None:
    for name in MACHINES:
        _member, data = unpacked(first_files(node(name), 2))["etc/docker/daemon.json"]
        assert json.loads(data)["bip"] == configuration(name)["bip"]


@pytest.mark.parametrize(
    ("info", "each"), [({"NCPU": 1}, 1), ({"NCPU": 2}, 1), ({"NCPU": 5}, 2), ({}, 1)]
)
def test_programs_of_a_machine_take_half_of_the_processors_for_theirs(
    info: dict[str, int], each: int
) -> None:
    engine: Any = SimpleNamespace(info=lambda: info)
    assert processors_each(engine) == each
    files = {p: data for p, (_m, data) in unpacked(first_files(node("web1"), each)).items()}
    assert files["etc/environment"] == f"GOMAXPROCS={each}\n".encode()
    said = files["etc/systemd/system.conf.d/20-processors.conf"].decode()
    assert said == f"[Manager]\nDefaultEnvironment=GOMAXPROCS={each}\n"


def test_the_first_files_fit_into_a_variable_of_the_environment() -> None:
    assert len(f"LABKIT_FILES={first_files(node('web1'), 2)}") < MAX_ARG_STRLEN


class FakeContainer:
    """A running container that keeps the command it was given."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []

    def exec_run(self, command: list[str]) -> None:
        self.commands.append(command)


def test_lost_keys_are_given_again_without_touching_the_engines_configuration() -> None:
    container = FakeContainer()
    nodes.inject_keys(container, node("web1"))  # type: ignore[arg-type]
    ((shell, option, script),) = container.commands
    assert (shell, option) == ("sh", "-c")
    packed, _, rest = script.removeprefix("echo ").partition(" | ")
    assert rest.startswith("base64 -d | tar -xz -C /; systemctl restart ssh")
    assert set(unpacked(packed)) == {
        "etc/ssh/ssh_host_ed25519_key",
        "etc/ssh/ssh_host_ed25519_key.pub",
        "home/ada/.ssh/authorized_keys",
    }


# -- when it is ready


@pytest.mark.parametrize(
    ("enabled", "answers", "code"),
    [(False, False, 0), (True, True, 0), (True, False, 7)],
    ids=["el9 before step 1", "engine answers", "engine not yet"],
)
def test_an_engine_is_waited_for_where_systemd_starts_one(
    enabled: bool, answers: bool, code: int, tmp_path: Path
) -> None:
    """By the shell's own reading of the question, with programs that answer as told."""
    ends = {"systemctl": 0 if enabled else 1, "sudo": 0 if answers else 1}
    for name, end in ends.items():
        (tmp_path / name).write_text(f'#!/bin/sh\n[ "$1" = is-system-running ] || exit {end}\n')
        (tmp_path / name).chmod(0o755)
    ran = subprocess.run(["/bin/sh", "-c", nodes.READY], env={"PATH": str(tmp_path)}, check=False)
    assert ran.returncode == code


class Booting:
    """A node whose sshd greets after some seconds, a clock that only sleeping moves, an engine."""

    status = "running"

    def __init__(self, seconds: float) -> None:
        self.now, self.greets, self.knocks, self.looks = 0.0, seconds, 0, 0
        self.containers = self

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def get(self, _name: str) -> Booting:
        self.looks += 1
        return self

    def create_connection(self, _address: object, timeout: float) -> contextlib.closing[Booting]:
        assert timeout > 0
        self.knocks += 1
        if self.now < self.greets:
            raise ConnectionRefusedError
        return contextlib.closing(self)

    def recv(self, count: int) -> bytes:
        return b"SSH-2.0-OpenSSH"[:count]

    def close(self) -> None:
        pass

    def ask(self, _question: str, timeout: float) -> Result:
        assert timeout > 0
        return Result("", "running\noverlay2", "", 0)


def test_a_node_that_boots_is_knocked_at_often_and_its_container_looked_at_seldom(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    booting = Booting(10.0)
    monkeypatch.setattr(nodes, "time", booting)
    monkeypatch.setattr(nodes, "socket", booting)
    waited = nodes.wait_ready(booting, node("web1"), booting)  # type: ignore[arg-type]
    assert waited == pytest.approx(10.0, abs=nodes.POLL_S)
    assert booting.knocks >= 10.0 / nodes.POLL_S
    assert 0 < booting.looks <= 10.0 / nodes.LOOK_S + 1


class Degraded(Booting):
    """One whose services ran into their limits; what is started again fails again, or does not."""

    def __init__(self, fails_again: str) -> None:
        super().__init__(seconds=0.0)
        self.fails_again = fails_again
        self.restarted = False

    def ask(self, question: str, timeout: float, *, sudo: bool = False) -> Result:
        assert timeout > 0
        if question == nodes.READY:
            state = "running\noverlay2" if self.restarted else "degraded"
            return Result("", state, "", 0 if self.restarted else 7)
        assert sudo
        assert "systemctl restart" in question
        self.restarted = True
        return Result("", self.fails_again, "", 0)


@pytest.mark.parametrize("fails_again", ["", "firewalld.service"])
def test_a_service_that_failed_at_the_boot_is_started_again(
    monkeypatch: pytest.MonkeyPatch, fails_again: str
) -> None:
    booting = Degraded(fails_again)
    monkeypatch.setattr(nodes, "time", booting)
    monkeypatch.setattr(nodes, "socket", booting)
    ends = (
        pytest.raises(NotReadyError, match=fails_again) if fails_again else contextlib.nullcontext()
    )
    with ends:
        nodes.wait_ready(booting, node("web1"), booting)  # type: ignore[arg-type]
    assert booting.restarted


class Flapping(Degraded):
    """One with a service that starts each time, and fails a moment later."""

    def __init__(self) -> None:
        super().__init__(fails_again="")

    def ask(self, question: str, timeout: float, *, sudo: bool = False) -> Result:
        self.restarted = False
        assert self.now < 10 * nodes.BOOT_LIMIT_S
        return super().ask(question, timeout, sudo=sudo)

    def logs(self, tail: int) -> bytes:
        return b"a line\n" * tail


def test_a_service_that_fails_each_time_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flapping = Flapping()
    monkeypatch.setattr(nodes, "time", flapping)
    monkeypatch.setattr(nodes, "socket", flapping)
    with pytest.raises(NotReadyError, match="did not become ready in time"):
        nodes.wait_ready(flapping, node("web1"), flapping)  # type: ignore[arg-type]
    assert flapping.now == pytest.approx(nodes.BOOT_LIMIT_S, abs=nodes.LOOK_S)
