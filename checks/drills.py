"""The drills of the practical: what is broken, for how long, and what it may cost.

Limits at the course bar are those of a plain configuration with HAProxy's defaults (inter 2 s,
fall 3, retries 3): a refused server is detected after 4 to 6 s, during which half of the requests
fail. At 100 requests/s that is 200 to 300; the bound is rate/2 x 6 s + 5 %, rounded up, and the
detection's 6 s plus 1 s (research of this project: 13 runs gave 4.1 to 5.6 s, 203 to 279 lost).
"""

from __future__ import annotations

from collections.abc import Mapping

from checks.compose import find_project, quoted, stack_of
from labkit.course import CannotTellError, Drill, Limits, Load
from labkit.lab.faults import strike
from labkit.locale import _
from labkit.remote import Shell

VISITS = Load(scenario="website", rate=100.0, post_share=0.1, patience_s=5.0, slow_s=1.0)
COURSE = Limits(lost=320, detect_s=7.0, recover_s=10.0)
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
    ),
    Drill(
        name="kill",
        titles={"en": "web1's website is killed", "fr": "le site de web1 est tué"},
        load=VISITS,
        fault=kill,
        limits={"course": COURSE, "hardened": HARDENED},
    ),
)
