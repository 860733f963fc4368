"""What holds for the checkpoints of every provider: their names, and which make room."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from labkit.errors import NotReadyError, UsageError
from labkit.lab.model import Checkpoint
from labkit.locale import _

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,29}")  # it becomes part of names of volumes
_STEP = re.compile(r"step-\d+")
ROOM_GIB = 4.0  # thirteen checkpoints of a whole practical on ext4 take about 1 GiB


def step_name(number: int) -> str:
    """The name of the checkpoint that `labkit step` keeps after a step."""
    return f"step-{number}"


def automatic_wanted() -> bool:
    """Whether `labkit step` keeps checkpoints; LABKIT_CHECKPOINTS=0 switches that off."""
    return os.environ.get("LABKIT_CHECKPOINTS", "1") != "0"


def check_name(name: str, existing: Sequence[Checkpoint], *, automatic: bool) -> None:
    """Raise `UsageError` unless a checkpoint may be kept under this name."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            _(
                "{name!r} cannot be the name of a checkpoint: small letters, digits and hyphens, "
                "30 characters at most",
                name=name,
            ),
            then="labkit save my-state",
        )
    if not automatic and _STEP.fullmatch(name):
        raise UsageError(
            _("the name {name} is for the checkpoints of labkit step", name=name),
            then=f"labkit save my-{name}",
        )
    same = next((checkpoint for checkpoint in existing if checkpoint.name == name), None)
    if same and not (automatic and same.automatic):
        raise UsageError(
            _(
                "there is a checkpoint {name} already, of {when}",
                name=name,
                when=same.made.strftime("%Y-%m-%d %H:%M"),
            ),
            then=_(
                "another name, or: labkit save --remove {name}",
                name=name,
            ),
        )


def find(name: str, existing: Sequence[Checkpoint]) -> Checkpoint:
    """The checkpoint with this name; `UsageError`, which lists those that are, without one."""
    for checkpoint in existing:
        if checkpoint.name == name:
            return checkpoint
    raise unknown(name, existing)


def machines_off(off: Sequence[str], lab: str) -> NotReadyError:
    """The error for a lab whose state cannot be kept, since machines of it do not run."""
    return NotReadyError(
        _("only running machines can be saved, and these are off: {off}", off=", ".join(off)),
        where=f"lab {lab}",
        then=_command(lab, "up"),
    )


def interrupted(lab: str, name: str) -> NotReadyError:
    """The error for a lab whose machines are between two states."""
    return NotReadyError(
        _("lab {lab} is being restored to {name}, and is incomplete", lab=lab, name=name),
        then=_command(lab, "up"),
    )


def _command(lab: str, verb: str) -> str:
    return f"labkit {verb}" if lab == "default" else f"labkit --lab {lab} {verb}"


def unknown(name: str, existing: Sequence[Checkpoint]) -> UsageError:
    """The error for a checkpoint that is not there; it lists those that are."""
    if not existing:
        return UsageError(
            _("there is no checkpoint {name}, nor any other", name=name),
            then="labkit save my-state",
        )
    return UsageError(
        _("there is no checkpoint {name}", name=name),
        where=_("there are: {names}", names=", ".join(checkpoint.name for checkpoint in existing)),
        then=f"labkit restore {existing[-1].name}",
    )


def room() -> int:
    """The bytes that automatic checkpoints of a lab may take (LABKIT_CHECKPOINT_ROOM, in GiB).

    Raises `UsageError` if it is not a number that makes sense.
    """
    wanted = os.environ.get("LABKIT_CHECKPOINT_ROOM") or str(ROOM_GIB)
    if not re.fullmatch(r"\d{1,6}(\.\d{1,3})?", wanted):
        raise UsageError(
            _("LABKIT_CHECKPOINT_ROOM={wanted} is not a number of GiB", wanted=wanted),
            then="LABKIT_CHECKPOINT_ROOM=4",
        )
    return int(float(wanted) * 2**30)


def too_many(existing: Sequence[Checkpoint], allowed: int) -> list[Checkpoint]:
    """The automatic ones, oldest first, that must go so that the rest takes `allowed` bytes.

    The newest is never among them, nor one that the learner asked for.
    """
    automatic = [checkpoint for checkpoint in existing if checkpoint.automatic]
    taken = sum(checkpoint.bytes for checkpoint in automatic)
    gone: list[Checkpoint] = []
    for checkpoint in automatic[:-1]:
        if taken <= allowed:
            break
        gone.append(checkpoint)
        taken -= checkpoint.bytes
    return gone
