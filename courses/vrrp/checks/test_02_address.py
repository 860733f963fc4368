"""b) One address by VRRP."""

from __future__ import annotations

import time

from checks.http import page_at
from checks.keepalived import Instance, holders
from labkit.course import check, expect
from labkit.locale import _
from labkit.remote import Shell, Shells

SETTLE_S = 10.0  # a start as BACKUP, one interval of 1 s: 3.6 s, on a busy computer
PLACE = "/etc/keepalived/keepalived.conf"


@check(
    points=0.5,
    needs=["servers.balances_lb1", "servers.balances_lb2"],
    probes=("keepalived on lb1 and lb2 is asked for its instances; there must be one each."),
    why="VRRP is spoken by keepalived. With one of two alone there is nobody to take over.",
    hints=[
        "What does systemctl status keepalived say on each balancer?",
        "One vrrp_instance on each, with the same virtual_router_id.",
        "sudo keepalived --config-test; sudo systemctl enable --now keepalived, on lb1 and lb2",
    ],
)
def test_runs(first: Instance, second: Instance) -> None:
    """keepalived runs on both balancers, for one virtual router."""
    expect(
        first.router == second.router,
        expected=_("the same virtual_router_id on both"),
        seen=f"{first.router}, {second.router}",
        where=PLACE,
    )


@check(
    points=0.5,
    needs="address.runs",
    requires=["firewall"],
    probes=(
        "Both balancers say which addresses they have, for 10 s: one of them must hold it, once."
    ),
    why=(
        "An address that two machines hold belongs to neither: each visitor reaches the one that "
        "answered last. That is what a split brain looks like."
    ),
    hints=[
        "Which balancer shows the address in ip address?",
        "Both must name it, and each must hear the other: protocol vrrp through the firewall.",
        "virtual_ipaddress with the address www/24; sudo firewall-cmd --add-protocol=vrrp",
    ],
)
def test_one_holder(shells: Shells, moving: str) -> None:
    """Exactly one balancer holds the address www."""
    deadline = time.monotonic() + SETTLE_S
    while len(found := holders(shells, moving)) != 1 and time.monotonic() < deadline:
        time.sleep(0.5)
    expect(
        len(found) == 1,
        expected=_("{address} on one balancer", address=moving),
        seen=_("on {names}", names=", ".join(found)) if found else _("on none"),
        where="lb1, lb2 $ ip -br address",
    )


@check(
    points=0.5,
    needs="address.runs",
    probes="Each keepalived says to whom it speaks: by unicast, to the other balancer's address.",
    why=(
        "Multicast is not let through in many networks, those of clouds among them; and whoever "
        "hears it may take part."
    ),
    hints=[
        "To whom does each keepalived send its advertisements?",
        "unicast_src_ip is the balancer's own address, unicast_peer the other one's.",
        "On lb1: unicast_src_ip ${LB1} and unicast_peer { ${LB2} }; on lb2 the other way round",
    ],
)
def test_unicast(first: Instance, second: Instance, lb1: Shell, lb2: Shell) -> None:
    """Each balancer speaks only to the other."""
    for one, here, other in ((first, lb1, lb2), (second, lb2, lb1)):
        expect(
            one.unicast and one.peers == (other.address,),
            expected=_("unicast to {name} ({address})", name=other.name, address=other.address),
            seen=", ".join(one.peers) or _("multicast"),
            where=f"{here.name}:{PLACE}",
        )


@check(
    points=0.75,
    needs="address.one_holder",
    probes="GET / is sent to the address www, from outside; a web server's page must be returned.",
    why="The address is what visitors know. It must lead to a page, whoever holds it.",
    hints=[
        "What does curl http://www/ return on web1?",
        "HAProxy has to listen on every address: bind *:80, not bind lb1:80.",
        "bind *:80 in haproxy.cfg on lb1 and lb2; sudo systemctl reload haproxy",
    ],
)
def test_serves(moving: str) -> None:
    """The page is seen at the address that moves."""
    status, seen = page_at(moving)
    expect(
        status == 200,
        expected=_("a page, with status 200"),
        seen=_("status {status}", status=status) if status else seen,
        where=f"http://{moving}/",
    )


@check(
    points=0.75,
    needs="address.runs",
    probes="Each keepalived says which scripts it tracks; there must be one or more.",
    why=(
        "A balancer whose HAProxy is gone still has power and a network. Without a script that "
        "asks for more than that, it keeps the address and serves nobody."
    ),
    hints=[
        "How does keepalived come to know that HAProxy serves nobody any more?",
        "A vrrp_script that asks HAProxy over HTTP, named in track_script of the instance.",
        'script "/usr/bin/curl -fsS -m 1 -o /dev/null http://127.0.0.1/alive", interval 1, fall 2',
    ],
)
def test_tracks(first: Instance, second: Instance) -> None:
    """Each balancer tracks whether it serves."""
    for name, one in (("lb1", first), ("lb2", second)):
        expect(
            one.scripts,
            expected=_("track_script with a script"),
            seen=_("nothing is tracked"),
            where=f"{name}:{PLACE}",
        )
