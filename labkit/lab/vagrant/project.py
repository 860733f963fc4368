"""The folder in which Vagrant works for one lab: a Vagrant project like any other.

It holds a copy of the Vagrantfile, headed by the lab's settings, and Vagrant's own `.vagrant`.
So two labs have nothing in common, a change of the settings cannot reach a lab that exists, and
whoever prefers plain Vagrant can go there and type `vagrant ssh MACHINE`.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from labkit.course import Blueprint, course_root, find_blueprint
from labkit.errors import NotReadyError
from labkit.lab.lock import in_turn
from labkit.lab.model import Checkpoint
from labkit.lab.store import lab_folder, state_root
from labkit.lab.vagrant.network import Subnet, choose_subnet, parse_mirror
from labkit.locale import _
from labkit.whole import write_whole

FOLDER = "vagrant"
SETTINGS = (
    "LABKIT_BOX",
    "LABKIT_BOX_VERSION",
    "LABKIT_BOX_URL",
    "LABKIT_MEMORY",
    "LABKIT_CPUS",
    "LABKIT_AUTO_CONFIG",
    "LABKIT_LIBVIRT_DRIVER",
    "LABKIT_MIRROR",
)
_SETTING = re.compile(r"^ENV\[\"(LABKIT_\w+)\"\] = '((?:[^'\\]|\\.)*)'$", re.MULTILINE)


class Project:
    """One lab's folder for Vagrant."""

    def __init__(self, lab: str, blueprint: Blueprint | None = None) -> None:
        self.lab = lab
        self.blueprint = blueprint or find_blueprint()

    @property
    def folder(self) -> Path:
        """What VAGRANT_CWD names."""
        return lab_folder(self.lab) / FOLDER

    @property
    def vagrantfile(self) -> Path:
        """The lab's own copy."""
        return self.folder / "Vagrantfile"

    @property
    def data(self) -> Path:
        """What VAGRANT_DOTFILE_PATH names: Vagrant's knowledge of which machine is which."""
        return self.folder / ".vagrant"

    @property
    def log(self) -> Path:
        """Everything that Vagrant said, standard error included."""
        return lab_folder(self.lab) / "vagrant.log"

    def settings(self) -> dict[str, str]:
        """The settings of the lab; empty before its first `up`."""
        if not self.vagrantfile.exists():
            return {}
        return read_settings(self.vagrantfile.read_text(encoding="utf-8"))

    def subnet(self) -> Subnet:
        """The lab's network. NotReadyError before its first `up`."""
        text = self.settings().get("LABKIT_SUBNET")
        if text is None:
            raise NotReadyError(_("there is no lab named {name}", name=self.lab), then="labkit up")
        return ipaddress.IPv4Network(text)

    def mirror(self) -> str:
        """The registry that the machines' Docker asks first, "" for none."""
        return parse_mirror(self.settings().get("LABKIT_MIRROR", ""))

    def machine_id(self, name: str) -> str:
        """The hypervisor's id of a machine, which Vagrant wrote down, or "" if there is none."""
        for file in sorted(self.data.glob(f"machines/{name}/*/id")):
            return file.read_text(encoding="utf-8").strip()
        return ""

    def created(self) -> list[str]:
        """The machines that Vagrant has made and not destroyed. Quick: it only reads files."""
        return [name for name in self.blueprint.names if self.machine_id(name)]

    def prepare(self, environ: Mapping[str, str] = os.environ) -> None:
        """Write the lab's Vagrantfile, with the settings that the environment, `environ`, has.

        What the lab had before stays unless a setting replaces it; its network never changes while
        one of its machines exists. Raises what `choose_subnet` and `parse_mirror` raise.
        """
        parse_mirror(environ.get("LABKIT_MIRROR", ""))  # now, and not after the minutes of a boot
        original = find_vagrantfile().read_text(encoding="utf-8")
        with in_turn(
            state_root() / "vagrant.lock"
        ):  # two new labs must not choose the same network
            settings = self.settings()
            settings.update({name: environ[name] for name in SETTINGS if environ.get(name)})
            if not (self.created() and "LABKIT_SUBNET" in settings):
                wanted = environ.get("LABKIT_SUBNET") or settings.get("LABKIT_SUBNET", "")
                settings["LABKIT_SUBNET"] = str(choose_subnet(self._other_subnets(), wanted))
            settings["LABKIT_LAB"] = self.lab
            settings["LABKIT_MACHINES"] = self.blueprint.described
            write_whole(self.vagrantfile, with_settings(original, settings))

    def remove(self) -> None:
        """Delete the folder; the log stays."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def kept(self) -> list[Checkpoint]:
        """The lab's checkpoints, oldest first."""
        found = [json.loads(file.read_text(encoding="utf-8")) for file in self._marks("*")]
        checkpoints = [
            Checkpoint(
                mark["name"], datetime.fromisoformat(mark["made"]), mark["automatic"], bytes=0
            )
            for mark in found
        ]
        return sorted(checkpoints, key=lambda checkpoint: checkpoint.made)

    def keep(self, checkpoint: Checkpoint) -> None:
        """Note, in one piece, that a checkpoint is whole."""
        record = {
            "name": checkpoint.name,
            "made": checkpoint.made.isoformat(),
            "automatic": checkpoint.automatic,
        }
        write_whole(self._checkpoints / f"{checkpoint.name}.json", json.dumps(record))

    def drop(self, name: str) -> None:
        """Note that a checkpoint is whole no more."""
        for file in self._marks(name):
            file.unlink()

    def restoring(self) -> str:
        """The checkpoint that was being brought back when labkit was killed, or ""."""
        file = self.folder / "restoring"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def begin_restore(self, name: str) -> None:
        """Note that the machines are between two states from now on."""
        write_whole(self.folder / "restoring", name)

    def end_restore(self) -> None:
        """Note that they are not."""
        (self.folder / "restoring").unlink(missing_ok=True)

    @property
    def _checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    def _marks(self, name: str) -> list[Path]:
        return sorted(self._checkpoints.glob(f"{name}.json"))

    @contextmanager
    def locked(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the lab for a change; `waiting` is called if another labkit has it.

        Vagrant locks single machines and fails at once; two `up` of one lab would each get some.
        """
        with in_turn(lab_folder(self.lab) / "vagrant.lock", waiting):
            yield

    def _other_subnets(self) -> list[Subnet]:
        files = state_root().glob(f"*/{FOLDER}/Vagrantfile")
        return [
            ipaddress.IPv4Network(settings["LABKIT_SUBNET"])
            for file in files
            if file != self.vagrantfile
            and "LABKIT_SUBNET" in (settings := read_settings(file.read_text(encoding="utf-8")))
        ]


def find_vagrantfile() -> Path:
    """The course's Vagrantfile. Raises `NotReadyError` if it has none."""
    place = course_root() / "Vagrantfile"
    if place.is_file():
        return place
    raise NotReadyError(
        _("this course has no Vagrantfile"),
        where=str(place),
        then="labkit up --provider containers",
    )


def with_settings(vagrantfile: str, settings: Mapping[str, str]) -> str:
    """The text of a Vagrantfile that sets these variables before it does anything else."""
    lines = [f"ENV[\"{name}\"] = '{_ruby(value)}'\n" for name, value in sorted(settings.items())]
    head = "# Written by labkit up: this lab's settings, then the project's Vagrantfile as it is.\n"
    return f"{head}{''.join(lines)}\n{vagrantfile}"


def read_settings(text: str) -> dict[str, str]:
    """The settings at the head of a text that `with_settings` made."""
    return {name: re.sub(r"\\(.)", r"\1", value) for name, value in _SETTING.findall(text)}


def _ruby(value: str) -> str:
    """The inside of a single-quoted Ruby string, in which only these two are special."""
    return value.replace("\\", "\\\\").replace("'", "\\'")
