"""HAProxy, asked through its own admin socket, its validator and its statistics page.

Fields of `show stat` and `show servers state`: HAProxy's management guide, sections 9.1 and 9.3.
"""

from __future__ import annotations

import itertools
import re
import shlex
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from labkit.course import CannotTellError
from labkit.facts import sockets
from labkit.facts.foreign import number, table
from labkit.facts.haproxy.file import Section, sections, server_lines, site_backend
from labkit.facts.slowness import Deadline
from labkit.locale import _
from labkit.remote import Result, Shell

BACK_LIMIT_S = 12.0  # two good checks 2 s apart (HAProxy's defaults), twice, and some
CHECK_CONFIGURED = 2  # a bit of srv_check_state (the same; a disabled server's check is paused)
ASSUMED = {"srv_check_state": f"{CHECK_CONFIGURED}"}  # of a server that is tracked and not listed
STARTING = "1"  # srv_op_state of a server that warms up (management guide, show servers state)
STATE_COLUMNS = {"be_name", "srv_name", "srv_addr", "srv_port", "srv_op_state", "srv_check_state"}
USUAL_CONFIG = "/etc/haproxy/haproxy.cfg"
USUAL_SOCKETS = ("/run/haproxy/admin.sock", "/var/lib/haproxy/stats")

# The master process has a socket of its own where its command line says so: Debian's unit does.
MASTER = "@1 "  # what a command to its first worker, the one that serves now, begins with
# The socket speaks a line protocol; Python is on every machine, socat is not.
ASK_SOCKET = (
    "import socket,sys;w=sys.argv[1];u=w.startswith('/');h,_,p=w.rpartition(':');"
    "s=socket.socket(socket.AF_UNIX) if u else socket.create_connection((h,p),5);"
    "s.settimeout(5);u and s.connect(w);"
    "s.sendall(sys.argv[2].encode()+b'\\n');"
    "sys.argv[2][0]=='@' and s.shutdown(socket.SHUT_WR);"  # the master would wait for more
    "sys.stdout.write(b''.join(iter(lambda:s.recv(65536),b'')).decode())"
)


# The processes of the service that listen, but for its master, which may keep their sockets.
LISTENERS = (
    """sudo -n ss -Hltnp | grep -oE '"haproxy",pid=[0-9]+' | grep -oE '[0-9]+$' | sort -u"""
    ' | grep -vxF "$(systemctl show -p MainPID --value haproxy)"'
)
TAKE_OVER_S = 5


def listeners(shell: Shell) -> set[str]:
    """The numbers of HAProxy's processes that visitors reach; none if it listens nowhere."""
    return set(shell.ask(LISTENERS).stdout.split())


@contextmanager
def taking_over(shell: Shell) -> Iterator[None]:
    """Around a reload: end once other processes listen, or after 5 s if the file is not taken over.

    `systemctl reload` has only told the master process when it returns. Until that has read the
    file a former worker answers, by a former file (HAProxy's management guide, section 4).
    """
    former = listeners(shell)
    yield
    old = shlex.quote("|".join(sorted(former)) or "none")
    shell.ask(
        f"for try in $(seq 1 {TAKE_OVER_S * 10:d}); do now=$({LISTENERS});"
        f' test -n "$now" && ! echo "$now" | grep -qxE {old} && exit 0; sleep 0.1; done; exit 1'
    )


@dataclass(frozen=True)
class Server:
    """A server line as the running HAProxy has it."""

    name: str
    address: str
    port: int
    status: str  # UP, DOWN, MAINT, DRAIN, "no check"
    checked: bool
    sessions: int  # since the start: stot, which counts each attempt, without wretr
    warming: bool = False  # back, and given fewer visitors than its share for a while (slowstart)
    undecided: bool = False  # not checked yet, or on the way from up to down or back: "UP 2/3"
    asked: str = ""  # by its check: the address, of another machine where the file says so

    @property
    def is_up(self) -> bool:
        """In rotation: up, or never checked and so believed to be."""
        if self.status.startswith(("MAINT", "DRAIN")):
            return False
        return self.status.startswith("UP") or not self.checked


