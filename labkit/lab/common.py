"""What both providers do alike."""

from __future__ import annotations

import ipaddress


def address(subnet: ipaddress.IPv4Network, number: int) -> str:
    """The fixed address of a machine (or of the mirror) in a lab's subnet, by its last number."""
    return str(subnet.network_address + number)
