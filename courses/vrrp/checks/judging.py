"""A drill as a check, with what the balancers' journals say of it."""

from __future__ import annotations

from collections.abc import Callable

from subject.machines import BALANCERS

import labkit.grading
from checks.drills import bring_home
from checks.keepalived import journal, masters, now, together
from labkit.course import expect
from labkit.grading import Context
from labkit.locale import _, number

# Two masters for less than this are a master that has not yet heard of the other one.
AT_ONCE_S = 1.0


def must_pass(
    context: Context,
    name: str,
    note: Callable[[str], None],
    *,
    moves: int | None = None,
    both_s: float | None = AT_ONCE_S,
) -> None:
    """Run a drill; it must end well, with so many moves and seconds of two masters at most."""
    shells = {one: context.shell(one) for one in BALANCERS}
    bring_home(shells)  # before the count begins
    begin = {one: now(shell) for one, shell in shells.items()}
    result = labkit.grading.perform_drill(context, name)
    labkit.grading.must_have_passed(result)
    logs = {one: journal(shell, begin[one]) for one, shell in shells.items()}
    until = now(shells["lb1"])
    both = together(logs["lb1"], logs["lb2"], since=begin["lb1"], until=until)
    seen = _("two masters for {seconds} s", seconds=number(both, ".1f"))
    note(f"{result.message}; {seen}" if both >= AT_ONCE_S else result.message)
    if both_s is not None:
        expect(both <= both_s, expected=_("one master at a time"), seen=seen, where="lb1, lb2")
    if moves is not None:
        taken = sum(is_master for log in logs.values() for _at, is_master in masters(log))
        expect(
            taken <= moves,
            expected=_("the address moves {number} time(s)", number=moves),
            seen=_("it has moved {number} times", number=taken),
            where="lb1, lb2 $ journalctl -u keepalived",
        )
