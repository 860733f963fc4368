"""What haproxy.cfg names beside itself: error pages and lists come along, certificates are made.

A certificate is not handed in, and if it was, it would not be valid for this lab's names.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Collection, Mapping

from labkit.facts.haproxy.harmless import OWN_FILE, OWN_SOCKET
from labkit.facts.haproxy.named import Named, admin_sockets, named_files
from labkit.remote import Shell

HOME = "/etc/haproxy"
SOCKETS = "/var/lib/haproxy"  # both families' package has it
SUBMITTED = f"{HOME}/submitted"
SOCKET_NAME = re.compile(r"[\w-][\w.-]*", re.ASCII)
SUBJECT = "-subj /CN=lb -addext subjectAltName=DNS:lb"
# Pages of errors that the package brings: Debian's, and el9's (haproxy.spec, haproxy_datadir).
PACKAGED = ("/etc/haproxy/errors", "/usr/share/haproxy")
PACKAGED_PAGE = re.compile(rf"(?:{'|'.join(PACKAGED)})/(?:400|403|408|500|502|503|504)\.http")
KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"


def moved(text: str, submitted: Collection[str]) -> dict[str, str]:
    """Paths that a configuration names -> where this lab has the file.

    A folder of their own for files that were handed in, the usual one for certificates of another
    machine's: those are made. A socket for the administrator is opened where HAProxy may.
    """
    found = {}
    for one in named_files(text):
        theirs = "" if one.is_certificate else end_of(one.path, submitted)
        if theirs:
            found[one.path] = place_of(theirs)
        elif one.is_certificate and not OWN_FILE.fullmatch(one.path):
            found[one.path] = f"{HOME}/{posixpath.basename(one.path)}"
    for path in admin_sockets(text):
        if not OWN_SOCKET.fullmatch(path) and SOCKET_NAME.fullmatch(path.rpartition("/")[2]):
            found[path] = f"{SOCKETS}/{posixpath.basename(path)}"
    return found


def place_of(file: str) -> str:
    """Where a file of a submission lies for HAProxy."""
    return f"{SUBMITTED}/{re.sub(r'[^a-zA-Z0-9_.-]', '-', file).lstrip('.')}"


def end_of(path: str, submitted: Collection[str]) -> str:
    """The file of a submission that a path means: of those called so, the one with most in common.

    "" if none is called so.
    """
    parts = path.split("/")

    def common(other: str) -> int:
        pairs = zip(reversed(parts), reversed(other.split("/")), strict=False)
        alike = [one == another for one, another in pairs]
        return alike.index(False) if False in alike else len(alike)

    called = [one for one in sorted(submitted) if posixpath.basename(one) == parts[-1]]
    return max(called, key=common, default="")


def provide(lb: Shell, text: str, submitted: Mapping[str, bytes]) -> None:
    """Put what a configuration names where it is looked for."""
    named = named_files(text)
    for one in named:
        if one.is_certificate:
            lb.run(making(one), unless=f"sudo test -e {shlex.quote(one.path)}")
        elif PACKAGED_PAGE.fullmatch(one.path):
            lb.run(copying(one.path), unless=f"test -e {shlex.quote(one.path)}")
    wanted = {one.path for one in named}
    brought = {path: data for path, data in submitted.items() if place_of(path) in wanted}
    if brought:
        lb.run(f"sudo install -d {SUBMITTED}", unless=f"test -d {SUBMITTED}")
    for path, data in brought.items():
        lb.write(place_of(path), data, root=True)


def copying(page: str) -> str:
    """The command that puts a page of errors where the other family's package has it."""
    theirs, ours = PACKAGED if page.startswith(PACKAGED[1]) else PACKAGED[::-1]
    there = page.replace(ours, theirs, 1)
    return f"sudo install -D -m 644 {shlex.quote(there)} {shlex.quote(page)}"


def making(one: Named) -> str:
    """The command that makes a certificate with its key in one file, as `crt` wants it.

    Whoever validates the configuration, nobody, has to read it: it is for this lab alone.
    """
    path = f"{one.path}/lb.pem" if one.is_folder else one.path
    folder, file = shlex.quote(posixpath.dirname(path)), shlex.quote(path)
    return (
        f"sudo install -d {folder} && sudo chmod a+x {folder} && "
        f"openssl req -x509 {KEY} -days 825 {SUBJECT} -keyout - -out - 2>/dev/null"
        f" | sudo tee {file} >/dev/null"
    )
