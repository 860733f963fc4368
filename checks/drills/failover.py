"""The drills of step 13: what is broken behind HAProxy, for how long, and what it may cost.

Limits at the course bar are those of a plain configuration with HAProxy's defaults (inter 2 s,
fall 3). Where a stopped website refuses connections it is detected after 4 to 6 s, during which
half of the requests fail; where it is silent, because firewalld rejects what Docker does not
forward any more and the kernel limits such answers to one a second (net.ipv4.icmp_ratelimit),
after 8 to 12 s. The bar admits both: 13 s, and half of the requests until then. The outage of
`stop` and `kill` lasts longer, so that a balancer which never notices fails.

A plain configuration cannot see a website that hangs or answers with errors. There the course bar
only asks that the other server goes on: web1's share is all that may be lost. After a hang it is
counted to the end of the run: Apache's workers are then held by the visitors of the outage, and
it was seen to answer nobody for another 9 s.

Limits at the hardened bar follow from the timings of `haproxy-hardened.cfg`: two checks 200 to
500 ms apart, each with 400 ms to answer, find a refusal within 1 s and a silence within 2 s. A POST
is never sent twice, so those that were on their way are lost (`posts`).

Whatever the bar, a configuration is held to its own timings as well (`promise`): who checks more
often must notice sooner.

50 requests/s: php:apache has 150 workers, each of which an idle connection of HAProxy's can hold
for KeepAliveTimeout, 5 s. At 100/s a server that comes back was seen to drown in them.
"""

from __future__ import annotations

import math
import shlex
from dataclasses import replace

from checks.drills.aims import behind_lb, registry_of, stack_on
from labkit.course import CannotTellError, Drill, Limits, Load, PowerCut
from labkit.facts.compose.project import JUDGED, by_judged
from labkit.facts.docker import quoted
from labkit.facts.haproxy.timings import timings_of
from labkit.lab import faults
from labkit.lab.faults import Way
from labkit.locale import _
from labkit.remote import Shell, Shells
from subject.balancer import haproxy_on

RATE = 50.0
POSTS = 0.1
VISITS = Load(scenario="website", rate=RATE, post_share=POSTS, patience_s=5.0, slow_s=1.0)
# Half of the visitors press the button, for only they notice that the API is gone.
BUTTON = replace(VISITS, post_share=0.5)

DETECT_S = 13.0  # of a plain configuration, at the latest
OUTAGE_S, RUN_S = 18.0, 34.0
SHORT_OUTAGE_S, SHORT_RUN_S = 8.0, 18.0
FAULT_AT_S = 3.0
BOOT_S = 40.0  # a machine on a slow laptop, its containers and two good checks
UPDATE_S = 5.0  # each website is away for so long in a rolling update
# Between them, as whoever updates would wait: a container's start took 1.5 s on a slow computer,
# HAProxy's two good checks another one.
TURN_S = 5.0
DRAINED_S, SETTLED_S = 3.0, 3.5  # away while drained, and until it is given visitors again
COLD_S = 5.0  # a website that has been started answers with errors for so long
LATE_S = 3.0  # of a slow website, longer than any time-out of the hardened configuration
RELOADS = 10


def share(seconds: float, *, rate: float = RATE) -> int:
    """web1's half of the requests of so many seconds, and 5 %."""
    return math.ceil(rate / 2 * seconds * 1.05)


def posts(seconds: float, part: float = POSTS) -> int:
    """So many POSTs go to web1 in that time at most: their mean and four deviations (Poisson)."""
    mean = RATE / 2 * part * seconds
    return math.ceil(mean + 4 * math.sqrt(mean))


COURSE = Limits(lost=share(DETECT_S), detect_s=DETECT_S, recover_s=10.0)
WEB1_LOST = Limits(lost=share(SHORT_OUTAGE_S + 2.0))
WEB1_HUNG = Limits(lost=share(SHORT_RUN_S - FAULT_AT_S))
NOTHING_LOST = Limits(lost=0, flaps=0)

