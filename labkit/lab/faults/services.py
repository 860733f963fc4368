"""Faults of a systemd service on a machine."""

from __future__ import annotations

from labkit.lab.faults.timed import schedule, strike
from labkit.remote import Shell


def reload_again(shell: Shell, service: str, *, times: int, within: float) -> None:
    """Reload a service so many times, evenly, within so many seconds, beginning at once.

    A service that a reload has ended is started again afterwards.
    """
    pause = within / times
    schedule(shell, f"systemctl is-active -q {service} || {_start(service)}", after=within + 1)
    again = f"for one in $(seq {times}); do systemctl reload {service}; sleep {pause:g}; done"
    schedule(shell, again, after=0.1)


def restart_service(shell: Shell, service: str) -> None:
    """Stop and start it: the command that many type where a reload would do."""
    schedule(shell, f"systemctl restart {service}", after=0.1)


def kill_service(shell: Shell, service: str, *, heal_after: float) -> None:
    """SIGKILL to all of its processes; systemd brings it back at once if its unit says so."""
    strike(
        shell,
        f"systemctl kill --kill-whom=all --signal=KILL {service}",
        _start(service),
        heal_after=heal_after,
    )


def _start(service: str) -> str:
    """A unit that failed too often must be forgiven before it can start."""
    return f"{{ systemctl reset-failed {service}; systemctl start {service}; }}"
