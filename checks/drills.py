"""The drills of the practical: what is broken, for how long, and what it may cost.

Limits at the course bar are those of a plain configuration with HAProxy's defaults (inter 2 s,
fall 3). Where a stopped website refuses connections it is detected after 4 to 6 s, during which
half of the requests fail; where it is silent, because firewalld rejects what Docker does not
forward any more and the kernel limits such answers to one a second (net.ipv4.icmp_ratelimit),
after 8 to 12 s. The bar admits both: rate/2 x 13 s + 5 %. The outage lasts longer than that, so
that a balancer which never notices loses rate/2 x 18 s and fails.

A plain configuration cannot see a website that hangs, or one whose API is gone. There the course
bar only asks that the other server goes on, so that web1's share is all that is lost: rate/2 x
outage + 5 %. After a hang the share is counted to the end of the run: Apache's workers are then
held by the visitors of the outage, and it was seen to answer nobody for another 9 s.

Limits at the hardened bar follow from the timings of `haproxy-hardened.cfg`: two checks 200 to
500 ms apart, each with 400 ms to answer, find a refusal within 1 s and a silence within 2 s. A POST
is never sent twice, so those that were on their way are lost: rate/2 x share x detection.

50 requests/s: php:apache has 150 workers, each of which an idle connection of HAProxy's can hold
for KeepAliveTimeout, 5 s. At 100/s a server that comes back was seen to drown in them.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace

from checks.compose import Stack, find_project, quoted, stack_of
from labkit.course import CannotTellError, Drill, Limits, Load
from labkit.lab.faults import schedule, strike
from labkit.locale import _
from labkit.remote import Shell

VISITS = Load(scenario="website", rate=50.0, post_share=0.1, patience_s=5.0, slow_s=1.0)
COURSE = Limits(lost=342, detect_s=13.0, recover_s=10.0)
OUTAGE_S = 18.0
RUN_S = 34.0  # 5 s before the fault, and as long after the heal as a return may take

SHORT_OUTAGE_S = 10.0
SHORT_RUN_S = 24.0
# Half of the visitors press the button, for only they notice that the API is gone.
BUTTON = replace(VISITS, post_share=0.5)
# The mix is drawn: 125 of web1's visitors press the button during the outage, give or take 8.
BUTTON_LOST = 163
WEB1_CUT = Limits(lost=263)
WEB1_HUNG = Limits(lost=499)
NOTHING_LOST = Limits(lost=0, flaps=0)

REFUSED = Limits(lost_get=0, lost_post=2, detect_s=1.0, recover_s=5.0, duplicates=0)
SILENT = Limits(lost_get=0, lost_post=8, detect_s=2.5, recover_s=5.0, duplicates=0, flaps=0)

RELOADS = 10
UPDATE_S = 5.0  # each website is away for so long in a rolling update


def _stack(shells: Mapping[str, Shell], name: str) -> tuple[Shell, Stack]:
    web = shells[name]
    project = find_project(web)
    if project is None:
        raise CannotTellError(_("there is no website on {machine} to break", machine=name))
    return web, stack_of(web, project)


def _website(shells: Mapping[str, Shell], name: str = "web1") -> tuple[Shell, str]:
    """A web server's shell, and the id of its website's container."""
    web, stack = _stack(shells, name)
    if stack.website is None:
        raise CannotTellError(_("there is no website on {machine} to break", machine=name))
    return web, quoted(stack.website)


def executed(shells: Mapping[str, Shell], run: str) -> list[str]:
    """The ids of the POSTs of a run that both websites have carried out, one per execution.

    Apache logs each request once it has been dealt with, also when nobody waits for it any more.
    """
    found: list[str] = []
    for name in ("web1", "web2"):
        web, website = _website(shells, name)
        seen = web.ask(
            f"docker logs --since 5m {website} 2>&1 | grep -o 'POST [^ ]*labkit_post={run}-[0-9]*'"
            " | sed 's/.*labkit_post=//'",
            timeout=30,
        )
        found += seen.text.split()
    return found


def none(shells: Mapping[str, Shell], *, heal_after: float) -> int:
    """Nothing: the control of every other drill; servers taken away: 0."""
    del shells, heal_after
    return 0


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


def hang(shells: Mapping[str, Shell], *, heal_after: float) -> int:
    """web1's website is frozen: its kernel accepts connections, nobody answers; servers: 1."""
    web1, website = _website(shells)
    strike(web1, f"docker pause {website}", f"docker unpause {website}", heal_after=heal_after)
    return 1


