"""The embedded default: three full-system nodes as containers on the local Docker Engine."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import docker
from docker.errors import NotFound
from docker.models.containers import Container

from labkit import remote
from labkit.errors import NotReadyError
from labkit.lab.containers import node as nodes
from labkit.lab.containers.engine import connect, explained
from labkit.lab.containers.images import ensure_node_image, system_of, wanted_family
from labkit.lab.containers.listing import (
    LAB_LABEL,
    MACHINE_LABEL,
    MIRROR,
    USER,
    filters,
    machines_of,
)
from labkit.lab.containers.network import (
    Subnet,
    address,
    ensure_network,
    find_network,
    network_name,
)
from labkit.lab.mirror import ensure_mirror, run_mirror
from labkit.lab.model import MACHINES, Machine, Say
from labkit.lab.store import key_pair, lab_folder
from labkit.locale import _, number
from labkit.remote import everywhere

ROOM_BYTES = 3 * 2**30  # images 1.5 GiB, what a whole practical writes about 1 GiB


class ContainerProvider:
    """Three nodes, a mirror and a network, found again by their labels."""

    name = "containers"

    def __init__(self, lab: str, engine: docker.DockerClient | None = None) -> None:
        self.lab = lab
        self._engine = engine

    @property
    def engine(self) -> docker.DockerClient:
        """The local engine, connected to on first use."""
        if self._engine is None:
            self._engine = connect()
        return self._engine

    def up(self, say: Say) -> Sequence[Machine]:
        """Create or resume network, mirror and nodes; return when every node is ready."""
        self._room()
        image = ensure_node_image(self.engine, say, wanted_family())
        ensure_mirror(self.engine, say)
        subnet = ensure_network(self.engine, self.lab)
        say(_("network {name}: {subnet}", name=network_name(self.lab), subnet=subnet))
        keys_lost = not self._login_key_path().exists()
        planned = [self._node(name, subnet, image) for name in MACHINES]
        self._write_known_hosts(planned)
        starts = [partial(self._start_mirror, subnet)]
        starts += [partial(self._boot, node, rekey=keys_lost) for node in planned]
        everywhere(_call, starts)
        waited = everywhere(self._wait_ready, planned)
        for node, seconds in zip(planned, waited, strict=True):
            say(
                _(
                    "{node} is ready at {address} ({seconds} s)",
                    node=node.name,
                    address=node.address,
                    seconds=number(seconds, ".1f"),
                )
            )
        return self.machines()

    def down(self, say: Say) -> None:
        """Stop the nodes cleanly, then the mirror; disks stay."""
        everywhere(self._stop, self._containers())
        say(_("lab {name} is stopped; its disks are kept", name=self.lab))

    def destroy(self, say: Say) -> None:
        """Remove containers, volumes, network and keys of this lab. Reports stay."""
        with explained(_("removing lab {name}", name=self.lab)):
            everywhere(lambda container: container.remove(force=True, v=True), self._containers())
            for volume in self.engine.volumes.list(filters={"label": self._label}):
                volume.remove(force=True)
            network = find_network(self.engine, self.lab)
            if network:
                network.remove()
        for path in (self._login_key_path(), self._known_hosts(), *self._host_key_paths()):
            path.unlink(missing_ok=True)
        say(_("lab {name} is gone", name=self.lab))

    def fresh(self, say: Say) -> None:
        """New nodes: they start in seconds, so that nothing is kept of old ones."""
        self.destroy(say)
        self.up(say)

    def machines(self) -> Sequence[Machine]:
        """The nodes that exist, in the order of their names in the practical; one API call."""
        with explained(_("listing the machines")):
            found = self.engine.api.containers(all=True, filters=filters(self.lab))
        return machines_of(self.lab, found)

    def power_off(self, machine: str) -> None:
        """Kill the container: to systemd inside, the power is gone."""
        with explained(_("powering {machine} off", machine=machine)):
            self._container(machine).kill()

    def power_on(self, machine: str) -> None:
        """Start the container again; systemd boots anew."""
        with explained(_("powering {machine} on", machine=machine)):
            self._container(machine).start()

    def describe(self) -> dict[str, str]:
        """Provider, node system, engine version, kernel and cgroup version."""
        version = self.engine.version()
        info = self.engine.info()
        systems = {machine.os for machine in self.machines()}
        return {
            "provider": self.name,
            "os": ", ".join(sorted(systems)),
            "engine": str(version.get("Version", "")),
            "kernel": str(info.get("KernelVersion", "")),
            "cgroup": str(info.get("CgroupVersion", "1")),
        }

    @property
    def _label(self) -> str:
        return f"{LAB_LABEL}={self.lab}"

    def _containers(self) -> list[Container]:
        with explained(_("listing the containers")):
            return self.engine.containers.list(all=True, filters={"label": self._label})

    def _container(self, machine: str) -> Container:
        try:
            return self.engine.containers.get(f"labkit-{self.lab}-{machine}")
        except NotFound as error:
            raise NotReadyError(
                _("there is no {machine} in lab {name}", machine=machine, name=self.lab),
                then="labkit up",
            ) from error

    def _node(self, name: str, subnet: Subnet, image: str) -> nodes.Node:
        return nodes.Node(
            lab=self.lab,
            name=name,
            image=image,
            address=address(subnet, name),
            mirror=address(subnet, MIRROR),
            os=system_of(image),
            host_key=key_pair(self._host_key_path(name)),
            login_key=key_pair(self._login_key_path()),
        )

    def _boot(self, node: nodes.Node, *, rekey: bool) -> None:
        nodes.boot(self.engine, node)
        if rekey:
            nodes.inject_keys(self._container(node.name), node)

    def _start_mirror(self, subnet: Subnet) -> None:
        run_mirror(
            self.engine,
            name=f"labkit-{self.lab}-{MIRROR}",
            network=network_name(self.lab),
            address=address(subnet, MIRROR),
            labels={LAB_LABEL: self.lab, MACHINE_LABEL: MIRROR},
        )

    def _wait_ready(self, node: nodes.Node) -> float:
        shell = remote.SshShell(
            node.name,
            node.address,
            user=USER,
            key=str(self._login_key_path()),
            known_hosts=str(self._known_hosts()),
        )
        try:
            return nodes.wait_ready(self.engine, node, shell)
        finally:
            shell.close()

    def _stop(self, container: Container) -> None:
        with explained(_("stopping {name}", name=container.name)):
            container.stop(timeout=20)

    def _room(self) -> None:
        root = Path(str(self.engine.info().get("DockerRootDir", "/")))
        if root.exists() and shutil.disk_usage(root).free < ROOM_BYTES:
            raise NotReadyError(
                _("less than {room} GiB are free on the engine's disk", room=ROOM_BYTES // 2**30),
                where=str(root),
                then=_("docker system df, then docker system prune"),
            )

    def _login_key_path(self) -> Path:
        return lab_folder(self.lab) / "id_ed25519"

    def _host_key_path(self, name: str) -> Path:
        return lab_folder(self.lab) / f"{name}_host_key"

    def _host_key_paths(self) -> list[Path]:
        return [self._host_key_path(name) for name in MACHINES]

    def _known_hosts(self) -> Path:
        return lab_folder(self.lab) / "known_hosts"

    def _write_known_hosts(self, planned: Sequence[nodes.Node]) -> None:
        lines = [f"{node.address} {node.host_key.public}\n" for node in planned]
        self._known_hosts().write_text("".join(lines), encoding="utf-8")


def _call(act: Callable[[], None]) -> None:
    act()
