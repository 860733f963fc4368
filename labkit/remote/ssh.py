"""A shell over SSH, on Fabric: strict host keys, one key, a time-out on everything."""

from __future__ import annotations

import codecs
import copy
import io
import logging
import shlex
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath
from typing import Any

from fabric import Connection
from paramiko import Channel, RejectPolicy
from paramiko.channel import ChannelFile
from paramiko.ssh_exception import BadHostKeyException, NoValidConnectionsError, SSHException

from labkit.errors import LabkitError, NotReadyError
from labkit.locale import _
from labkit.remote.echo import Echo, Silent
from labkit.remote.shell import (
    READ_TIMEOUT_S,
    RUN_TIMEOUT_S,
    CommandFailedError,
    RemoteProcess,
    Result,
    Shell,
)

CONNECT_TIMEOUT_S = 5
LOGIN_TIMEOUT_S = 15  # sshd's greeting, and the machine's own work at a login (PAM, systemd --user)
logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # what is wrong is said by us, once
OUTPUT_LIMIT = 4 * 2**20  # bytes of a command's output that are kept
LINE_LIMIT = 4000
CONNECT_TRIES = 4  # a booting sshd may drop the first banner (fabric #2157)


class _LineEcho:
    """Passes whole lines on to an echo while a command runs."""

    def __init__(self, machine: str, echo: Echo) -> None:
        self.machine = machine
        self.echo = echo
        self.rest = ""

    def write(self, text: str) -> None:
        """Take what has come; a line without an end is passed on in pieces."""
        *lines, self.rest = (self.rest + text).split("\n")
        if len(self.rest) > LINE_LIMIT:
            lines, self.rest = [*lines, self.rest], ""
        for line in lines:
            self.echo.output(self.machine, line.rsplit("\r", 1)[-1])

    def finish(self) -> None:
        """Pass on what did not end in a newline."""
        if self.rest.strip():
            self.echo.output(self.machine, self.rest)
        self.rest = ""


def _ended(command: str, timeout: float, *, sudo: bool = False) -> str:
    """The command, ended on its machine as well when it takes longer than it may."""
    who, shell = ("sudo -n ", "sh") if sudo else ("", "bash")
    return f"{who}timeout -k 5 {timeout:.0f} {shell} -c {shlex.quote(command)}"