class HAProxy:
    """The HAProxy of one machine. `preferred`: the site's backend, if visitors reach several."""

    def __init__(self, shell: Shell, preferred: str = "") -> None:
        self.shell = shell
        self.preferred = preferred

    @cached_property
    def config(self) -> str:
        """The configuration file of the running process, else the usual one."""
        words = self.shell.ask("ps -C haproxy -o args=").stdout.split()
        named = [after for word, after in itertools.pairwise(words) if word == "-f"]
        return next((path for path in named if path.startswith("/")), USUAL_CONFIG)

    @cached_property
    def text(self) -> str:
        """The configuration file; "" if there is none."""
        return self.shell.read(self.config, root=True) or ""

    @cached_property
    def sections(self) -> list[Section]:
        """The sections of the file, in order."""
        return sections(self.text)

    @cached_property
    def site(self) -> str:
        """The backend that visitors are handed to, whatever its name."""
        return site_backend(self.text, self.preferred)

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
        """The admin socket, a path or HOST:PORT; the master's if the file has none; "" for none.

        A file at a usual place may be what a former configuration left: nobody listens there.
        """
        globals_ = [section for section in self.sections if section.kind == "global"]
        said = [words for section in globals_ for words in section.said("stats", "socket")]
        named = [_socket(words[0]) for words in said if words]
        for place in named:
            if place and (not place.startswith("/") or self._is_socket(place)):
                return place
        return self.master or next(filter(self._is_socket, USUAL_SOCKETS), "")

    def _is_socket(self, path: str) -> bool:
        return self.shell.ask(f"test -S {shlex.quote(path)}", sudo=True).ok

    @cached_property
    def master(self) -> str:
        """The socket of the master process, "" if it was started without one."""
        words = self.shell.ask("ps -C haproxy -o args=").stdout.split()
        named = [after for word, after in itertools.pairwise(words) if word == "-S"]
        path = next((_socket(address.partition(",")[0]) for address in named), "")
        return path if path and self._is_socket(path) else ""

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
        if self.socket == self.master:
            command = ";".join(MASTER + part for part in command.split(";"))
        return shlex.join(["python3", "-I", "-S", "-c", ASK_SOCKET, self.socket, command])

    def rows(self) -> list[dict[str, str]]:
        """`show stat`, a dictionary per line."""
        return _rows(self.command("show stat"))

    def backend(self) -> dict[str, str] | None:
        """The BACKEND line of the site's backend, or None if there is none."""
        mine = [row for row in self.rows() if row["pxname"] == self.site]
        return next((row for row in mine if row["svname"] == "BACKEND"), None)

    def servers(self) -> list[Server]:
        """The servers of the site's backend, in the order of the file.

        Without those that only say sorry: a backup on the balancer itself is no server of the site,
        and has visitors once nobody else is up.
        """
        statistics, _mark, rest = self.command("show stat;show servers state").partition("# be_id")
        rows = {(row["pxname"], row["svname"]): row for row in _rows(statistics)}
        states = _states(f"# be_id{rest}")
        found = []
        for (backend, name), state in states.items():
            row = rows.get((backend, name), {})
            address = state["srv_addr"]
            if backend != self.site or (row.get("bck") == "1" and address.startswith("127.")):
                continue
            # One that tracks another is up and down with it, and has no check of its own.
            followed = _followed((backend, name), rows)
            checked = states.get(followed, ASSUMED)
            found.append(
                Server(
                    name=name,
                    address=address,
                    port=number(state["srv_port"]),
                    status=row.get("status", ""),
                    checked=bool(number(checked.get("srv_check_state")) & CHECK_CONFIGURED),
                    sessions=number(row.get("stot")) - number(row.get("wretr")),
                    warming=state["srv_op_state"] == STARTING,
                    undecided=_is_undecided(row),
                    asked=_asked(checked) or address,
                )
            )
        return found

    def settled(self) -> list[Server]:
        """The servers once all are up and warm, or as they are when that has taken too long.

        What was just started, here or on a web server, needs two good checks to be back; with
        `slowstart` it is given fewer visitors than its share for some more seconds.
        """
        return self._once(lambda server: server.is_up and not server.warming)

    def decided(self) -> list[Server]:
        """The servers once HAProxy knows of each whether it is up, or when that takes too long.

        A server is believed to be up until as many checks have failed as `fall` says.
        """
        return self._once(lambda _server: True)

    def _once(self, fine: Callable[[Server], bool]) -> list[Server]:
        """The servers once each is decided and fine, or as they are after BACK_LIMIT_S."""
        deadline = Deadline(self.shell, BACK_LIMIT_S)
        servers = self.servers()
        while (
            not all(fine(server) and not server.undecided for server in servers)
            and not deadline.is_over()
        ):
            time.sleep(0.2)
            servers = self.servers()
        return servers

    @property
    def bound(self) -> list[int]:
        """The ports that its file binds, where it says so in so many digits.

        A port that somebody else has makes a reload fail, and the former process go on.
        """
        return sorted(
            {port for section in self.sections if section.is_live for port in section.ports}
        )

    def shared(self, port: int) -> list[str]:
        """The sections that bind this port, if there are several: the kernel chooses among them."""
        found = [
            section.name for section in self.sections if section.is_live and port in section.ports
        ]
        return found if len(found) > 1 else []

    def line_of_server(self, server: str) -> int:
        """The number of the line that a server of the site comes from, 0 if none is found."""
        for section in self.sections:
            if section.kind in ("backend", "listen") and section.name == self.site:
                for place, words in server_lines(section):
                    if words[1] == server or (
                        words[0] == "server-template" and server.startswith(words[1])
                    ):
                        return place
        return 0

    @cached_property
    def ports(self) -> list[int]:
        """The TCP ports that it listens on, the usual web port first."""
        listing = self.shell.ask("ss -Hltnp", sudo=True).stdout
        ports = {one.port for one in sockets.listeners(listing) if "haproxy" in one.programs}
        return sorted(ports, key=lambda port: (port != 80, port))


