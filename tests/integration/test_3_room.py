"""A user who may start next to nothing. `make test` runs this while no other lab is there: the
kernel counts the processes of one uid in all machines of the computer together."""

from __future__ import annotations

from collections.abc import Callable

from labkit.course import Verdict
from labkit.grading import GradeResult
from tests.integration.conftest import Cli, wait_until


def test_a_machine_without_room_for_processes(
    done: Cli, exec_on: Callable[[str, str], str], found: Callable[[], GradeResult]
) -> None:
    """HAProxy is stopped: blamed on nobody while lb lets its user start next to nothing."""
    crowded = "/etc/security/limits.d/crowded.conf"  # pam_limits: for who logs in from now on
    exec_on("lb", f"systemctl stop haproxy; echo 'student hard nproc 50' > {crowded}")
    try:
        crammed = {check.id: check for check in found().checks}
        exec_on("lb", f"rm {crowded}")
        alone = {check.id: check for check in found().checks}["haproxy.runs"]
    finally:
        exec_on("lb", f"rm -f {crowded}; systemctl start haproxy")
    unclear = crammed["haproxy.runs"]
    assert unclear.verdict is Verdict.INCONCLUSIVE
    cause = crammed[unclear.because or unclear.id]  # whichever asked lb first found no room
    assert cause.verdict is Verdict.INCONCLUSIVE
    assert "lb has no room for another process" in cause.message
    assert alone.verdict is Verdict.FAILED
    wait_until(lambda: done("check", code=None).returncode == 0)
