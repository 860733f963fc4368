"""A shell over SSH, on Fabric: strict host keys, one key, a time-out on everything."""

from __future__ import annotations

import codecs
import copy
import io
import logging
import selectors
import shlex
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath
from typing import Any

from fabric import Config, Connection
from paramiko import Channel, RejectPolicy
from paramiko.channel import ChannelFile
from paramiko.ssh_exception import (
    BadHostKeyException,
    ChannelException,
    NoValidConnectionsError,
    SSHException,
)

from labkit.errors import LabkitError, NotReadyError
from labkit.locale import _
from labkit.remote.shell import (
    READ_TIMEOUT_S,
    RUN_TIMEOUT_S,
    CommandFailedError,
    CommandTooLongError,
    RemoteProcess,
    Result,
    Shell,
)
from labkit.reporting import SILENT, CommandTyped, OutputLine, Reporter

CONNECT_TIMEOUT_S = 5
LOGIN_TIMEOUT_S = 15  # sshd's greeting, and the machine's own work at a login (PAM, systemd --user)
logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # what is wrong is said by us, once
OUTPUT_LIMIT = 4 * 2**20  # bytes of a command's output that are kept
LINE_LIMIT = 4000
RETRY_S = 0.25
CONNECT_TRIES = 4  # a booting sshd may drop the first banner (fabric #2157)
# A command that takes too long is ended by its machine, and killed KILL_AFTER_S later. Only a
# machine that has not even done that after SLACK_S is in trouble itself.
KILL_AFTER_S = 5
SLACK_S = 15.0
CLOSE_S = 5.0
ENDED = (124, 137)  # exit codes of timeout(1): by its signal, and killed
NEVER_SAID = -1  # paramiko's exit code of a channel that was closed without one
CONNECTION_END_S = 1.0  # paramiko ends the channels of a lost connection just before its own thread


class _Lines:
    """Tells whole lines of output while a command runs."""

    def __init__(self, machine: str, reporter: Reporter) -> None:
        self.machine = machine
        self.reporter = reporter
        self.rest = ""

    def write(self, text: str) -> None:
        """Take what has come; a line without an end is passed on in pieces."""
        *lines, self.rest = (self.rest + text).split("\n")
        if len(self.rest) > LINE_LIMIT:
            lines, self.rest = [*lines, self.rest], ""
        for line in lines:
            self.reporter.tell(OutputLine(self.machine, line.rsplit("\r", 1)[-1]))

    def finish(self) -> None:
        """Pass on what did not end in a newline."""
        if self.rest.strip():
            self.reporter.tell(OutputLine(self.machine, self.rest))
        self.rest = ""


def _ended(command: str, timeout: float, *, sudo: bool = False) -> str:
    """The command, ended on its machine as well when it takes longer than it may.

    It has no input from the start. The end of one that comes over the channel may be sent when the
    command is through and its channel gone, and for that sshd closes the connection under everybody
    (paramiko sends it outside of the channel's lock; sshd: "ieof packet referred to nonexistent
    channel").
    """
    who, shell = ("sudo -n ", "sh") if sudo else ("", "bash")
    ended = f"{who}timeout -k {KILL_AFTER_S} {timeout:g} {shell} -c {shlex.quote(command)}"
    return f"{ended} </dev/null"


class _Output:
    """One of a command's outputs, kept up to OUTPUT_LIMIT."""

    def __init__(self, receive: Callable[[int], bytes], stream: _Lines | None = None) -> None:
        self.receive = receive
        self.stream = stream
        self.open = True
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._parts: list[str] = []
        self._size = 0

    def take(self) -> None:
        """Take what is there, if anything is."""
        try:
            data = self.receive(65536)
        except TimeoutError:
            return
        self.open = bool(data)
        if self._size < OUTPUT_LIMIT:
            self._parts.append(self._decoder.decode(data))
            if self.stream:
                self.stream.write(self._parts[-1])
        self._size += len(data)

    @property
    def text(self) -> str:
        return "".join(self._parts)


def _received(channel: Channel, deadline: float, stream: _Lines | None) -> tuple[str, str, int]:
    """Standard output, standard error and exit code, both read as they come.

    A machine stops a command that fills the one while only the other is read. What is longer than
    OUTPUT_LIMIT is read and dropped. TimeoutError when the deadline is over before the command is;
    outputs that others hold open longer than it lasted are cut off there.
    """
    outputs = _Output(channel.recv, stream), _Output(channel.recv_stderr)
    channel.setblocking(False)
    with selectors.DefaultSelector() as arrivals:
        arrivals.register(channel, selectors.EVENT_READ)
        while any(output.open for output in outputs):
            left = deadline - time.monotonic()
            if left <= 0 or not arrivals.select(left):
                if channel.exit_status_ready():
                    break
                raise TimeoutError
            for output in outputs:
                if output.open:
                    output.take()
    if not channel.status_event.wait(max(0.1, deadline - time.monotonic())):
        raise TimeoutError
    return outputs[0].text, outputs[1].text, channel.recv_exit_status()


