"""The load balancer, and the backend that the practical asks for."""

from __future__ import annotations

from labkit.facts.haproxy.process import HAProxy
from labkit.remote import Shell
from subject.contract import BACKEND


def haproxy_on(lb: Shell) -> HAProxy:
    """HAProxy on lb, which serves the site by the backend that was asked for, or by another."""
    return HAProxy(lb, BACKEND)
