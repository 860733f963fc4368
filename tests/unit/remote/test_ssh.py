"""What machines say is taken up to a limit and a time; many files are sent in one archive."""

from __future__ import annotations

import io
import os
import selectors
import shlex
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from paramiko import ChannelException, SSHException

from labkit.errors import NotReadyError
from labkit.remote import CommandFailedError, PlannedShell, Result, from_facts, ssh
from labkit.remote.ssh import LINE_LIMIT, _Lines, _received
from labkit.reporting import OutputLine
from tests.fakes.told import Told


class Channel:
    """A channel that gives these pieces, then its end; as a file it is always ready to be read."""

    def __init__(self, pieces: Iterable[bytes], errors: Iterable[bytes] = ()) -> None:
        self.pieces, self.errors = iter(pieces), iter(errors)
        self.status_event = threading.Event()
        self.status_event.set()
        self.ready = Path(os.devnull).open("rb")  # noqa: SIM115

    def fileno(self) -> int:
        """For whoever waits."""
        return self.ready.fileno()

    def setblocking(self, blocking: bool) -> None:
        """It never does."""
        assert not blocking

    def recv(self, most: int) -> bytes:
        """The next piece."""
        piece = next(self.pieces, b"")
        assert len(piece) <= most
        return piece

    def recv_stderr(self, most: int) -> bytes:
        """The next piece of what is printed beside."""
        assert most
        return next(self.errors, b"")

    def exit_status_ready(self) -> bool:
        """Whether it has said how it ended."""
        return self.status_event.is_set()

    def recv_exit_status(self) -> int:
        """How it ended."""
        return 0


def lines(told: Told) -> list[str]:
    """The lines of output that were told, with their machines."""
    return [f"{one.machine}|{one.line}" for one in told.events if isinstance(one, OutputLine)]


@pytest.fixture(autouse=True)
def _files_are_always_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    # epoll takes no plain files; select says of them that they can be read.
    monkeypatch.setattr(ssh.selectors, "DefaultSelector", selectors.SelectSelector)


def received(pieces: Iterable[bytes], *, seconds: float = 60, stream: _Lines | None = None) -> str:
    channel = Channel(pieces)
    end = time.monotonic() + seconds
    return _received(cast("Any", channel), end, stream)[0]


def test_all_pieces_to_the_end() -> None:
    assert received([]) == ""
    assert received([b"one\ntw", b"o\n"]) == "one\ntwo\n"


def test_a_character_that_comes_in_two_pieces_is_one() -> None:
    text = "é€😀"
    data = text.encode()
    for at in range(1, len(data)):
        assert received([data[:at], data[at:]]) == text
    assert received([data[n : n + 1] for n in range(len(data))]) == text


def test_bytes_that_are_no_text_are_no_reason_to_fall() -> None:
    assert received([b"a\xff\xfeb"]) == "a\ufffd\ufffdb"
    assert received([b"a\xc3"]).startswith("a")
    assert received([b"a\0b"]) == "a\0b"


def test_what_is_beyond_the_limit_is_read_and_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh, "OUTPUT_LIMIT", 100)
    told = Told()
    read = 0

    def pieces() -> Iterable[bytes]:
        nonlocal read
        for _piece in range(50):
            read += 30
            yield b"x" * 29 + b"\n"

    text = received(pieces(), stream=_Lines("web1", told))
    assert read == 1500
    assert 100 <= len(text) < 100 + 65536
    assert len(text) == 120
    assert len(lines(told)) == 4


def test_both_outputs_are_read_by_turns() -> None:
    """Neither waits for the end of the other: a machine stops whoever fills it."""
    read = []

    def pieces(name: str) -> Iterator[bytes]:
        for _piece in range(3):
            read.append(name)
            yield name.encode()

    channel = Channel(pieces("o"), pieces("e"))
    assert _received(cast("Any", channel), time.monotonic() + 60, None) == ("ooo", "eee", 0)
    assert "".join(read) == "oeoeoe"


def test_what_says_nothing_is_waited_for_until_the_deadline() -> None:
    class Silent(Channel):
        """Nothing comes, and no end."""

        def recv(self, most: int) -> bytes:
            """Nothing yet."""
            raise TimeoutError(most)

    channel = Silent([])
    channel.status_event.clear()
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        _received(cast("Any", channel), begin + 0.2, None)
    assert time.monotonic() >= begin + 0.2


