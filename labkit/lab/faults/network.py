"""Faults between two machines, done on one of them. The way of SSH stays free."""

from __future__ import annotations

import base64
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from labkit.errors import LabkitError
from labkit.lab.faults.timed import act, refuse_too_long, schedule, strike
from labkit.locale import _
from labkit.remote import Shell

INTERPOSER = Path(__file__).with_name("interposer.py")
LISTEN = 18_080
GRACE_S = 6.0  # conversations that have begun are ended by those who began them
READY_TRIES = 100  # of 50 ms each


def cut(shell: Shell, peer: str, *, heal_after: float) -> None:
    """Not a packet passes between this machine and the address `peer`."""
    address = shlex.quote(peer)
    rules = (f"OUTPUT -d {address} -j DROP", f"INPUT -s {address} -j DROP")
    strike(
        shell,
        " && ".join(f"iptables -I {rule}" for rule in rules),
        "; ".join(f"iptables -D {rule}" for rule in rules),
        heal_after=heal_after,
    )


@dataclass(frozen=True)
class Way:
    """The traffic of one program of this machine to a port of a peer.

    `program` is the name of its processes, whose unprivileged user tells its packets from all
    others: whoever else asks the peer is not disturbed.
    """

    program: str
    peer: str
    port: int
    options: tuple[str, ...] = field(default=())  # of the interposer


def delay(shell: Shell, way: Way, seconds: float, *, heal_after: float) -> str:
    """Every answer comes so many seconds later; returns how it was done.

    With the kernel's own means where it has them ("netem": half of it for each of the two
    packets that a request on a new connection waits for), else through a process that waits
    before it passes a connection on ("interposer").
    """
    if _has_netem(shell):
        _netem(shell, way.peer, seconds / 2, heal_after)
        return "netem"
    interposed = Way(way.program, way.peer, way.port, (*way.options, f"--delay={seconds:g}"))
    act(shell, _put_between(interposed, heal_after))
    return "interposer"


def errors(shell: Shell, way: Way, *, heal_after: float, only: str = "") -> None:
    """Requests are answered with status 500; `only` those whose path is this one, if given."""
    act(shell, _put_between(_failing(way, only), heal_after))


def errors_later(shell: Shell, way: Way, *, after: float, seconds: float) -> None:
    """The same for all paths, beginning `after` seconds from now and lasting so long."""
    schedule(shell, _put_between(_failing(way, ""), seconds), after=after)


def _failing(way: Way, only: str) -> Way:
    path = (f"--only={only}",) if only else ()
    return Way(way.program, way.peer, way.port, (*way.options, "--fail", *path))


def _put_between(way: Way, seconds: float) -> str:
    """A script: start the interposer, lead the program's new connections through it, and let
    systemd undo both when the time is over.

    The rule is undone first, by a timer; the process ends a little later, for the sake of the
    conversations that it still carries.
    """
    refuse_too_long(seconds)
    code = base64.b64encode(INTERPOSER.read_bytes()).decode()
    arguments = shlex.join([f"--listen={LISTEN}", f"--to={way.peer}:{way.port}", *way.options])
    peer = shlex.quote(way.peer)
    return f"""set -eu
user=$(ps -o uid= -C {shlex.quote(way.program)} | sort -n | tail -n 1 | tr -d ' ')
if [ "${{user:-0}}" = 0 ]; then echo 'no {way.program} of an unprivileged user runs'; exit 1; fi
systemd-run --quiet --collect --unit=labkit-interposer -p DynamicUser=yes \
  -p RuntimeMaxSec={seconds + GRACE_S:g} python3 -c \
  "import base64; exec(compile(base64.b64decode('{code}'), 'interposer', 'exec'))" {arguments}
listens() {{ ss -Hltn 'sport = :{LISTEN}' | grep -q .; }}
for try in $(seq {READY_TRIES}); do listens && break; sleep 0.05; done
listens
rule="OUTPUT -p tcp -d {peer} --dport {way.port} -m owner --uid-owner $user"
rule="$rule -j REDIRECT --to-ports {LISTEN}"
systemd-run --quiet --collect --on-active={seconds:g}s --timer-property=AccuracySec=100ms \
  iptables -t nat -D $rule
iptables -t nat -I $rule
# What is open leads past it: closed, where the kernel can (CONFIG_INET_DIAG_DESTROY).
ss -K dst {peer} dport = :{way.port} >/dev/null 2>&1 || true
"""


def _has_netem(shell: Shell) -> bool:
    """Whether this kernel has netem: tried on a loopback interface of its own."""
    probe = (
        "ip netns add labkit-probe && ip netns exec labkit-probe"
        " tc qdisc add dev lo root netem delay 1ms; code=$?;"
        " ip netns del labkit-probe; exit $code"
    )
    return shell.ask(probe, sudo=True).ok


def _netem(shell: Shell, peer: str, seconds: float, heal_after: float) -> None:
    route = f"ip -o route get {shlex.quote(peer)}"
    device = shell.ask(f"{route} | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p'")
    if not device.text:
        raise LabkitError(_("there is no route to {peer}", peer=peer), where=shell.name)
    name = shlex.quote(device.text)
    strike(
        shell,
        # The usual three bands, and a fourth, which nothing else is sent to: it is late.
        f"tc qdisc add dev {name} root handle 1: prio bands 4"
        " priomap 1 2 2 2 1 2 0 0 1 1 1 1 1 1 1 1"
        f" && tc qdisc add dev {name} parent 1:4 handle 40: netem delay {seconds * 1000:.0f}ms"
        f" && tc filter add dev {name} parent 1: protocol ip u32"
        f" match ip dst {shlex.quote(peer)} flowid 1:4",
        f"tc qdisc del dev {name} root",
        heal_after=heal_after,
    )
