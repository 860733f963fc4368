"""Faults as the commands that they are, typed on a machine that only writes them down."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.errors import LabkitError
from labkit.lab import faults
from labkit.lab.faults import LONGEST_FAULT_S, Way
from labkit.remote import PlannedShell, Result

UNIT = re.compile(r"--unit=labkit-heal-[0-9a-f]{8} ")
UNDONE_AFTER_8_S = "systemd-run --quiet --collect --on-active=8s --timer-property=AccuracySec=100ms"
WAY = Way("haproxy", "10.77.0.11", 80)


class Machine(PlannedShell):
    """Does as it is told, unless a command holds a word that is refused; keeps all commands."""

    def __init__(self, refused: str = "", **answers: str) -> None:
        self.asked: list[str] = []

        def answer(command: str) -> Result:
            self.asked.append(command)
            if refused and refused in command:
                return Result(command, "", "no such thing", 1)
            said = next((text for part, text in answers.items() if part in command), "")
            return Result(command, said, "", 0)

        super().__init__("web1", answer)

    @property
    def commands(self) -> list[str]:
        """All that was asked, with the units' names as N."""
        return [UNIT.sub("--unit=N ", one) for one in self.asked]


def armed(command: str, after: str) -> str:
    """How a command is armed, to be carried out after so many seconds."""
    return (
        f"sudo -n systemd-run --quiet --collect --unit=N --on-active={after}s"
        f" --timer-property=AccuracySec=100ms /bin/sh -c {shlex.quote(command)}"
    )


ONE_FAULT: list[tuple[Callable[[Machine], object], str, str]] = [
    (
        lambda web1: faults.stop(web1, "c0ffee", heal_after=18.0),
        armed("docker start c0ffee", "18.0"),
        "sudo -n docker stop -t 1 c0ffee",
    ),
    (
        lambda web1: faults.kill(web1, "c0ffee", heal_after=18.0),
        armed("docker start c0ffee", "18.0"),
        "sudo -n docker kill c0ffee",
    ),
    (
        lambda web1: faults.pause(web1, "c0ffee", heal_after=8.0),
        armed("docker unpause c0ffee", "8.0"),
        "sudo -n docker pause c0ffee",
    ),
    (
        lambda web1: faults.freeze(web1, "c0ffee", heal_after=8.0),
        armed("kill -CONT $(docker top c0ffee -o pid | tail -n +2)", "8.0"),
        "sudo -n kill -STOP $(docker top c0ffee -o pid | tail -n +2)",
    ),
    (
        lambda lb: faults.cut(lb, "10.77.0.11", heal_after=8.0),
        armed(
            "iptables -D OUTPUT -d 10.77.0.11 -j DROP; iptables -D INPUT -s 10.77.0.11 -j DROP",
            "8.0",
        ),
        (
            "sudo -n iptables -I OUTPUT -d 10.77.0.11 -j DROP"
            " && iptables -I INPUT -s 10.77.0.11 -j DROP"
        ),
    ),
    (
        lambda lb: faults.fill(lb, "/var/log", heal_after=8.0, then="systemctl kill rsyslog"),
        armed("umount -l /var/log; systemctl kill rsyslog", "8.0"),
        (
            "sudo -n mount -t tmpfs -o size=64k,mode=1777 labkit-full /var/log"
            " && { cat /dev/zero > /var/log/labkit-full 2>/dev/null; systemctl kill rsyslog; }"
        ),
    ),
    (
        lambda lb: faults.kill_service(lb, "haproxy", heal_after=8.0),
        armed("{ systemctl reset-failed haproxy; systemctl start haproxy; }", "8.0"),
        "sudo -n systemctl kill --kill-whom=all --signal=KILL haproxy",
    ),
]


@pytest.mark.parametrize(("fault", "heal", "strike"), ONE_FAULT)
def test_what_ends_a_fault_is_armed_before_it_strikes(
    fault: Callable[[Machine], object], heal: str, strike: str
) -> None:
    web1 = Machine()
    fault(web1)
    assert web1.commands == [heal, strike]


