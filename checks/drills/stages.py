"""The drills of the steps before the last: each service under light load, while something breaks.

20 s or less each, 20 requests a second or less: what is asked is whether the service says the
truth and comes back, not how much it bears.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from checks.drills.aims import on_web1, registry_of, stack_on, website_aim
from checks.drills.failover import (
    COURSE,
    api_of,
    registry_on,
    stop,
    when_silent,
)
from checks.load.words import ANOTHER, CATALOGUE, LET_IN, UNTOLD
from checks.trial import tried_out
from labkit.course import (
    Aim,
    CannotTellError,
    Drill,
    Glance,
    Limits,
    Load,
    Outage,
    PowerCut,
    Request,
    expect,
)
from labkit.facts.docker import ADDRESS, PROBE_LABEL, images, quoted
from labkit.facts.haproxy.page import Login, find_stats
from labkit.facts.http.curl import Answer, curl
from labkit.facts.http.pages import Page
from labkit.facts.registry import MANIFESTS, find_page
from labkit.lab import faults
from labkit.locale import _
from labkit.remote import Shells
from subject.balancer import haproxy_on
from subject.contract import API_PORT, JUDGED_BY
from subject.roles import api_image, is_student_age

LIGHT = Load(scenario="website", rate=10.0, post_share=0.2, patience_s=5.0, slow_s=1.0)
AWAY_S = 4.0  # what a drill takes away, it gives back after so long
BACK_S = 10.0  # and so long the service may take to be whole again, on a slow laptop
BOOT_S = 60.0  # a machine's boot, and its containers'
STAND_IN_S = 12.0  # who waits for a restart policy that is not there, is helped after that
TRUTH_S = 13.0  # of the outage that the statistics page must tell: a plain HAProxy's detection
STALE_S = 1.0  # between a change of state and what the page says of it
GARBAGE = 40  # connections


def login(user: tuple[str, str] | None) -> str:
    """The header's value for basic authentication, "" without a user."""
    return f"Basic {base64.b64encode(':'.join(user).encode()).decode()}" if user else ""


# Step 3: the API alone --------------------------------------------------------------------------


@contextmanager
def the_image(shells: Shells) -> Iterator[Aim]:
    """The API's image, run on web1 with data that nobody knows, and published."""
    web1 = shells["web1"]
    image = api_image(images(web1))
    if image is None:
        raise CannotTellError(_("there is no image student-age on {machine}", machine="web1"))
    with tried_out(web1, image.id, publish=True) as running:
        if not running.port:
            raise CannotTellError(_("the image's port cannot be published"))
        yield Aim(
            port=running.port,
            options={
                "path": JUDGED_BY.get().path,
                "authorization": login(JUDGED_BY.get().credentials),
                "student": running.student,
            },
        )


def garbage(shells: Shells, *, heal_after: float) -> None:
    """What is no HTTP at all is sent to the API, one connection after the other."""
    del heal_after  # it ends when it has been sent
    web1 = shells["web1"]
    probe = web1.ask(
        f"docker ps -q --filter label={PROBE_LABEL} | head -n 1"
        f" | xargs -r docker inspect -f '{ADDRESS}'"
    ).text
    expect(
        probe,
        expected=_("the container goes on running and answers on port {port}", port=API_PORT),
        seen=_("it ended before anything was done to it"),
    )
    script = (
        "import os, socket\n"
        f"for one in range({GARBAGE}):\n"
        f'    with socket.create_connection(("{probe}", {API_PORT}), 2) as connection:\n'
        '        connection.sendall(os.urandom(64) + b"\\r\\n\\r\\n")\n'
    )
    faults.act(web1, f"python3 -c '{script}'")


def let_in(rows: Sequence[Request], _seen: Sequence[Glance], _outage: Outage) -> int:
    """Lists that were given without the right password."""
    return sum(row.error == LET_IN for row in rows)


# Step 5: the stack comes back -------------------------------------------------------------------


def crash(shells: Shells, *, heal_after: float) -> None:
    """The processes of website and API are killed from outside, as the kernel does it."""
    web1, stack = stack_on(shells, "web1")
    pids = " ".join(str(one.pid) for one in stack.both)
    start = f"docker start {' '.join(quoted(one) for one in stack.both)}"
    faults.strike(web1, f"kill -9 {pids}", start, heal_after=heal_after)


def start_again(shells: Shells) -> None:
    """What does not come back after a boot is started: later steps need it."""
    shells["web1"].ask("systemctl start docker", sudo=True, timeout=60)
    web1, stack = stack_on(shells, "web1")
    ended = [quoted(one) for one in stack.both if not one.running]
    if ended:
        web1.ask(f"docker start {' '.join(ended)}")


# Step 7: the page and its API -------------------------------------------------------------------


