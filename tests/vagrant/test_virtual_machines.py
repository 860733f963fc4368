"""The practical on three virtual machines, from nothing to its mark and back to nothing."""

from __future__ import annotations

import time
from pathlib import Path

from labkit.course import find_blueprint
from tests.integration.conftest import Cli, wait_until
from tests.vagrant.conftest import LAB, Virsh

MACHINES = find_blueprint().names


def test_without_vagrant_one_is_told_what_to_install(tmp_path: Path) -> None:
    """`up` ends in 4 ("environment not ready"), with the command that helps."""
    nobody = Cli("nobody", {"PATH": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}, tmp_path)
    refused = nobody("up", "--provider", "vagrant", code=4)
    assert "Vagrant is not installed" in refused.stderr
    assert "apt-get install vagrant" in " ".join(refused.stderr.split())


def test_three_virtual_machines_run(up: Cli, virsh: Virsh) -> None:
    """The hypervisor has them under the lab's name, and each is a machine with its own kernel."""
    assert set(virsh("list", "--name")) == {f"labkit-{LAB}-{name}" for name in MACHINES}
    for name in MACHINES:
        assert up("exec", name, "--", "systemd-detect-virt").stdout.strip() in ("kvm", "qemu")


def test_up_is_idempotent_and_sets_the_clock(up: Cli) -> None:
    """A clock that fell an hour behind is right again, whatever keeps the time on the machine."""
    before = up("status").stdout
    up("exec", "web1", "--", "date", "--set", "1 hour ago")
    up("up")
    assert up("status").stdout == before
    late = time.time() - float(up("exec", "web1", "--", "date", "+%s").stdout)
    assert -5 < late < 15  # the command itself takes some seconds to come and go


def test_fresh_machines_come_from_snapshots(up: Cli) -> None:
    """`reset 0` undoes what was done by hand; the same machines run on, their clocks right."""
    made = up("exec", "web1", "--", "cat", "/proc/sys/kernel/random/boot_id").stdout
    up("exec", "web1", "--", "touch", "/srv/by-hand")
    up("reset", "0")
    up("exec", "web1", "--", "test", "-e", "/srv/by-hand", code=1)
    assert up("exec", "web1", "--", "cat", "/proc/sys/kernel/random/boot_id").stdout == made
    late = time.time() - float(up("exec", "web1", "--", "date", "+%s").stdout)
    assert -5 < late < 15


def test_every_step_and_the_whole_mark(done: Cli) -> None:
    """All checks that disturb nothing pass; those that load or break something are not asked."""
    result = done.json("grade", "--no-drills", "-o", "json", code=None)
    missed = {
        check["id"]: (check["verdict"], check["message"])
        for step in result["steps"]
        for check in step["checks"]
        if check["verdict"] != "passed"
    }
    assert not missed
    assert result["lab"]["provider"] == "vagrant"


def test_all_of_it_starts_at_boot(done: Cli) -> None:
    """After `down` and `up` every quick check passes again."""
    done("down")
    assert "running" not in done("status", code=4).stdout
    done("up")
    wait_until(lambda: done("check", code=None).returncode == 0, seconds=600)


def test_nothing_is_left(done: Cli, virsh: Virsh) -> None:
    """Machines, disks and networks go; only Vagrant's own copy of the box stays."""
    done("destroy")
    assert virsh("list", "--all", "--name") == []
    assert not [name for name in virsh("net-list", "--all", "--name") if name != "default"]
    for pool in virsh("pool-list", "--name"):
        assert not [volume for volume in virsh("vol-list", pool) if f"labkit-{LAB}" in volume]
    assert "machine" not in done("leftovers", code=None).stdout
