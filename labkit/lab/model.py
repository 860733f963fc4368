"""Machines and labs as every other part of labkit sees them, whoever made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from labkit.errors import NotReadyError
from labkit.locale import _
from labkit.reporting import Say


@dataclass(frozen=True)
class Machine:
    """One full Linux host of a lab and how to reach it over SSH.

    `running` is what the provider saw when this record was made, not a promise. `key` and
    `known_hosts` are files on the user's computer; the host key is known before the first
    connection, so nothing is ever trusted on first use. `published` are ports of the machine that
    a browser finds on the engine's loopback, with their numbers there.
    """

    name: str
    address: str
    user: str
    key: Path
    known_hosts: Path
    running: bool
    port: int = 22
    os: str = ""
    published: Mapping[int, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Checkpoint:
    """A state of all machines of a lab, kept under a name.

    `automatic` ones were kept by `labkit step`: they make room for newer ones. `bytes` is the disk
    that removing it would free, as near as can be told.
    """

    name: str
    made: datetime
    automatic: bool
    bytes: int


class Provider(Protocol):
    """Makes the machines of a lab and ends them. Both providers keep the same file names inside.

    Every method is idempotent and finds its machines again by what the engine or hypervisor
    knows of them (labels), never by a file of ours.
    """

    name: str

    def up(self, say: Say) -> Sequence[Machine]:
        """Create or resume every machine and wait until each is ready for an SSH login."""
        ...

    def down(self, say: Say) -> None:
        """Stop the machines; their disks stay."""
        ...

    def destroy(self, say: Say) -> None:
        """Remove everything that `up` made, and the checkpoints."""
        ...

    def fresh(self, say: Say) -> None:
        """Machines as after the first `up`, whatever was done on them since. Checkpoints stay."""
        ...

    def save(self, name: str, say: Say, *, automatic: bool = False) -> Checkpoint:
        """Keep the state of the running machines, all of one moment, under a name.

        An automatic checkpoint replaces an automatic one of the same name; no other is replaced.
        Raises `UsageError` for a name that cannot be used or is in use, `NotReadyError` if a
        machine is off or the disk is full; then nothing is kept.
        """
        ...

    def restore(self, name: str, say: Say) -> Sequence[Machine]:
        """The machines as they were, with the same names, addresses and keys; ready on return.

        Raises `UsageError`, which lists the checkpoints, if there is none with this name.
        """
        ...

    def checkpoints(self) -> Sequence[Checkpoint]:
        """What is kept of this lab, oldest first."""
        ...

    def forget(self, name: str) -> None:
        """Remove a checkpoint. `UsageError`, which lists them, if there is none with this name."""
        ...

    def clone(self, lab: str, checkpoint: str, say: Say) -> Sequence[Machine]:
        """Make this lab, which must not exist, from another one's checkpoint; ready on return.

        Names of the machines are the same, addresses and keys this lab's own. Many labs may be
        made from one checkpoint at once. `NotReadyError` if the provider cannot.
        """
        ...

    def settle(self, say: Say) -> None:
        """End what a command that was killed has left half done on running machines. Cheap.

        Only for whoever holds the lab's lock.
        """
        ...

    def machines(self) -> Sequence[Machine]:
        """The machines that exist now, running or not; empty without a lab. Cheap."""
        ...

    def power_off(self, machine: str) -> None:
        """Cut the power: no shutdown, no flush."""
        ...

    def power_on(self, machine: str) -> None:
        """Boot the machine again and return at once."""
        ...

    def describe(self) -> dict[str, str]:
        """Facts for the report: provider, os, engine, kernel."""
        ...


@dataclass
class Lab:
    """A named lab and its provider; the one door to its machines."""

    name: str
    provider: Provider
    state: Path  # this lab's own folder: key, known_hosts, transcript, reports
    names: Sequence[str] = ()  # of the machines that the course wants

    def machines(self) -> dict[str, Machine]:
        """Every machine that exists, by name, freshly looked up."""
        return {machine.name: machine for machine in self.provider.machines()}

    def require_running(self, names: Sequence[str] = ()) -> dict[str, Machine]:
        """The named machines (else the course's), all running; NotReadyError says which is not."""
        names = names or self.names
        machines = self.machines()
        if not machines:
            raise NotReadyError(
                _("there is no lab named {name}", name=self.name), then=f"{self.command('up')}"
            )
        off = [name for name in names if name not in machines or not machines[name].running]
        if off:
            names_off = ", ".join(off)
            raise NotReadyError(
                _("{name} is not running", name=names_off)
                if len(off) == 1
                else _("{names} are not running", names=names_off),
                where=f"lab {self.name}",
                then=f"{self.command('up')}",
            )
        return machines

    def prove_target(self, name: str) -> Machine:
        """The machine, proven at this moment to be one that labkit made and that runs.

        Every load and every fault asks here first: without a running lab not one packet leaves.
        """
        return self.require_running([name])[name]

    def command(self, verb: str) -> str:
        """`labkit VERB` as a person must type it for this lab."""
        return f"labkit {verb}" if self.name == "default" else f"labkit --lab {self.name} {verb}"
