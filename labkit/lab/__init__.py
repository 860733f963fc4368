"""Machines and their life: providers, the mirror, faults. `open_lab` is the door."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from labkit import remote
from labkit.course import find_blueprint
from labkit.errors import UsageError
from labkit.lab.model import Checkpoint, Lab, Machine, Provider
from labkit.lab.store import lab_folder
from labkit.locale import _
from labkit.reporting import SILENT, Reporter

if TYPE_CHECKING:
    from labkit.remote import SshShell

__all__ = [
    "PROVIDERS",
    "Checkpoint",
    "Lab",
    "Machine",
    "Provider",
    "is_vagrants",
    "open_lab",
    "open_shells",
]

PROVIDERS = ("containers", "vagrant")


def open_lab(name: str, provider: str = "") -> Lab:
    """The lab with this name, whether it exists yet or not.

    Without a provider it is Vagrant's if Vagrant has machines for it, else the containers'.
    UsageError for an unknown provider.
    """
    folder = lab_folder(name)
    blueprint = find_blueprint()
    if not provider:
        provider = "vagrant" if is_vagrants(folder) else "containers"
    if provider == "containers":
        from labkit.lab.containers.door import Door

        return Lab(name, cast("Provider", Door(name, blueprint)), folder, blueprint.names)
    if provider == "vagrant":
        from labkit.lab.vagrant.provider import VagrantProvider

        return Lab(name, VagrantProvider(name, blueprint), folder, blueprint.names)
    raise UsageError(
        _("there is no provider {name!r}", name=provider),
        then=f"--provider {_(' or ').join(PROVIDERS)}",
    )


def is_vagrants(folder: Path) -> bool:
    """Whether Vagrant has machines for the lab with this folder."""
    return any(folder.glob("vagrant/.vagrant/machines/*/*/id"))


def open_shells(
    lab: Lab, reporter: Reporter = SILENT, names: Sequence[str] = ()
) -> dict[str, SshShell]:
    """A shell per machine, logging in by and by. NotReadyError if one of them is off.

    Of the named machines, else of those that the course wants.
    """
    names = names or lab.names
    machines = lab.require_running(names)
    shells = {
        name: remote.SshShell(
            name,
            machine.address,
            user=machine.user,
            key=str(machine.key),
            known_hosts=str(machine.known_hosts),
            port=machine.port,
            reporter=reporter,
        )
        for name, machine in machines.items()
        if name in names
    }
    for shell in shells.values():
        shell.log_in_ahead()
    return shells
