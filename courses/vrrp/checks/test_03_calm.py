"""c) No flapping."""

from __future__ import annotations

from collections.abc import Callable

from checks.judging import must_pass
from checks.keepalived import Instance
from labkit.course import check, expect
from labkit.grading import Context
from labkit.locale import _


@check(
    points=0.25,
    needs="address.runs",
    probes="Each keepalived says its priority; the two must differ.",
    why=(
        "With equal priorities the higher address decides, which nobody has written down: after a "
        "move to other machines the other one would lead."
    ),
    hints=[
        "Who takes the address if both start at the same moment?",
        "The higher priority, from 1 to 254; 100 is what is taken if none is written.",
        "priority 101 on lb1, priority 100 on lb2",
    ],
)
def test_order(first: Instance, second: Instance) -> None:
    """The configuration says who leads."""
    expect(
        first.priority != second.priority,
        expected=_("two priorities that differ"),
        seen=f"{first.priority}, {second.priority}",
        where="/etc/keepalived/keepalived.conf",
    )


@check(
    points=1.0,
    needs=["address.one_holder", "address.serves"],
    drill="return",
    probes=(
        "keepalived on the balancer that holds the address is stopped for 6 s while visitors come. "
        "The address may move once: when it is started again, it must stay where it is."
    ),
    why=(
        "Each move costs visitors something. A balancer that comes and goes, and takes the address "
        "each time, does more harm than one that stays away."
    ),
    hints=[
        "Where is the address after the first balancer has come back?",
        "nopreempt: whoever is healthy keeps the address, whatever the other one's priority.",
        "state BACKUP and nopreempt in both instances; sudo systemctl restart keepalived",
    ],
)
def test_stays(context_of_run: Context, note: Callable[[str], None]) -> None:
    """The address stays where it is when the other balancer comes back."""
    must_pass(context_of_run, "return", note, moves=1)