def no_api(shells: Shells, *, heal_after: float) -> None:
    """The API on web1 is stopped."""
    faults.stop(*api_of(shells), heal_after=heal_after)


def claimed(rows: Sequence[Request], _seen: Sequence[Glance], outage: Outage) -> int:
    """Lists shown while the API was away, and pages that show neither a list nor an error."""
    stale = sum(row.method == "POST" and row.ok for row in _within(rows, outage))
    silent = sum(row.error == UNTOLD for row in rows)
    return stale + silent


# Steps 8 and 9: the registry and its page -------------------------------------------------------


@contextmanager
def pulls(shells: Shells) -> Iterator[Aim]:
    """What a pull of the pushed image asks of the registry."""
    registry = registry_of(shells)
    tag = next(iter(registry.pushed(is_student_age)), "")
    if not tag:
        raise CannotTellError(_("the registry holds no image student-age"))
    name, _colon, version = tag.rpartition(":")
    manifest = f"/v2/{name}/manifests/{version}"
    answer = registry.ask(manifest)
    described = answer.json() or {}
    if "config" not in described:  # an index: its first image stands for it
        first = str((described.get("manifests") or [{}])[0].get("digest", ""))
        manifest = f"/v2/{name}/manifests/{first}"
        answer = registry.ask(manifest)
        described = answer.json() or {}
    blob = str((described.get("config") or {}).get("digest", ""))
    if not blob:
        raise CannotTellError(_("the registry gives no manifest of {tag}", tag=tag))
    yield Aim(
        port=registry.port,
        scheme=registry.scheme,
        options={
            "manifest": manifest,
            "blob": f"/v2/{name}/blobs/{blob}",
            "accept": MANIFESTS,
            "authorization": login(registry.user),
            "digest": f"sha256:{hashlib.sha256(answer.body.encode()).hexdigest()}",
        },
        unready=lambda: _unless_good(registry.ask(manifest)),
    )


def _unless_good(answer: Answer) -> str:
    if answer.status == 200:
        return ""
    return _("status {status} from {url}", status=answer.status, url=answer.url)


def no_registry(shells: Shells, *, heal_after: float) -> None:
    """The registry is stopped, and started again."""
    faults.stop(*registry_on(shells), heal_after=heal_after)


def another_content(rows: Sequence[Request], _seen: Sequence[Glance], _outage: Outage) -> int:
    """Answers that are not what was pushed."""
    return sum(row.error == ANOTHER for row in rows)


@contextmanager
def registry_page(shells: Shells) -> Iterator[Aim]:
    """The registry's page, and what its own server gets from the registry."""
    registry = registry_of(shells)
    port = find_page(shells["lb"], registry)
    if not port:
        raise CannotTellError(_("the registry has no page on {machine}", machine="lb"))

    def catalogue() -> Answer:
        url = f"http://localhost:{port}/v2/_catalog"
        return curl(shells["lb"], url, user=registry.user, again=False)

    proxied = catalogue().status == 200
    tag = next(iter(registry.pushed(is_student_age)), "")
    yield Aim(
        port=port,
        options={
            "catalogue": "/v2/_catalog" if proxied else "",
            "authorization": login(registry.user),
            "repository": tag.rpartition(":")[0],
        },
        unready=lambda: _unless_good(catalogue()) if proxied else "",
    )


def shown_in_vain(rows: Sequence[Request], _seen: Sequence[Glance], outage: Outage) -> int:
    """Catalogues given while there was no registry to ask."""
    return sum(row.server == CATALOGUE and row.ok for row in _within(rows, outage))


def _within(rows: Sequence[Request], outage: Outage) -> list[Request]:
    """The requests that began and ended while the fault surely lasted, half a second after it.

    CannotTellError if there is none: on a computer so busy, a lie could not have been seen.
    """
    found = [
        one for one in rows if outage.at + 0.5 < one.scheduled and one.ended < outage.sure_until
    ]
    if not found:
        raise CannotTellError(
            _("nothing was asked while the fault surely lasted: it took too long to take effect"),
            settle=_("the same again, on a less busy computer"),
        )
    return found


# Step 10: the second server alone ---------------------------------------------------------------


@contextmanager
def on_web2(shells: Shells) -> Iterator[Aim]:
    """The website of web2; whole when web1 is back as well, for the steps to come."""
    first, second = website_aim(shells, "web1"), website_aim(shells, "web2")
    yield replace(second, unready=lambda: second.unready() or first.unready())


# Step 12: the statistics page -------------------------------------------------------------------


