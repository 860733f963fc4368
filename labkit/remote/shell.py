"""A shell on one machine: ask (reads), run and write (changes), start (streams).

Steps and checks see only `Shell`. Two things stand behind it: a machine over SSH
(`labkit.remote.ssh`) and a plan that records what would be done (`labkit.remote.plan`), so that
every step can be computed, shown and tested without a machine.
"""

from __future__ import annotations

import hashlib
import io
import shlex
import tarfile
import uuid
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

from labkit.errors import StepFailedError
from labkit.locale import _, number

Family = Literal["redhat", "debian"]

READ_TIMEOUT_S = 20.0  # a question that takes longer is a machine in trouble
RUN_TIMEOUT_S = 300.0  # the longest thing that a learner waits for is an image build


@dataclass(frozen=True)
class Result:
    """What a command printed, and its exit code."""

    command: str
    stdout: str
    stderr: str
    exit_code: int

    @property
    def ok(self) -> bool:
        return self.exit_code == 0

    @property
    def text(self) -> str:
        """The answer as one would read it: standard output, without the final newline."""
        return self.stdout.strip()

    @property
    def said(self) -> str:
        """Both outputs, for an error message."""
        return "\n".join(part for part in (self.stdout.strip(), self.stderr.strip()) if part)


class CommandFailedError(StepFailedError):
    """A command ended with an unexpected code; carries the command and what it printed."""

    def __init__(self, machine: str, result: Result) -> None:
        lines = result.said.splitlines()
        tail = "\n".join(lines[-8:]) or _("(it printed nothing)")
        super().__init__(
            self._what(result, tail),
            where=f"{machine} $ {result.command}",
            then=_("labkit ssh {machine}, and try the command by hand", machine=machine),
        )
        self.machine = machine
        self.result = result

    def _what(self, result: Result, tail: str) -> str:
        return _("exit code {code}:\n{tail}", code=result.exit_code, tail=tail)