def test_an_end_without_an_exit_code_is_waited_for_until_the_deadline() -> None:
    channel = Channel([b"x"])
    channel.status_event.clear()
    with pytest.raises(TimeoutError):
        _received(cast("Any", channel), time.monotonic() + 0.2, None)


def test_what_never_ends_is_ended_by_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 1
        return now

    monkeypatch.setattr(time, "monotonic", clock)
    channel = Channel(iter(lambda: b"x", b""))
    channel.status_event.clear()
    with pytest.raises(TimeoutError):
        _received(cast("Any", channel), 20, None)


def test_a_deadline_that_is_over_reads_nothing() -> None:
    channel = Channel([b"x"])
    channel.status_event.clear()
    with pytest.raises(TimeoutError):
        _received(cast("Any", channel), time.monotonic() - 1, None)
    assert next(channel.pieces) == b"x"


def test_lines_are_passed_on_as_they_come() -> None:
    told = Told()
    stream = _Lines("web1", told)
    received([b"one\ntw", b"o\n10%\r50%\r100%\nrest"], stream=stream)
    assert lines(told) == ["web1|one", "web1|two", "web1|100%"]
    stream.finish()
    stream.finish()
    assert lines(told)[3:] == ["web1|rest"]


def test_a_line_without_an_end_is_passed_on_in_pieces() -> None:
    told = Told()
    stream = _Lines("web1", told)
    for _piece in range(5):
        stream.write("x" * LINE_LIMIT)
    assert 2 <= len(lines(told)) <= 5
    assert len(stream.rest) <= LINE_LIMIT


# -- many files at once


def unpacking(
    files: dict[str, bytes], folder: str = "/srv/x", answer: Callable[[str], Result] | None = None
) -> tuple[PlannedShell, list[str]]:
    asked: list[str] = []

    def answered(question: str) -> Result:
        asked.append(question)
        return (answer or from_facts({"tar -xzmf": 0}))(question)

    shell = PlannedShell("web1", answered)
    shell.unpack(files, folder)
    return shell, asked


FILES = {"a.txt": b"1\r\n\0", "sub/é ü.php": b"", "x" * 120 + "/" + "y" * 120: b"long", "-rf": b""}


def test_files_go_in_one_archive_of_plain_files() -> None:
    shell, _asked = unpacking(FILES)
    ((path, data),) = shell.files.items()
    assert path.startswith("/tmp/labkit-")
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        members = tar.getmembers()
        assert {one.name: tar.extractfile(one).read() for one in members} == FILES  # type: ignore[union-attr]
    assert all(one.isreg() and one.uid == 0 and one.mode & 0o6000 == 0 for one in members)


def test_what_may_be_executed_still_may() -> None:
    shell = PlannedShell("web1", from_facts({"tar -xzmf": 0}))
    shell.unpack({"run.sh": b"", "a.txt": b""}, "/srv/x", executable={"run.sh", "elsewhere"})
    (data,) = shell.files.values()
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert {one.name: one.mode for one in tar} == {"run.sh": 0o755, "a.txt": 0o644}


def test_it_is_one_question_and_no_command_of_a_students() -> None:
    shell, asked = unpacking(FILES)
    assert shell.plan == []
    (question,) = asked
    assert "--no-same-owner -C /srv/x" in question
    assert "rm -f /tmp/labkit-" in question


def test_the_folder_is_quoted() -> None:
    _shell, (question,) = unpacking(FILES, "/srv/it's; reboot")
    assert shlex.quote("/srv/it's; reboot") in question


def test_nothing_to_send_is_nothing_to_ask() -> None:
    shell, asked = unpacking({})
    assert (shell.files, asked) == ({}, [])


def test_an_archive_that_cannot_be_unpacked_is_a_step_that_failed() -> None:
    def full(question: str) -> Result:
        return Result(question, "", "tar: No space left on device", 2)

    with pytest.raises(CommandFailedError, match="No space left"):
        unpacking(FILES, answer=full)


def test_a_real_tar_takes_it_and_the_archive_is_gone_in_any_case(tmp_path: Path) -> None:
    class Here(PlannedShell):
        """Asks the shell of this computer."""

        def upload(self, content: bytes, path: str, **_more: object) -> None:
            """Put it here."""
            Path(path).write_bytes(content)
            self.files[path] = content

    def bash(question: str) -> Result:
        done = subprocess.run(["bash", "-c", question], capture_output=True, text=True, check=False)
        return Result(question, done.stdout, done.stderr, done.returncode)

    shell = Here("web1", bash)
    folder = tmp_path / "it's a folder"
    with pytest.raises(CommandFailedError):
        shell.unpack(FILES, str(folder))
    folder.mkdir()
    (folder / "a.txt").write_text("old")
    shell.unpack(FILES, str(folder))
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert found == FILES
    assert not any(Path(path).exists() for path in shell.files)