def _received(
    channel: Channel,
    receive: Callable[[int], bytes],
    deadline: float,
    stream: _LineEcho | None,
) -> str:
    """One of the outputs, to its end or OUTPUT_LIMIT. TimeoutError when the deadline is over."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    parts: list[str] = []
    size = 0
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        channel.settimeout(left)
        data = receive(65536)
        if not data:
            return "".join(parts)
        if size < OUTPUT_LIMIT:
            parts.append(decoder.decode(data))
            if stream:
                stream.write(parts[-1])
        size += len(data)


class SshProcess:
    """A remote process on a channel of its own."""

    def __init__(self, channel: Any, stdout: ChannelFile) -> None:
        self.channel = channel
        self.stdout = stdout

    def lines(self) -> Iterator[str]:
        """Its standard output, line by line, until it ends or is stopped."""
        try:
            for line in self.stdout:
                yield line.rstrip("\n") if isinstance(line, str) else line.decode().rstrip("\n")
        except (OSError, SSHException):
            return  # stopped by us while a read was waiting

    def stop(self) -> None:
        """Close the channel."""
        self.channel.close()


class SshShell(Shell):
    """Commands on a machine over one SSH connection, opened on first use."""

    def __init__(
        self,
        name: str,
        address: str,
        *,
        user: str,
        key: str,
        known_hosts: str,
        port: int = 22,
        echo: Echo | None = None,
    ) -> None:
        super().__init__(name, user, address)
        self.port = port
        self.echo = echo or Silent()
        self.history: list[Result] = []  # every command answered, in order: the evidence
        self._known_hosts = known_hosts
        self._lock = threading.Lock()
        self._connection = self._make(key)

    def _make(self, key: str) -> Connection:
        connection = Connection(
            self.address,
            user=self.user,
            port=self.port,
            connect_timeout=CONNECT_TIMEOUT_S,
            connect_kwargs={
                "key_filename": key,
                "allow_agent": False,  # an agent full of keys exhausts MaxAuthTries
                "look_for_keys": False,
                "banner_timeout": LOGIN_TIMEOUT_S,
            },
        )
        # Fabric trusts unknown hosts by default; the key of every machine is known beforehand.
        connection.client.set_missing_host_key_policy(RejectPolicy())
        return connection

    def _open(self) -> Connection:
        with self._lock:
            if self._connection.is_connected:
                return self._connection
            for attempt in range(CONNECT_TRIES):
                try:
                    self._connection.client.load_host_keys(self._known_hosts)
                    self._connection.open()
                    transport = self._connection.transport
                    transport.set_keepalive(15)
                    # A question is several small packets each way: with Nagle's algorithm each
                    # waits for a delayed acknowledgement, 40 ms.
                    transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    # The first session is granted when the login is complete; from then on a
                    # machine that grants none within CONNECT_TIMEOUT_S is in trouble.
                    transport.open_session(timeout=LOGIN_TIMEOUT_S).close()
                    return self._connection
                except BadHostKeyException as error:
                    raise NotReadyError(
                        _(
                            "{machine} answers with a host key that is not this lab's",
                            machine=self.name,
                        ),
                        where=self.address,
                        then=_("labkit destroy, then labkit up"),
                    ) from error
                except (OSError, EOFError, SSHException, NoValidConnectionsError) as error:
                    if attempt == CONNECT_TRIES - 1:
                        reason = str(error) or type(error).__name__
                        raise NotReadyError(
                            _(
                                "{machine} does not answer over SSH ({reason})",
                                machine=self.name,
                                reason=reason,
                            ),
                            where=f"{self.user}@{self.address}",
                            then=_("labkit status, then labkit up"),
                        ) from error
                    time.sleep(0.25 * 2**attempt)
        raise AssertionError("unreachable")

    def log_in_ahead(self) -> None:
        """Begin to log in, so that the first command need not wait for it; it says what fails."""
        threading.Thread(target=self._log_in, daemon=True).start()

    def _log_in(self) -> None:
        with suppress(LabkitError):
            self._open()

    def twin(self) -> SshShell:
        """A second shell on the same connection, with a history of its own: for a thread."""
        twin = copy.copy(self)
        twin.history = []
        return twin

    def close(self) -> None:
        """Close the connection; it opens again on the next use."""
        self._connection.close()

    def renew_login(self) -> None:
        """Log in anew, so that a group membership just given counts."""
        self.close()

    @contextmanager
    def _explained(self, command: str, timeout: float) -> Iterator[None]:
        """Turn a time-out or a lost connection into a sentence."""
        try:
            yield
        except TimeoutError as error:
            raise LabkitError(
                _("no answer within {seconds:.0f} s", seconds=timeout),
                where=f"{self.name} $ {command}",
                then="labkit status",
            ) from error
        except (OSError, EOFError, SSHException) as error:
            self._connection.close()
            raise NotReadyError(
                _("the connection to {machine} was lost", machine=self.name),
                where=f"{self.name} $ {command}",
                then="labkit status",
            ) from error

    def _execute(
        self, command: str, timeout: float, *, shown: str = "", stream: _LineEcho | None = None
    ) -> Result:
        """Run a command on a channel of Fabric's connection, without Invoke's runner and threads.

        With a stream, both outputs go there as they come, and are one in the result. What is
        longer than OUTPUT_LIMIT is read and dropped: a student's build may print gigabytes.
        """
        with self._explained(shown or command, timeout):
            transport = self._open().transport
            deadline = time.monotonic() + timeout  # a login has limits of its own
            channel = transport.open_session(timeout=CONNECT_TIMEOUT_S)
            channel.set_combine_stderr(stream is not None)
            channel.exec_command(command)
            channel.shutdown_write()
            try:
                stdout = _received(channel, channel.recv, deadline, stream)
                stderr = _received(channel, channel.recv_stderr, deadline, None)
                channel.settimeout(max(0.1, deadline - time.monotonic()))
                result = Result(shown or command, stdout, stderr, channel.recv_exit_status())
            finally:
                channel.close()
        self.history.append(result)
        return result

    def ask(self, command: str, *, sudo: bool = False, timeout: float = READ_TIMEOUT_S) -> Result:
        """Run a quiet command; any exit code is an answer."""
        text = f"sudo -n sh -c {shlex.quote(command)}" if sudo else command
        return self._execute(_ended(command, timeout, sudo=sudo), timeout, shown=text)

    def run(
        self, command: str, *, cwd: str = "", unless: str = "", timeout: float = RUN_TIMEOUT_S
    ) -> bool:
        """Run a command, echoed with its output; False if `unless` says there was no need."""
        prefix = f"cd {shlex.quote(cwd)} && " if cwd else ""
        if unless and self.ask(prefix + unless).ok:
            return False
        self.echo.command(self.name, command)
        stream = _LineEcho(self.name, self.echo)
        result = self._execute(_ended(prefix + command, timeout), timeout, stream=stream)
        stream.finish()
        if not result.ok:
            raise CommandFailedError(
                self.name, Result(command, result.stdout, result.stderr, result.exit_code)
            )
        return True

    def upload(
        self, content: bytes, path: str, *, mode: str, root: bool, quiet: bool = False
    ) -> None:
        """Put a file in place: SFTP to a temporary name, then one `install`."""
        if not quiet:
            self.echo.command(self.name, f"{'sudoedit' if root else 'nano'} {path}")
            self.echo.output(self.name, f"({len(content.splitlines())} lines)")
        temporary = f"/tmp/labkit-{uuid.uuid4().hex}"
        self._open().sftp().putfo(io.BytesIO(content), temporary)
        sudo = "sudo -n " if root else ""
        folder = shlex.quote(str(PurePosixPath(path).parent))
        target = shlex.quote(path)
        result = self._execute(
            f"{sudo}mkdir -p {folder} && {sudo}install -m {mode} {temporary} {target}.labkit-new"
            f" && {sudo}mv -f {target}.labkit-new {target}; code=$?; rm -f {temporary}; exit $code",
            READ_TIMEOUT_S,
        )
        if not result.ok:
            raise CommandFailedError(
                self.name, Result(f"write {path}", result.stdout, result.stderr, result.exit_code)
            )

    def start(self, command: str, *, stdin: str = "") -> RemoteProcess:
        """Start a process on a channel of its own and feed it its input."""
        transport = self._open().transport
        channel = transport.open_session(timeout=CONNECT_TIMEOUT_S)
        channel.exec_command(command)
        if stdin:
            channel.sendall(stdin.encode())
        channel.shutdown_write()
        return SshProcess(channel, channel.makefile("r"))
