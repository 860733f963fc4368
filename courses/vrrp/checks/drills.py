"""What is broken while visitors come to the address that moves, and what that may cost.

The limits follow from VRRP's own time (RFC 9568, 6.1): a backup takes the place of a master that
has been silent for three intervals and its skew, (256 - priority) / 256 of one. At one
advertisement a second and priority 100 that is 3.6 s; 4 s is what may pass without an answer, and a
request that was on its way may wait for a little more. A balancer that knows that it serves nobody
says so (priority 0), and is replaced after the skew alone: within two checks of a second each, and
1 s.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from subject.machines import service_address

from checks.keepalived import holders
from labkit.course import Aim, CannotTellError, Drill, Limits, Load, PowerCut
from labkit.lab import faults
from labkit.locale import _
from labkit.remote import Shells

RATE = 50.0
VISITS = Load(scenario="page", rate=RATE, post_share=0.0, patience_s=3.0, slow_s=1.0)
DOWN_S = 4.0  # 3 x 1 s + 156/256 s, and what the neighbours need to learn who has the address now
ANSWER_S = 0.5
LOST = math.ceil(RATE * DOWN_S)
COURSE = Limits(lost=LOST, gap_s=DOWN_S + ANSWER_S)
OUTAGE_S = 10.0
HOME_S = 15.0


def bring_home(shells: Shells) -> str:
    """Let lb1 hold the address, as every drill begins; returns the address.

    CannotTellError if it cannot be had.
    """
    address = service_address(shells["lb1"].address)
    deadline = time.monotonic() + HOME_S
    while (found := holders(shells, address)) != ["lb1"]:
        if time.monotonic() > deadline:
            raise CannotTellError(_("lb1 does not take the address {address}", address=address))
        if found == ["lb2"]:
            shells["lb2"].ask("systemctl stop keepalived", sudo=True)
            time.sleep(5.0)
            shells["lb2"].ask("systemctl start keepalived", sudo=True)
        time.sleep(0.5)
    return address


@contextmanager
def at_the_address(shells: Shells) -> Iterator[Aim]:
    """Whoever holds it; whole while exactly one does."""
    address = bring_home(shells)

    def unready() -> str:
        found = holders(shells, address)
        if len(found) == 1:
            return ""
        if not found:
            return _("nobody holds {address}", address=address)
        return _("{names} hold {address}", names=", ".join(found), address=address)

    yield Aim(address=address, unready=unready)


def no_haproxy(shells: Shells, *, heal_after: float) -> int:
    """HAProxy is stopped where the address is; the machine is well otherwise."""
    stop, start = "systemctl stop haproxy", "systemctl start haproxy"
    faults.strike(shells["lb1"], stop, start, heal_after=heal_after)
    return 1


def no_keepalived(shells: Shells, *, heal_after: float) -> int:
    """keepalived is killed where the address is: it can neither say so nor give the address up."""
    faults.kill_service(shells["lb1"], "keepalived", heal_after=heal_after)
    return 1


def away(shells: Shells, *, heal_after: float) -> int:
    """keepalived is stopped in order, and comes back."""
    stop, start = "systemctl stop keepalived", "systemctl start keepalived"
    faults.strike(shells["lb1"], stop, start, heal_after=heal_after)
    return 1


def apart(shells: Shells, *, heal_after: float) -> int:
    """The balancers do not hear each other; everybody else hears both."""
    faults.cut(shells["lb1"], shells["lb2"].address, heal_after=heal_after)
    return 0


HAPROXY = Drill(
    name="haproxy",
    titles={"en": "HAProxy stops on the balancer", "fr": "HAProxy s'arrête sur le répartiteur"},
    step="failover",
    load=VISITS,
    fault=no_haproxy,
    aim=at_the_address,
    limits={"course": COURSE},
    entry="lb2",
    watched=False,
    heal_after_s=OUTAGE_S,
    duration_s=24.0,
)
DRILLS = (
    replace(
        HAPROXY,
        name="return",
        titles={"en": "A balancer goes and comes back", "fr": "Un répartiteur part et revient"},
        fault=away,
        step="calm",
        heal_after_s=6.0,
    ),
    HAPROXY,
    replace(
        HAPROXY,
        name="keepalived",
        titles={"en": "keepalived is killed", "fr": "keepalived est tué"},
        fault=no_keepalived,
    ),
    replace(
        HAPROXY,
        name="power",
        titles={"en": "The balancer loses its power", "fr": "Le répartiteur perd l'alimentation"},
        fault=PowerCut("lb1"),
        restore_s=40.0,
    ),
    replace(
        HAPROXY,
        name="split",
        titles={
            "en": "The balancers do not hear each other",
            "fr": "Les répartiteurs ne s'entendent plus",
        },
        fault=apart,
        restore_s=8.0,
    ),
)
