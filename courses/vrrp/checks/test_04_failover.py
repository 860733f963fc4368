"""d) Failover, measured."""

from __future__ import annotations

from collections.abc import Callable

from checks.judging import must_pass
from labkit.course import check
from labkit.grading import Context

NEEDS = ["address.one_holder", "address.serves", "address.tracks"]


@check(
    points=0.75,
    needs=NEEDS,
    drill="haproxy",
    probes=(
        "HAProxy is stopped for 10 s on the balancer that holds the address, while visitors come. "
        "No more than 4.5 s may pass without an answer."
    ),
    why=(
        "The machine is well and speaks VRRP; only HAProxy is gone. Whoever asks no more than that "
        "keeps the address and serves nobody."
    ),
    hints=[
        "Does the address move when HAProxy is stopped?",
        "track_script in the instance; the script has to fail when HAProxy does not answer.",
        "interval 1, timeout 2, fall 2, and curl -fsS -m 1 http://127.0.0.1/alive as the script",
    ],
)
def test_haproxy(context_of_run: Context, note: Callable[[str], None]) -> None:
    """The service survives a balancer's HAProxy."""
    must_pass(context_of_run, "haproxy", note)


@check(
    points=0.75,
    needs=NEEDS,
    drill="keepalived",
    probes=(
        "keepalived is killed on the balancer that holds the address and comes back after 10 s. "
        "No more than 4.5 s may pass without an answer."
    ),
    why=(
        "Nobody takes the address away from a keepalived that was killed: the machine keeps it "
        "while the other one takes it as well. What the neighbours have learned last decides."
    ),
    hints=[
        "Who has the address after keepalived was killed on lb1?",
        "The backup waits for three intervals and its skew: advert_int decides.",
        "advert_int 1 on both, priority 100 or more on the backup",
    ],
)
def test_keepalived(context_of_run: Context, note: Callable[[str], None]) -> None:
    """The service survives a killed keepalived."""
    must_pass(context_of_run, "keepalived", note)


@check(
    points=0.75,
    needs=NEEDS,
    drill="power",
    probes=(
        "The balancer that holds the address loses its power and boots again after 10 s. No more "
        "than 4.5 s may pass without an answer."
    ),
    why="This is what it is all for: a machine dies, and visitors hardly notice.",
    hints=[
        "Which services does lb1 start by itself when it boots?",
        "HAProxy and keepalived enabled on both; both web servers in both haproxy.cfg.",
        "sudo systemctl enable --now haproxy keepalived, on lb1 and lb2",
    ],
)
def test_power(context_of_run: Context, note: Callable[[str], None]) -> None:
    """The service survives a balancer."""
    must_pass(context_of_run, "power", note)


@check(
    points=0.5,
    needs=NEEDS,
    drill="split",
    probes=(
        "For 10 s the balancers cannot hear each other. Both will be master, which is named and "
        "measured; within 8 s of its end one of them alone must hold the address."
    ),
    why=(
        "Two balancers cannot know whether the other one is dead or only silent. The split ends "
        "with the fault, if both know who leads."
    ),
    hints=[
        "Who has the address while neither hears the other, and who afterwards?",
        "The higher priority stays master; the neighbours must be told again where the address is.",
        "priority 101 on lb1, priority 100 on lb2, garp_master_refresh 1 on both",
    ],
)
def test_split(context_of_run: Context, note: Callable[[str], None]) -> None:
    """After a split brain, one balancer holds the address."""
    must_pass(context_of_run, "split", note, both_s=None)
