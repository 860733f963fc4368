"""The drills of the practical: what is broken, for how long, and what it may cost.

Limits at the course bar are those of a plain configuration with HAProxy's defaults (inter 2 s,
fall 3). Where a stopped website refuses connections it is detected after 4 to 6 s, during which
half of the requests fail; where it is silent, because firewalld rejects what Docker does not
forward any more and the kernel limits such answers to one a second (net.ipv4.icmp_ratelimit),
after 8 to 12 s. The bar admits both: rate/2 x 13 s + 5 %. The outage lasts longer than that, so
that a balancer which never notices loses rate/2 x 18 s and fails.

50 requests/s: php:apache has 150 workers, each of which an idle connection of HAProxy's can hold
for KeepAliveTimeout, 5 s. At 100/s a server that comes back was seen to drown in them.
"""

from __future__ import annotations

from collections.abc import Mapping

from checks.compose import find_project, quoted, stack_of
from labkit.course import CannotTellError, Drill, Limits, Load
from labkit.lab.faults import strike
from labkit.locale import _
from labkit.remote import Shell

VISITS = Load(scenario="website", rate=50.0, post_share=0.1, patience_s=5.0, slow_s=1.0)
COURSE = Limits(lost=342, detect_s=13.0, recover_s=10.0)
OUTAGE_S = 18.0
RUN_S = 34.0  # 5 s before the fault, and as long after the heal as a return may take
HARDENED = Limits(lost_get=0, lost_post=2, detect_s=1.0, recover_s=5.0)


def _website(shells: Mapping[str, Shell]) -> tuple[Shell, str]:
    """web1's shell, and the id of its website's container."""
    web1 = shells["web1"]
    project = find_project(web1)
    website = stack_of(web1, project).website if project else None
    if website is None:
        raise CannotTellError(_("there is no website on web1 to break"))
    return web1, quoted(website)


def stop(shells: Mapping[str, Shell], *, heal_after: float) -> int:
    """`docker stop` of web1's website; servers taken away: 1."""
    web1, website = _website(shells)
    strike(web1, f"docker stop -t 1 {website}", f"docker start {website}", heal_after=heal_after)
    return 1


def kill(shells: Mapping[str, Shell], *, heal_after: float) -> int:
    """`docker kill` of web1's website, which its engine takes for a wish; servers: 1."""
    web1, website = _website(shells)
    strike(web1, f"docker kill {website}", f"docker start {website}", heal_after=heal_after)
    return 1


DRILLS = (
    Drill(
        name="stop",
        titles={"en": "web1's website is stopped", "fr": "le site de web1 est arrêté"},
        load=VISITS,
        fault=stop,
        limits={"course": COURSE, "hardened": HARDENED},
        heal_after_s=OUTAGE_S,
        duration_s=RUN_S,
    ),
    Drill(
        name="kill",
        titles={"en": "web1's website is killed", "fr": "le site de web1 est tué"},
        load=VISITS,
        fault=kill,
        limits={"course": COURSE, "hardened": HARDENED},
        heal_after_s=OUTAGE_S,
        duration_s=RUN_S,
    ),
)