def cut(shells: Mapping[str, Shell], *, heal_after: float) -> int:
    """Not a packet passes between lb and web1, whom others still reach; servers: 1."""
    lb = shells["lb"]
    web1 = shlex.quote(shells["web1"].address)
    rules = (f"OUTPUT -d {web1} -j DROP", f"INPUT -s {web1} -j DROP")
    strike(
        lb,
        " && ".join(f"iptables -I {rule}" for rule in rules),
        "; ".join(f"iptables -D {rule}" for rule in rules),
        heal_after=heal_after,
    )
    return 1


def api(shells: Mapping[str, Shell], *, heal_after: float) -> int:
    """web1's API is stopped: its page opens as ever, its button brings an error; servers: 1."""
    web1, stack = _stack(shells, "web1")
    if stack.api is None:
        raise CannotTellError(_("there is no API on {machine} to break", machine="web1"))
    container = quoted(stack.api)
    strike(
        web1, f"docker stop -t 1 {container}", f"docker start {container}", heal_after=heal_after
    )
    return 1


def rolling(shells: Mapping[str, Shell], *, heal_after: float) -> int:
    """Both websites are restarted one after the other, without a word to HAProxy; servers: 2.

    The second goes away 2 s after the first has come back.
    """
    web2, second = _website(shells, "web2")
    web1, first = _website(shells)
    # What ends the second outage is armed before what begins it.
    schedule(web2, f"docker start {second}", after=heal_after)
    schedule(web2, f"docker stop -t 1 {second}", after=heal_after - UPDATE_S)
    strike(web1, f"docker stop -t 1 {first}", f"docker start {first}", heal_after=UPDATE_S)
    return 2


def reload(shells: Mapping[str, Shell], *, heal_after: float) -> int:
    """HAProxy is reloaded again and again, each time by a new process; servers: 0."""
    pause = heal_after / RELOADS
    again = f"for one in $(seq {RELOADS}); do systemctl reload haproxy; sleep {pause:g}; done"
    schedule(shells["lb"], again, after=0.1)
    return 0


def _short(name: str, en: str, fr: str, **details: object) -> Drill:
    given = {
        "load": VISITS,
        "executed": executed,
        "heal_after_s": SHORT_OUTAGE_S,
        "duration_s": SHORT_RUN_S,
        **details,
    }
    return Drill(name=name, titles={"en": en, "fr": fr}, **given)  # type: ignore[arg-type]


DRILLS = (
    _short(
        "none",
        "nothing happens",
        "il ne se passe rien",
        fault=none,
        limits={"course": NOTHING_LOST, "hardened": NOTHING_LOST},
        heal_after_s=1.0,
        duration_s=12.0,
    ),
    Drill(
        name="stop",
        titles={"en": "web1's website is stopped", "fr": "le site de web1 est arrêté"},
        load=VISITS,
        fault=stop,
        executed=executed,
        limits={"course": COURSE, "hardened": REFUSED},
        heal_after_s=OUTAGE_S,
        duration_s=RUN_S,
    ),
    Drill(
        name="kill",
        titles={"en": "web1's website is killed", "fr": "le site de web1 est tué"},
        load=VISITS,
        fault=kill,
        executed=executed,
        limits={"course": COURSE, "hardened": REFUSED},
        heal_after_s=OUTAGE_S,
        duration_s=RUN_S,
    ),
    _short(
        "hang",
        "web1's website hangs",
        "le site de web1 ne répond plus",
        fault=hang,
        limits={"course": WEB1_HUNG, "hardened": SILENT},
    ),
    _short(
        "cut",
        "the network between lb and web1 is cut",
        "le réseau entre lb et web1 est coupé",
        fault=cut,
        limits={"course": WEB1_CUT, "hardened": SILENT},
    ),
    _short(
        "api",
        "web1's API is stopped, its page stays",
        "l'API de web1 est arrêtée, sa page reste",
        fault=api,
        load=BUTTON,
        limits={"course": Limits(lost=BUTTON_LOST), "hardened": replace(SILENT, lost_post=31)},
    ),
    _short(
        "rolling",
        "both websites are restarted in turn, 5 s away each",
        "les deux sites redémarrent l'un après l'autre, absents 5 s",
        fault=rolling,
        limits={"course": Limits(lost=788), "hardened": Limits(lost_get=0, lost_post=4, flaps=0)},
        heal_after_s=2 * UPDATE_S + 2.0,
        duration_s=28.0,
    ),
    _short(
        "reload",
        "HAProxy is reloaded ten times",
        "HAProxy est rechargé dix fois",
        fault=reload,
        limits={"course": NOTHING_LOST, "hardened": NOTHING_LOST},
        duration_s=20.0,
    ),
)
