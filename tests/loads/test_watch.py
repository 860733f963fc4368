"""The watcher: its collector against a fake process, and the course's script on its own."""

from __future__ import annotations

import json
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.load.watch_haproxy import look, read, state
from labkit.load.clock import CLOCK
from labkit.load.watch import Watch

SCRIPT = Path(__file__).parents[2] / "checks" / "load" / "watch_haproxy.py"
STAT = """\
# pxname,svname,qcur,stot,econ,eresp,wretr,wredis,status,hrsp_5xx,cli_abrt,
front,FRONTEND,,500,,,,,OPEN,9,0,
my-backend,web1,0,250,0,0,0,0,UP 1/3,0,0,
my-backend,web2,0,249,3,0,9,0,DOWN 1/2,0,0,
my-backend,BACKEND,0,499,3,0,9,1,UP,7,2,
other,web1,0,1,0,0,0,0,no check,0,0,
"""


class FakeProcess:
    def __init__(self) -> None:
        self.said: queue.Queue[str | None] = queue.Queue()

    def lines(self) -> Iterator[str]:
        yield from iter(self.said.get, None)

    def stop(self) -> None:
        self.said.put(None)


class FakeShell:
    name = "lb"

    def __init__(self) -> None:
        self.process = FakeProcess()
        self.command = ""

    def start(self, command: str, *, stdin: str = "") -> FakeProcess:
        self.command = command
        assert stdin == "the script"
        return self.process

    def say(self, at: float, **states: str) -> None:
        self.process.said.put(json.dumps({"t": at, "states": states, "counters": {"failed": 1}}))


def wait_for(watch: Watch, lines: int) -> None:
    deadline = time.monotonic() + 2
    while len(watch.watched().readings) < lines and time.monotonic() < deadline:
        time.sleep(0.01)


def test_who_only_says_sorry_has_no_share() -> None:
    table = (
        "# pxname,svname,bck,status,addr\nb,web1,0,UP,192.0.2.1:80\nb,web2,1,UP,192.0.2.2:80\n"
        "b,sorry,1,no check,127.0.0.1:8000\nb,BACKEND,0,UP,\n"
    )
    assert read(table, "b")[0] == {"web1": "UP", "web2": "UP"}


def test_a_clock_that_is_off_is_corrected() -> None:
    shell = FakeShell()
    with Watch(shell, "the script", ["--backend", "my backend"]) as watch:
        shell.say(time.time() - 3600, web1="UP")
        wait_for(watch, 1)
        assert watch.watched().readings[0].at == pytest.approx(CLOCK.now(), abs=0.5)
    assert shell.command == "sudo -n python3 -u - --backend 'my backend' 2>&1"


def test_a_clock_that_is_set_here_moves_no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = FakeShell()
    with Watch(shell, "the script") as watch:
        shell.say(time.monotonic(), web1="UP")
        wait_for(watch, 1)
        monkeypatch.setattr(time, "time", lambda: 0.0)
        shell.say(time.monotonic(), web1="DOWN")
        wait_for(watch, 2)
        times = [reading.at for reading in watch.watched().readings]
    assert times == pytest.approx([CLOCK.now()] * 2, abs=1.0)


def test_steady_state_is_all_servers_serving_for_a_second() -> None:
    shell = FakeShell()
    with Watch(shell, "the script") as watch:
        shell.say(time.time(), web1="UP", web2="DOWN")
        assert watch.wait_steady(0.2) == "web2 is DOWN"
        shell.say(time.time(), web1="UP", web2="UNCHECKED")
        wait_for(watch, 2)
        begin = time.monotonic()
        assert watch.wait_steady(3) == ""
        assert time.monotonic() - begin >= 1.0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"t": 1.0, "error": "no admin socket"}', "no admin socket"),
        ("sudo: a password is required", "a password is required"),
    ],
)
def test_what_hinders_the_watcher_is_the_reason(line: str, words: str) -> None:
    shell = FakeShell()
    with Watch(shell, "the script") as watch:
        shell.process.said.put(line)
        reason = watch.wait_steady(0.3)
    assert "nothing is seen on lb" in reason
    assert words in reason


def test_states_and_counters_of_one_backend_are_read() -> None:
    states, counters = read(STAT, "my-backend")
    assert states == {"web1": "UP", "web2": "DOWN"}
    assert counters["failed"] == 7
    # Nine attempts of web2's were repetitions: HAProxy 3.0 counted 4 of each request it refused.
    assert (counters["served.web1"], counters["served.web2"]) == (250, 240)
    assert (counters["retries"], counters["redispatches"], counters["gone"]) == (9, 1, 2)
    with pytest.raises(OSError, match="no backend nothing"):
        read(STAT, "nothing")


@pytest.mark.parametrize(
    ("word", "ours"),
    [("UP", "UP"), ("UP 2/3", "UP"), ("DOWN (agent)", "DOWN"), ("MAINT(resolution)", "MAINT"),
     ("no check", "UNCHECKED"), ("NOLB", "DRAIN"), ("DRAIN", "DRAIN")],
)  # fmt: skip
def test_haproxys_words_become_ours(word: str, ours: str) -> None:
    assert state(word) == ours


def test_the_script_runs_from_standard_input_and_ends_when_nobody_listens(tmp_path: Path) -> None:
    path = str(tmp_path / "admin.sock")
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()

    def answer() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                assert connection.recv(100) == b"show stat\n"
                connection.sendall(STAT.encode())

    threading.Thread(target=answer, daemon=True).start()
    process = subprocess.Popen(
        [sys.executable, "-u", "-", "--socket", path, "--for", "20"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(SCRIPT.read_text())
        process.stdin.close()
        said = [json.loads(process.stdout.readline()) for _ in range(2)]
        assert said[0]["states"] == {"web1": "UP", "web2": "DOWN"}
        assert 0.4 < said[1]["t"] - said[0]["t"] < 2
        assert said[1]["t"] <= time.monotonic()  # a clock that nobody sets
        process.stdout.close()
        assert process.wait(5) == 0
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
        server.close()


@pytest.mark.parametrize(
    ("family", "asked"), [(socket.AF_UNIX, "@1 show stat"), (socket.AF_INET, "show stat")]
)
def test_the_masters_socket_and_a_port_are_asked_as_they_want_it(
    tmp_path: Path, family: socket.AddressFamily, asked: str
) -> None:
    place = str(tmp_path / "master.sock")
    heard: list[bytes] = []
    with socket.socket(family) as server:
        server.bind(place if family == socket.AF_UNIX else ("127.0.0.1", 0))
        server.listen()
        if family == socket.AF_INET:
            place = f"127.0.0.1:{server.getsockname()[1]}"

        def answer() -> None:
            connection, _address = server.accept()
            with connection:
                heard.append(connection.recv(100))
                if asked.startswith("@"):
                    heard.append(connection.recv(1))  # the end: the master would wait for more
                connection.sendall(STAT.encode())

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        seen = look([place], "my-backend", asked)
        thread.join(5)
    assert seen["states"] == {"web1": "UP", "web2": "DOWN"}
    assert heard == [f"{asked}\n".encode(), b""][: 1 + asked.startswith("@")]