class Crammed(Channel):
    """A session that is granted; the command on it is not, as of an sshd that cannot fork."""

    def exec_command(self, command: str) -> None:
        """Refused, as Paramiko says it."""
        raise SSHException(f"Channel closed: {command}")

    def set_combine_stderr(self, combined: bool) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


@pytest.mark.parametrize("word", ["ask", "start"])
@pytest.mark.parametrize(
    ("alive", "said"), [(True, "lb has no room for another process"), (False, "was lost")]
)
def test_a_machine_that_starts_nothing_is_told_from_one_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alive: bool, said: str, word: str
) -> None:
    shell = ssh.SshShell("lb", "192.0.2.1", user="u", key="k", known_hosts=str(tmp_path / "known"))
    transport = SimpleNamespace(open_session=lambda **_limits: Crammed(()), is_active=lambda: alive)
    monkeypatch.setattr(shell, "_open", lambda: SimpleNamespace(transport=transport))
    with pytest.raises(NotReadyError, match=said):
        getattr(shell, word)("true")


class BrokenOff(Channel):
    """A command that said a word, and never how it ended."""

    def __init__(self) -> None:
        super().__init__([b"a word"])
        self.commands: list[str] = []

    def exec_command(self, command: str) -> None:
        """Begun."""
        self.commands.append(command)

    def set_combine_stderr(self, combined: bool) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""

    def recv_exit_status(self) -> int:
        """Paramiko's word for none."""
        return -1


@pytest.mark.parametrize(
    ("alive", "said"),
    [
        (True, "the command was killed on lb"),
        (False, r"the connection to lb was lost \(in the middle of an answer\)"),
    ],
)
def test_nothing_is_read_out_of_an_answer_that_broke_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alive: bool, said: str
) -> None:
    """A grader once read out of one that there was no container."""
    shell = ssh.SshShell("lb", "192.0.2.1", user="u", key="k", known_hosts=str(tmp_path / "known"))
    transport = SimpleNamespace(is_active=lambda: alive, join=lambda _seconds: None)
    monkeypatch.setattr(shell, "_session", lambda: (transport, BrokenOff()))
    shell.remember(True)
    for _time in range(2):
        with pytest.raises(NotReadyError, match=said):
            shell.ask_once("docker ps")
    assert [one.stdout for one in shell.history] == ["a word"] * 2  # evidence all the same


def test_no_end_of_input_is_sent_that_could_come_after_the_end_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """sshd ends the whole connection for one: the command has no input from the start."""
    shell = ssh.SshShell("lb", "192.0.2.1", user="u", key="k", known_hosts=str(tmp_path / "known"))
    channel = BrokenOff()
    transport = SimpleNamespace(is_active=lambda: True, join=lambda _seconds: None)
    monkeypatch.setattr(shell, "_session", lambda: (transport, channel))
    with pytest.raises(NotReadyError):  # the channel has no shutdown_write
        shell.ask("cat")
    reading, writing = os.pipe()  # an input that nobody ends
    try:
        command = ["bash", "-c", channel.commands[0]]
        assert subprocess.run(command, stdin=reading, timeout=5, check=False).returncode == 0
    finally:
        os.close(reading)
        os.close(writing)


def session_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *errors: SSHException
) -> tuple[list[float], list[str], Callable[[], tuple[Any, Any]]]:
    """How long sessions were waited for, which connections were closed, and how to ask for one."""
    shell = ssh.SshShell("lb", "192.0.2.1", user="u", key="k", known_hosts=str(tmp_path / "known"))
    patience: list[float] = []
    closings: list[str] = []
    left = list(errors)

    def granted(timeout: float) -> str:
        patience.append(timeout)
        if left:
            raise left.pop(0)
        return "a channel"

    transport = SimpleNamespace(
        open_session=granted, is_active=lambda: True, close=lambda: closings.append("transport")
    )
    monkeypatch.setattr(shell, "_open", lambda: SimpleNamespace(transport=transport))
    monkeypatch.setattr(shell._connection, "close", lambda: closings.append("connection"))
    monkeypatch.setattr(ssh, "RETRY_S", 0.0)
    return patience, closings, shell._session