REFUSED = Limits(lost_get=0, lost_post=2, detect_s=1.0, recover_s=5.0, duplicates=0)
WRONG = replace(REFUSED, lost_post=posts(1.0))
SILENT = Limits(
    lost_get=0, lost_post=posts(2.5), detect_s=2.5, recover_s=5.0, duplicates=0, flaps=0
)


# What the settings of HAProxy promise -----------------------------------------------------------


def when_silent(shells: Shells) -> float | None:
    """Until a website that is gone is noticed (s): silence takes longest."""
    timings = timings_of(haproxy_on(shells["lb"]))
    return timings.silent if timings else None


def when_hung(shells: Shells) -> float | None:
    """Until a website that accepts and does not answer is noticed (s)."""
    timings = timings_of(haproxy_on(shells["lb"]))
    return timings.hung if timings else None


def when_wrong(shells: Shells) -> float | None:
    """Until a website that answers with errors is noticed (s)."""
    timings = timings_of(haproxy_on(shells["lb"]))
    return timings.wrong if timings else None


# Where the faults strike ------------------------------------------------------------------------


def website(shells: Shells, name: str = "web1") -> tuple[Shell, str]:
    """A web server's shell, and the id of its website's container."""
    web, stack = stack_on(shells, name)
    if stack.website is None:
        raise CannotTellError(_("there is no website on {machine} to break", machine=name))
    return web, quoted(stack.website)


def api_of(shells: Shells, name: str = "web1") -> tuple[Shell, str]:
    """A web server's shell, and the id of its API's container."""
    web, stack = stack_on(shells, name)
    if stack.api is None:
        raise CannotTellError(_("there is no API on {machine} to break", machine=name))
    return web, quoted(stack.api)


def way_to(shells: Shells, name: str = "web1") -> Way:
    """HAProxy's way to a web server."""
    address = shells[name].address
    haproxy = haproxy_on(shells["lb"])
    for server in haproxy.servers():
        if server.address == address:
            return Way("haproxy", server.address, server.port)
    raise CannotTellError(_("{machine} is not in {backend}", machine=name, backend=haproxy.site))


def registry_on(shells: Shells) -> tuple[Shell, str]:
    """lb's shell, and the id of the registry's container."""
    return shells["lb"], quoted(registry_of(shells).container)


def executed(shells: Shells, run: str) -> list[str]:
    """The ids of the POSTs of a run that both websites have carried out, one per execution.

    Apache logs each request once it has been dealt with, also when nobody waits for it any more;
    one that it answered with an error was not carried out.
    """
    carried_out = f'POST [^ ]*labkit_post={run}-[0-9]* HTTP/[0-9.]*" 2'
    found: list[str] = []
    for name in ("web1", "web2"):
        web, container = website(shells, name)
        seen = web.ask(
            f"docker logs --since 5m {container} 2>&1 | grep -o {shlex.quote(carried_out)}"
            " | sed 's/.*labkit_post=//; s/ .*//'",
            timeout=30,
        )
        found += seen.text.split()
    return found


# The faults; each returns how many servers it takes away ----------------------------------------


def none(shells: Shells, *, heal_after: float) -> int:
    """Nothing: the control of every other drill."""
    del shells, heal_after
    return 0


def stop(shells: Shells, *, heal_after: float) -> int:
    """web1's website is stopped."""
    faults.stop(*website(shells), heal_after=heal_after)
    return 1


def kill(shells: Shells, *, heal_after: float) -> int:
    """web1's website is killed."""
    faults.kill(*website(shells), heal_after=heal_after)
    return 1


def hang(shells: Shells, *, heal_after: float) -> int:
    """web1's website is frozen by its kernel."""
    faults.pause(*website(shells), heal_after=heal_after)
    return 1


