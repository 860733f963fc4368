"""Checkpoints of a lab of containers, kept by the engine and found again by their labels.

A checkpoint is an image per machine (its container committed), a volume with copies of the
machines' Docker data, and a marker: a small volume, made last, without which the rest is rubbish.
All machines are paused at once for the moment of the copy. Layers of images are not copied within
a lab but linked (copy.sh); which are finished is asked before (layers.sh).

While a checkpoint is taken or brought back there is a container that does the copying. It is made
first and removed last, so that whoever comes after a kill knows what was going on.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.models.volumes import Volume

from labkit.errors import NotReadyError
from labkit.lab.containers.engine import cgroup_parent, cpu_shares, explained
from labkit.lab.containers.listing import (
    ADDRESS_LABEL,
    CHECKPOINT_LABEL,
    DOING_LABEL,
    LAB_LABEL,
    MACHINE_LABEL,
    OS_LABEL,
)
from labkit.lab.containers.node import DATA_FOLDERS
from labkit.lab.model import Checkpoint
from labkit.locale import _
from labkit.remote import everywhere

REPOSITORY = "labkit/checkpoint"  # of the tags LAB.SERIAL.MACHINE
LIVE = "live"  # in place of a serial: what a lab's machines were made from
SERIAL_LABEL = f"{CHECKPOINT_LABEL}.serial"
MADE_LABEL = f"{CHECKPOINT_LABEL}.made"
AUTOMATIC_LABEL = f"{CHECKPOINT_LABEL}.automatic"
BYTES_LABEL = f"{CHECKPOINT_LABEL}.bytes"
ORIGIN_LABEL = f"{CHECKPOINT_LABEL}.origin"
SAVING = "saving"
# Engines take 127 layers, of which a node has about ten. What is saved after a restore is one layer
# more: now and then they become one.
MOST_LAYERS = 100
PAUSE_LIMIT_S = 20.0  # was seen to fail once in some forty pauses, on a busy computer
PAUSE_POLL_S = 0.1

_COPY = Path(__file__).with_name("copy.sh").read_text(encoding="utf-8")
_LAYERS = Path(__file__).with_name("layers.sh").read_text(encoding="utf-8")
_VOLUMES = PurePosixPath("/volumes")
# What root needs to copy any file as it is: owners, devices, capabilities, overlay's own
# attributes (trusted.*, SYS_ADMIN). No engine that can run a node lacks one of them.
COPY_CAPABILITIES = [
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "MKNOD", "SETFCAP", "SYS_ADMIN",
]  # fmt: skip


@dataclass(frozen=True)
class Saved:
    """A whole checkpoint, and what is needed to make machines from it."""

    checkpoint: Checkpoint
    lab: str
    serial: str
    addresses: Mapping[str, str]  # of machines and mirror when it was taken
    os: str

    def image(self, machine: str) -> str:
        """The reference of a machine's image."""
        return image_tag(self.lab, self.serial, machine)

    @property
    def volume(self) -> str:
        """The volume with the Docker data, a folder `MACHINE/KIND` each."""
        return _data_volume(self.lab, self.serial)


def image_tag(lab: str, serial: str, machine: str) -> str:
    """The name of an image of a checkpoint; neither part has dots."""
    return f"{REPOSITORY}:{lab}.{serial}.{machine}"


def find(engine: docker.DockerClient, lab: str) -> list[Saved]:
    """The whole checkpoints of a lab, oldest first; of two with one name only the newer."""
    by_name = {saved.checkpoint.name: saved for saved in _markers(engine, lab)}
    return sorted(by_name.values(), key=lambda saved: saved.checkpoint.made)


def _markers(engine: docker.DockerClient, lab: str) -> list[Saved]:
    with explained(_("listing the checkpoints")):
        volumes = engine.volumes.list(filters={"label": [f"{LAB_LABEL}={lab}", CHECKPOINT_LABEL]})
    found = [_saved(volume.attrs["Labels"]) for volume in volumes]
    return sorted(found, key=lambda saved: saved.checkpoint.made)


