"""a) Two web servers with a page each, and HAProxy on both balancers."""

from __future__ import annotations

import shlex

from subject.machines import BALANCERS, SERVICE, WEBS, service_address

from labkit.course import Files, step
from labkit.facts.haproxy import harmless
from labkit.facts.haproxy.process import taking_over
from labkit.remote import Shell, Shells, everywhere
from steps import undo
from steps.project import HAPROXY, PAGES, refuse

VALIDATE = f"sudo haproxy -c -f {HAPROXY.remote}"


@step(
    1,
    "servers",
    letter="a",
    on=["web1", "web2", "lb1", "lb2"],
    artefacts=[*PAGES.values(), HAPROXY],
    undo=undo.servers,
    title={
        "en": "Two web servers, two balancers",
        "fr": "Deux serveurs web, deux répartiteurs",
    },
)
def servers(shells: Shells, files: Files) -> None:
    """Names, then the pages, then the same HAProxy twice."""
    lab = list(shells.values())
    moving = service_address(shells["lb1"].address)
    names = {one.name: one.address for one in lab} | {SERVICE: moving}
    everywhere(lambda shell: name(shell, names), lab)
    everywhere(lambda shell: serve(shell, files), [shells[web] for web in WEBS])
    everywhere(lambda shell: balance(shell, files), [shells[lb] for lb in BALANCERS])


def name(shell: Shell, names: dict[str, str]) -> None:
    """/etc/hosts with one line per name, other definitions of the same names taken out."""
    quoted = shlex.quote(shell.name)
    shell.run(f"sudo hostnamectl set-hostname {quoted}", unless=f'test "$(hostname)" = {quoted}')
    lines = [
        line
        for line in (shell.read("/etc/hosts") or "").splitlines()
        if not set(line.partition("#")[0].split()[1:]) & set(names)
    ]
    lines += [f"{address} {one}" for one, address in names.items()]
    shell.write("/etc/hosts", "\n".join(lines) + "\n", root=True)


def serve(web: Shell, files: Files) -> None:
    """nginx with this server's page."""
    web.install(redhat=("nginx",), debian=("nginx-light",))
    files.place(PAGES[web.name], web)
    web.service("nginx")
    web.open_port("--add-service=http")


def balance(balancer: Shell, files: Files) -> None:
    """HAProxy, its file validated before it is loaded."""
    balancer.install(redhat=("haproxy",), debian=("haproxy",))
    # All machines of the lab have the same packages, and Debian's start what they bring.
    balancer.run("sudo systemctl disable --now nginx", unless="! systemctl is-enabled -q nginx")
    if files.submission:
        text = files.content(HAPROXY).data.decode("utf-8", "replace")
        found = {one.word: one.line for one in harmless.refused(text)}
        refuse(balancer, "haproxy", HAPROXY.remote, found)
    files.place(HAPROXY, balancer)
    balancer.run(
        "sudo setsebool -P haproxy_connect_any on",
        unless="! command -v getsebool || ! selinuxenabled"
        " || getsebool haproxy_connect_any | grep -q 'on$'",
    )
    balancer.run(VALIDATE)
    if not balancer.service("haproxy"):
        with taking_over(balancer):
            balancer.run("sudo systemctl reload haproxy")
    balancer.open_port("--add-service=http")
