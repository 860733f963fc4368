"""What labs have left on this computer, found by labels and names, whoever forgot it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import docker

from labkit.errors import NotReadyError
from labkit.lab.containers import checkpoints
from labkit.lab.containers.engine import connect, explained
from labkit.lab.containers.listing import LAB_LABEL
from labkit.lab.store import state_root
from labkit.locale import _

PREFIX = "labkit-"
# Kept on purpose: the store of base images, and controllers' folder of reports, of all labs.
KEPT_VOLUMES = ("labkit-mirror", "labkit-state")


@dataclass(frozen=True)
class Leftover:
    """Something that a lab made and that is still there."""

    kind: str  # container, volume, network, image, machine
    name: str
    lab: str


def find_leftovers() -> tuple[list[Leftover], str]:
    """What labs have left, and why the engine could not be asked ("" if it was)."""
    try:
        engine = connect()
    except NotReadyError as error:
        return _vagrant_machines(), error.what
    with explained(_("looking for leftovers")):
        return [*_of_engine(engine), *_vagrant_machines()], ""


def _of_engine(engine: docker.DockerClient) -> list[Leftover]:
    found = []
    for container in engine.api.containers(all=True):
        name = container["Names"][0].lstrip("/")
        lab = (container.get("Labels") or {}).get(LAB_LABEL, "")
        if lab or name.startswith(PREFIX):
            found.append(Leftover(_("container"), name, lab))
    for volume in engine.volumes.list():
        lab = (volume.attrs.get("Labels") or {}).get(LAB_LABEL, "")
        if lab or (volume.name.startswith(PREFIX) and volume.name not in KEPT_VOLUMES):
            found.append(Leftover(_("volume"), volume.name, lab))
    for tag in checkpoints.image_tags(engine):
        found.append(Leftover(_("image"), tag, tag.partition(":")[2].partition(".")[0]))
    for image, lab in checkpoints.nameless(engine).items():
        found.append(Leftover(_("image"), image.removeprefix("sha256:")[:12], lab))
    for network in engine.networks.list():
        lab = (network.attrs.get("Labels") or {}).get(LAB_LABEL, "")
        if lab or str(network.name).startswith(PREFIX):
            found.append(Leftover(_("network"), str(network.name), lab))
    return found


def _vagrant_machines() -> list[Leftover]:
    """Machines that Vagrant has an id for (`.vagrant/machines/NAME/PROVIDER/id`)."""
    ids = Path(state_root()).glob("*/vagrant/.vagrant/machines/*/*/id")
    return [Leftover(_("machine"), path.parts[-3], path.parts[-7]) for path in ids]