class CommandTooLongError(CommandFailedError):
    """A command had not ended after its time, in seconds, and its machine ended it."""

    def __init__(self, machine: str, result: Result, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(machine, result)

    def _what(self, result: Result, tail: str) -> str:
        del result
        return _(
            "it had not finished after {seconds} s:\n{tail}",
            seconds=number(self.seconds),
            tail=tail,
        )


class RemoteProcess(Protocol):
    """A process on a machine whose output is read while it runs."""

    def lines(self) -> Iterator[str]:
        """Its standard output, line by line, until it ends. Blocks."""
        ...

    def stop(self) -> None:
        """Hang up; the process gets SIGHUP or a closed pipe."""
        ...


class Shell(ABC):
    """Commands on one machine. Exit codes that are accepted are stated where they are accepted."""

    def __init__(self, name: str, user: str, address: str = "") -> None:
        self.name = name
        self.user = user
        self.address = address
        self._opened: set[str] = set()  # rules of the firewall that hold

    def __repr__(self) -> str:
        return f"<shell {self.name}>"

    @abstractmethod
    def ask(self, command: str, *, sudo: bool = False, timeout: float = READ_TIMEOUT_S) -> Result:
        """Run a command that changes nothing; any exit code is an answer.

        Raises `NotReadyError` when the machine cannot be reached, `CommandTooLongError` when it
        had to end the command, `LabkitError` when it has not even done that.
        """

    def ask_once(self, command: str) -> Result:
        """`ask` for what nobody changes while the questions of one run go on: asked once in it."""
        return self.ask(command)

    @abstractmethod
    def run(
        self, command: str, *, cwd: str = "", unless: str = "", timeout: float = RUN_TIMEOUT_S
    ) -> bool:
        """Run a command as a person would type it, echoing it; False if there was no need.

        `unless` is a question: when it is answered with exit code 0, nothing is done.
        Raises `CommandFailedError` on any exit code but 0.
        """

    @abstractmethod
    def upload(
        self, content: bytes, path: str, *, mode: str, root: bool, quiet: bool = False
    ) -> None:
        """Put a file in place, atomically, echoing it as an edit unless `quiet`."""

    @abstractmethod
    def start(self, command: str, *, stdin: str = "") -> RemoteProcess:
        """Start a process, give it its input, and read its output while it runs.

        Raises `NotReadyError` when the machine cannot be reached or starts no process.
        """

    def remember(self, on: bool) -> None:  # noqa: B027  # a plan has no answers to keep
        """Whether what `ask_once` asks stays as it is from now on; what was known is forgotten."""

    def forget(self) -> None:  # noqa: B027  # a plan has no answers to keep
        """What `ask_once` remembers may have changed by now."""

    def close(self) -> None:  # noqa: B027  # a plan has nothing open
        """End the connection, and with it whatever still runs over it."""

    def renew_login(self) -> None:  # noqa: B027  # a plan has no login to renew
        """Log in anew, so that a group membership just given counts."""

    @cached_property
    def family(self) -> Family:
        """The package family of the machine's system, from its own /etc/os-release."""
        release = self.ask("cat /etc/os-release").stdout.lower()
        if any(word in release for word in ("rhel", "fedora", "rocky", "almalinux")):
            return "redhat"
        return "debian"

    def write(
        self,
        path: str,
        content: bytes | str,
        *,
        mode: str = "0644",
        root: bool = False,
        quiet: bool = False,
    ) -> bool:
        """Make a file hold exactly this content; False if it already did."""
        data = content.encode() if isinstance(content, str) else content
        if self.sha256(path, root=root) == hashlib.sha256(data).hexdigest():
            return False
        self.upload(data, path, mode=mode, root=root, quiet=quiet)
        return True

    def unpack(
        self, files: Mapping[str, bytes], folder: str, *, executable: Collection[str] = ()
    ) -> None:
        """Put many files below a folder, in one go; paths are relative and stay inside it."""
        if not files:
            return
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            for path, data in files.items():
                entry = tarfile.TarInfo(path)
                entry.size = len(data)
                entry.mode = 0o755 if path in executable else 0o644
                tar.addfile(entry, io.BytesIO(data))
        archive = f"/tmp/labkit-{uuid.uuid4().hex}.tar.gz"
        self.upload(packed.getvalue(), archive, mode="0600", root=False, quiet=True)
        target = shlex.quote(folder)
        command = f"tar -xzmf {archive} --no-same-owner -C {target}; code=$?; rm -f {archive}"
        result = self.ask(f"{command}; exit $code", timeout=RUN_TIMEOUT_S)
        if not result.ok:
            raise CommandFailedError(self.name, result)

    def sha256(self, path: str, *, root: bool = False) -> str:
        """The hexadecimal digest of a file, or "" if there is none."""
        answer = self.ask(f"sha256sum {shlex.quote(path)}", sudo=root)
        return answer.stdout.split()[0].lstrip("\\") if answer.ok and answer.stdout else ""

    def read(self, path: str, *, root: bool = False) -> str | None:
        """The text of a file, or None if it does not exist or cannot be read."""
        answer = self.ask(f"cat {shlex.quote(path)}", sudo=root)
        return answer.stdout if answer.ok else None

    def install(self, *, redhat: tuple[str, ...], debian: tuple[str, ...]) -> bool:
        """Install the packages that are missing, by their names in either family."""
        wanted = redhat if self.family == "redhat" else debian
        query = "; ".join(f"{self._present(name)} || echo {name}" for name in wanted)
        answer = self.ask(f"{query}; true")
        missing = answer.stdout.split() if answer.ok else list(wanted)
        if not missing:
            return False
        names = " ".join(missing)
        if self.family == "redhat":
            return self.run(f"sudo dnf install -y {names}", timeout=900)
        return self.run(
            f"sudo apt-get update -q && sudo apt-get install -y --no-install-recommends {names}",
            timeout=900,
        )

    def _present(self, package: str) -> str:
        """A question that ends in 0 if a package is installed, and not merely configured."""
        if self.family == "redhat":
            return f"rpm -q --quiet {package} >/dev/null 2>&1"
        return f"dpkg -s {package} 2>/dev/null | grep -q '^Status: install ok installed'"

    def service(self, name: str) -> bool:
        """Make a systemd service enabled and running."""
        unit = shlex.quote(name)
        return self.run(
            f"sudo systemctl enable --now {unit}",
            unless=f"systemctl is-enabled --quiet {unit} && systemctl is-active --quiet {unit}",
        )

    def open_port(self, rule: str) -> bool:
        """Open a port or service in firewalld, now and for good, without a reload.

        A reload would wipe the rules that Docker made (moby #15254, #35043). `rule` is
        `--add-service=NAME` or `--add-port=PORT/tcp`.
        """
        if rule in self._opened:
            return False
        query = rule.replace("--add-", "--query-", 1)
        opened = self.run(
            f"sudo firewall-cmd --permanent {rule} && sudo firewall-cmd {rule}",
            unless=f"! systemctl is-active --quiet firewalld || sudo -n firewall-cmd {query}",
        )
        self._opened.add(rule)  # for good: the same shell need not ask again, which takes 0.5 s
        return opened


Shells = Mapping[str, Shell]  # the machines' by their names