def _saved(labels: Mapping[str, str]) -> Saved:
    return Saved(
        Checkpoint(
            name=labels[CHECKPOINT_LABEL],
            made=datetime.fromisoformat(labels[MADE_LABEL]),
            automatic=labels[AUTOMATIC_LABEL] == "1",
            bytes=int(labels[BYTES_LABEL]),
        ),
        lab=labels[LAB_LABEL],
        serial=labels[SERIAL_LABEL],
        addresses=json.loads(labels[ADDRESS_LABEL]),
        os=labels[OS_LABEL],
    )


def save(
    engine: docker.DockerClient,
    lab: str,
    nodes: Sequence[Container],
    *,
    name: str,
    automatic: bool,
    image: str,
    addresses: Mapping[str, str],
) -> Saved:
    """Take a checkpoint of running machines; an older one of this name is removed afterwards.

    `image` is a clean one with the usual tools, never a machine's own: the copying container sees
    the data of all labs. An error leaves nothing behind.
    """
    serial = secrets.token_hex(4)
    made = datetime.now().astimezone()
    labels = {LAB_LABEL: lab, SERIAL_LABEL: serial}
    with explained(_("saving the machines")):
        fixed_layers = everywhere(_fixed_layers, nodes)
        volume = engine.volumes.create(_data_volume(lab, serial), labels=labels)
        words = ["link"]
        for node, fixed in zip(nodes, fixed_layers, strict=True):
            for kind in DATA_FOLDERS:
                words.append(str(_data(f"{node.name}-{kind}")))
                words.append(str(_data(str(volume.name)) / _machine(node) / kind))
                words.append(fixed)
        helper = helper_container(engine, lab, image, SAVING, words, _root_of(volume))
        try:
            copied, images = _standing_still(engine, nodes, helper, lab, serial)
            size = copied + sum(_own_size(engine, image) for image in images)
            marker = engine.volumes.create(
                f"{_data_volume(lab, serial)}.{name}",
                labels={
                    **labels,
                    CHECKPOINT_LABEL: name,
                    MADE_LABEL: made.isoformat(),
                    AUTOMATIC_LABEL: "1" if automatic else "0",
                    BYTES_LABEL: str(size),
                    ADDRESS_LABEL: json.dumps(dict(addresses)),
                    OS_LABEL: nodes[0].labels.get(OS_LABEL, ""),
                },
            )
        except BaseException:
            remove_rubbish(engine, lab)
            raise
        finally:
            helper.remove(force=True)
    saved = _saved(marker.attrs["Labels"])
    for older in _markers(engine, lab):
        if older.checkpoint.name == name and older.serial != serial:
            remove(engine, older)
    return saved


def _standing_still(
    engine: docker.DockerClient,
    nodes: Sequence[Container],
    helper: Container,
    lab: str,
    serial: str,
) -> tuple[int, list[str]]:
    """Copy and commit while every machine is paused; the bytes copied, and the images."""

    def commit(node: Container) -> str:
        return _commit(engine, node, image_tag(lab, serial, _machine(node)))

    everywhere(_keep_names, nodes)
    try:
        everywhere(_pause, nodes)
        with ThreadPoolExecutor(max_workers=len(nodes) + 1) as pool:
            copying = pool.submit(run_copy, helper)
            committing = [pool.submit(commit, node) for node in nodes]
        return copying.result(), [future.result() for future in committing]
    finally:
        everywhere(_resume, nodes)


def _commit(engine: docker.DockerClient, node: Container, tag: str) -> str:
    repository, _colon, name = tag.partition(":")
    image = node.commit(repository, name, pause=False)
    if len(image.attrs["RootFS"]["Layers"]) > MOST_LAYERS:
        # An import has one layer and no configuration, and a machine brings its own.
        engine.api.import_image_from_data(node.export(), repository=repository, tag=name)
    return tag


def _own_size(engine: docker.DockerClient, tag: str) -> int:
    """The bytes of an image's last layer: what it does not share with what it was made from."""
    return int(engine.images.get(tag).history()[0].get("Size", 0))


