"""Whether somebody worked on a lab's machines by hand since their state was last kept.

`labkit ssh` and `labkit exec` leave a mark in the lab's folder on the user's computer; what is done
over another connection is not seen. A mark older than a checkpoint is of work that is kept.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from labkit.lab.model import Lab


def note(lab: Lab) -> None:
    """Somebody gets a shell, or a command, on a machine now."""
    _mark(lab).touch()


def since_kept(lab: Lab) -> datetime | None:
    """When somebody last began to work by hand that no checkpoint holds; None if nobody did."""
    try:
        last = datetime.fromtimestamp(_mark(lab).stat().st_mtime, UTC)
    except FileNotFoundError:
        return None
    kept = (checkpoint.made for checkpoint in lab.provider.checkpoints())
    return None if any(made > last for made in kept) else last


def gone(lab: Lab) -> None:
    """What was done by hand is on no machine any more."""
    _mark(lab).unlink(missing_ok=True)


def _mark(lab: Lab) -> Path:
    return lab.state / "by-hand"
