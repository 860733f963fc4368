"""Takes away what steps brought, so that another student's work can take its place."""

from __future__ import annotations

from subject.machines import BALANCERS, WEBS

from labkit.remote import Shell, Shells, everywhere
from steps.project import ADDRESSES, HAPROXY

LIMIT_S = 60.0
NO_PAGE = "rm -f /var/www/html/index.html"
NO_BALANCER = f"systemctl stop haproxy; rm -f {HAPROXY.remote}; systemctl reset-failed haproxy"
NO_ADDRESS = (
    f"systemctl stop keepalived; rm -f {ADDRESSES} /etc/keepalived/keepalived.conf; "
    "systemctl reset-failed keepalived"
)


def servers(shells: Shells) -> None:
    """The pages, and HAProxy's configuration."""
    lines = dict.fromkeys(WEBS, NO_PAGE) | dict.fromkeys(BALANCERS, NO_BALANCER)
    everywhere(lambda shell: _as_root(shell, lines[shell.name]), list(shells.values()))


def address(shells: Shells) -> None:
    """keepalived's configuration, and with it the address."""
    everywhere(lambda shell: _as_root(shell, NO_ADDRESS), list(shells.values()))


def _as_root(shell: Shell, script: str) -> None:
    shell.ask(script, sudo=True, timeout=LIMIT_S)
