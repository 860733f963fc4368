"""Bad input and bad luck: a sentence that says what, where and what to type next; nothing lost."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from paramiko import Message, Transport
from paramiko.common import cMSG_CHANNEL_EOF

from labkit.course import Verdict
from labkit.grading import GradeResult
from labkit.lab import Lab, open_lab, open_shells
from tests.integration.conftest import Cli


@pytest.fixture
def workspace(up: Cli, tmp_path: Path) -> Path:
    """A fresh workspace."""
    folder = tmp_path / "tp"
    up("init", str(folder))
    return folder


def said(text: str, *words: str) -> None:
    """Each word was said, and what to type next."""
    for word in words:
        assert word in text, text
    assert "next" in text


def test_own_compose_that_does_not_parse(done: Cli, workspace: Path) -> None:
    """Step 4 with a broken file of one's own: Compose's line is shown, the file stays."""
    broken = "services:\n  website:\n\timage: php:apache\n"
    (workspace / "docker-compose.yml").write_text(broken)
    done("exec", "web1", "--", "sh", "-c", ": > /srv/student-list/docker-compose.yml")
    refused = done("--workspace", str(workspace), "step", "4", code=1)
    said(refused.stderr, "own: docker-compose.yml", "line 3", "web1")
    assert (workspace / "docker-compose.yml").read_text() == broken
    done("exec", "web1", "--", "sh", "-c", ": > /srv/student-list/docker-compose.yml")
    done("step", "4")  # without the workspace, the reference's


def test_own_haproxy_cfg_that_is_refused_is_never_loaded(
    done: Cli, workspace: Path, exec_on: Callable[[str, str], str]
) -> None:
    """Step 11 validates first: the running HAProxy goes on with what it had."""
    exec_on("lb", "cp /etc/haproxy/haproxy.cfg /root/good.cfg; echo > /etc/haproxy/haproxy.cfg")
    (workspace / "haproxy" / "haproxy.cfg").write_text(
        "frontend f\n  bind *:80\n  balanc my-backend\n"
    )
    try:
        refused = done("--workspace", str(workspace), "step", "11", code=1)
        said(refused.stderr, "haproxy.cfg:3", "lb $ sudo haproxy -c")
        assert exec_on("lb", "curl -s -o /dev/null -w '%{http_code}' http://lb/") == "200"
    finally:
        exec_on("lb", "cat /root/good.cfg > /etc/haproxy/haproxy.cfg; systemctl reload haproxy")


def test_a_file_written_by_hand_on_a_machine_is_kept(
    done: Cli, exec_on: Callable[[str, str], str]
) -> None:
    """What a student wrote on web1 is not replaced by the reference, and is graded as own."""
    path = "/srv/student-list/simple_api/Dockerfile"
    exec_on("web1", f"cp -a {path} /root/Dockerfile; sed -i '/^EXPOSE/d' {path}")
    try:
        refused = done("step", "2", code=1)
        said(refused.stderr, "port 5000")
        assert "EXPOSE" not in exec_on("web1", f"cat {path}")
    finally:
        exec_on("web1", f"cp -a /root/Dockerfile {path}")


def test_an_empty_dockerfile_on_the_machine(done: Cli, exec_on: Callable[[str, str], str]) -> None:
    """Checked as missing, with its place; a step then puts the reference's there."""
    path = "/srv/student-list/simple_api/Dockerfile"
    exec_on("web1", f": > {path}")
    checked = done("check", "2", code=1)
    assert "a Dockerfile that is not empty" in checked.stdout
    assert path in checked.stdout
    done("step", "2")
    done("check", "2")


def test_a_machine_that_is_off(done: Cli, lab: Lab, found: Callable[[], GradeResult]) -> None:
    """Its checks are inconclusive, the others are judged; the mark is a range; `up` heals."""
    lab.provider.power_off("web2")
    try:
        refused = done("step", "10", code=4)
        said(refused.stderr, "web2 is not running", "up")
        result = found()
    finally:
        done("up")
    verdicts = {check.id: check.verdict for check in result.checks}
    assert verdicts["second-server.lists"] is Verdict.INCONCLUSIVE
    for name in ("build.runs", "verify.list", "registry.pulled", "haproxy.runs"):
        assert verdicts[name] is Verdict.PASSED
    assert not result.count(Verdict.FAILED)
    assert result.score is None
    assert result.score_low < result.score_high
    wait_until_up(done)


def wait_until_up(cli: Cli) -> None:
    """After a power cut everything comes back by itself; polled, with a deadline."""
    deadline = time.monotonic() + 60
    while cli("check", code=None).returncode != 0:
        assert time.monotonic() < deadline, "the lab did not come back after a power cut"


OUT_OF_A_MACHINE = {  # opened for writing, nothing written
    "what the computer runs when a program crashes": ": >>/proc/sys/kernel/core_pattern",
    "its memory": ": >>/proc/sys/vm/drop_caches",
    "its keys for emergencies": ": >>/proc/sysrq-trigger",
    "its memory as a file": "head -c 1 /proc/kcore | grep -q .",
    "its first disk": "mknod disk b 254 0 && head -c 1 disk",
    "its kernel's log": "dmesg",
    "any file by its number": "python3 -c 'import ctypes, os; libc = ctypes.CDLL(None,"
    " use_errno=True); libc.open_by_handle_at(-1, None, 0);"
    " raise SystemExit(ctypes.get_errno() == 1)'",
}