def _fixed_layers(node: Container) -> str:
    """The numbers of the layers that may be linked; "" if its containerd does not say."""
    code, said = node.exec_run(["sh", "-c", _LAYERS], user="root", stderr=False)
    return _text(said) if code == 0 else ""


def _keep_names(node: Container) -> None:
    """Put a machine's name and hosts where an image carries them (image/root, labkit-boot).

    Its labkit-keep.path does so after each change, and was seen to miss one that came while it
    still copied the one before.
    """
    words = ["cp", "/etc/hosts", "/etc/hostname", "/var/lib/labkit/"]
    code, said = node.exec_run(words, user="root")
    if code != 0:
        raise NotReadyError(
            _("the machines' data could not be copied: {said}", said=_text(said) or f"exit {code}"),
            where=str(node.name),
            then="labkit doctor",
        )


def _text(said: object) -> str:
    return said.decode(errors="replace").strip() if isinstance(said, bytes) else ""


def _pause(node: Container) -> None:
    """Freeze a machine. On control groups of version 1 that may fail while processes in it fork;
    runc then thaws the machine and says "unable to freeze".
    """
    deadline = time.monotonic() + PAUSE_LIMIT_S
    while True:
        try:
            return node.pause()
        except APIError as error:
            if "unable to freeze" not in str(error.explanation) or time.monotonic() > deadline:
                raise
        time.sleep(PAUSE_POLL_S)


def _resume(node: Container) -> None:
    node.reload()
    if node.status == "paused":
        node.unpause()


def remove(engine: docker.DockerClient, saved: Saved) -> None:
    """Remove a checkpoint: its marker first."""
    with explained(_("removing the checkpoint {name}", name=saved.checkpoint.name)):
        _remove_volume(engine, f"{saved.volume}.{saved.checkpoint.name}")
        _remove_parts(engine, saved.lab, {saved.serial})


def remove_rubbish(engine: docker.DockerClient, lab: str) -> None:
    """Remove what belongs to no whole checkpoint of this lab: the remains of a kill."""
    with explained(_("removing what is left of a checkpoint")):
        whole = {saved.serial for saved in _markers(engine, lab)}
        volumes = engine.volumes.list(filters={"label": [f"{LAB_LABEL}={lab}", SERIAL_LABEL]})
        serials = {volume.attrs["Labels"][SERIAL_LABEL] for volume in volumes}
        serials |= {tag.split(".")[1] for tag in image_tags(engine, lab)} - {LIVE}
        _remove_parts(engine, lab, serials - whole)
        remove_nameless(engine, lab)


def _remove_parts(engine: docker.DockerClient, lab: str, serials: set[str]) -> None:
    for serial in serials:
        _remove_volume(engine, _data_volume(lab, serial))
    for tag in image_tags(engine, lab):
        if tag.split(".")[1] in serials:
            remove_image(engine, tag)


def image_tags(engine: docker.DockerClient, lab: str = "") -> list[str]:
    """The references of the images of a lab's checkpoints and machines; without a lab, of all."""
    prefix = f"{REPOSITORY}:{lab}." if lab else f"{REPOSITORY}:"
    images = engine.api.images(name=REPOSITORY)
    return [tag for image in images for tag in image["RepoTags"] or [] if tag.startswith(prefix)]


def nameless(engine: docker.DockerClient, lab: str = "") -> dict[str, str]:
    """Images of machines that a kill left without a name -> their lab; without a lab, of all."""
    label = f"{LAB_LABEL}={lab}" if lab else LAB_LABEL
    found = engine.api.images(filters={"dangling": True, "label": label})
    return {str(image["Id"]): str(image["Labels"][LAB_LABEL]) for image in found}


def remove_nameless(engine: docker.DockerClient, lab: str) -> None:
    """Remove a lab's images without a name, but those that machines are made from."""
    for image in nameless(engine, lab):
        remove_image(engine, image, force=False)


def remove_image(engine: docker.DockerClient, tag: str, *, force: bool = True) -> None:
    """Take a name from an image; the engine keeps the layers for as long as anything needs them."""
    try:
        engine.images.remove(tag, force=force)
    except NotFound:
        pass
    except APIError as error:
        if error.status_code != 409:  # a machine still runs from it
            raise


