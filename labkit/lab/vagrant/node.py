"""One machine that Vagrant made: its host key, its login, its clock, the mirror it asks."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from labkit.errors import LabkitError, NotReadyError
from labkit.lab.common import not_whole, started_again
from labkit.lab.model import Machine
from labkit.lab.vagrant.engine import Engine
from labkit.lab.vagrant.explain import explained
from labkit.locale import _
from labkit.remote import Shell, SshShell
from labkit.whole import write_whole

HOST_KEY_FILE = "/etc/ssh/ssh_host_ed25519_key.pub"
LOGIN_LIMIT_S = 60.0  # Vagrant has logged in already; what is waited for is the second card
BOOT_LIMIT_S = 600.0  # three at once on two emulated processors were seen to take nearly as long
POLL_S = 0.5
# What lets visitors in and runs their website; what else a box brings may fail.
WHOLE = (
    "systemctl is-system-running --wait >/dev/null 2>&1; "
    f"{started_again('firewalld containerd docker')}"
)
CLOCK_LIMIT_S = 2.0  # certificates and tokens stand more; a log of three machines does not
DAEMON_JSON = "/etc/docker/daemon.json"

T = TypeVar("T")

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
        doing = _("reading {file} on {name}", file=HOST_KEY_FILE, name=name)
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
    write_whole(file, "".join(f"{line}\n" for line in lines))


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
    """Wait until the machine takes a login at its address in the lab, and runs; seconds waited.

    Raises `NotReadyError` after `limit` seconds, and if a service does not start.
    """
    started = time.monotonic()
    with closing(shell(machine)) as connection:
        try:
            insistently(lambda: connection.ask("true"), limit)
            insistently(lambda: set_clock(connection), limit)
        except LabkitError as error:
            raise NotReadyError(
                _(
                    "{node} runs, but this computer cannot log in to it in the lab's network: "
                    "{error}",
                    node=machine.name,
                    error=error.what,
                ),
                where=f"{machine.user}@{machine.address}",
                then=_("ip route, then labkit down and labkit up"),
            ) from error
        ask = partial(connection.ask, WHOLE, sudo=True, timeout=BOOT_LIMIT_S)
        failed = insistently(ask, limit).text.split()
    if failed:
        raise not_whole(machine.name, failed)
    return time.monotonic() - started


def insistently(act: Callable[[], T], limit: float = LOGIN_LIMIT_S) -> T:
    """What `act` returns, tried again for `limit` seconds: a machine that boots drops connections.

    Raises the last `LabkitError`.
    """
    deadline = time.monotonic() + limit
    while True:
        try:
            return act()
        except LabkitError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(POLL_S)


def set_clock(shell: Shell) -> bool:
    """Set the machine's clock after this computer's unless they agree; whether it was set.

    A computer that slept leaves its machines' clocks behind, and then TLS and tokens fail. Not left
    to chronyd or timesyncd: both wait for a server, which a lab without a network never hears.
    """
    asked = time.time()
    answer = shell.ask("date +%s.%N")
    waited = time.time() - asked
    if not answer.ok or abs(float(answer.text) - asked - waited / 2) < CLOCK_LIMIT_S + waited / 2:
        return False
    return shell.ask(f"date --set @{time.time():.3f}", sudo=True).ok


def use_mirror(machine: Machine, mirror: str) -> None:
    """Make the machine's Docker ask the registry `mirror` first for the names of Docker Hub.

    It is done whether there is a Docker yet or not; one that runs reads both settings again at a
    reload, which leaves its containers alone (docs.docker.com/reference/cli/dockerd).
    """
    connection = shell(machine)
    try:
        before = insistently(lambda: connection.read(DAEMON_JSON, root=True)) or ""
        try:
            wanted = with_mirror(before, mirror)
        except ValueError as error:
            raise NotReadyError(
                _(
                    "{node} has a Docker configuration that is not JSON: {error}",
                    node=machine.name,
                    error=error,
                ),
                where=f"{machine.name}:{DAEMON_JSON}",
                then=_(
                    "labkit ssh {node}, sudoedit {file}, then labkit up",
                    node=machine.name,
                    file=DAEMON_JSON,
                ),
            ) from error
        write = partial(connection.write, DAEMON_JSON, wanted, root=True, quiet=True)
        if insistently(write):
            reload = "systemctl try-reload-or-restart docker"  # waits for one that is starting
            insistently(lambda: connection.ask(reload, sudo=True, timeout=LOGIN_LIMIT_S))
    finally:
        connection.close()


def with_mirror(text: str, mirror: str) -> str:
    """The text of a daemon.json with `mirror` as its first mirror; all else in it stays.

    BuildKit insists on TLS for a mirror unless it stands among the insecure registries as well.
    Raises `ValueError` if the text is no JSON object.
    """
    settings = json.loads(text or "{}")
    if not isinstance(settings, dict):
        raise ValueError("not an object")
    wanted = {"registry-mirrors": mirror}
    if mirror.startswith("http:"):
        wanted["insecure-registries"] = urlsplit(mirror).netloc
    if all(value in settings.get(name, []) for name, value in wanted.items()):
        return text
    for name, value in wanted.items():
        others = [other for other in settings.get(name, []) if other != value]
        settings[name] = [value, *others]
    return json.dumps(settings, indent=2) + "\n"
