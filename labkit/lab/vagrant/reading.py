"""What Vagrant prints, read: machine-readable rows, states, and OpenSSH configuration.

python-vagrant has readers of its own. They return a machine twice when its rows are not adjacent,
fail on an `error-exit` row, and give the settings of the last machine when none is named; hence
these. The format: https://developer.hashicorp.com/vagrant/docs/cli/machine-readable
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import LabkitError

NOT_CREATED = "not_created"
RUNNING = "running"

# What Vagrant::UI::MachineReadable writes inside a field, and what it stands for.
_ESCAPES = (("\\n", "\n"), ("\\r", "\r"), ("%!(VAGRANT_COMMA)", ","))


class VagrantExitError(LabkitError):
    """Vagrant gave up; `kind` is the name of its error class, `what` its own words."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message.strip() or kind, where=kind)
        self.kind = kind


@dataclass(frozen=True)
class Row:
    """One row: the machine it is about ("" for none), what it says, and its decoded fields."""

    target: str
    kind: str
    fields: tuple[str, ...]

    @property
    def value(self) -> str:
        """The first field, which is the only one of most kinds."""
        return self.fields[0]


@dataclass(frozen=True)
class State:
    """The state of a machine as its hypervisor tells it, for example "running" or "poweroff"."""

    name: str
    state: str
    hypervisor: str  # Vagrant's word for it is provider: "virtualbox", "libvirt", …

    @property
    def exists(self) -> bool:
        return self.state not in ("", NOT_CREATED)

    @property
    def running(self) -> bool:
        return self.state == RUNNING


@dataclass(frozen=True)
class SshHost:
    """How to log in to a machine, from one Host block."""

    name: str
    hostname: str
    port: int
    user: str
    key: Path


def rows(output: str) -> list[Row]:
    """The rows in what a command with --machine-readable printed; other lines are passed over.

    Ruby and plugins print warnings between the rows, so that a line counts only if it begins
    with a time stamp in seconds.
    """
    found = []
    for line in output.splitlines():
        parts = line.split(",", 3)
        if len(parts) == 4 and parts[0].isdigit():
            fields = tuple(_decode(field) for field in parts[3].split(","))
            found.append(Row(parts[1], parts[2], fields))
    return found


def _decode(field: str) -> str:
    for written, meant in _ESCAPES:
        field = field.replace(written, meant)
    return field


def states(output: str) -> dict[str, State]:
    """The machines in the output of `vagrant status --machine-readable`, by name.

    Raises `VagrantExitError` if Vagrant says in it that it gave up, whatever its exit code was.
    """
    found = rows(output)
    _raise_exit(found)
    facts: dict[str, dict[str, str]] = {}
    for row in found:
        if row.target:
            facts.setdefault(row.target, {})[row.kind] = row.value
    return {
        name: State(name, fact["state"], fact.get("provider-name", ""))
        for name, fact in facts.items()
        if "state" in fact
    }


def _raise_exit(found: Iterable[Row]) -> None:
    for row in found:
        if row.kind == "error-exit":
            raise VagrantExitError(row.value, ",".join(row.fields[1:]))


def ssh_hosts(output: str) -> dict[str, SshHost]:
    """The Host blocks in the output of `vagrant ssh-config NAME…`, by name.

    A block without a user or a key is left out: nobody could log in with it.
    """
    found = {}
    for name, options in _host_blocks(output).items():
        user, key = options.get("user"), options.get("identityfile")
        if user and key:
            found[name] = SshHost(
                name=name,
                hostname=options.get("hostname", name),
                port=_port(options),
                user=user,
                key=Path(key),
            )
    return found


def _host_blocks(output: str) -> dict[str, dict[str, str]]:
    """Options by lower-case keyword per host. The first value counts, as in ssh_config(5)."""
    blocks: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in output.splitlines():
        keyword, _, value = line.strip().partition(" ")
        value = value.strip().strip('"')  # Vagrant quotes a path with a space in it
        if keyword == "Host":
            current = blocks.setdefault(value, {})
        elif value and not keyword.startswith("#"):
            current.setdefault(keyword.lower(), value)
    return blocks


def _port(options: Mapping[str, str]) -> int:
    port = options.get("port", "22")
    return int(port) if port.isdigit() else 22