@pytest.mark.parametrize(("fault", "heal", "strike"), ONE_FAULT)
def test_a_fault_whose_end_cannot_be_armed_does_not_happen(
    fault: Callable[[Machine], object], heal: str, strike: str
) -> None:
    web1 = Machine(refused="systemd-run")
    with pytest.raises(LabkitError, match="could not be armed: no such thing") as raised:
        fault(web1)
    assert web1.commands == [heal]
    assert strike not in web1.commands
    assert raised.value.where == "web1"


def test_a_fault_that_does_not_strike_says_so_and_its_end_comes_all_the_same() -> None:
    web1 = Machine(refused="docker kill")
    with pytest.raises(LabkitError, match="did not take effect: no such thing") as raised:
        faults.kill(web1, "c0ffee", heal_after=8.0)
    assert web1.commands[0] == armed("docker start c0ffee", "8.0")
    assert raised.value.where == "web1 $ docker kill c0ffee"


@pytest.mark.parametrize("seconds", [0.0, -1.0, LONGEST_FAULT_S + 0.1, 3600.0, float("nan")])
def test_a_fault_of_more_than_a_minute_or_of_no_time_is_refused(seconds: float) -> None:
    web1 = Machine()
    with pytest.raises(LabkitError, match="60 s at most"):
        faults.stop(web1, "c0ffee", heal_after=seconds)
    with pytest.raises(LabkitError, match="60 s at most"):
        faults.schedule(web1, "true", after=seconds)
    with pytest.raises(LabkitError, match="60 s at most"):
        faults.errors(web1, WAY, heal_after=seconds)
    with pytest.raises(LabkitError, match="60 s at most"):
        faults.errors_later(web1, WAY, after=1.0, seconds=seconds)
    assert web1.asked == []


def test_a_fault_of_a_minute_is_allowed() -> None:
    web1 = Machine()
    faults.stop(web1, "c0ffee", heal_after=LONGEST_FAULT_S)
    assert len(web1.asked) == 2


def test_no_two_ends_share_a_name() -> None:
    web1 = Machine()
    for _time in range(20):
        faults.schedule(web1, "true", after=1.0)
    assert len(set(web1.asked)) == 20


def test_reloads_are_spread_over_the_time() -> None:
    lb = Machine()
    faults.reload_again(lb, "haproxy", times=10, within=8.0)
    again = "for one in $(seq 10); do systemctl reload haproxy; sleep 0.8; done"
    dead = "{ systemctl reset-failed haproxy; systemctl start haproxy; }"
    assert lb.commands == [
        armed(f"systemctl is-active -q haproxy || {dead}", "9.0"),
        armed(again, "0.1"),
    ]


def test_a_restart_waits_for_nobody() -> None:
    lb = Machine()
    faults.restart_service(lb, "haproxy")
    assert lb.commands == [armed("systemctl restart haproxy", "0.1")]


# -- late answers: netem where the kernel has it


def test_with_netem_each_of_two_packets_has_half_of_the_delay() -> None:
    lb = Machine(**{"ip -o route get": "eth0\n"})
    assert faults.delay(lb, WAY, 3.0, heal_after=8.0) == "netem"
    probe, route, heal, strike = lb.commands
    assert probe == (
        "sudo -n ip netns add labkit-probe && ip netns exec labkit-probe"
        " tc qdisc add dev lo root netem delay 1ms; code=$?;"
        " ip netns del labkit-probe; exit $code"
    )
    assert route == r"ip -o route get 10.77.0.11 | sed -n 's/.* dev \([^ ]*\).*/\1/p'"
    assert heal == armed("tc qdisc del dev eth0 root", "8.0")
    assert strike == (
        "sudo -n tc qdisc add dev eth0 root handle 1: prio bands 4"
        " priomap 1 2 2 2 1 2 0 0 1 1 1 1 1 1 1 1"
        " && tc qdisc add dev eth0 parent 1:4 handle 40: netem delay 1500ms"
        " && tc filter add dev eth0 parent 1: protocol ip u32"
        " match ip dst 10.77.0.11 flowid 1:4"
    )


def test_without_a_route_nothing_is_delayed() -> None:
    lb = Machine()
    with pytest.raises(LabkitError, match=r"no route to 10\.77\.0\.11"):
        faults.delay(lb, WAY, 3.0, heal_after=8.0)
    assert not [one for one in lb.asked if "systemd-run" in one or "eth" in one]


