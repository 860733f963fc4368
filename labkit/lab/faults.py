"""Faults on a machine that end by themselves, whatever becomes of whoever caused them.

The heal is armed on the machine itself before the fault strikes: a lost connection, a killed
grader or a closed laptop leaves nothing broken.
"""

from __future__ import annotations

import shlex
import uuid

from labkit.errors import LabkitError
from labkit.locale import _
from labkit.remote import Shell

LONGEST_FAULT_S = 60.0


def strike(shell: Shell, fault: str, heal: str, *, heal_after: float) -> None:
    """Run `fault` as root on a machine, and `heal` there `heal_after` seconds from now.

    Raises `LabkitError` if the heal cannot be armed (then the fault does not happen) or if the
    fault's command fails (then the heal still comes).
    """
    schedule(shell, heal, after=heal_after)
    struck = shell.ask(fault, sudo=True)
    if not struck.ok:
        raise LabkitError(
            _("the fault did not strike: {said}", said=struck.said), where=f"{shell.name} $ {fault}"
        )


def schedule(shell: Shell, command: str, *, after: float) -> None:
    """Let a machine run a command as root `after` seconds from now, whoever is still there then.

    Raises `LabkitError` if the machine's systemd does not take it.
    """
    if not 0 < after <= LONGEST_FAULT_S:
        raise LabkitError(
            _(
                "a fault may last {most:.0f} s at most, not {seconds} s",
                most=LONGEST_FAULT_S,
                seconds=after,
            )
        )
    unit = f"labkit-heal-{uuid.uuid4().hex[:8]}"
    # The default accuracy of a timer is one minute (systemd.timer, AccuracySec).
    armed = shell.ask(
        f"systemd-run --quiet --collect --unit={unit} --on-active={after}s "
        f"--timer-property=AccuracySec=100ms /bin/sh -c {shlex.quote(command)}",
        sudo=True,
    )
    if not armed.ok:
        raise LabkitError(
            _("the end of the fault could not be armed: {said}", said=armed.said), where=shell.name
        )
