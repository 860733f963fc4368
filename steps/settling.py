"""Between steps and checks: containers that run are given the time to listen."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from labkit.remote import Shell, everywhere

# Of each running container: its address and the ports that its image exposes.
LISTENERS = (
    "docker ps -q | xargs -r docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}} "
    "{{end}}|{{range $port, $_ := .Config.ExposedPorts}}{{$port}} {{end}}'"
)
WAIT = """
import socket, sys, time
end = time.monotonic() + 4
wanted = []
for line in sys.stdin:
    addresses, _, ports = line.partition("|")
    wanted += [(one, int(port.split("/")[0])) for one in addresses.split()[:1]
               for port in ports.split() or ["5000"] if port.endswith("tcp") or port == "5000"]
while wanted and time.monotonic() < end:
    try:
        socket.create_connection(wanted[0], 0.5).close()
        wanted.pop(0)
    except OSError:
        time.sleep(0.05)
"""


def settle(shells: Mapping[str, Shell]) -> None:
    """Wait until each running container takes connections on its ports, 4 s at most."""
    command = f"{LISTENERS} | python3 -c {shlex.quote(WAIT)}"
    everywhere(lambda shell: shell.ask(command), list(shells.values()))
