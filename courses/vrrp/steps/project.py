"""Names, places and the address that moves: what several steps share."""

from __future__ import annotations

import ipaddress

from labkit.course import Artefact
from labkit.remote import Shell

WEBS = ("web1", "web2")
BALANCERS = ("lb1", "lb2")
SERVICE = "www"  # the name of the address that moves
BEYOND = 4  # it is lb1's own address plus this: the next that no machine has

PAGES = {
    web: Artefact(f"pages/{web}.html", "/var/www/html/index.html", (web,), sudo=True)
    for web in WEBS
}
HAPROXY = Artefact(
    "haproxy/haproxy.cfg", "/etc/haproxy/haproxy.cfg", BALANCERS, sudo=True, marker="/alive"
)
# In step 2 the address moves; in step 3 it stays where it is when the other one comes back.
ADDRESS = {
    lb: Artefact(
        f"keepalived/{lb}.conf",
        "/etc/keepalived/keepalived.conf",
        (lb,),
        reference=f"keepalived/{lb}-address.conf",
        sudo=True,
        later=f"keepalived/{lb}.conf",
    )
    for lb in BALANCERS
}
CALM = {
    lb: Artefact(f"keepalived/{lb}.conf", "/etc/keepalived/keepalived.conf", (lb,), sudo=True)
    for lb in BALANCERS
}
# The addresses of this lab, by the names that a configuration may use for them.
ADDRESSES = "/etc/keepalived/addresses.conf"


def service_address(lb1: str) -> str:
    """The address that moves, in the lab in which lb1 has this one."""
    return str(ipaddress.ip_address(lb1) + BEYOND)


def addresses(here: Shell, lb1: Shell, lb2: Shell) -> str:
    """Definitions for keepalived.conf(5), $NAME=VALUE, as they are on the machine `here`."""
    asked = here.ask(f"ip -o -4 address show to {here.address}").text.split()
    named = {
        "LB1": lb1.address,
        "LB2": lb2.address,
        "WWW": service_address(lb1.address),
        "DEVICE": asked[1] if len(asked) > 1 else "eth0",
    }
    return "".join(f"${name}={value}\n" for name, value in named.items())