LATE = SSHException("Timeout opening channel.")


def test_a_session_is_asked_for_once_more_and_the_connection_of_others_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience, closings, session = session_after(tmp_path, monkeypatch, LATE)
    assert session()[1] == "a channel"
    assert patience == [ssh.CONNECT_TIMEOUT_S, ssh.LOGIN_TIMEOUT_S]
    assert closings == []


@pytest.mark.parametrize(
    ("error", "closed"), [(LATE, ["transport"]), (ChannelException(4, "Resource shortage"), [])]
)
def test_a_connection_that_gives_nothing_to_anybody_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: SSHException, closed: list[str]
) -> None:
    _patience, closings, session = session_after(tmp_path, monkeypatch, LATE, error)
    with pytest.raises(SSHException):
        session()
    assert closings == closed


@pytest.mark.parametrize("word", ["ask", "start"])
def test_a_connection_that_is_lost_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    shell = ssh.SshShell("lb", "192.0.2.1", user="u", key="k", known_hosts=str(tmp_path / "known"))

    def lost() -> None:
        raise EOFError

    monkeypatch.setattr(shell, "_session", lost)
    with pytest.raises(NotReadyError, match=r"the connection to lb was lost \(EOFError\)"):
        getattr(shell, word)("true")


def test_a_machine_that_takes_no_file_is_named_and_keeps_no_half_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SFTP says no more than "Failure" of a disk that is full."""
    shell = ssh.SshShell("lb", "192.0.2.1", user="u", key="k", known_hosts=str(tmp_path / "known"))
    asked: list[str] = []

    def full(_content: io.BytesIO, _path: str) -> None:
        raise OSError("Failure")

    sftp = SimpleNamespace(putfo=full)
    monkeypatch.setattr(shell, "_open", lambda: SimpleNamespace(sftp=lambda: sftp))
    monkeypatch.setattr(shell, "ask", asked.append)
    with pytest.raises(
        NotReadyError, match=r"lb does not take the file /etc/x \(Failure\)"
    ) as said:
        shell.upload(b"x", "/etc/x", mode="644", root=True)
    assert said.value.then == "labkit exec lb -- df -h /tmp"
    assert [one.startswith("rm -f /tmp/labkit-") for one in asked] == [True]


@pytest.mark.parametrize("root", [True, False])
def test_a_file_is_put_in_place_whole_by_one_command_with_the_rights_of_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: bool
) -> None:
    shell = ssh.SshShell("lb", "192.0.2.1", user="u", key="k", known_hosts=str(tmp_path / "known"))
    asked: list[tuple[str, bool]] = []
    sent: list[Path] = []

    def put(content: io.BytesIO, path: str) -> None:
        sent.append(Path(path))
        sent[-1].write_bytes(content.read())

    def execute(command: str, _timeout: float, *, sudo: bool = False) -> Result:
        asked.append((command, sudo))
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
        return Result(command, done.stdout, done.stderr, done.returncode)

    sftp = SimpleNamespace(putfo=put)
    monkeypatch.setattr(shell, "_open", lambda: SimpleNamespace(sftp=lambda: sftp))
    monkeypatch.setattr(shell, "_execute", execute)
    target = tmp_path / "it's new" / "x.conf"
    shell.upload(b"one\n", str(target), mode="0640", root=root, quiet=True)
    shell.upload(b"two\n", str(target), mode="0640", root=root, quiet=True)
    assert [sudo for _command, sudo in asked] == [root, root]
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"two\n", 0o640)
    assert [one.name for one in target.parent.iterdir()] == ["x.conf"]
    assert not any(one.exists() for one in sent)

    (tmp_path / "file").touch()
    with pytest.raises(CommandFailedError):
        shell.upload(b"x", str(tmp_path / "file" / "x"), mode="0640", root=root, quiet=True)
    assert not any(one.exists() for one in sent)


def test_closing_does_not_wait_for_a_lock_that_an_interrupt_has_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ssh, "CLOSE_S", 0.05)
    shell = ssh.SshShell.__new__(ssh.SshShell)
    left = threading.Lock()
    left.acquire()
    shell._connection = cast("Any", SimpleNamespace(close=left.acquire))
    closing = threading.Thread(target=shell.close, daemon=True)
    closing.start()
    closing.join(5)
    assert not closing.is_alive()
    left.release()
