"""k) HAProxy in front of both web servers, with its log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from labkit.course import Artefact, Files, step
from labkit.facts import rsyslog
from labkit.facts.haproxy import harmless
from labkit.facts.haproxy.file import bound_ports
from labkit.facts.haproxy.harmless import Refused
from labkit.facts.haproxy.process import taking_over
from labkit.locale import _
from labkit.remote import Shell, Shells
from steps import undo
from steps.beside_balancer import provide
from steps.judged import refuse
from steps.project import HAPROXY_BACKEND, PACKAGED_ASIDE, PACKAGED_RULE, RSYSLOG

CONFIG = HAPROXY_BACKEND.remote
VALIDATE = "haproxy -c -f"


@step(
    11,
    "haproxy",
    letter="k",
    on="lb",
    needs=["machines", "deploy", "second-server"],
    artefacts=[HAPROXY_BACKEND],
    beside=[RSYSLOG],
    undo=undo.balancer,
    title={"en": "HAProxy in front", "fr": "HAProxy devant les serveurs"},
)
def haproxy(shells: Shells, files: Files) -> None:
    """Log first, then the configuration, validated before it is loaded."""
    lb = shells["lb"]
    lb.install(redhat=("haproxy", "rsyslog"), debian=("haproxy", "rsyslog"))
    if files.submission:
        confine(lb)
        packaged_rule(lb, wanted=bool(files.option("haproxy: packaged rule")))
    if not unwelcome_rules(files) and files.place(RSYSLOG, lb):
        lb.run("sudo systemctl restart rsyslog")
    place_configuration(lb, files, HAPROXY_BACKEND)
    load_configuration(lb, unprivileged=bool(files.submission))
    ports = bound_ports(lb.read(CONFIG, root=True) or "") if files.submission else [80]
    for port in ports:
        lb.open_port("--add-service=http" if port == 80 else f"--add-port={port:d}/tcp")
    site = f"http://lb:{ports[0]:d}/" if ports and ports[0] != 80 else "http://lb/"
    lb.run(f"curl -sS -o /dev/null -w '%{{http_code}}\\n' {site}")
    refuse(lb, RSYSLOG.remote, unwelcome_rules(files))


TRIED = "/var/lib/labkit/haproxy.cfg"
# Of what former releases knew, `reqadd` for one, HAProxy says that it supports it no more.
UNKNOWN = re.compile(r"\[[^\]\n]*:(\d+)\] ?: (.*(?:unknown|not supported any ?more).*)", re.I)
# What each service may do on the machine, whatever its file says. HAProxy's own unit starts it as
# root, to bind ports below 1024; it gives that up by itself if its configuration says so.
CONFINED = {
    "rsyslog": """\
[Service]
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
ReadWritePaths=/var/log -/var/lib/rsyslog -/var/spool/rsyslog -/run -/var/lib/haproxy/dev
InaccessiblePaths=-/run/docker.sock -/run/containerd -/run/docker
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_NET_BIND_SERVICE CAP_SYSLOG CAP_SETUID \
 CAP_SETGID CAP_LEASE CAP_BLOCK_SUSPEND
""",
    "haproxy": """\
[Service]
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=strict
ProtectHome=yes
ReadWritePaths=/run -/var/lib/haproxy
InaccessiblePaths=-/run/docker.sock -/run/containerd -/run/docker -/var/lib/docker
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID CAP_KILL \
 CAP_NET_BIND_SERVICE CAP_SETGID CAP_SETUID CAP_SYS_CHROOT
""",
}


def packaged_rule(lb: Shell, *, wanted: bool) -> None:
    """Have the rule that Debian's haproxy brings in force, or not."""
    if wanted:
        there, here = PACKAGED_ASIDE, PACKAGED_RULE
        unless = f"test -e {PACKAGED_RULE} || test ! -e {PACKAGED_ASIDE}"
    else:
        there, here, unless = PACKAGED_RULE, PACKAGED_ASIDE, f"test ! -e {PACKAGED_RULE}"
    lb.run(f"sudo mv {there} {here} && sudo systemctl restart rsyslog", unless=unless)


