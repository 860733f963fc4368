"""A full disk, without filling anybody's."""

from __future__ import annotations

import shlex

from labkit.lab.faults.timed import strike
from labkit.remote import Shell

ROOM = "64k"


def fill(shell: Shell, folder: str, *, heal_after: float, then: str = "true") -> None:
    """Nothing more can be written below a folder.

    A tiny file system is laid over the folder and filled. The machine's own disk is not touched:
    in a container it is the disk of the computer that holds the lab. What was open before stays
    open below; `then` is a command that makes a service open its files anew, carried out after
    the fault and after the heal.
    """
    place = shlex.quote(folder)
    strike(
        shell,
        f"mount -t tmpfs -o size={ROOM},mode=1777 labkit-full {place}"
        f" && {{ cat /dev/zero > {place}/labkit-full 2>/dev/null; {then}; }}",
        f"umount -l {place}; {then}",
        heal_after=heal_after,
    )
