"""What both providers do alike."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from labkit.errors import NotReadyError
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


def started_again(units: str) -> str:
    """The command, for root, that starts what has failed of these units (words of a shell) again.

    It prints those that fail again. Where everything starts at once on a busy computer, a service
    can go beyond its own limit; firewalld then leaves its rules behind, and every port stays shut.
    """
    return (
        f"for name in {units}; do"
        " ! systemctl is-failed --quiet $name || systemctl restart $name >/dev/null 2>&1"
        " || echo $name; done"
    )


def not_whole(name: str, failed: Sequence[str]) -> NotReadyError:
    """The error of a machine that runs without these services of its own."""
    return NotReadyError(
        _("{node} came up, but not all of it: {failed}", node=name, failed=", ".join(failed)),
        where=name,
        then=f"labkit exec {name} -- systemctl status {' '.join(failed[:1])}",
    )
