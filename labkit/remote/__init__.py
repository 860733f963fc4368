"""Commands on machines: the shell that steps and checks see, over SSH or as a plan."""

from typing import TYPE_CHECKING

from labkit.lazy import on_first_use
from labkit.remote.echo import Echo, Silent, Transcript
from labkit.remote.parallel import everywhere
from labkit.remote.plan import PlannedShell, from_facts
from labkit.remote.shell import CommandFailedError, RemoteProcess, Result, Shell

if TYPE_CHECKING:
    from labkit.remote.ssh import SshShell
else:
    __getattr__ = on_first_use(__name__, {"SshShell": "ssh"})  # Fabric

__all__ = [
    "CommandFailedError",
    "Echo",
    "PlannedShell",
    "RemoteProcess",
    "Result",
    "Shell",
    "Silent",
    "SshShell",
    "Transcript",
    "everywhere",
    "from_facts",
]