def confine(lb: Shell) -> None:
    """Keep both services to what the practical needs of them (systemd.exec(5), sandboxing)."""
    written = [
        lb.write(f"/etc/systemd/system/{unit}.service.d/confined.conf", text, root=True)
        for unit, text in CONFINED.items()
    ]
    if any(written):
        lb.run("sudo systemctl daemon-reload")
        lb.run("sudo systemctl restart rsyslog haproxy")


def place_configuration(lb: Shell, files: Files, artefact: Artefact) -> bool:
    """Put haproxy.cfg in its place; StepFailedError if it was submitted and may not be loaded."""
    if files.submission:
        refuse_configuration(lb, files, artefact)
        provide(lb, files.content(artefact).data.decode("utf-8", "replace"), files.submission.files)
    return files.place(artefact, lb)


def refuse_configuration(lb: Shell, files: Files, artefact: Artefact) -> None:
    """StepFailedError if haproxy.cfg says what is not known to be harmless.

    What HAProxy itself knows nothing of is a slip of the pen, which its validation will name. It is
    asked as nobody, of a file that is nowhere loaded.
    """
    data = files.content(artefact).data
    found = harmless.refused(data.decode("utf-8", "replace"))
    if not found:
        return
    lb.write(TRIED, data, root=True, quiet=True)
    said = lb.ask(f"cd / && sudo -n -u nobody {VALIDATE} {TRIED} 2>&1").stdout
    left = [one for one in found if not is_unknown(one, said)]
    if left:  # the package's own file must not earn what the student's would have to
        lb.run("sudo systemctl stop haproxy")
    said_of = (f"{one.word} ({one.line})" for one in left)
    refuse(lb, artefact.remote, [*dict.fromkeys(said_of), *_where_files_lie(left)])


def _where_files_lie(refused: Iterable[Refused]) -> Iterator[str]:
    """What to know about paths, if some of what is refused are paths."""
    if any(one.word.startswith("/") for one in refused):
        folders = "/etc/haproxy, /etc/ssl, /run/haproxy, /srv, /var/lib/haproxy"
        yield _("HAProxy's own files and sockets lie below {folders}", folders=folders)


def is_unknown(refused: Refused, said: str) -> bool:
    """Whether HAProxy has said that it knows no such word. Of Lua it cannot say so: it has run."""
    return not refused.word.startswith("lua") and any(
        int(line) == refused.line and f"'{refused.word}'" in message
        for line, message in UNKNOWN.findall(said)
    )


def unwelcome_rules(files: Files) -> list[str]:
    """What of a rsyslog file that was submitted is not known to be harmless."""
    if not files.submission:
        return []
    return rsyslog.refused(files.content(RSYSLOG).data.decode("utf-8", "replace"))


def load_configuration(lb: Shell, *, unprivileged: bool = False) -> None:
    """Validate the file, then let HAProxy take it without losing a connection.

    Validated by nobody, what a file says can do nothing to the machine.
    """
    # Rocky's SELinux lets HAProxy bind, and connect to, the usual web ports only: not 8404, nor
    # any port that a website may be published on. -P: for good. Sources: haproxy_selinux(8); Red
    # Hat's guide, docs.redhat.com/en/documentation/red_hat_satellite/6.16 (load balancer, 9).
    lb.run(
        "sudo setsebool -P haproxy_connect_any on",
        unless="! command -v getsebool || ! selinuxenabled"
        " || getsebool haproxy_connect_any | grep -q 'on$'",
    )
    if unprivileged:  # HAProxy goes back to the folder that it is called in: not a student's home
        lb.run(f"sudo -u nobody {VALIDATE} {CONFIG}", cwd="/")
    else:
        lb.run(f"sudo {VALIDATE} {CONFIG}")
    if not lb.service("haproxy"):
        with taking_over(lb):
            lb.run("sudo systemctl reload haproxy")
