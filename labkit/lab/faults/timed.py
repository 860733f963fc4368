"""A fault and what ends it, armed on the machine itself before the fault strikes."""

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
    act(shell, fault)


def act(shell: Shell, fault: str) -> None:
    """Run a fault that ends by itself as root on a machine; `LabkitError` if it fails."""
    struck = shell.ask(fault, sudo=True)
    if not struck.ok:
        raise LabkitError(
            _("the fault did not take effect: {said}", said=struck.said[-300:]),
            where=f"{shell.name} $ {fault[:200]}",
        )


def schedule(shell: Shell, command: str, *, after: float) -> None:
    """Let a machine run a command as root `after` seconds from now, whoever is still there then.

    Raises `LabkitError` if the machine's systemd does not take it.
    """
    refuse_too_long(after)
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


def refuse_too_long(seconds: float) -> None:
    """Raises `LabkitError` unless a fault of so many seconds is allowed."""
    if not 0 < seconds <= LONGEST_FAULT_S:
        raise LabkitError(
            _(
                "a fault may last {most:.0f} s at most, not {seconds} s",
                most=LONGEST_FAULT_S,
                seconds=seconds,
            )
        )
