"""One machine that Vagrant made: its host key, how to log in, when it is ready."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path

from labkit.errors import LabkitError, NotReadyError
from labkit.lab.model import Machine
from labkit.lab.vagrant.engine import Engine
from labkit.lab.vagrant.explain import explained
from labkit.remote import SshShell

HOST_KEY_FILE = "/etc/ssh/ssh_host_ed25519_key.pub"
LOGIN_LIMIT_S = 60.0  # Vagrant has logged in already; what is waited for is the second card
POLL_S = 0.5

_PUBLIC_KEY = re.compile(r"ssh-ed25519 [A-Za-z0-9+/]+=*")


def fetch_host_key(engine: Engine, name: str) -> str:
    """The machine's public host key, "ssh-ed25519 AAAA…".

    It comes over Vagrant's own connection, which goes through the hypervisor on this computer and
    not through the lab's network. Raises `NotReadyError` if the machine does not give one.
    """
    mark = engine.mark()
    said = engine.ask("ssh", name, "--no-tty", "--command", f"cat {HOST_KEY_FILE}")
    found = _PUBLIC_KEY.search(said)
    if not found:
        doing = f"reading {HOST_KEY_FILE} on {name}"
        raise explained(said + engine.said_since(mark), doing, engine.project.log)
    return found.group()


def known_hosts_line(address: str, public: str, machine_id: str) -> str:
    """A line for known_hosts; its comment says for which machine of the hypervisor it was made."""
    return f"{address} {public} {machine_id}"


def trusted(lines: str, address: str, machine_id: str) -> str:
    """The line that stands for this very machine, or "" if its key is not known yet.

    A machine that was destroyed and made anew, by whomever, has another id and is asked again;
    one that changes its key and keeps its id is not believed.
    """
    for line in lines.splitlines():
        parts = line.split(" ", 3)
        if len(parts) == 4 and parts[0] == address and parts[3] == machine_id:
            return line
    return ""


def learn_host_keys(engine: Engine, addresses: Mapping[str, str], file: Path) -> None:
    """Make known_hosts hold a line for each machine; only the unknown ones are asked."""
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    lines = []
    for name, address in addresses.items():
        machine_id = engine.project.machine_id(name)
        line = trusted(before, address, machine_id)
        lines.append(line or known_hosts_line(address, fetch_host_key(engine, name), machine_id))
    new = file.with_suffix(".new")
    new.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    new.rename(file)


def shell(machine: Machine) -> SshShell:
    """A shell on the machine, connected on first use."""
    return SshShell(
        machine.name,
        machine.address,
        user=machine.user,
        key=str(machine.key),
        known_hosts=str(machine.known_hosts),
        port=machine.port,
    )


def wait_ready(machine: Machine, limit: float = LOGIN_LIMIT_S) -> float:
    """Wait until the machine takes a login at its address in the lab; seconds waited.

    Raises `NotReadyError` after `limit` seconds.
    """
    started = time.monotonic()
    connection = shell(machine)
    try:
        while True:
            try:
                connection.ask("true")
                break
            except LabkitError as error:
                if time.monotonic() - started > limit:
                    raise NotReadyError(
                        f"{machine.name} runs, but this computer cannot log in to it in the lab's "
                        f"network: {error.what}",
                        where=f"{machine.user}@{machine.address}",
                        then="ip route, then labkit down and labkit up",
                    ) from error
                time.sleep(POLL_S)
        # A computer that slept leaves its machines' clocks behind, and then TLS and tokens fail.
        connection.ask("command -v chronyc && chronyc makestep", sudo=True)
    finally:
        connection.close()
    return time.monotonic() - started
