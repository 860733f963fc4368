"""How HAProxy is asked where its file opens no socket, or another one than a file."""

from __future__ import annotations

import pytest

from checks.drills.aims import watching
from labkit.facts.haproxy import process
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


STATES = """# be_id be_name srv_id srv_name srv_addr srv_op_state srv_check_state srv_port
3 my-backend 1 web1 192.0.2.1 2 6 80
3 my-backend 2 web2 192.0.2.2 2 6 80

"""


def answers(web1: str, web2: str) -> str:
    lines = "".join(f"my-backend,{one},7\n" for one in (f"web1,{web1}", f"web2,{web2}"))
    return f"# pxname,svname,status,check_status,stot\n{lines}\n1\n{STATES}"


def test_what_was_just_loaded_is_asked_again_until_its_checks_have_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both are believed to be up at first; a check that goes on leaves the former result."""
    said = iter(
        [
            answers("UP,INI", "UP,* INI"),
            answers("UP,L7OK", "UP 2/3,* L7STS"),
            answers("UP,* L7OK", "UP 1/3,L7STS"),
            answers("UP,L7OK", "DOWN,L7STS"),
        ]
    )
    monkeypatch.setattr(process.time, "sleep", lambda _seconds: None)
    one = asked("backend my-backend\n server web1 web1:80 check\n")
    monkeypatch.setattr(one, "command", lambda _command: next(said))
    assert [server.is_up for server in one.decided()] == [True, False]
    assert next(said, "asked to the end") == "asked to the end"


def test_who_only_says_sorry_is_no_server_of_the_site(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup on another machine is one: web2 may not be in reserve alone."""
    states = STATES.replace("192.0.2.2", "127.0.0.1")
    for text, found in ((states, ["web1"]), (STATES, ["web1", "web2"])):
        said = f"# pxname,svname,bck\nmy-backend,web1,0\nmy-backend,web2,1\n\n1\n{text}"
        one = asked("backend my-backend\n server web1 web1:80\n")
        monkeypatch.setattr(one, "command", lambda _command, said=said: said)
        assert [server.name for server in one.servers()] == found


def test_a_server_that_is_not_checked_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter([answers("no check,", "MAINT (via other/web2),")])
    one = asked("backend my-backend\n server web1 web1:80\n")
    monkeypatch.setattr(one, "command", lambda _command: next(said))
    assert [server.status for server in one.decided()] == ["no check", "MAINT (via other/web2)"]
