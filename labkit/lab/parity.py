"""What of a real machine each provider's machines have: how far a grade found there holds.

A check names the parts of a machine that it requires beyond programs and files
(`labkit.course.CheckSpec.requires`). What a provider has of them is written down here once, with
the reason, and shown by `labkit doctor --parity` and `labkit explain`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from labkit.locale import _


class Likeness(StrEnum):
    """How a part of a provider's machines compares with that of a real machine."""

    SAME = "same"
    EMULATED = "emulated"  # something stands in for it that behaves alike in what is asked
    SKIPPED = "skipped in part"  # there is none: the check runs, what it says of this is void


@dataclass(frozen=True)
class Part:
    """A part of a machine, as one provider has it. `why` is an English message."""

    likeness: Likeness
    why: str


PARITY: dict[str, dict[str, Part]] = {
    "containers": {
        "power": Part(
            Likeness.EMULATED,
            "the container is killed and started again: systemd boots as after a power cut, but "
            "there is no firmware and no boot loader, and what was written is not lost with the "
            "disk's cache",
        ),
        "firewall": Part(
            Likeness.SAME,
            "firewalld's rules are in the kernel, in the machine's own network namespace",
        ),
        "selinux": Part(
            Likeness.SKIPPED,
            "the machines have no SELinux of their own: whether HAProxy may listen and connect "
            "under its policy is not asked",
        ),
        "kernel": Part(
            Likeness.EMULATED,
            "all machines share the kernel of this computer, and their limits of memory and "
            "processes are those of a container",
        ),
    },
    "vagrant": {
        "power": Part(Likeness.SAME, "the hypervisor cuts the machine's power"),
        "firewall": Part(Likeness.SAME, "firewalld, as the box brings it"),
        "selinux": Part(Likeness.SAME, "as the box brings it: enforcing on Rocky Linux 9"),
        "kernel": Part(Likeness.SAME, "each machine boots its own"),
    },
}

PARTS = tuple(PARITY["containers"])

_ORDER = (Likeness.SKIPPED, Likeness.EMULATED, Likeness.SAME)


def likeness(provider: str, requires: Collection[str]) -> tuple[Likeness, str]:
    """How far what requires these parts is asked with a provider, and why where it is not all.

    The least alike part counts. KeyError for a provider or a part that is not in `PARITY`.
    """
    found = [PARITY[provider][part] for part in requires]
    least = min((part.likeness for part in found), key=_ORDER.index, default=Likeness.SAME)
    reasons = [_(part.why) for part in found if part.likeness is not Likeness.SAME]
    return least, _("; ").join(reasons)


def in_words(degree: Likeness, reason: str) -> str:
    """A likeness as one reads it, with its reason if there is one."""
    return _("; ").join(filter(None, (_(degree.value), reason)))
