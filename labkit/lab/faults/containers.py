"""Faults of containers on a machine; `container` is a name or id, quoted by whoever gives it."""

from __future__ import annotations

from labkit.lab.faults.timed import strike
from labkit.remote import Shell


def stop(shell: Shell, container: str, *, heal_after: float) -> None:
    """`docker stop`: SIGTERM, and SIGKILL after a second."""
    strike(
        shell, f"docker stop -t 1 {container}", f"docker start {container}", heal_after=heal_after
    )


def kill(shell: Shell, container: str, *, heal_after: float) -> None:
    """`docker kill`: no warning. The engine takes it for a wish and does not restart it."""
    strike(shell, f"docker kill {container}", f"docker start {container}", heal_after=heal_after)


def pause(shell: Shell, container: str, *, heal_after: float) -> None:
    """Frozen by the kernel: it goes on accepting connections, nobody answers them."""
    strike(shell, f"docker pause {container}", f"docker unpause {container}", heal_after=heal_after)


def freeze(shell: Shell, container: str, *, heal_after: float) -> None:
    """SIGSTOP to every process of the container, as a debugger or an exhausted machine does it.

    `docker kill -s STOP` would reach the first process only, and the workers would go on.
    """
    all_of_it = f"kill -{{}} $(docker top {container} -o pid | tail -n +2)"
    strike(shell, all_of_it.format("STOP"), all_of_it.format("CONT"), heal_after=heal_after)
