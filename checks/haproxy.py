"""HAProxy, asked through its own admin socket, its validator and its statistics page.

Fields of `show stat` and `show servers state`: HAProxy's management guide, sections 9.1 and 9.3.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
import shlex
import time
from dataclasses import dataclass
from functools import cached_property

from labkit.course import CannotTellError
from labkit.locale import _
from labkit.remote import Result, Shell

BACKEND = "my-backend"
BACK_LIMIT_S = 12.0  # two good checks 2 s apart (HAProxy's defaults), twice, and some
CHECK_CONFIGURED = 2  # a bit of srv_check_state (the same; a disabled server's check is paused)
STARTING = "1"  # srv_op_state of a server that warms up (management guide, show servers state)
USUAL_CONFIG = "/etc/haproxy/haproxy.cfg"
USUAL_SOCKETS = ("/run/haproxy/admin.sock", "/var/lib/haproxy/stats")

# The socket speaks a line protocol; Python is on every machine, socat is not.
ASK_SOCKET = (
    "import socket,sys;s=socket.socket(socket.AF_UNIX);s.settimeout(5);s.connect(sys.argv[1]);"
    "s.sendall(sys.argv[2].encode()+b'\\n');"
    "sys.stdout.write(b''.join(iter(lambda:s.recv(65536),b'')).decode())"
)


@dataclass(frozen=True)
class Server:
    """A server line as the running HAProxy has it."""

    name: str
    address: str
    port: int
    status: str  # UP, DOWN, MAINT, DRAIN, "no check"
    checked: bool
    sessions: int  # since the start: stot
    warming: bool = False  # back, and given fewer visitors than its share for a while (slowstart)

    @property
    def is_up(self) -> bool:
        """In rotation: up, or never checked and so believed to be."""
        if self.status.startswith(("MAINT", "DRAIN")):
            return False
        return self.status.startswith("UP") or not self.checked


class HAProxy:
    """The HAProxy of one machine."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell

    @cached_property
    def config(self) -> str:
        """The configuration file of the running process, else the usual one."""
        words = self.shell.ask("ps -C haproxy -o args=").stdout.split()
        named = [after for word, after in itertools.pairwise(words) if word == "-f"]
        return next((path for path in named if path.startswith("/")), USUAL_CONFIG)

    @cached_property
    def text(self) -> str:
        """The configuration file, without comments."""
        lines = (self.shell.read(self.config, root=True) or "").splitlines()
        return "\n".join(re.sub(r"(^|\s)#.*", "", line) for line in lines)

    def line_of(self, pattern: str) -> int:
        """The number of the first line of the file that matches, 0 if none does."""
        lines = (self.shell.read(self.config, root=True) or "").splitlines()
        return next((n for n, line in enumerate(lines, 1) if re.search(pattern, line)), 0)

    @property
    def is_running(self) -> bool:
        state = self.shell.ask("systemctl is-active haproxy").text
        if state in ("activating", "failed"):
            return False  # it dies and is started again: a look may find it by chance
        return self.shell.ask("pgrep -x haproxy").ok

    def validate(self) -> Result:
        """HAProxy's own opinion of its file."""
        return self.shell.ask(f"haproxy -c -f {shlex.quote(self.config)}", sudo=True)

    @cached_property
    def socket(self) -> str:
        """The admin socket, or "" if this HAProxy has none."""
        named = re.findall(r"^[ \t]*stats[ \t]+socket[ \t]+(/\S+)", self.text, re.MULTILINE)
        for path in (*named, *USUAL_SOCKETS):
            if self.shell.ask(f"test -S {shlex.quote(path)}", sudo=True).ok:
                return str(path)
        return ""

    def command(self, command: str) -> str:
        """The socket's answer to a command. CannotTellError without a socket."""
        answer = self.shell.ask(self.command_line(command), sudo=True)
        if not answer.ok:
            raise CannotTellError(
                _("HAProxy's admin socket does not answer: {error}", error=answer.said[-120:])
            )
        return answer.stdout

    def command_line(self, command: str) -> str:
        """How root asks the socket on this machine. CannotTellError without a socket."""
        if not self.socket:
            raise CannotTellError(
                _("HAProxy on {machine} has no admin socket to ask", machine=self.shell.name),
                settle=_(
                    "add to its global section: {line}",
                    line=f"stats socket {USUAL_SOCKETS[1]} mode 660 level admin",
                ),
            )
        return shlex.join(["python3", "-c", ASK_SOCKET, self.socket, command])

    def rows(self) -> list[dict[str, str]]:
        """`show stat`, a dictionary per line."""
        return _rows(self.command("show stat"))

    def backend(self, name: str = BACKEND) -> dict[str, str] | None:
        """The BACKEND line of a backend, or None if there is no such backend."""
        mine = (row for row in self.rows() if row["pxname"] == name and row["svname"] == "BACKEND")
        return next(mine, None)

    def servers(self, backend: str = BACKEND) -> list[Server]:
        """The servers of a backend, in the order of the file."""
        statistics, _mark, states = self.command("show stat;show servers state").partition(
            "# be_id"
        )
        rows = {
            row["svname"]: row
            for row in _rows(statistics)
            if row["pxname"] == backend and row["svname"] not in ("BACKEND", "FRONTEND")
        }
        found = []
        for name, address, port, state, check in _states(f"# be_id{states}", backend):
            row = rows.get(name, {})
            found.append(
                Server(
                    name=name,
                    address=address,
                    port=port,
                    status=row.get("status", ""),
                    checked=bool(check & CHECK_CONFIGURED),
                    sessions=int(row.get("stot") or 0),
                    warming=state == STARTING,
                )
            )
        return found

    def settled(self, backend: str = BACKEND) -> list[Server]:
        """The servers once all are up and warm, or as they are when that has taken too long.

        What was just started, here or on a web server, needs two good checks to be back; with
        `slowstart` it is given fewer visitors than its share for some more seconds.
        """
        deadline = time.monotonic() + BACK_LIMIT_S
        servers = self.servers(backend)
        while time.monotonic() < deadline and not all(
            one.is_up and not one.warming for one in servers
        ):
            time.sleep(0.2)
            servers = self.servers(backend)
        return servers

    @property
    def bound(self) -> list[int]:
        """The ports that its file binds, where it says so in so many digits.

        A port that somebody else has makes a reload fail, and the former process go on.
        """
        found = re.findall(r"^[ \t]*bind[ \t]+\S*:(\d+)(?=[ \t]|$)", self.text, re.MULTILINE)
        return sorted({int(port) for port in found})

    @cached_property
    def ports(self) -> list[int]:
        """The TCP ports that it listens on, the usual web port first."""
        listing = self.shell.ask("ss -Hltnp", sudo=True).stdout
        ports = {
            int(line.split()[3].rpartition(":")[2])
            for line in listing.splitlines()
            if '"haproxy"' in line
        }
        return sorted(ports, key=lambda port: (port != 80, port))


def _rows(statistics: str) -> list[dict[str, str]]:
    """`show stat`, a dictionary per line, to the first empty one."""
    table = statistics.lstrip("# ").partition("\n\n")[0]
    return list(csv.DictReader(io.StringIO(table)))


def _states(text: str, backend: str) -> list[tuple[str, str, int, str, int]]:
    """(name, address, port, operational state, check state) from `show servers state`.

    The first line has the names of the columns; the format's version stands before it.
    """
    header, *lines = text.splitlines()
    columns = header.lstrip("# ").split()
    found = []
    for line in lines:
        row = dict(zip(columns, line.split(), strict=False))
        if row.get("be_name") == backend:
            state, check = row["srv_op_state"], int(row["srv_check_state"])
            port = int(row["srv_port"])
            found.append((row["srv_name"], row["srv_addr"], port, state, check))
    return found
