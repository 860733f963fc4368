"""What marks the containers of a lab, and the machines that the engine's summaries of them tell."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from labkit.course import Blueprint
from labkit.lab import checkpoints as rules
from labkit.lab.model import Machine
from labkit.lab.store import lab_folder

LABEL = "io.labkit"
LAB_LABEL = f"{LABEL}.lab"
MACHINE_LABEL = f"{LABEL}.machine"
OS_LABEL = f"{LABEL}.os"
ADDRESS_LABEL = f"{LABEL}.address"
USER_LABEL = f"{LABEL}.user"
CHECKPOINT_LABEL = f"{LABEL}.checkpoint"
# Of the container that copies while a checkpoint is taken or brought back (checkpoints.py).
DOING_LABEL = f"{CHECKPOINT_LABEL}.doing"
NAME_LABEL = f"{CHECKPOINT_LABEL}.name"
MAKING = "making"
MIRROR = "mirror"


def filters(lab: str) -> dict[str, list[str]]:
    """Which containers belong to a lab, as the engine's API wants it."""
    return {"label": [f"{LAB_LABEL}={lab}"]}


def machines_of(lab: str, found: Iterable[dict[str, Any]], blueprint: Blueprint) -> list[Machine]:
    """The nodes among the engine's summaries of containers, in the order of the blueprint.

    NotReadyError while a restore that was interrupted waits for its end.
    """
    found = list(found)
    for summary in found:
        if summary["Labels"].get(DOING_LABEL) == MAKING:
            raise rules.interrupted(lab, summary["Labels"][NAME_LABEL])
    folder = lab_folder(lab)
    machines = [
        Machine(
            name=summary["Labels"][MACHINE_LABEL],
            address=summary["Labels"][ADDRESS_LABEL],
            user=summary["Labels"].get(USER_LABEL, blueprint.user),
            key=folder / "id_ed25519",
            known_hosts=folder / "known_hosts",
            running=summary["State"] == "running",
            os=summary["Labels"].get(OS_LABEL, ""),
            published={
                port["PrivatePort"]: port["PublicPort"]
                for port in summary.get("Ports") or ()
                if port.get("PublicPort")
            },
        )
        for summary in found
        if summary["Labels"].get(MACHINE_LABEL, MIRROR) != MIRROR
    ]
    return sorted(machines, key=lambda machine: blueprint.order(machine.name))
