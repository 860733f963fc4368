"""keepalived as it runs: who holds the address, and with which settings.

What runs is asked, not what a file says: on a signal keepalived writes down its state, with the
settings that it took (keepalived(8), --signum=DATA).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from subject.machines import BALANCERS

from labkit.course import CannotTellError, not_met
from labkit.locale import _
from labkit.remote import Shell, Shells, everywhere

# Debian's unit has no folder /tmp of its own, Rocky's may: both are looked at.
DUMP = """\
pid=$(systemctl show -p MainPID --value keepalived)
test "$pid" -gt 0 || exit 3
root=/proc/$pid/root
rm -f $root/tmp/keepalived.data
kill -"$(keepalived --signum=DATA)" "$pid"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    sleep 0.1
    grep -qs 'Interfaces >' $root/tmp/keepalived.data && break
done
cat $root/tmp/keepalived.data
"""
NOT_RUNNING = 3
INSTANCE = re.compile(r"^ *VRRP Instance = ", re.MULTILINE)
TURN = re.compile(r"(\d+\.\d+) .*(?:Entering (\w+) STATE|Stopped Keepalived|Stopped$)")
END = re.compile(r"^-{6}<", re.MULTILINE)


@dataclass(frozen=True)
class Instance:
    """A VRRP instance as keepalived describes it. Interval in seconds."""

    state: str  # MASTER, BACKUP, FAULT, INIT
    priority: int
    interval: float
    router: int
    unicast: bool
    peers: tuple[str, ...]
    addresses: tuple[str, ...]
    scripts: tuple[str, ...]

    @property
    def down_after(self) -> float:
        """Until a master that falls silent is replaced (s): RFC 9568, 6.1, Active_Down_Interval.

        Three intervals and the skew, (256 - priority) / 256 of one.
        """
        return self.interval * (3 + (256 - self.priority) / 256)


def instances(dump: str) -> list[Instance]:
    """The instances in a dump of keepalived's (its vrrp_print.c; 2.2 and 2.3 write it so)."""
    parts = INSTANCE.split(dump)[1:]
    return [_instance(END.split(part)[0]) for part in parts]


def _instance(text: str) -> Instance:
    def value(name: str, default: str = "") -> str:
        found = re.search(rf"^ *{re.escape(name)} = (.*)$", text, re.MULTILINE)
        return found.group(1).strip() if found else default

    def below(name: str) -> tuple[str, ...]:
        """The indented lines under a heading."""
        found = re.search(
            rf"^( *){re.escape(name)}\b[^\n=]*:\n((?:\1 +.*\n?)*)", text, re.MULTILINE
        )
        lines = found.group(2).splitlines() if found else []
        return tuple(line.split()[0] for line in lines if line.strip())

    amount, _space, unit = value("Advert interval", "1 sec").partition(" ")
    return Instance(
        state=value("State"),
        priority=int(value("Priority", "100")),
        interval=float(amount) * (0.001 if unit.startswith("milli") else 1.0),
        router=int(value("Virtual Router ID", "0")),
        unicast="Using unicast" in text,
        peers=below("Unicast Peer"),
        addresses=tuple(one.partition("/")[0] for one in below("Virtual IP")),
        scripts=below("Tracked scripts"),
    )


def instance_on(shell: Shell) -> Instance:
    """The one instance of a balancer; NotMetError if keepalived does not run or has another number.

    CannotTellError if keepalived does not write down what it does.
    """
    said = shell.ask(DUMP, sudo=True, timeout=10.0)
    where = f"{shell.name} $ systemctl status keepalived"
    if said.exit_code == NOT_RUNNING:
        not_met(expected=_("keepalived runs"), seen=_("it does not run"), where=where)
    if not said.stdout.strip():
        raise CannotTellError(_("keepalived on {machine} gives no answer", machine=shell.name))
    found = instances(said.stdout)
    if len(found) != 1:
        not_met(
            expected=_("one VRRP instance"),
            seen=_("{number} of them", number=len(found)),
            where=f"{shell.name}:/etc/keepalived/keepalived.conf",
        )
    return found[0]


def holds(shell: Shell, address: str) -> bool:
    """Whether a machine has an address at this moment."""
    return address in shell.ask(f"ip -o address show to {address}").stdout


def holders(shells: Shells, address: str) -> list[str]:
    """The balancers that have the address, by name; both asked at once."""
    both = [shells[name] for name in BALANCERS]
    answers = everywhere(lambda shell: holds(shell, address), both)
    return [shell.name for shell, held in zip(both, answers, strict=True) if held]


def masters(log: str) -> list[tuple[float, bool]]:
    """When a balancer became master (true) and ceased to be (false), of its journal.

    Each line is "SECONDS.FRACTION … Entering MASTER STATE" (journalctl -o short-unix).
    """
    found = []
    for line in log.splitlines():
        entered = TURN.match(line)
        if entered:
            found.append((float(entered.group(1)), entered.group(2) == "MASTER"))
    return found


def together(first: str, second: str, *, since: float, until: float) -> float:
    """For how many seconds of a time two journals say that both were master."""
    overlap = 0.0
    for begin, end in _reigns(masters(first), until):
        for other, other_end in _reigns(masters(second), until):
            overlap += max(0.0, min(end, other_end, until) - max(begin, other, since))
    return overlap


def _reigns(changes: list[tuple[float, bool]], until: float) -> list[tuple[float, float]]:
    turns = pairwise([*changes, (until, False)])
    return [(at, end) for (at, is_master), (end, _is_master) in turns if is_master]


def journal(shell: Shell, since: float) -> str:
    """What keepalived wrote into the journal since an instant of the machine's clock."""
    asked = f"journalctl -u keepalived -o short-unix --no-pager --since=@{since:.0f}"
    return shell.ask(asked, sudo=True, timeout=10.0).stdout


def now(shell: Shell) -> float:
    """A machine's own clock (epoch s)."""
    return float(shell.ask("date +%s.%N").text)