@contextmanager
def stats_page(shells: Shells) -> Iterator[Aim]:
    """The statistics page, asked what it says of web1."""
    haproxy = haproxy_on(shells["lb"])

    def ask(port: int, path: str, user: Login) -> Page:
        answer = curl(shells["lb"], f"http://localhost:{port}{path}", user=user)
        return Page(answer.url, answer.status, answer.body)

    page, seen = find_stats(haproxy, ask)
    address = shells["web1"].address
    server = next((one.name for one in haproxy.servers() if one.address == address), "")
    if page is None or not server:
        raise CannotTellError(_("there is no statistics page at lb: {seen}", seen=seen or "-"))
    yield Aim(
        port=page.port,
        options={
            "path": page.csv,
            "authorization": login(page.auth),
            "backend": haproxy.site,
            "server": server,
        },
    )


def untold(rows: Sequence[Request], seen: Sequence[Glance], _outage: Outage) -> int:
    """Answers in which the page says of a server what HAProxy did not know of it at that time."""
    false = 0
    for row in rows:
        server, _space, state = row.server.partition(" ")
        near = [one for one in seen if abs(one.at - row.ended) <= STALE_S]
        known = {one.states.get(server) for one in near}
        false += row.ok and bool(near) and state not in known
    return false


def _drill(name: str, step: str, en: str, fr: str, **details: Any) -> Drill:
    given = {
        "load": LIGHT,
        "entry": "web1",
        "watched": False,
        "fault_at_s": 2.0,
        "heal_after_s": AWAY_S,
        **details,
    }
    return Drill(name=name, step=step, titles={"en": en, "fr": fr}, **given)


STAGES = (
    _drill(
        "garbage",
        "build",
        "the API alone, asked rightly, wrongly and with garbage",
        "l'API seule, interrogée correctement, incorrectement et n'importe comment",
        load=replace(LIGHT, scenario="api", rate=20.0, post_share=0.4),
        aim=the_image,
        fault=garbage,
        judge=let_in,
        limits={"course": Limits(lost=0, slow_share=0.1, untrue=0)},
        duration_s=10.0,
    ),
    _drill(
        "crash",
        "deploy",
        "the processes of website and API are killed on web1",
        "les processus du site et de l'API sont tués sur web1",
        aim=on_web1,
        fault=crash,
        limits={"course": Limits(outage_s=STAND_IN_S - 1.0)},
        heal_after_s=STAND_IN_S,
        duration_s=16.0,
    ),
    _drill(
        "reboot",
        "deploy",
        "web1 loses its power and boots again",
        "web1 perd le courant et redémarre",
        aim=on_web1,
        fault=PowerCut("web1"),
        restore=start_again,
        limits={"course": Limits(outage_s=BOOT_S)},
        heal_after_s=0.5,
        duration_s=18.0,
        restore_s=BOOT_S,
    ),
    _drill(
        "no-api",
        "verify",
        "web1's API is stopped while visitors ask for the list",
        "l'API de web1 est arrêtée pendant que des visiteurs demandent la liste",
        load=replace(LIGHT, post_share=0.8),
        aim=on_web1,
        fault=no_api,
        judge=claimed,
        limits={"course": Limits(lost_get=0, outage_s=AWAY_S + BACK_S, untrue=0)},
        duration_s=14.0,
    ),
    _drill(
        "pulls",
        "registry",
        "the registry is restarted while clients pull",
        "le registre est redémarré pendant que des clients tirent l'image",
        load=replace(LIGHT, scenario="registry", post_share=0.5),
        entry="lb",
        aim=pulls,
        fault=no_registry,
        judge=another_content,
        limits={"course": Limits(outage_s=AWAY_S + BACK_S, untrue=0)},
        duration_s=14.0,
    ),
    _drill(
        "no-registry",
        "registry-ui",
        "the registry is stopped behind its page",
        "le registre est arrêté derrière son interface",
        load=replace(LIGHT, scenario="registry_page", post_share=0.5),
        entry="lb",
        aim=registry_page,
        fault=no_registry,
        judge=shown_in_vain,
        limits={"course": Limits(lost_get=0, outage_s=AWAY_S + BACK_S, untrue=0)},
        duration_s=14.0,
    ),
    _drill(
        "alone",
        "second-server",
        "web2 serves while web1 has no power",
        "web2 sert pendant que web1 n'a pas de courant",
        load=replace(LIGHT, post_share=0.5),
        entry="web2",
        aim=on_web2,
        fault=PowerCut("web1"),
        restore=start_again,
        limits={"course": Limits(lost=0)},
        heal_after_s=6.0,
        duration_s=12.0,
        restore_s=BOOT_S,
    ),
    _drill(
        "truth",
        "stats",
        "web1's website is stopped while the statistics page is watched",
        "le site de web1 est arrêté pendant que la page de statistiques est observée",
        load=replace(LIGHT, scenario="stats_page", post_share=0.0),
        entry="lb",
        watched=True,
        aim=stats_page,
        fault=stop,
        promise=when_silent,
        judge=untold,
        limits={"course": replace(COURSE, lost=0, untrue=0)},
        fault_at_s=1.0,
        heal_after_s=TRUTH_S,
        duration_s=20.0,
    ),
)