# -- a process between two programs


def script(lb: Machine) -> str:
    """The last script that was sent, without what carries the interposer's code."""
    sent = lb.asked[-1].removeprefix("sudo -n ")
    return re.sub(r"b64decode\('[A-Za-z0-9+/=]+'\)", "b64decode(CODE)", sent)


def test_without_netem_a_process_is_put_between_and_waits() -> None:
    lb = Machine(refused="netns")
    assert faults.delay(lb, WAY, 3.0, heal_after=8.0) == "interposer"
    assert "--listen=18080 --to=10.77.0.11:80 --delay=3\n" in script(lb)


def test_what_is_put_between_ends_by_itself_and_its_end_is_armed_first() -> None:
    lb = Machine()
    faults.errors(lb, WAY, heal_after=8.0, only="/a page")
    lines = script(lb).splitlines()
    assert "-p RuntimeMaxSec=14 " in script(lb)  # and 6 s for conversations that go on
    assert "--listen=18080 --to=10.77.0.11:80 --fail '--only=/a page'" in script(lb)
    rule = 'rule="OUTPUT -p tcp -d 10.77.0.11 --dport 80 -m owner --uid-owner $user"'
    undo = lines.index(f"{UNDONE_AFTER_8_S}   iptables -t nat -D $rule")
    assert lines.index(rule) < undo < lines.index("iptables -t nat -I $rule")
    assert lines.index("listens") < undo  # nobody is led to a port on which nothing listens
    assert subprocess.run(["sh", "-n"], input=script(lb), text=True).returncode == 0


def test_what_is_put_between_later_is_armed_whole() -> None:
    lb = Machine()
    faults.errors_later(lb, WAY, after=8.0, seconds=5.0)
    (command,) = lb.commands
    assert command.startswith(armed("", "8.0").removesuffix("''"))
    (planned,) = shlex.split(command)[-1:]
    assert "-p RuntimeMaxSec=11 " in planned
    assert "--on-active=5s" in planned
    assert "--to=10.77.0.11:80 --fail\n" in planned


def stub_programs(folder: Path, *, uid: str) -> dict[str, str]:
    """An environment whose programs write down what they are called with."""
    folder.mkdir()
    (folder / "ps").write_text(f"#!/bin/sh\necho '{uid}'\n")
    for name in ("systemd-run", "iptables", "ss"):
        (folder / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {folder}/calls\necho here\n')
    for path in folder.iterdir():
        path.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def test_the_script_leads_only_the_programs_own_user_astray(tmp_path: Path) -> None:
    """Carried out for real, with programs that write down how they are called."""
    lb = Machine()
    faults.errors(lb, WAY, heal_after=8.0)
    code = lb.asked[-1].removeprefix("sudo -n ")
    environment = stub_programs(tmp_path / "bin", uid=" 0\n 188")  # a master of root's, a worker
    done = subprocess.run(["sh", "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rule = (
        "OUTPUT -p tcp -d 10.77.0.11 --dport 80 -m owner --uid-owner 188"
        " -j REDIRECT --to-ports 18080"
    )
    calls = (tmp_path / "bin" / "calls").read_text().splitlines()
    assert calls[0].startswith("systemd-run --quiet --collect --unit=labkit-interposer ")
    assert calls[-3:] == [
        f"{UNDONE_AFTER_8_S} iptables -t nat -D {rule}",
        f"iptables -t nat -I {rule}",
        "ss -K dst 10.77.0.11 dport = :80",
    ]


@pytest.mark.parametrize("uid", ["0", ""])
def test_the_traffic_of_root_is_never_led_astray(tmp_path: Path, uid: str) -> None:
    """A program that runs as root alone, or not at all: the rule would strike everybody."""
    lb = Machine()
    faults.errors(lb, WAY, heal_after=8.0)
    code = lb.asked[-1].removeprefix("sudo -n ")
    environment = stub_programs(tmp_path / "bin", uid=uid)
    done = subprocess.run(["sh", "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout.strip() == "no haproxy of an unprivileged user runs"
    assert not (tmp_path / "bin" / "calls").exists()
