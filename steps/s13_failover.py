"""m) The service survives the loss of one web server."""

from __future__ import annotations

from labkit.course import Files, step
from labkit.remote import Shell, Shells, everywhere
from steps.project import HAPROXY_STATS
from steps.s11_haproxy import load_configuration, place_configuration
from steps.stack import compose_up, stack_of, website_service

RESTART = "/etc/systemd/system/haproxy.service.d/restart.conf"
VISITS = "for visit in 1 2 3 4; do curl -sS -m 5 -o /dev/null -w '%{http_code} ' http://lb/; done"


@step(
    13,
    "failover",
    letter="m",
    on=("web1", "web2", "lb"),
    needs=["machines", "second-server", "haproxy", "stats"],
    shows=True,
    title={"en": "Failover", "fr": "La bascule"},
)
def failover(shells: Shells, files: Files) -> None:
    """Everything up; then one website is stopped, the service goes on, and it comes back.

    For the distinction, HAProxy's configuration is replaced first: nobody should notice the stop.
    """
    web1, web2, lb = shells["web1"], shells["web2"], shells["lb"]
    if files.distinction:
        place_configuration(lb, files, HAPROXY_STATS)
        load_configuration(lb)
        outlive_its_own_death(lb)
    everywhere(lambda web: compose_up(web, files), [web1, web2])
    lb.service("haproxy")
    service = website_service(web1)
    stack = stack_of(files)
    web1.run(stack.compose("stop", service), cwd=stack.folder)
    try:
        lb.run(VISITS)
    finally:
        web1.run(stack.compose("start", service), cwd=stack.folder)
    lb.run(VISITS)


def outlive_its_own_death(lb: Shell) -> None:
    """Let systemd start HAProxy again whatever ended it; Debian's unit says so already."""
    if lb.ask("systemctl show --property=Restart --value haproxy").text == "always":
        return
    lb.write(RESTART, "[Service]\nRestart=always\n", root=True)
    lb.run("sudo systemctl daemon-reload")
