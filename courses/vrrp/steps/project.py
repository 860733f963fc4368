"""Places and the artefacts that lie there: what several steps share."""

from __future__ import annotations

from collections.abc import Mapping

from subject.machines import BALANCERS, WEBS, service_address

from labkit.course import Artefact
from labkit.errors import StepFailedError
from labkit.facts.haproxy.file import WRITTEN_BY_HAND
from labkit.locale import _
from labkit.remote import Shell

PAGES = {
    web: Artefact(f"pages/{web}.html", "/var/www/html/index.html", (web,), sudo=True)
    for web in WEBS
}
HAPROXY = Artefact(
    "haproxy/haproxy.cfg", "/etc/haproxy/haproxy.cfg", BALANCERS, sudo=True, marker=WRITTEN_BY_HAND
)
# In step 2 the address moves; in step 3 it stays where it is when the other one comes back.
ADDRESS = {
    lb: Artefact(
        f"keepalived/{lb}.conf",
        "/etc/keepalived/keepalived.conf",
        (lb,),
        reference=f"keepalived/{lb}-address.conf",
        sudo=True,
        later=f"keepalived/{lb}.conf",
    )
    for lb in BALANCERS
}
CALM = {
    lb: Artefact(f"keepalived/{lb}.conf", "/etc/keepalived/keepalived.conf", (lb,), sudo=True)
    for lb in BALANCERS
}
# The addresses of this lab, by the names that a configuration may use for them.
ADDRESSES = "/etc/keepalived/addresses.conf"


def addresses(here: Shell, lb1: Shell, lb2: Shell) -> str:
    """Definitions for keepalived.conf(5), $NAME=VALUE, as they are on the machine `here`."""
    asked = here.ask(f"ip -o -4 address show to {here.address}").text.split()
    named = {
        "LB1": lb1.address,
        "LB2": lb2.address,
        "WWW": service_address(lb1.address),
        "DEVICE": asked[1] if len(asked) > 1 else "eth0",
    }
    return "".join(f"${name}={value}\n" for name, value in named.items())


def refuse(shell: Shell, service: str, file: str, found: Mapping[str, int]) -> None:
    """StepFailedError, the service stopped, if words were found that are not known to be harmless.

    `found` are words and their lines in a file that was submitted.
    """
    if found:
        shell.ask(f"systemctl stop {service}", sudo=True)
        names = ", ".join(f"{word} ({line})" for word, line in found.items())
        raise StepFailedError(
            _("{names} is not known to be harmless, so it was not loaded", names=names),
            where=f"{shell.name}:{file}",
        )
