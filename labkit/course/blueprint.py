"""What a lab of a course is made of: its machines, and the images of its mirror.

Read from data, and not from the course's Python: who only asks which machines run should not wait
for a course to be imported, and Vagrant reads the same list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path

from labkit.errors import UsageError
from labkit.locale import _

PACKAGE = "course"  # in a course's folder: it holds COURSE, and what is read here
FILE = "machines.json"
PARTS = (PACKAGE, "subject", "steps", "checks")  # the folders of its Python; subject may be missing
# The gateway has 1 and the mirror 2; the last one is the broadcast address of a /24.
ADDRESSES = range(3, 255)
# What useradd takes on every system; it is the name of a folder and of a sudoers' line as well.
USER_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
PACKAGE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*")  # of dpkg and of rpm
MOST = 16  # machines: each has a /20 of its own for its containers, of the /16 that a lab has


@dataclass(frozen=True)
class MachineSpec:
    """One machine as a course describes it."""

    name: str
    role: str  # what it is for, in a few words
    address: int  # the last number of its address in the lab's /24
    memory: int = 1024  # MiB
    ports: tuple[int, ...] = ()  # those that a browser is pointed at, the usual one first


# Family of packages ("debian", "redhat") -> their names, which every machine of a course has.
Packages = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Blueprint:
    """The machines of a lab, in the order in which they are shown; the folder of its images.

    `user` is who logs in to machines that labkit makes itself. A virtual machine's is its box's.
    """

    machines: tuple[MachineSpec, ...]
    packages: Packages = field(default_factory=dict)
    images: Path | None = None  # a folder a recipe (labkit.lab.mirror.recipes)
    user: str = "user"

    @property
    def described(self) -> str:
        """The list of machines as their file has it, on one line: for the Vagrantfile's copy."""
        return json.dumps({"machines": [asdict(machine) for machine in self.machines]})

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(machine.name for machine in self.machines)

    def machine(self, name: str) -> MachineSpec:
        """The machine with this name. UsageError, which names them, if there is none."""
        for machine in self.machines:
            if machine.name == name:
                return machine
        raise UsageError(
            _("there is no machine {name!r} in this course", name=name), where=", ".join(self.names)
        )

    def order(self, name: str) -> int:
        """Where a machine comes in the order; one of another course after all others."""
        return self.names.index(name) if name in self.names else len(self.names)


@lru_cache
def read_blueprint(root: Path) -> Blueprint:
    """The blueprint of the course in this folder.

    UsageError if its list of machines is missing or cannot be right: two of a name or an address,
    an address that is not a machine's, more machines than a lab has room for.
    """
    folder = root / PACKAGE
    file = folder / FILE
    try:
        listed = json.loads(file.read_text(encoding="utf-8"))
        machines = tuple(
            MachineSpec(**{**machine, "ports": tuple(machine.get("ports", ()))})
            for machine in listed["machines"]
        )
        packages = {family: tuple(names) for family, names in listed.get("packages", {}).items()}
        user = listed.get("user", Blueprint.user)
        strange = [
            name
            for names in packages.values()
            for name in names
            if not PACKAGE_NAME.fullmatch(name)
        ]
        if not USER_NAME.fullmatch(user):
            strange.append(user)
        if strange:
            raise ValueError(repr(strange[0]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            _("the list of machines cannot be read: {why}", why=f"{error}"), where=str(file)
        ) from error
    names = {machine.name for machine in machines}
    addresses = {machine.address for machine in machines}
    if (
        not 0 < len(machines) <= MOST
        or len(names) < len(machines)
        or len(addresses) < len(machines)
        or not addresses <= set(ADDRESSES)
    ):
        raise UsageError(
            _(
                "a course has 1 to {most} machines, each with a name of its own and an address "
                "of its own from {first} to {last}",
                most=MOST,
                first=ADDRESSES[0],
                last=ADDRESSES[-1],
            ),
            where=str(file),
        )
    images = folder / "images"
    return Blueprint(machines, packages, images if images.is_dir() else None, user)