def test_root_of_a_machine_finds_the_computers_kernel_shut(
    exec_on: Callable[[str, str], str],
) -> None:
    """And what a machine needs it still may."""
    tried = "".join(
        f"( {way} ) >/dev/null 2>&1 && echo {shlex.quote(what)};"
        for what, way in OUT_OF_A_MACHINE.items()
    )
    assert exec_on("web1", f"cd /root; set +e; {tried} rm -f disk") == ""
    exec_on("web1", "sysctl -qw net.ipv4.ip_forward=1; mount -t tmpfs none /mnt; umount /mnt")
    assert exec_on("web1", "sudo -u student ping -c 1 -W 2 127.0.0.1 | grep -c ' 0% '") == "1\n"


def test_interrupted_grading_leaves_a_valid_result(done: Cli) -> None:
    """Ctrl-C in the middle: exit code 2, a result file that is whole and says it is not."""
    process = subprocess.Popen(
        [sys.executable, "-m", "labkit.cli.main", "--lab", done.lab, "grade"],
        env=done.environment, cwd=done.folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if "compose.valid" in line:
            process.send_signal(signal.SIGINT)
            break
    output, errors = process.communicate(timeout=240)
    assert process.returncode == 2, output + errors
    state = Path(os.environ["XDG_STATE_HOME"]) / "labkit" / done.lab / "reports"
    newest = max(state.glob("*/result.json"), key=lambda path: path.stat().st_mtime)
    result = json.loads(newest.read_text())
    assert result["complete"] is False
    assert result["score"] is None
    assert result["score_high"] > result["score_low"]


def test_interrupted_up_resumes(up: Cli) -> None:
    """Ctrl-C while machines are made: exit code 2; `up` goes on from there; nothing is left."""
    other = Cli("other", up.environment, up.folder)
    process = subprocess.Popen(
        [sys.executable, "-m", "labkit.cli.main", "--lab", "other", "up"],
        env=up.environment, cwd=up.folder, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if "network" in line:
                process.send_signal(signal.SIGINT)
                break
        process.communicate(timeout=240)
        assert process.returncode == 2
        other("up")
        assert other("status").stdout.count("running") == 3
    finally:
        other("destroy")
    assert "labkit-other" not in up("leftovers", code=None).stdout


def test_an_engine_that_is_not_there(up: Cli) -> None:
    """Exit code 4, and what to type."""
    refused = up("up", code=4, DOCKER_HOST="unix:///nowhere/docker.sock")
    said(refused.stderr, "no Docker Engine answers", "make engine")


def test_an_address_range_in_use(up: Cli, lab: Lab) -> None:
    """Another lab on this lab's own addresses is refused, and leaves nothing behind."""
    address = lab.machines()["web1"].address
    taken = address.rpartition(".")[0] + ".0/24"
    other = Cli("other", up.environment, up.folder)
    refused = other("up", code=4, LABKIT_SUBNET=taken)
    said(refused.stderr, "in use", taken)
    assert "labkit-other" not in up("leftovers", code=None).stdout


def test_no_lab_at_all(up: Cli) -> None:
    """Without a lab: nothing to grade is 5, a step is not ready (4); not one packet is sent."""
    nobody = Cli("nobody", up.environment, up.folder)
    said(nobody("grade", code=5).stderr, "no lab named nobody", "up")
    said(nobody("step", "1", code=4).stderr, "no lab named nobody", "up")
    said(nobody("drill", "kill", code=4).stderr, "no lab named nobody", "up")


def test_fabric_lists_and_runs_the_steps(done: Cli) -> None:
    """`fab --list` from the project's root names the thirteen steps; `fab build` runs one."""
    root = Path(__file__).resolve().parents[2]
    environment = {**done.environment, "LABKIT_LAB": done.lab}
    fab = Path(sys.executable).with_name("fab")
    listed = subprocess.run([fab, "--list"], cwd=root, env=environment, capture_output=True,
                            text=True, check=True)  # fmt: skip
    for slug in ("machines", "build", "registry-ui", "failover"):
        assert slug in listed.stdout
    built = subprocess.run([fab, "build"], cwd=root, env=environment, capture_output=True,
                           text=True, check=True)  # fmt: skip
    assert "web1 $ docker build -t student-age:1.0 simple_api" in built.stdout


def test_a_command_that_is_through_at_once_costs_nobody_the_connection(
    up: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of its input comes late, as on a busy computer: sshd forgives none too late."""
    send = Transport._send_user_message
    ends: list[float] = []

    def late(transport: Transport, message: Message) -> None:
        if message.asbytes()[:1] == cMSG_CHANNEL_EOF:
            ends.append(time.monotonic())
            time.sleep(0.3)
        send(transport, message)

    monkeypatch.setattr(Transport, "_send_user_message", late)
    web1 = open_shells(open_lab(up.lab))["web1"]
    try:
        assert [web1.ask("cat").ok for _time in range(3)] == [True] * 3
        connections = {web1.ask("echo $SSH_CONNECTION").stdout for _time in range(3)}
    finally:
        web1.close()
    assert len(connections) == 1
    assert ends
