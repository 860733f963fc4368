"""What a hostile submission must not touch: this computer, and the machines beyond its folders."""

from __future__ import annotations

import os
import shlex
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from labkit.remote import SshShell, everywhere

# Settings of the kernel that this computer and its machines share.
SHARED = ("core_pattern", "modprobe", "hotplug", "poweroff_cmd", "sysrq", "domainname")
# Where the practical itself writes on a machine, whoever's work it is.
STUDENTS = (
    "/srv/student-list", "/srv/registry", "/etc/haproxy/haproxy.cfg", "/etc/haproxy",
    "/etc/rsyslog.d/haproxy.conf", "/etc/rsyslog.d", "/etc/docker", "/etc/hosts", "/etc/hostname",
    "/etc/firewalld", "/etc/systemd/system/haproxy.service.d",
    "/etc/systemd/system/rsyslog.service.d", "/etc/systemd/system", "/home/student/.docker",
    "/root/.docker", "/usr/local/share/ca-certificates", "/etc/ssl/certs", "/var", "/tmp", "/run",
)  # fmt: skip
ROOT = "/"
MARK = "/var/lib/labkit/hostile-mark"


class Asked:
    """A port on this computer's loopback that nobody must ask."""

    def __init__(self) -> None:
        self.count = 0
        asked = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                asked.count += 1
                self.request.sendall(b"HTTP/1.0 200 OK\r\n\r\n<form method=post>alice 12</form>")

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]

    @contextmanager
    def listening(self) -> Iterator[Asked]:
        """While it can be asked."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()


class Computer:
    """What of this computer a kind has reached since it was last asked."""

    def __init__(self, asked: Asked, canary: str, submissions: Path) -> None:
        self._asked = asked
        self._canary = Path(canary)
        self._submissions = submissions
        self._settings = _settings()
        self._count = asked.count
        self._files: set[Path] = set()

    def look_away(self) -> None:
        """The kind has been submitted: what lies there now is the student's."""
        self._files = set(self._submissions.rglob("*"))

    def reached(self) -> list[str]:
        """In words; nothing, hopefully."""
        found = []
        if self._asked.count != self._count:
            found.append(f"asked a port of this computer {self._asked.count - self._count} times")
            self._count = self._asked.count
        places = (self._canary, Path("/tmp", self._canary.name), Path(self._canary.name),
                  Path(os.environ["TMPDIR"], "labkit-canary"))  # fmt: skip
        for place in places:
            if place.exists():
                found.append(f"made {place}")
                place.unlink()
        if new := set(self._submissions.rglob("*")) - self._files:
            found.append(f"wrote {', '.join(sorted(map(str, new)))} beside what was submitted")
        if (settings := _settings()) != self._settings:
            found.append("changed a setting of the kernel")
            self._settings = settings
        return found


def _settings() -> dict[str, str]:
    paths = (Path("/proc/sys/kernel", name) for name in SHARED)
    return {str(path): path.read_text(encoding="utf-8") for path in paths if path.exists()}


def mark(shells: Mapping[str, SshShell]) -> None:
    """From now on, what changes on the machines is the kind's."""
    everywhere(lambda shell: shell.ask(f"touch {MARK}", sudo=True), list(shells.values()))


def touched(shells: Mapping[str, SshShell], canary: str) -> list[str]:
    """Files of the machines that changed since `mark`, beyond a student's own, and any canary.

    The time of a file's last change (ctime) is the kernel's: nobody can set it back.
    """
    own = " -o ".join(f"-path {shlex.quote(path)}" for path in STUDENTS)
    name = shlex.quote(Path(canary).name)
    changed = rf"find {ROOT} -xdev \( {own} \) -prune -o -cnewer {MARK} ! -type d -print"
    canaries = (
        f"find {ROOT} -name {name} -not -path '/proc/*' -not -path '/var/lib/docker/*'"
        " -not -path '/var/lib/containerd/*' 2>/dev/null"
    )

    def look(shell: SshShell) -> list[str]:
        said = shell.ask(f"{changed}; {canaries}", sudo=True, timeout=120).stdout
        return [f"{shell.name}:{path}" for path in dict.fromkeys(said.splitlines())]

    return [path for paths in everywhere(look, list(shells.values())) for path in paths]