def _remove_volume(engine: docker.DockerClient, name: str) -> None:
    try:
        engine.volumes.get(name).remove(force=True)
    except NotFound:
        return


def helper_container(
    engine: docker.DockerClient,
    lab: str,
    image: str,
    doing: str,
    words: Sequence[str],
    volumes: str,
    labels: Mapping[str, str] | None = None,
) -> Container:
    """Create (not start) the container that copies; that it exists says what is being done."""
    return engine.containers.create(
        image,
        ["-c", _COPY, "copy.sh", *words],
        entrypoint=["sh"],
        name=f"labkit-{lab}-copy-{secrets.token_hex(4)}",
        labels={LAB_LABEL: lab, DOING_LABEL: doing, **(labels or {})},
        network_mode="none",
        cap_drop=["ALL"],
        cap_add=COPY_CAPABILITIES,
        security_opt=["label=disable", "apparmor=unconfined"],
        stop_signal="SIGKILL",
        cpu_shares=cpu_shares(),
        cgroup_parent=cgroup_parent(),
        # One mount of the folder of all volumes: a hard link cannot cross mounts.
        volumes={volumes: {"bind": str(_VOLUMES), "mode": "rw"}},
    )


def run_copy(helper: Container) -> int:
    """Start the copying container and wait for it; the bytes that were copied.

    Raises `NotReadyError` with what it said when it failed.
    """
    helper.start()
    code = helper.wait()["StatusCode"]
    copied = helper.logs(stdout=True, stderr=False).decode(errors="replace").strip()
    if code == 0 and copied.isdecimal():
        return int(copied)
    said = helper.logs().decode(errors="replace").strip()
    # What a container says is kept on the disk that is full: it may be nothing at all.
    if "no space left" in said.lower() or not said:
        raise NotReadyError(
            _("the disk is full ({doing})", doing=_("copying the machines' data")),
            then=_("labkit save --list, then labkit save --remove NAME; docker system df"),
        )
    raise NotReadyError(
        _("the machines' data could not be copied: {said}", said=said[-500:] or f"exit {code}"),
        where=str(helper.name),
        then="labkit doctor",
    )


def copy_back(saved: Saved, lab: str, machines: Sequence[str]) -> list[str]:
    """The words for the copying container: from a checkpoint to a lab's new volumes.

    Another lab never shares a file with a checkpoint: whoever is root there could write in it.
    """
    words = ["link" if saved.lab == lab else "copy"]
    for machine in machines:
        for kind in DATA_FOLDERS:
            words.append(str(_data(saved.volume) / machine / kind))
            words.append(str(_data(f"labkit-{lab}-{machine}-{kind}")))
            words.append("")  # a checkpoint has noted which layers are fixed
    return words


def volumes_folder(engine: docker.DockerClient, saved: Saved) -> str:
    """Where the engine keeps its volumes; NotReadyError if the checkpoint's is gone."""
    try:
        return _root_of(engine.volumes.get(saved.volume))
    except NotFound as error:
        raise NotReadyError(
            _("the checkpoint {name} is incomplete", name=saved.checkpoint.name),
            where=saved.volume,
            then=f"labkit save --remove {saved.checkpoint.name}",
        ) from error


def moved(old: Mapping[str, str], new: Callable[[str], str]) -> str:
    """The sed script that puts a lab's new addresses in place of the old; "" if none changed."""
    changes = {address: new(name) for name, address in old.items() if new(name) != address}
    return ";".join(
        rf"s/\b{address.replace('.', chr(92) + '.')}\b/{to}/g" for address, to in changes.items()
    )


def _data_volume(lab: str, serial: str) -> str:
    return f"labkit-{lab}.{serial}"


def _machine(node: Container) -> str:
    return str(node.labels[MACHINE_LABEL])


def _root_of(volume: Volume) -> str:
    return str(PurePosixPath(volume.attrs["Mountpoint"]).parent.parent)


def _data(volume: str) -> PurePosixPath:
    return _VOLUMES / volume / "_data"
