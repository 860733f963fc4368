"""What may be submitted, and what it is taken for."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.facts.haproxy import harmless
from steps import keepalived_grammar
from steps.recognition import recognise

REFERENCE = Path(__file__).parents[1] / "steps" / "reference"
MASTER = """\
vrrp_instance VI_1 {
    state MASTER
    interface ens33
    priority 150
    unicast_src_ip 192.168.1.3
    unicast_peer { 192.168.1.4 }
    virtual_ipaddress { 192.168.1.30/24 }
}
"""
BACKUP = MASTER.replace("150", "100").replace("MASTER", "BACKUP")


@pytest.mark.parametrize("path", sorted((REFERENCE / "keepalived").glob("*")), ids=lambda p: p.name)
def test_the_references_of_keepalived_are_harmless(path: Path) -> None:
    assert keepalived_grammar.refused(path.read_text()) == []


def test_the_reference_of_haproxy_is_harmless() -> None:
    assert harmless.refused((REFERENCE / "haproxy/haproxy.cfg").read_text()) == []


@pytest.mark.parametrize(
    "script",
    [
        "killall -0 haproxy",
        "/usr/bin/killall -0 haproxy",
        "pidof haproxy",
        "systemctl is-active haproxy",
        "curl -sf http://localhost/alive",
        "nc -z 127.0.0.1 80",
    ],
)
def test_a_script_that_asks_is_run(script: str) -> None:
    text = f'vrrp_script x {{\n  script "{script}"\n  interval 2\n}}\n'
    assert keepalived_grammar.refused(text) == []


@pytest.mark.parametrize(
    "line",
    [
        "vrrp_script x {\n script \"/bin/sh -c 'touch /pwned'\"\n}",
        'vrrp_script x {\n script "curl http://a/ -o /etc/passwd"\n}',
        'vrrp_script x {\n script "curl -K /home/a http://a/"\n}',
        'vrrp_script x {\n script "killall -0 haproxy; reboot"\n}',
        "vrrp_instance a {\n notify /tmp/x\n}",
        'vrrp_instance a {\n notify_master "/bin/x"\n}',
        "vrrp_instance a { notify_fifo /x }",
        "include /etc/shadow",
        "global_defs {\n notification_email { a@b }\n}",
        'vrrp_instance "a {\n notify /tmp/x\n}',
        "virtual_server 1.2.3.4 80 {\n}",
        "@^x notify /tmp/x",
    ],
)
def test_what_is_not_known_to_be_harmless_is_refused(line: str) -> None:
    assert keepalived_grammar.refused(line) != []


@pytest.mark.parametrize(
    "line",
    ["lua-load /x", '"lua-load" /x', "external-check", "option external-check", "program x",
     "http-request lua.x", "stats socket /etc/passwd", "setenv LD_PRELOAD x"],
)  # fmt: skip
def test_what_reaches_beyond_haproxy_is_refused(line: str) -> None:
    assert [one.line for one in harmless.refused(f"global\n    {line}\n")] == [2]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("lb1/keepalived.conf", "lb2/keepalived.conf"),
        ("keepalived-lb1.conf", "keepalived-lb2.conf"),
        ("keepalived-master.conf", "keepalived-backup.conf"),
    ],
)
def test_a_configuration_is_known_by_its_machine_or_its_priority(first: str, second: str) -> None:
    found = recognise({second: BACKUP.encode(), first: MASTER.encode()}, REFERENCE)
    assert found.sources == {"keepalived/lb1.conf": first, "keepalived/lb2.conf": second}


def test_the_addresses_of_a_students_own_lab_are_exchanged_by_their_parts() -> None:
    found = recognise({"lb1.conf": MASTER.encode(), "lb2.conf": BACKUP.encode()}, REFERENCE)
    text = found.files["lb1.conf"].decode()
    assert text.startswith("include /etc/keepalived/addresses.conf\n")
    assert "unicast_src_ip ${LB1}\n" in text
    assert "unicast_peer { ${LB2} }" in text
    assert "{ ${WWW}/24 }" in text
    assert "interface ${DEVICE}" in text
    assert "unicast_src_ip ${LB2}\n" in found.files["lb2.conf"].decode()
    assert found.original["keepalived/lb1.conf"] == MASTER.encode()


def test_a_page_is_known_by_its_name_or_by_what_it_says() -> None:
    pages = {"a/web1/index.html": b"x", "b/index.html": b"I am web2", "readme.md": b"web1"}
    assert recognise(pages, REFERENCE).sources == {
        "pages/web1.html": "a/web1/index.html",
        "pages/web2.html": "b/index.html",
    }
