"""How HAProxy is asked where its file opens no socket, or another one than a file."""

from __future__ import annotations

from checks.drills.aims import watching
from labkit.facts.haproxy.process import HAProxy
from labkit.remote import PlannedShell, from_facts

MASTER = "/usr/sbin/haproxy -Ws -f /etc/haproxy/haproxy.cfg -S /run/haproxy-master.sock\n"


def asked(config: str, **facts: str | int) -> HAProxy:
    return HAProxy(PlannedShell("lb", from_facts({"cat /etc/haproxy": config, **facts})))


def test_a_file_without_a_socket_is_asked_about_by_the_masters() -> None:
    one = asked("global\n", **{"ps -C": MASTER, "test -S /run/haproxy-master.sock": 0})
    assert one.socket == "/run/haproxy-master.sock"
    assert "'@1 show stat;@1 show servers state'" in one.command_line(
        "show stat;show servers state"
    )


def test_what_a_former_configuration_left_is_not_asked() -> None:
    left = {"test -S /var/lib/haproxy/stats": 0, "test -S /run/haproxy-master.sock": 0}
    assert asked("global\n", **{"ps -C": MASTER, **left}).socket == "/run/haproxy-master.sock"
    assert asked("global\n", **left).socket == "/var/lib/haproxy/stats"  # without a master's


def test_a_socket_may_be_a_port_of_the_machine() -> None:
    one = asked("global\n stats socket ipv4@127.0.0.1:9999 level admin\n")
    assert one.socket == "127.0.0.1:9999"
    assert "@1" not in one.command_line("show stat")


FOREIGN = """
frontend f
    bind *:80
    default_backend pool
backend pool
    server web1 web1:80 check
"""


def test_the_watcher_is_told_whom_to_ask_and_about_which_backend() -> None:
    shell = asked(FOREIGN, **{"ps -C": MASTER, "test -S /run/haproxy-master.sock": 0}).shell
    assert watching({"lb": shell}) == [
        "--backend", "pool", "--socket", "/run/haproxy-master.sock", "--master"
    ]  # fmt: skip
    shell = asked(f"global\n stats socket 127.0.0.1:9999\n{FOREIGN}").shell
    assert watching({"lb": shell}) == ["--backend", "pool", "--socket", "127.0.0.1:9999"]