def freeze(shells: Shells, *, heal_after: float) -> int:
    """Every process of web1's website is stopped by a signal."""
    faults.freeze(*website(shells), heal_after=heal_after)
    return 1


def cut(shells: Shells, *, heal_after: float) -> int:
    """Nothing passes between lb and web1, whom others still reach."""
    faults.cut(shells["lb"], shells["web1"].address, heal_after=heal_after)
    return 1


def slow(shells: Shells, *, heal_after: float) -> int:
    """web1's website answers late."""
    faults.delay(shells["lb"], way_to(shells), LATE_S, heal_after=heal_after)
    return 1


def errors(shells: Shells, *, heal_after: float) -> int:
    """web1's website answers whatever it is asked with status 500."""
    faults.errors(shells["lb"], way_to(shells), heal_after=heal_after)
    return 1


def sick(shells: Shells, *, heal_after: float) -> int:
    """web1 answers visitors with status 500; a page of its own for health checks stays well."""
    faults.errors(shells["lb"], way_to(shells), heal_after=heal_after, only="/")
    return 1


def api(shells: Shells, *, heal_after: float) -> int:
    """web1's API is stopped: its page opens as ever, its button brings an error."""
    faults.stop(*api_of(shells), heal_after=heal_after)
    return 1


def cold(shells: Shells, *, heal_after: float) -> int:
    """web1's website is stopped, and answers with errors at first when it is started again."""
    back = heal_after - COLD_S
    faults.errors_later(shells["lb"], way_to(shells), after=back, seconds=COLD_S)
    faults.stop(*website(shells), heal_after=back)
    return 1


def full(shells: Shells, *, heal_after: float) -> int:
    """The disk of lb's logs is full."""
    reopen = "systemctl kill --signal=HUP rsyslog"
    faults.fill(shells["lb"], "/var/log", heal_after=heal_after, then=reopen)
    return 0


def rolling(shells: Shells, *, heal_after: float) -> int:
    """Both websites are restarted one after the other, without a word to HAProxy.

    The second goes away TURN_S after the first was started again.
    """
    web2, second = website(shells, "web2")
    # What ends the second outage is armed before what begins it.
    faults.schedule(web2, f"docker start {second}", after=heal_after)
    faults.schedule(web2, f"docker stop -t 1 {second}", after=heal_after - UPDATE_S)
    faults.stop(*website(shells), heal_after=UPDATE_S)
    return 2


def drained(shells: Shells, *, heal_after: float) -> int:
    """The same, but HAProxy is told first, and told again when it may go on."""
    haproxy = haproxy_on(shells["lb"])
    names = {one.address: one.name for one in haproxy.servers()}
    turn = heal_after / 2
    for index, name in enumerate(("web1", "web2")):
        web, container = website(shells, name)
        server = f"{haproxy.site}/{names[web.address]}"
        begin = index * turn
        tell = haproxy.command_line(f"set server {server} state ready")
        faults.schedule(shells["lb"], tell, after=begin + turn)
        faults.schedule(web, f"docker start {container}", after=begin + 0.5 + DRAINED_S)
        faults.schedule(web, f"docker stop -t 1 {container}", after=begin + 0.5)
        drain = haproxy.command_line(f"set server {server} state drain")
        faults.schedule(shells["lb"], drain, after=begin + 0.1)
    return 2


def redeploy(shells: Shells, *, heal_after: float) -> int:
    """web2's stack is made anew while the registry is down: pulled in vain, then recreated."""
    web2, stack = stack_on(shells, "web2")
    faults.stop(*registry_on(shells), heal_after=heal_after)
    file, folder = stack.project.file, shlex.quote(stack.project.folder)
    judged = web2.ask(f"test -s {shlex.quote(JUDGED + file)}").ok
    compose = shlex.join(by_judged(file) if judged else ["docker", "compose", "-f", file])
    again = f"{compose} pull -q; {compose} up -d --force-recreate --no-build"
    faults.schedule(web2, f"cd {folder} && {{ {again}; }}", after=0.1)
    return 1