def _socket(address: str) -> str:
    """Where an address of the file is asked: a path, or HOST:PORT; "" for another family."""
    family, at, place = address.rpartition("@")
    if place.startswith("/"):
        return place
    if at and family not in ("ipv4", "ipv6"):
        return ""
    host, _colon, port = place.rpartition(":")
    return f"{'127.0.0.1' if host in ('', '*', '0.0.0.0', '::') else host.strip('[]')}:{port}"


def _rows(statistics: str) -> list[dict[str, str]]:
    """`show stat`, a dictionary per line, to the first empty one."""
    return table(statistics.lstrip("# ").partition("\n\n")[0], "pxname", "svname")


def _is_undecided(row: dict[str, str]) -> bool:
    """Whether a line of `show stat` says so: `check_status` is INI before the first check.

    While a check is under way, an asterisk stands before the result of the one before (the
    management guide, 9.1, fields 17 and 36).
    """
    on_the_way = re.search(r" \d+/\d+\Z", row.get("status", ""))
    return bool(on_the_way) or row.get("check_status", "").strip("* ") == "INI"


def _followed(
    server: tuple[str, str], rows: Mapping[tuple[str, str], Mapping[str, str]]
) -> tuple[str, str]:
    """The server whose check decides: the one at the end of what this one tracks, or itself."""
    for _turn in range(len(rows)):
        backend, slash, name = rows.get(server, {}).get("tracked", "").partition("/")
        if not slash:
            break
        server = (backend, name)
    return server


def _asked(state: Mapping[str, str]) -> str:
    """The address that a server's check asks: its own, where `addr` does not say another one."""
    other = state.get("srv_check_addr", "-")
    return state.get("srv_addr", "") if other in ("-", "") else other


def _states(text: str) -> dict[tuple[str, str], dict[str, str]]:
    """`show servers state`: (backend, server) -> its columns, of those that have what is needed.

    The first line has the names of the columns; the format's version stands before it.
    """
    header, *lines = text.splitlines() or [""]
    columns = header.lstrip("# ").split()
    rows = [dict(zip(columns, line.split(), strict=False)) for line in lines]
    return {(row["be_name"], row["srv_name"]): row for row in rows if row.keys() >= STATE_COLUMNS}
