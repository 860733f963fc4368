"""The Docker Engine of a machine: whether it answers, and whether it will after the next boot."""

from __future__ import annotations

from dataclasses import dataclass

from labkit.remote import Shell


@dataclass(frozen=True)
class Engine:
    """What a machine says of its engine: each the answer, or the error in its place."""

    machine: str
    version: str
    compose: str
    boot: str  # a line per unit: enabled, disabled, ...


def engine_of(shell: Shell) -> Engine:
    """Ask a machine for its engine."""
    return Engine(
        shell.name,
        version=shell.ask("docker version --format '{{.Server.Version}}' 2>&1").text,
        compose=shell.ask("docker compose version --short 2>&1").text,
        boot=shell.ask("systemctl is-enabled docker.service docker.socket 2>&1").text,
    )
