"""Commands over SSH, on a server of our own on loopback: what they print, and when they end."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from labkit.errors import LabkitError, StepFailedError
from labkit.remote import CommandTooLongError, SshShell, ssh


class Machine(paramiko.ServerInterface):
    """Lets everybody in; `deaf` takes commands and never does anything."""

    deaf = False

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        del username, key
        return int(paramiko.common.AUTH_SUCCESSFUL)

    def get_allowed_auths(self, username: str) -> str:
        del username
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        del kind, chanid
        return int(paramiko.common.OPEN_SUCCEEDED)

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        if not self.deaf:  # once the request has been answered: paramiko does so on return
            threading.Timer(0.03, carried_out, args=(channel, command)).start()
        return True


def carried_out(channel: paramiko.Channel, command: bytes) -> None:
    """As sshd does it: the exit code when the command ends, the end when its outputs do."""
    done = subprocess.Popen(
        ["sh", "-c", command.decode().replace("sudo -n ", "")],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    assert done.stdout
    assert done.stderr

    def pass_on(read: int, send: object) -> None:
        try:
            while data := file_of[read].read1(65536):
                send(data)  # type: ignore[operator]
        except OSError:
            return  # the client has left

    file_of = {1: done.stdout, 2: done.stderr}
    both = [
        threading.Thread(target=pass_on, args=(1, channel.sendall), daemon=True),
        threading.Thread(target=pass_on, args=(2, channel.sendall_stderr), daemon=True),
    ]
    for one in both:
        one.start()
    code = done.wait()
    if channel.closed:
        return
    channel.send_exit_status(code)
    for one in both:
        one.join()
    channel.close()


def private_key(path: Path) -> paramiko.Ed25519Key:
    path.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
    )
    return paramiko.Ed25519Key.from_private_key_file(str(path))


@pytest.fixture
def machine() -> type[Machine]:
    """The kind of machine that answers."""
    return type("OneMachine", (Machine,), {})


@pytest.fixture
def shell(tmp_path: Path, machine: type[Machine]) -> Iterator[SshShell]:
    """A shell on it."""
    private_key(tmp_path / "user")
    host_key = private_key(tmp_path / "host")
    transports: list[paramiko.Transport] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        known = tmp_path / "known_hosts"
        known.write_text(f"[127.0.0.1]:{port} {host_key.get_name()} {host_key.get_base64()}\n")

        def serve() -> None:
            while True:
                try:
                    connection, _address = listener.accept()
                except OSError:
                    return
                transport = paramiko.Transport(connection)
                transport.add_server_key(host_key)
                transport.start_server(server=machine())
                transports.append(transport)

        threading.Thread(target=serve, daemon=True).start()
        shell = SshShell(
            "web1", "127.0.0.1", user="student", key=str(tmp_path / "user"),
            known_hosts=str(known), port=port,
        )  # fmt: skip
        yield shell
        shell.close()
        listener.shutdown(socket.SHUT_RDWR)
        for transport in transports:
            transport.close()


def test_a_command_says_what_it_prints_and_how_it_ended(shell: SshShell) -> None:
    found = shell.ask("echo one; echo two >&2; exit 3")
    assert (found.stdout, found.stderr, found.exit_code) == ("one\n", "two\n", 3)


def test_a_connection_that_was_lost_between_two_commands_is_made_anew(shell: SshShell) -> None:
    assert shell.ask("echo one").text == "one"
    lost = shell._open().transport
    opened = lost.open_session

    def too_late(**_limits: float) -> object:
        lost.open_session = opened
        lost.close()  # after it was found to be open, before it is used
        return opened(timeout=1)

    lost.open_session = too_late
    assert shell.ask("echo two").text == "two"
    assert shell._open().transport is not lost


def test_hostile_flood_of_standard_error_stops_nothing(shell: SshShell) -> None:
    flood = "head -c 9000000 /dev/zero | tr '\\0' x"
    found = shell.ask(f"{flood} >&2; {flood}; exit 5", timeout=60)
    assert found.exit_code == 5
    assert min(len(found.stdout), len(found.stderr)) >= ssh.OUTPUT_LIMIT
    assert max(len(found.stdout), len(found.stderr)) < ssh.OUTPUT_LIMIT + 2**17


def test_a_command_that_takes_too_long_is_not_its_machines_fault(shell: SshShell) -> None:
    with pytest.raises(StepFailedError, match="not finished after 1 s:\nbegun") as caught:
        shell.run("echo begun; sleep 60", timeout=1)
    assert isinstance(caught.value, CommandTooLongError)
    with pytest.raises(CommandTooLongError):
        shell.ask("sleep 60", timeout=1)
    with pytest.raises(CommandTooLongError):
        shell.ask("sleep 60", sudo=True, timeout=1)
    assert shell.ask("echo here").text == "here"


def test_hostile_command_that_cannot_be_asked_to_end_is_killed(
    shell: SshShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh, "KILL_AFTER_S", 1)
    with pytest.raises(CommandTooLongError):
        shell.ask("trap '' TERM; while :; do sleep 0.1; done", timeout=1)


def test_a_code_that_is_also_a_time_out_is_an_answer(shell: SshShell) -> None:
    assert [shell.ask(f"exit {code}").exit_code for code in ssh.ENDED] == [124, 137]


def test_what_holds_an_output_open_does_not_keep_the_answer(
    shell: SshShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh, "SLACK_S", 1.0)
    found = shell.ask("sleep 30 & echo done", timeout=1)
    assert (found.text, found.exit_code) == ("done", 0)


def test_a_machine_that_ends_nothing_is_in_trouble_itself(
    shell: SshShell, machine: type[Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh, "SLACK_S", 0.5)
    shell.ask("true")
    machine.deaf = True
    began = time.monotonic()
    with pytest.raises(LabkitError, match="no answer within 1 s") as caught:
        shell.run("true", timeout=1)
    assert not isinstance(caught.value, StepFailedError)
    assert time.monotonic() - began >= 1.4


@pytest.mark.parametrize("place", ["home", "here"])
def test_hostile_settings_of_ssh_and_fabric_are_not_read(
    shell: SshShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Whoever grades may have any ~/.ssh/config; a student's folder may hold a fabric.yml."""
    home, canary = tmp_path / place, tmp_path / "canary"
    (home / ".ssh").mkdir(parents=True)
    proxy = f"  ProxyCommand touch {canary}\n  Port 9\n  User nobody\n"
    (home / ".ssh" / "config").write_text(f"Host *\n  HostName 192.0.2.1\n{proxy}")
    for name in ("fabric", "invoke"):
        for prefix in ("", "."):
            (home / f"{prefix}{name}.yml").write_text("user: nobody\nport: 9\ngateway: 192.0.2.1\n")
            (home / f"{prefix}{name}.py").write_text(f"open({str(canary)!r}, 'w').close()\n")
    if place == "home":
        monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "no-agent"))
    fresh = SshShell(
        "web1", "127.0.0.1", user="student", key=str(tmp_path / "user"),
        known_hosts=str(tmp_path / "known_hosts"), port=shell.port,
    )  # fmt: skip
    assert fresh.ask("echo here").text == "here"
    fresh.close()
    assert not canary.exists()


def test_what_lasts_is_asked_once_while_it_is_remembered(shell: SshShell, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    command = f"echo now >> {asked}; wc -l < {asked}"
    shell.remember(on=True)
    twin = shell.twin()
    answers = [shell.ask_once(command), twin.ask_once(command), shell.ask_once(command)]
    assert [one.text for one in answers] == ["1", "1", "1"]
    # Evidence of whoever looked, and of nobody else.
    assert (len(shell.history), len(twin.history)) == (2, 1)
    shell.forget()
    assert [shell.ask_once(command).text for _turn in range(2)] == ["2", "2"]
    shell.remember(on=False)
    shell.forget()
    assert [shell.ask_once(command).text for _turn in range(2)] == ["3", "4"]
