"""d) Failover, by hand: what a visitor sees while the address moves."""

from __future__ import annotations

from subject.machines import BALANCERS, service_address

from labkit.course import Files, step
from labkit.remote import Shells


@step(
    4,
    "failover",
    letter="d",
    on=["lb1", "lb2"],
    needs=["calm"],
    shows=True,
    title={"en": "Failover, measured", "fr": "La bascule, mesurée"},
)
def failover(shells: Shells, _files: Files) -> None:
    """Who holds the address, and who answers at it."""
    lb1, lb2 = (shells[name] for name in BALANCERS)
    moving = service_address(lb1.address)
    for balancer in (lb1, lb2):
        balancer.run(f"ip -br address show to {moving}")
    lb2.run(f"curl -sS -m 3 http://{moving}/")
