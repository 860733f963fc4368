"""The embedded default: full-system nodes as containers on the local Docker Engine."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.models.volumes import Volume

from labkit import remote
from labkit.course import Blueprint, find_blueprint
from labkit.errors import NotReadyError
from labkit.lab import checkpoints as rules
from labkit.lab.common import address, say_ready
from labkit.lab.containers import checkpoints as kept
from labkit.lab.containers import node as nodes
from labkit.lab.containers.endpoint import inside
from labkit.lab.containers.engine import connect, explained, on_its_disk
from labkit.lab.containers.images import ensure_node_image, system_of, wanted_family
from labkit.lab.containers.listing import (
    CHECKPOINT_LABEL,
    DOING_LABEL,
    LAB_LABEL,
    MACHINE_LABEL,
    MAKING,
    MIRROR,
    NAME_LABEL,
    filters,
    machines_of,
)
from labkit.lab.containers.network import (
    MIRROR_ADDRESS,
    Subnet,
    ensure_network,
    find_network,
    network_name,
)
from labkit.lab.mirror import ensure_mirror, run_mirror
from labkit.lab.model import Checkpoint, Machine
from labkit.lab.store import key_pair, lab_folder
from labkit.locale import _
from labkit.remote import everywhere
from labkit.reporting import Say
from labkit.whole import write_whole

ROOM_BYTES = 3 * 2**30  # images 1.5 GiB, what a whole practical writes about 1 GiB
SAVE_ROOM_BYTES = 2**30  # a whole practical without its images' layers takes 0.1 GiB


class ContainerProvider:
    """Nodes, a mirror and a network, found again by their labels."""

    name = "containers"

    def __init__(
        self,
        lab: str,
        blueprint: Blueprint | None = None,
        engine: docker.DockerClient | None = None,
    ) -> None:
        self.lab = lab
        self.blueprint = blueprint or find_blueprint()
        self._engine = engine

    @property
    def engine(self) -> docker.DockerClient:
        """The local engine, connected to on first use."""
        if self._engine is None:
            self._engine = connect()
        return self._engine

    def up(self, say: Say) -> Sequence[Machine]:
        """Create or resume network, mirror and nodes; return when every node is ready.

        A restore or a clone that was interrupted is brought to its end.
        """
        interrupted = self._interrupted()
        if interrupted:
            origin, name = interrupted
            say(_("finishing what was interrupted: the machines come from {name}", name=name))
            return self._make(self._saved(origin, name), say)
        self.settle(say)
        self._room(ROOM_BYTES)
        image = ensure_node_image(self.engine, say, self.blueprint, wanted_family())
        ensure_mirror(self.engine, say, self.blueprint.images)
        subnet = ensure_network(self.engine, self.lab)
        say(_("network {name}: {subnet}", name=network_name(self.lab), subnet=subnet))
        keys_lost = not self._login_key_path().exists()
        self._start(
            [self._node(name, subnet, image) for name in self.blueprint.names],
            subnet,
            keys_lost,
            say,
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
            volumes = self.engine.volumes.list(filters={"label": self._label})
            # Markers first: what a kill leaves of the rest is then known to be rubbish.
            for volume in sorted(volumes, key=lambda found: CHECKPOINT_LABEL not in _labels(found)):
                volume.remove(force=True)
            for tag in kept.image_tags(self.engine, self.lab):
                kept.remove_image(self.engine, tag)
            kept.remove_nameless(self.engine, self.lab)
            network = find_network(self.engine, self.lab)
            if network:
                network.remove()
        for path in (self._login_key_path(), self._known_hosts(), *self._host_key_paths()):
            path.unlink(missing_ok=True)
        say(_("lab {name} is gone", name=self.lab))

    def fresh(self, say: Say) -> None:
        """New nodes: they start in seconds, so that nothing is kept of old ones."""
        with explained(_("removing the machines of lab {name}", name=self.lab)):
            self._remove_machines()
            for helper in self._helpers():
                helper.remove(force=True)
        self.up(say)

    def save(self, name: str, say: Say, *, automatic: bool = False) -> Checkpoint:
        """Pause all nodes, commit their containers, copy their volumes, and let them go on."""
        rules.check_name(name, self.checkpoints(), automatic=automatic)
        allowed = rules.room()
        machines = self.machines()
        off = [
            name
            for name in self.blueprint.names
            if name not in {m.name for m in machines if m.running}
        ]
        if off:
            raise rules.machines_off(off, self.lab)
        self._room(SAVE_ROOM_BYTES)
        self.settle(say)
        saved = kept.save(
            self.engine,
            self.lab,
            [self._container(machine) for machine in self.blueprint.names],
            name=name,
            automatic=automatic,
            image=ensure_node_image(self.engine, say, self.blueprint, wanted_family()),
            addresses=self._addresses(ensure_network(self.engine, self.lab)),
        )
        for old in rules.too_many(self.checkpoints(), allowed) if automatic else []:
            say(_("the checkpoint {name} makes room for newer ones", name=old.name))
            self.forget(old.name)
        return saved.checkpoint

    def restore(self, name: str, say: Say) -> Sequence[Machine]:
        """New nodes from the checkpoint's images, with copies of its volumes."""
        return self._make(self._saved(self.lab, name), say)

    def checkpoints(self) -> Sequence[Checkpoint]:
        """Those with a marker, oldest first."""
        return [saved.checkpoint for saved in kept.find(self.engine, self.lab)]

    def forget(self, name: str) -> None:
        """Remove a checkpoint; machines that were made from it do not need it any more."""
        kept.remove(self.engine, self._saved(self.lab, name))

    def clone(self, lab: str, checkpoint: str, say: Say) -> Sequence[Machine]:
        """Make this lab from another one's checkpoint; nothing on disk is shared with it."""
        if self._containers():
            raise NotReadyError(
                _("there is a lab named {name} already", name=self.lab),
                then=f"labkit --lab {self.lab} destroy",
            )
        return self._make(self._saved(lab, checkpoint), say)

    def settle(self, say: Say) -> None:
        """Resume machines that a killed `save` left paused; remove what it had not finished."""
        with explained(_("listing the containers")):
            left = [
                helper for helper in self._helpers() if _labels(helper)[DOING_LABEL] == kept.SAVING
            ]
        if left:
            with explained(_("resuming the machines")):
                for container in self._containers():
                    if container.status == "paused":
                        say(
                            _(
                                "resuming {name}, which a killed save had paused",
                                name=container.name,
                            )
                        )
                        container.unpause()
                for helper in left:
                    helper.remove(force=True)
        # Even where no helper is left: it is made a moment after the volume that it copies to.
        kept.remove_rubbish(self.engine, self.lab)

    def machines(self) -> Sequence[Machine]:
        """The nodes that exist, in the order of the blueprint; one API call."""
        with explained(_("listing the machines")):
            found = self.engine.api.containers(all=True, filters=filters(self.lab))
        return machines_of(self.lab, found, self.blueprint)

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

    def _helpers(self) -> list[Container]:
        return [container for container in self._containers() if DOING_LABEL in _labels(container)]

    def _interrupted(self) -> tuple[str, str] | None:
        """The lab and the checkpoint that machines were being made from, if that did not end."""
        for helper in self._helpers():
            labels = _labels(helper)
            if labels[DOING_LABEL] == MAKING:
                return labels[kept.ORIGIN_LABEL], labels[NAME_LABEL]
        return None

    def _saved(self, lab: str, name: str) -> kept.Saved:
        found = kept.find(self.engine, lab)
        for saved in found:
            if saved.checkpoint.name == name:
                return saved
        raise rules.unknown(name, [saved.checkpoint for saved in found])

    def _make(self, saved: kept.Saved, say: Say) -> Sequence[Machine]:
        """Machines from a checkpoint, of this lab or another, in place of those that are there.

        The copying container exists from before the first change until all machines are ready:
        while it does, the lab has no machines for anybody but `up`, which begins again.
        """
        self.settle(say)
        self._room(ROOM_BYTES)
        image = ensure_node_image(self.engine, say, self.blueprint, wanted_family())
        folder = kept.volumes_folder(self.engine, saved)
        before = self._helpers()
        with explained(_("making the machines from {name}", name=saved.checkpoint.name)):
            helper = kept.helper_container(
                self.engine,
                self.lab,
                image,
                MAKING,
                kept.copy_back(saved, self.lab, self.blueprint.names),
                folder,
                {kept.ORIGIN_LABEL: saved.lab, NAME_LABEL: saved.checkpoint.name},
            )
            for old in before:
                old.remove(force=True)
            if not self._mirror_exists():
                ensure_mirror(self.engine, say, self.blueprint.images)
            subnet = ensure_network(self.engine, self.lab)
            planned = [self._restored(name, subnet, saved) for name in self.blueprint.names]
            for node in planned:
                for volume in node.volumes:
                    self.engine.volumes.create(volume, labels=node.labels)
            everywhere(_power_off, self._machine_containers())
            side_by_side: list[Callable[[], object]] = [
                partial(kept.run_copy, helper),
                partial(self._replace_containers, planned, saved),
            ]
            everywhere(_call, side_by_side)
        self._start(planned, subnet, False, say)
        with explained(_("making the machines from {name}", name=saved.checkpoint.name)):
            helper.remove(force=True)
        return self.machines()

    def _replace_containers(self, planned: Sequence[nodes.Node], saved: kept.Saved) -> None:
        """New containers from a checkpoint's images, not started, in place of the old ones."""
        self._remove_containers()
        for node in planned:
            # An image that has no other name goes with this one, now that nothing runs from it.
            kept.remove_image(self.engine, node.image)
            repository, _colon, tag = node.image.partition(":")
            self.engine.images.get(saved.image(node.name)).tag(repository, tag)
        everywhere(partial(nodes.create, self.engine), planned)

    def _remove_machines(self) -> None:
        """The nodes with their volumes; checkpoints, keys, mirror and network stay."""
        self._remove_containers()
        volumes = self.engine.volumes.list(filters={"label": [self._label, MACHINE_LABEL]})
        everywhere(lambda volume: volume.remove(force=True), volumes)
        for name in self.blueprint.names:
            kept.remove_image(self.engine, kept.image_tag(self.lab, kept.LIVE, name))

    def _remove_containers(self) -> None:
        everywhere(lambda container: container.remove(force=True), self._machine_containers())

    def _machine_containers(self) -> list[Container]:
        found = self._containers()
        return [
            container
            for container in found
            if _labels(container).get(MACHINE_LABEL) in self.blueprint.names
        ]

    def _mirror_exists(self) -> bool:
        return any(
            _labels(container).get(MACHINE_LABEL) == MIRROR for container in self._containers()
        )

    def _addresses(self, subnet: Subnet) -> dict[str, str]:
        numbers = {machine.name: machine.address for machine in self.blueprint.machines}
        return {
            name: address(subnet, number)
            for name, number in {**numbers, MIRROR: MIRROR_ADDRESS}.items()
        }

    def _start(
        self, planned: Sequence[nodes.Node], subnet: Subnet, keys_lost: bool, say: Say
    ) -> None:
        """Start mirror and nodes at once, and wait until each node is ready."""
        self._write_known_hosts(planned)
        starts: list[Callable[[], object]] = [partial(self._start_mirror, subnet)]
        starts += [partial(self._boot, node, rekey=keys_lost) for node in planned]
        everywhere(_call, starts)
        waited = everywhere(self._wait_ready, planned)
        for node, seconds in zip(planned, waited, strict=True):
            say_ready(say, node.name, node.address, seconds)

    def _restored(self, name: str, subnet: Subnet, saved: kept.Saved) -> nodes.Node:
        new = self._addresses(subnet)
        return replace(
            self._node(name, subnet, kept.image_tag(self.lab, kept.LIVE, name)),
            os=saved.os,
            checkpoint=True,
            moved=kept.moved(saved.addresses, new.__getitem__),
        )

    def _node(self, name: str, subnet: Subnet, image: str) -> nodes.Node:
        return nodes.Node(
            lab=self.lab,
            name=name,
            image=image,
            number=self.blueprint.order(name),
            address=self._addresses(subnet)[name],
            mirror=address(subnet, MIRROR_ADDRESS),
            user=self.blueprint.user,
            os=system_of(image),
            host_key=key_pair(self._host_key_path(name)),
            login_key=key_pair(self._login_key_path()),
            published=self.blueprint.machine(name).ports if inside() else (),
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
            address=address(subnet, MIRROR_ADDRESS),
            labels={LAB_LABEL: self.lab, MACHINE_LABEL: MIRROR},
        )

    def _wait_ready(self, node: nodes.Node) -> float:
        shell = remote.SshShell(
            node.name,
            node.address,
            user=node.user,
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

    def _room(self, wanted: int) -> None:
        root = on_its_disk(self.engine)
        if root and shutil.disk_usage(root).free < wanted:
            raise NotReadyError(
                _("less than {room} GiB are free on the engine's disk", room=wanted // 2**30),
                where=str(root),
                then=_("docker system df, then docker system prune"),
            )

    def _login_key_path(self) -> Path:
        return lab_folder(self.lab) / "id_ed25519"

    def _host_key_path(self, name: str) -> Path:
        return lab_folder(self.lab) / f"{name}_host_key"

    def _host_key_paths(self) -> list[Path]:
        return [self._host_key_path(name) for name in self.blueprint.names]

    def _known_hosts(self) -> Path:
        return lab_folder(self.lab) / "known_hosts"

    def _write_known_hosts(self, planned: Sequence[nodes.Node]) -> None:
        lines = [f"{node.address} {node.host_key.public}\n" for node in planned]
        write_whole(self._known_hosts(), "".join(lines))


def _labels(thing: Container | Volume) -> dict[str, str]:
    if isinstance(thing, Container):
        return thing.labels
    return thing.attrs.get("Labels") or {}


def _call(act: Callable[[], object]) -> None:
    act()


def _power_off(container: Container) -> None:
    """Kill a machine, so that its data stands still; one that is off already stays so."""
    try:
        container.kill()
    except APIError as error:
        if error.status_code != 409:  # it does not run
            raise
