"""Vagrant's own words about a failure, turned into one sentence and the next thing to type."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import NotReadyError
from labkit.lab.vagrant.network import range_refused

INSTALL = (
    "install Vagrant 2.3 or later and a hypervisor: "
    "https://developer.hashicorp.com/vagrant/install and https://www.virtualbox.org "
    "(Debian, Ubuntu: sudo apt-get install vagrant vagrant-libvirt), "
    "or use containers: labkit up --provider containers"
)
TAIL_LINES = 8


@dataclass(frozen=True)
class Known:
    """A failure that we recognise by a phrase of Vagrant's templates/locales/en.yml."""

    phrase: str
    what: str
    then: str


KNOWN = (
    Known(
        "No usable default provider could be found",
        "Vagrant is installed, but no hypervisor that it could use",
        INSTALL,
    ),
    Known(
        "Error while connecting to Libvirt",
        "libvirt does not answer",
        "sudo systemctl start libvirtd, and: sudo usermod -aG libvirt $USER",
    ),
    Known(
        "doesn't support the provider",
        "the box has no build for this hypervisor or processor",
        "LABKIT_BOX=<another box> labkit up --provider vagrant (on arm64: Vagrant 2.4 or later)",
    ),
    Known(
        r"could not be accessed in the remote catalog"
        r"|An error occurred while downloading the remote file"
        r"|with provider '[^']*' could not be found",
        "the box cannot be downloaded",
        "check the connection, or take a box that you have: "
        "LABKIT_BOX=<name, URL or file> LABKIT_BOX_VERSION=<version> labkit up --provider vagrant",
    ),
    Known(
        # The second one is vagrant-libvirt's, for a machine whose first card gets no address.
        "Timed out while waiting for the machine to boot|The specified wait_for timeout",
        "a machine started, but never took an SSH login",
        "LABKIT_VAGRANT_PARALLEL=0 labkit up --provider vagrant; "
        "if the box configures its own network: LABKIT_AUTO_CONFIG=0",
    ),
    Known(
        "collides with a non-hostonly network",
        "another network of this computer has the addresses of the lab",
        "LABKIT_SUBNET=<another /24> labkit up --provider vagrant",
    ),
    Known(
        "another process is already executing an action|because it is locked"
        "|held by another instance of Vagrant",
        "another Vagrant is at work on this lab",
        "wait for it to end, then the same command once more",
    ),
    Known(
        "kernel module is not loaded|VT-x is (?:disabled|not available)|VERR_VMX|VERR_SVM",
        "the hypervisor cannot use this processor or this kernel",
        "VBoxManage --version; switch virtualisation on in the firmware; "
        "or use containers: labkit up --provider containers",
    ),
    Known(
        "No space left on device|not enough space",
        "the disk is full",
        "vagrant box prune, then labkit up --provider vagrant",
    ),
)


def missing() -> NotReadyError:
    """There is no vagrant on this computer."""
    return NotReadyError("Vagrant is not installed", where="PATH", then=INSTALL)


def explained(said: str, doing: str, log: Path) -> NotReadyError:
    """The error for what Vagrant `said`; its last lines as they are where we do not know it."""
    flat = " ".join(said.split())  # Vagrant wraps its sentences
    refused = re.search(r"not within the allowed ranges.*?Address: ([0-9.]+)", flat)
    if refused:
        return range_refused(ipaddress.IPv4Network(f"{refused[1]}/24", strict=False))
    where = f"{doing}; all of it: {log}"
    for known in KNOWN:
        if re.search(known.phrase, flat):
            return NotReadyError(known.what, where=where, then=known.then)
    lines = [line.rstrip() for line in said.splitlines() if line.strip()]
    tail = "\n".join(lines[-TAIL_LINES:]) or "(it said nothing)"
    return NotReadyError(f"Vagrant failed:\n{tail}", where=where, then="labkit doctor")
