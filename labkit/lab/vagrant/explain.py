"""Vagrant's own words about a failure, turned into one sentence and the next thing to type."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import NotReadyError
from labkit.lab.vagrant.network import range_refused
from labkit.locale import _

TAIL_LINES = 8


def _install() -> str:
    return _(
        "install Vagrant 2.3 or later and a hypervisor: "
        "https://developer.hashicorp.com/vagrant/install and https://www.virtualbox.org "
        "(Debian, Ubuntu: sudo apt-get install vagrant vagrant-libvirt), "
        "or use containers: labkit up --provider containers"
    )


@dataclass(frozen=True)
class Known:
    """A failure that we recognise by a phrase of Vagrant's templates/locales/en.yml."""

    phrase: str
    what: str
    then: str


def _known() -> tuple[Known, ...]:
    """Every failure that we recognise, in the user's language."""
    return (
        Known(
            "No usable default provider could be found",
            _("Vagrant is installed, but no hypervisor that it could use"),
            _install(),
        ),
        Known(
            "Error while connecting to Libvirt",
            _("libvirt does not answer"),
            _("sudo systemctl start libvirtd, and: sudo usermod -aG libvirt $USER"),
        ),
        Known(
            "doesn't support the provider",
            _("the box has no build for this hypervisor or processor"),
            _("LABKIT_BOX=<another box> labkit up --provider vagrant "
              "(on arm64: Vagrant 2.4 or later)"),
        ),
        Known(
            r"could not be accessed in the remote catalog"
            r"|An error occurred while downloading the remote file"
            r"|with provider '[^']*' could not be found",
            _("the box cannot be downloaded"),
            _("check the connection, or take a box that you have: LABKIT_BOX=<name, URL or file> "
              "LABKIT_BOX_VERSION=<version> labkit up --provider vagrant"),
        ),
        Known(
            # The second is vagrant-libvirt's, for a machine whose first card gets no address.
            "Timed out while waiting for the machine to boot|The specified wait_for timeout",
            _("a machine started, but never took an SSH login"),
            _("LABKIT_VAGRANT_PARALLEL=0 labkit up --provider vagrant; "
              "if the box configures its own network: LABKIT_AUTO_CONFIG=0"),
        ),
        Known(
            "collides with a non-hostonly network",
            _("another network of this computer has the addresses of the lab"),
            _("LABKIT_SUBNET=<another /24> labkit up --provider vagrant"),
        ),
        Known(
            "another process is already executing an action|because it is locked"
            "|held by another instance of Vagrant",
            _("another Vagrant is at work on this lab"),
            _("wait for it to end, then the same command once more"),
        ),
        Known(
            "kernel module is not loaded|VT-x is (?:disabled|not available)|VERR_VMX|VERR_SVM",
            _("the hypervisor cannot use this processor or this kernel"),
            _("VBoxManage --version; switch virtualisation on in the firmware; "
              "or use containers: labkit up --provider containers"),
        ),
        Known(
            "No space left on device|not enough space",
            _("the disk is full"),
            _("vagrant box prune, then labkit up --provider vagrant"),
        ),
    )  # fmt: skip


def missing() -> NotReadyError:
    """There is no vagrant on this computer."""
    return NotReadyError(_("Vagrant is not installed"), where="PATH", then=_install())


def explained(said: str, doing: str, log: Path) -> NotReadyError:
    """The error for what Vagrant `said`; its last lines as they are where we do not know it."""
    flat = " ".join(said.split())  # Vagrant wraps its sentences
    refused = re.search(r"not within the allowed ranges.*?Address: ([0-9.]+)", flat)
    if refused:
        return range_refused(ipaddress.IPv4Network(f"{refused[1]}/24", strict=False))
    where = _("{doing}; all of it: {log}", doing=doing, log=log)
    for known in _known():
        if re.search(known.phrase, flat):
            return NotReadyError(known.what, where=where, then=known.then)
    lines = [line.rstrip() for line in said.splitlines() if line.strip()]
    tail = "\n".join(lines[-TAIL_LINES:]) or _("(it said nothing)")
    return NotReadyError(_("Vagrant failed:\n{said}", said=tail), where=where, then="labkit doctor")
