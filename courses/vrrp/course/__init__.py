"""No single point of failure: two balancers and one address, by VRRP, in four steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from steps.s01_servers import servers
from steps.s02_address import address
from steps.s03_calm import calm
from steps.s04_failover import failover

from checks.drills import DRILLS
from checks.mutations import MUTATIONS
from course.variants import TRAITS
from labkit.course import Course, read_blueprint
from steps.recognition import recognise, settle


def checks() -> Sequence[ModuleType]:
    """The modules of the checks; imported here, for most commands need none of them."""
    from checks import test_01_servers, test_02_address, test_03_calm, test_04_failover

    return (test_01_servers, test_02_address, test_03_calm, test_04_failover)


ROOT = Path(__file__).resolve().parents[1]

COURSE = Course(
    name="vrrp",
    root=ROOT,
    titles={
        "en": "No single point of failure: an address that moves",
        "fr": "Sans point unique de défaillance : une adresse qui se déplace",
    },
    blueprint=read_blueprint(ROOT),
    steps=(servers, address, calm, failover),
    points_max=10.0,
    checks=checks,
    drills=DRILLS,
    mutations=MUTATIONS,
    recognise=recognise,
    settle=settle,
    traits=TRAITS,
)
