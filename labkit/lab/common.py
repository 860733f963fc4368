"""What both providers do alike."""

from __future__ import annotations

import ipaddress

from labkit.locale import _, number
from labkit.reporting import Say


def address(subnet: ipaddress.IPv4Network, number: int) -> str:
    """The fixed address of a machine (or of the mirror) in a lab's subnet, by its last number."""
    return str(subnet.network_address + number)


def say_ready(say: Say, name: str, where: str, seconds: float) -> None:
    """Tell that a machine can be used, at which address and after how many seconds."""
    say(
        _("{node} is ready at {address} ({seconds} s)", node=name, address=where,
          seconds=number(seconds, ".1f"))
    )  # fmt: skip
