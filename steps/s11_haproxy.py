"""k) HAProxy in front of both web servers, with its log."""

from __future__ import annotations

import re

from labkit.course import Artefact, Files, step
from labkit.errors import StepFailedError
from labkit.locale import _
from labkit.remote import Shell
from steps import undo
from steps.project import HAPROXY_BACKEND, RSYSLOG

CONFIG = HAPROXY_BACKEND.remote


@step(
    11,
    "haproxy",
    letter="k",
    on="lb",
    needs=["machines", "deploy", "second-server"],
    artefacts=[HAPROXY_BACKEND],
    undo=undo.balancer,
    title={"en": "HAProxy in front", "fr": "HAProxy devant les serveurs"},
)
def haproxy(lb: Shell, files: Files) -> None:
    """Log first, then the configuration, validated before it is loaded."""
    lb.install(redhat=("haproxy", "rsyslog"), debian=("haproxy", "rsyslog"))
    for artefact in (RSYSLOG, HAPROXY_BACKEND):
        refuse_programs(lb, files, artefact)
    if files.place(RSYSLOG, lb):
        lb.run("sudo systemctl restart rsyslog")
    files.place(HAPROXY_BACKEND, lb)
    load_configuration(lb)
    ports = bound_ports(lb.read(CONFIG, root=True) or "") if files.handed else [80]
    for port in ports:
        lb.open_port("--add-service=http" if port == 80 else f"--add-port={port}/tcp")
    site = f"http://lb:{ports[0]}/" if ports and ports[0] != 80 else "http://lb/"
    lb.run(f"curl -sS -o /dev/null -w '%{{http_code}}\\n' {site}")


# What makes HAProxy or rsyslog start programs of somebody's choice, on lb itself. HAProxy:
# configuration manual, 3.7 (programs), 4 (external-check), 3.1 (lua-load, insecure-fork-wanted);
# rsyslog: omprog, and the old ^ action.
PROGRAMS = re.compile(
    r"^[ \t]*(program[ \t]|external-check|option[ \t]+external-check|insecure-|lua-)"
    r"|omprog|^[^#\n]{0,200}[ \t]\^/",
    re.MULTILINE,
)


def refuse_programs(lb: Shell, files: Files, artefact: Artefact) -> None:
    """StepFailedError if what was handed in would start programs on the machine."""
    if not files.handed:
        return
    found = PROGRAMS.search(files.content(artefact).data.decode("utf-8", "replace"))
    if found:
        raise StepFailedError(
            _("this file is not started: {what}", what=found.group().strip()),
            where=f"{lb.name}:{artefact.remote}",
            then="labkit explain 11",
        )


def bound_ports(config: str) -> list[int]:
    """The ports that a configuration binds, 80 first."""
    found = re.findall(r"^[ \t]*bind[ \t]+\S*?:([0-9]{1,5})(?![0-9])", config, re.MULTILINE)
    return sorted({int(port) for port in found}, key=lambda port: (port != 80, port))


def load_configuration(lb: Shell) -> None:
    """Validate the file, then let HAProxy take it without losing a connection."""
    # Rocky's SELinux lets HAProxy bind, and connect to, the usual web ports only: not 8404, nor
    # any port that a website may be published on. -P: for good. Sources: haproxy_selinux(8); Red
    # Hat's guide, docs.redhat.com/en/documentation/red_hat_satellite/6.16 (load balancer, 9).
    lb.run(
        "sudo setsebool -P haproxy_connect_any on",
        unless="! command -v getsebool || ! selinuxenabled"
        " || getsebool haproxy_connect_any | grep -q 'on$'",
    )
    lb.run(f"sudo haproxy -c -f {CONFIG}")
    if not lb.service("haproxy"):
        lb.run("sudo systemctl reload haproxy")
