"""What several checks judge alike: a drill, servers in rotation."""

from __future__ import annotations

from collections.abc import Callable

import labkit.grading
from labkit.course import expect
from labkit.facts.haproxy.process import HAProxy, Server
from labkit.grading import Context
from labkit.locale import _


def must_pass(context: Context, name: str, note: Callable[[str], None]) -> None:
    """Run a drill and end the check as it ended, saying which limits it broke."""
    result = labkit.grading.perform_drill(context, name)
    labkit.grading.must_have_passed(result)
    note(result.message)


def in_rotation(haproxy: HAProxy) -> list[Server]:
    """The servers of the site's backend, all of them up, once they have settled.

    NotMetError otherwise, and where there is none: whether a later step holds already is asked with
    what it rests on taken as given, of a balancer without a backend as well.
    """
    servers = haproxy.settled()
    expect(
        bool(servers) and all(one.is_up for one in servers),
        expected=_("both servers UP"),
        seen=", ".join(f"{one.name} {one.status}" for one in servers) or _("none"),
        where="lb",
    )
    return servers
