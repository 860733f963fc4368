"""Commands on machines: the shell that steps and checks see, over SSH or as a plan."""

from typing import TYPE_CHECKING

from labkit.lazy import on_first_use

if TYPE_CHECKING:
    from labkit.remote.parallel import everywhere, to_its_end
    from labkit.remote.plan import PlannedShell, from_facts
    from labkit.remote.shell import (
        CommandFailedError,
        CommandTooLongError,
        RemoteProcess,
        Result,
        Shell,
        Shells,
    )
    from labkit.remote.ssh import SshShell
    from labkit.remote.transcript import Transcript
else:
    __getattr__ = on_first_use(
        __name__,
        {
            "CommandFailedError": "shell",
            "CommandTooLongError": "shell",
            "PlannedShell": "plan",
            "RemoteProcess": "shell",
            "Result": "shell",
            "Shell": "shell",
            "Shells": "shell",
            "SshShell": "ssh",
            "Transcript": "transcript",
            "everywhere": "parallel",
            "to_its_end": "parallel",
            "from_facts": "plan",
        },
    )

__all__ = [
    "CommandFailedError",
    "CommandTooLongError",
    "PlannedShell",
    "RemoteProcess",
    "Result",
    "Shell",
    "Shells",
    "SshShell",
    "Transcript",
    "everywhere",
    "to_its_end",
    "from_facts",
]
