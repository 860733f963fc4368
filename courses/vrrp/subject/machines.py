"""The machines by what they do, and the address that moves between two of them."""

from __future__ import annotations

import ipaddress

WEBS = ("web1", "web2")
BALANCERS = ("lb1", "lb2")
SERVICE = "www"  # the name of the address that moves
BEYOND = 4  # it is lb1's own address plus this: the next that no machine has


def service_address(lb1: str) -> str:
    """The address that moves, in the lab in which lb1 has this one."""
    return str(ipaddress.ip_address(lb1) + BEYOND)