def reload(shells: Shells, *, heal_after: float) -> int:
    """HAProxy is reloaded again and again, each time by a new process."""
    faults.reload_again(shells["lb"], "haproxy", times=RELOADS, within=heal_after)
    return 0


def restart(shells: Shells, *, heal_after: float) -> int:
    """HAProxy is stopped and started: what a reload spares the visitors."""
    del heal_after
    faults.restart_service(shells["lb"], "haproxy")
    return 0


def balancer(shells: Shells, *, heal_after: float) -> int:
    """HAProxy itself is killed."""
    faults.kill_service(shells["lb"], "haproxy", heal_after=heal_after)
    return 0


def _drill(name: str, en: str, fr: str, **details: object) -> Drill:
    given = {
        "step": "failover",
        "entry": "lb",
        "load": VISITS,
        "aim": behind_lb,
        "executed": executed,
        "fault_at_s": FAULT_AT_S,
        "heal_after_s": SHORT_OUTAGE_S,
        "duration_s": SHORT_RUN_S,
        **details,
    }
    return Drill(name=name, titles={"en": en, "fr": fr}, **given)  # type: ignore[arg-type]


FAILOVER = (
    _drill(
        "none",
        "nothing happens",
        "il ne se passe rien",
        fault=none,
        control=True,
        limits={"course": NOTHING_LOST, "hardened": NOTHING_LOST},
        heal_after_s=1.0,
        duration_s=12.0,
    ),
    _drill(
        "stop",
        "web1's website is stopped",
        "le site de web1 est arrêté",
        fault=stop,
        promise=when_silent,
        predictable=True,
        limits={"course": COURSE, "hardened": REFUSED},
        heal_after_s=OUTAGE_S,
        duration_s=RUN_S,
    ),
    _drill(
        "kill",
        "web1's website is killed",
        "le site de web1 est tué",
        fault=kill,
        promise=when_silent,
        predictable=True,
        limits={"course": COURSE, "hardened": REFUSED},
        heal_after_s=OUTAGE_S,
        duration_s=RUN_S,
    ),
    _drill(
        "hang",
        "web1's website hangs",
        "le site de web1 ne répond plus",
        fault=hang,
        promise=when_hung,
        limits={"course": WEB1_HUNG, "hardened": SILENT},
        mention=True,
    ),
    _drill(
        "freeze",
        "every process of web1's website gets SIGSTOP",
        "tous les processus du site de web1 reçoivent SIGSTOP",
        fault=freeze,
        promise=when_hung,
        limits={"course": WEB1_HUNG, "hardened": SILENT},
    ),
    _drill(
        "power",
        "web1 loses its power",
        "web1 n'a plus de courant",
        fault=PowerCut("web1"),
        promise=when_silent,
        predictable=True,
        limits={
            "course": replace(COURSE, recover_s=BOOT_S),
            "hardened": replace(SILENT, recover_s=BOOT_S, ghosts=2),
        },
        duration_s=RUN_S,
        restore_s=60.0,
    ),
    _drill(
        "cut",
        "the network between lb and web1 is cut",
        "le réseau entre lb et web1 est coupé",
        fault=cut,
        promise=when_silent,
        limits={"course": WEB1_LOST, "hardened": replace(SILENT, ghosts=2)},
    ),
    _drill(
        "slow",
        "web1's website answers 3 s late",
        "le site de web1 répond avec 3 s de retard",
        fault=slow,
        promise=when_hung,
        limits={
            "course": Limits(lost=20, slow_share=0.3),
            "hardened": replace(SILENT, slow_share=0.08),
        },
    ),
    _drill(
        "errors",
        "web1's website answers everything with an error 500",
        "le site de web1 répond à tout par une erreur 500",
        fault=errors,
        promise=when_wrong,
        limits={"course": WEB1_LOST, "hardened": WRONG},
    ),
    _drill(
        "sick",
        "web1 answers visitors with an error 500, any other path as ever",
        "web1 répond aux visiteurs par une erreur 500, à tout autre chemin comme avant",
        fault=sick,
        limits={"course": WEB1_LOST, "hardened": replace(WRONG, flaps=2)},
        mention=True,
    ),
    _drill(
        "api",
        "web1's API is stopped, its page stays",
        "l'API de web1 est arrêtée, sa page reste",
        fault=api,
        load=BUTTON,
        limits={
            "course": Limits(lost=posts(SHORT_OUTAGE_S + 1.0, BUTTON.post_share)),
            "hardened": replace(SILENT, lost_post=posts(2.5, BUTTON.post_share)),
        },
    ),
    _drill(
        "cold",
        "web1's website is stopped, and started anew it answers with errors for 5 s",
        "le site de web1 est arrêté ; redémarré, il répond par des erreurs pendant 5 s",
        fault=cold,
        limits={
            "course": Limits(lost=share(SHORT_OUTAGE_S + 2 * COLD_S)),
            "hardened": replace(REFUSED, flaps=1),
        },
        heal_after_s=SHORT_OUTAGE_S + COLD_S,
        duration_s=26.0,
    ),
    _drill(
        "full",
        "the disk of lb's logs is full",
        "le disque des journaux de lb est plein",
        fault=full,
        limits={"course": NOTHING_LOST, "hardened": NOTHING_LOST},
    ),
    _drill(
        "rolling",
        "both websites are restarted in turn, 5 s away each",
        "les deux sites redémarrent l'un après l'autre, absents 5 s",
        fault=rolling,
        limits={
            "course": Limits(lost=share(2 * (UPDATE_S + 10.0))),
            "hardened": Limits(lost_get=0, lost_post=4, gap_s=1.0, duplicates=0, flaps=0),
        },
        heal_after_s=2 * UPDATE_S + TURN_S,
        duration_s=29.0,
        mention=True,
    ),
    _drill(
        "drained",
        "both websites are restarted in turn, HAProxy being told first (drain)",
        "les deux sites redémarrent l'un après l'autre, HAProxy étant prévenu (drain)",
        fault=drained,
        limits={"course": Limits(lost=0), "hardened": Limits(lost=0)},
        heal_after_s=2 * (0.5 + DRAINED_S + SETTLED_S),
        duration_s=20.0,
    ),
    _drill(
        "redeploy",
        "web2's stack is made anew while the registry is down",
        "la pile de web2 est recréée pendant que le registre est arrêté",
        fault=redeploy,
        limits={
            "course": Limits(lost=share(DETECT_S)),
            "hardened": Limits(lost_get=0, lost_post=posts(2.5)),
        },
        duration_s=24.0,
    ),
    _drill(
        "reload",
        "HAProxy is reloaded ten times",
        "HAProxy est rechargé dix fois",
        step="haproxy",
        fault=reload,
        limits={
            "course": replace(NOTHING_LOST, uneven=4),
            "hardened": replace(NOTHING_LOST, uneven=4),
        },
        heal_after_s=10.0,
        duration_s=16.0,
    ),
    _drill(
        "restart",
        "HAProxy is restarted instead of reloaded",
        "HAProxy est redémarré au lieu d'être rechargé",
        fault=restart,
        limits={"course": Limits(lost=150, gap_s=3.0), "hardened": Limits(lost=100, gap_s=2.0)},
        duration_s=12.0,
    ),
    _drill(
        "balancer",
        "HAProxy itself is killed",
        "HAProxy lui-même est tué",
        fault=balancer,
        limits={
            "course": Limits(gap_s=SHORT_OUTAGE_S + 3.0),
            "hardened": Limits(lost=100, gap_s=2.0),
        },
    ),
)
