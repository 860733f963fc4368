"""The power switch of a lab's machines.

A machine without power cannot end its own fault. A process of its own on the computer that holds
the lab waits and switches it on again; it is started before the power goes, in a session of its
own, and outlives whoever started it.

    python -m labkit.lab.faults.power LAB PROVIDER MACHINE SECONDS
"""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress

from labkit import child
from labkit.errors import LabkitError
from labkit.lab.faults.timed import refuse_too_long
from labkit.lab.model import Lab, Provider
from labkit.locale import _

OFF_S = 30.0  # a machine that has not gone off by then will not
ON_S = 60.0  # until a hypervisor that boots it in the background says that it runs
POLL_S = 0.1


class Power:
    """Takes the power from machines of one lab, and gives it back."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def cut(self, machine: str, *, heal_after: float) -> None:
        """No shutdown, no flush; the machine boots again `heal_after` seconds from now.

        Raises `NotReadyError` unless the machine runs, `LabkitError` for a fault that is too long.
        """
        self._lab.prove_target(machine)
        refuse_too_long(heal_after)
        provider = self._lab.provider
        waker = subprocess.Popen(
            child.python(__name__, self._lab.name, provider.name, machine, f"{heal_after:g}"),
            cwd=child.FOLDER,
            env=child.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert waker.stdout is not None
        with waker.stdout:
            armed = waker.stdout.readline().strip()
        if armed != b"armed":
            raise LabkitError(
                _("the end of the fault could not be armed: {said}", said=f"exit {waker.wait()}"),
                where=machine,
            )
        provider.power_off(machine)


def main() -> None:
    """Say that we are there, wait, and switch on. Silent: nobody may be left to listen.

    A machine that is not off yet would not notice that it is switched on: its end is waited for.
    So is its return, for a hypervisor may be asked by a thread, which ends with its process.
    """
    from labkit.lab import open_lab

    name, kind, machine, seconds = sys.argv[1:]
    begun = time.monotonic()
    provider = open_lab(name, kind).provider
    provider.machines()  # an engine that does not answer is found now, while the power is on
    print("armed", flush=True)
    time.sleep(max(0.0, float(seconds) - (time.monotonic() - begun)))
    _wait(provider, machine, running=False, limit_s=OFF_S)
    provider.power_on(machine)
    _wait(provider, machine, running=True, limit_s=ON_S)


def _wait(provider: Provider, machine: str, *, running: bool, limit_s: float) -> None:
    """Poll until a machine runs, or does not, or the time is over."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        # An engine that does not answer at the moment is asked again: nobody else will.
        with suppress(LabkitError):
            if {found.name: found.running for found in provider.machines()}.get(machine) is running:
                return
        time.sleep(POLL_S)


if __name__ == "__main__":
    main()