def _let_go(close: Callable[[], object]) -> None:
    """Close something, and do not wait for it longer than CLOSE_S.

    An interrupt may come between paramiko's taking of a lock and the `try` that gives it back;
    whoever closes then waits for ever (seen at a Ctrl-C: the lab was never removed).
    """

    def closed() -> None:
        with suppress(Exception):
            close()

    closing = threading.Thread(target=closed, daemon=True)
    closing.start()
    closing.join(CLOSE_S)


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


class _Lasting:
    """What a machine has answered while nothing changes there; shared by the twins of a shell."""

    def __init__(self) -> None:
        self.lock = threading.Lock()  # who asks the same at the same time waits for the answer
        self.answers: dict[str, Result] = {}


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
        reporter: Reporter = SILENT,
    ) -> None:
        super().__init__(name, user, address)
        self.port = port
        self.reporter = reporter
        self.history: list[Result] = []  # every command answered, in order: the evidence
        self._known_hosts = known_hosts
        self._lasting: _Lasting | None = None
        self._lock = threading.Lock()
        self._connection = self._make(key)

    def _make(self, key: str) -> Connection:
        # Nothing of ~/.ssh/config, fabric.yml or invoke.yaml: a proxy or another host named there
        # would take the place of the lab's machine.
        connection = Connection(
            self.address,
            config=Config(lazy=True, overrides={"load_ssh_configs": False}),
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
            _let_go(self._connection.close)  # what is left of one that was lost
            for attempt in range(CONNECT_TRIES):
                try:
                    self._connection.client.load_host_keys(self._known_hosts)
                    self._connection.open()
                    transport = self._connection.transport
                    transport.set_keepalive(15)
                    # A question is several small packets each way: with Nagle's algorithm each
                    # waits for a delayed acknowledgement, 40 ms.
                    transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    # The first session is granted when the login is complete.
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
                    time.sleep(RETRY_S * 2**attempt)
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
        _let_go(self._connection.close)

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
            reason = str(error) or type(error).__name__
            raise NotReadyError(
                _(
                    "the connection to {machine} was lost ({reason})",
                    machine=self.name,
                    reason=reason,
                ),
                where=f"{self.name} $ {command}",
                then="labkit status",
            ) from error

    def _refuse_if_crammed(self, transport: Any, command: str, error: SSHException) -> None:
        """Say so if the machine, which can be talked to, starts no process for this user.

        On a session that it has granted sshd refuses a command when its fork fails.
        """
        if transport.is_active():
            raise NotReadyError(
                _("{machine} has no room for another process", machine=self.name),
                where=f"{self.name} $ {command}",
                then="labkit doctor",
            ) from error

    def _must_have_ended(self, transport: Any, result: Result) -> None:
        """Nothing is read out of an answer that broke off.

        NotReadyError if the command was killed, EOFError if the connection was lost meanwhile.
        """
        if result.exit_code != NEVER_SAID:
            return
        transport.join(CONNECTION_END_S)
        if not transport.is_active():
            raise EOFError(_("in the middle of an answer"))
        raise NotReadyError(
            _("the command was killed on {machine}", machine=self.name),
            where=f"{self.name} $ {result.command}",
            then="labkit status",
        )

    def _session(self) -> tuple[Any, Any]:
        """A connection and a channel for one command on it.

        Once more if that fails: a connection just lost is made anew, and a machine whose processors
        are busy is given the time of a login. Nothing was asked of it yet, so nothing is asked
        twice. Others may use the connection meanwhile: one that lives is not closed, unless it
        gives nothing to anybody any more.
        """
        transport = self._open().transport
        try:
            return transport, transport.open_session(timeout=CONNECT_TIMEOUT_S)
        except (OSError, EOFError, SSHException):
            time.sleep(RETRY_S)
        transport = self._open().transport
        try:
            return transport, transport.open_session(timeout=LOGIN_TIMEOUT_S)
        except ChannelException:  # an answer: it takes no further session
            raise
        except (OSError, EOFError, SSHException):
            transport.close()
            raise

    def _execute(
        self,
        command: str,
        timeout: float,
        *,
        sudo: bool = False,
        shown: str = "",
        stream: _Lines | None = None,
    ) -> Result:
        """Run a command on a channel of Fabric's connection, without Invoke's runner and threads.

        With a stream, both outputs go there as they come, and are one in the result. What is
        longer than OUTPUT_LIMIT is read and dropped: a learner's build may print gigabytes.
        CommandTooLongError if the machine had to end it.
        """
        shown = shown or command
        with self._explained(shown, timeout):
            transport, channel = self._session()
            began = time.monotonic()  # a login has limits of its own
            try:
                channel.set_combine_stderr(stream is not None)
                try:
                    channel.exec_command(_ended(command, timeout, sudo=sudo))
                except SSHException as error:
                    self._refuse_if_crammed(transport, shown, error)
                    raise
                result = Result(shown, *_received(channel, began + timeout + SLACK_S, stream))
            except BaseException:
                _let_go(channel.close)
                raise
            channel.close()
            self.history.append(result)
            self._must_have_ended(transport, result)
        if result.exit_code in ENDED and time.monotonic() - began >= timeout:
            raise CommandTooLongError(self.name, result, timeout)
        return result

    def ask(self, command: str, *, sudo: bool = False, timeout: float = READ_TIMEOUT_S) -> Result:
        """Run a quiet command; any exit code is an answer."""
        text = f"sudo -n sh -c {shlex.quote(command)}" if sudo else command
        return self._execute(command, timeout, sudo=sudo, shown=text)

    def ask_once(self, command: str) -> Result:
        """`ask`, or what the machine has answered before, if it remembers: evidence both times."""
        lasting = self._lasting
        if lasting is None:
            return self.ask(command)
        with lasting.lock:
            if command in lasting.answers:
                self.history.append(lasting.answers[command])
            else:
                lasting.answers[command] = self.ask(command)
            return lasting.answers[command]

    def remember(self, on: bool) -> None:
        """Whether what `ask_once` asks stays as it is from now on; what was known is forgotten."""
        self._lasting = _Lasting() if on else None

    def forget(self) -> None:
        """What `ask_once` remembers may have changed by now."""
        self.remember(on=self._lasting is not None)

    def run(
        self, command: str, *, cwd: str = "", unless: str = "", timeout: float = RUN_TIMEOUT_S
    ) -> bool:
        """Run a command, echoed with its output; False if `unless` says there was no need."""
        prefix = f"cd {shlex.quote(cwd)} && " if cwd else ""
        if unless and self.ask(prefix + unless).ok:
            return False
        self.reporter.tell(CommandTyped(self.name, command))
        stream = _Lines(self.name, self.reporter)
        try:
            result = self._execute(prefix + command, timeout, shown=command, stream=stream)
        finally:
            stream.finish()
        if not result.ok:
            raise CommandFailedError(self.name, result)
        return True

    def upload(
        self, content: bytes, path: str, *, mode: str, root: bool, quiet: bool = False
    ) -> None:
        """Put a file in place: SFTP to a temporary name, then one `install`."""
        if not quiet:
            editor = "sudoedit" if root else "nano"
            self.reporter.tell(CommandTyped(self.name, f"{editor} {path}"))
            self.reporter.tell(OutputLine(self.name, f"({len(content.splitlines())} lines)"))
        temporary = f"/tmp/labkit-{uuid.uuid4().hex}"
        try:
            self._open().sftp().putfo(io.BytesIO(content), temporary)
        except (OSError, EOFError, SSHException) as error:
            with suppress(LabkitError):
                self.ask(f"rm -f {temporary}")  # what there was room for
            raise NotReadyError(
                _(
                    "{machine} does not take the file {path} ({reason})",
                    machine=self.name,
                    path=path,
                    reason=str(error) or type(error).__name__,
                ),
                where=f"{self.name}:{temporary}",
                then=f"labkit exec {self.name} -- df -h /tmp",
            ) from error
        folder = shlex.quote(str(PurePosixPath(path).parent))
        target = shlex.quote(path)
        put = (
            f"mkdir -p {folder} && install -m {mode} {temporary} {target}.labkit-new"
            f" && mv -f {target}.labkit-new {target}; code=$?; rm -f {temporary}; exit $code"
        )
        result = self._execute(put, READ_TIMEOUT_S, sudo=root)
        if not result.ok:
            raise CommandFailedError(
                self.name, Result(f"write {path}", result.stdout, result.stderr, result.exit_code)
            )

    def start(self, command: str, *, stdin: str = "") -> RemoteProcess:
        """Start a process on a channel of its own and feed it its input."""
        with self._explained(command, LOGIN_TIMEOUT_S):
            transport, channel = self._session()
            try:
                channel.exec_command(command)
            except SSHException as error:
                self._refuse_if_crammed(transport, command, error)
                raise
            if stdin:
                channel.sendall(stdin.encode())
            channel.shutdown_write()
        return SshProcess(channel, channel.makefile("r"))
