"""What is set on a machine that Vagrant made: its clock, and the mirror that its Docker asks."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from labkit.errors import LabkitError, NotReadyError, UsageError
from labkit.lab.model import Machine
from labkit.lab.vagrant import node
from labkit.lab.vagrant.network import parse_mirror
from labkit.lab.vagrant.node import set_clock, with_mirror
from labkit.remote import PlannedShell, Result

MIRROR = "http://10.77.0.2:5000"


class Clock(PlannedShell):
    """A machine whose clock is `behind` by so many seconds."""

    def __init__(self, behind: float) -> None:
        super().__init__("web1", self.tell)
        self.behind = behind

    def tell(self, command: str) -> Result:
        if command.startswith("sudo -n date --set @"):
            self.behind = time.time() - float(command.partition("@")[2])
        return Result(command, f"{time.time() - self.behind:.9f}\n", "", 0)


@pytest.mark.parametrize(
    ("behind", "is_set"), [(0, False), (-1.5, False), (3600, True), (-9, True)]
)
def test_a_clock_is_set_only_if_it_is_wrong(behind: float, is_set: bool) -> None:
    machine = Clock(behind)
    assert set_clock(machine) is is_set
    assert abs(machine.behind) < 2


def test_a_machine_that_does_not_tell_the_time_keeps_its_own() -> None:
    machine = PlannedShell("web1", lambda command: Result(command, "", "not found", 127))
    assert set_clock(machine) is False


def test_a_connection_that_is_lost_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "POLL_S", 0)
    tries = iter([NotReadyError("lost"), LabkitError("no answer")])

    def act() -> str:
        if error := next(tries, None):
            raise error
        return "done"

    assert node.insistently(act) == "done"
    with pytest.raises(LabkitError, match="for ever"):
        node.insistently(lambda: fail("for ever"), limit=0)


def fail(why: str) -> None:
    raise LabkitError(why)


def test_a_mirror_comes_first_and_the_rest_stays() -> None:
    before = {
        "bip": "172.26.0.1/24",
        "registry-mirrors": ["http://old:5000"],
        "insecure-registries": ["lb:5000"],
    }
    after = with_mirror(json.dumps(before), MIRROR)
    assert json.loads(after) == {
        "bip": "172.26.0.1/24",
        "registry-mirrors": [MIRROR, "http://old:5000"],
        "insecure-registries": ["10.77.0.2:5000", "lb:5000"],
    }
    assert with_mirror(after, MIRROR) == after


def test_without_a_file_one_is_made_and_tls_needs_no_exception() -> None:
    assert json.loads(with_mirror("", "https://mirror.lan")) == {
        "registry-mirrors": ["https://mirror.lan"]
    }


@pytest.mark.parametrize("text", ["{", "[]", "no"])
def test_a_file_that_is_no_json_is_not_overwritten(text: str) -> None:
    with pytest.raises(ValueError):
        with_mirror(text, MIRROR)


@pytest.mark.parametrize("text", ["", MIRROR, "https://mirror.lan", "http://[fd00::2]:5000"])
def test_an_address_of_a_registry_is_taken(text: str) -> None:
    assert parse_mirror(f" {text}/" if text else text) == text


@pytest.mark.parametrize("text", ["10.77.0.2:5000", "ftp://x", "http://x/v2", "http://", "x?y"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_mirror(text)
    assert "LABKIT_MIRROR=http://HOST:5000" in caught.value.then


SYSTEMCTL = """#!/bin/sh
here=$(dirname "$0")
case $1 in
    is-system-running) exit 1 ;;
    is-failed) test -e "$here/failed-$3" ;;
    restart) echo "$2" >>"$here/restarted"; test ! -e "$here/for-good-$2" ;;
esac
"""


@pytest.mark.parametrize(
    ("failed", "for_good", "restarted", "said"),
    [
        ((), (), [], []),
        (("firewalld",), (), ["firewalld"], []),
        (("firewalld", "docker"), ("docker",), ["firewalld", "docker"], ["docker"]),
    ],
)
def test_what_failed_at_the_boot_is_started_again_and_named_if_it_does_not(
    tmp_path: Path, failed: tuple[str, ...], for_good: tuple[str, ...], restarted: list[str],
    said: list[str],
) -> None:  # fmt: skip
    (tmp_path / "systemctl").write_text(SYSTEMCTL)
    (tmp_path / "systemctl").chmod(0o755)
    for kind, names in {"failed": failed, "for-good": for_good}.items():
        for name in names:
            (tmp_path / f"{kind}-{name}").touch()
    done = subprocess.run(
        ["sh", "-c", node.WHOLE], env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split() == said
    tried = tmp_path / "restarted"
    assert (tried.read_text().split() if tried.exists() else []) == restarted


@pytest.mark.parametrize("failed", ["", "firewalld\n"])
def test_a_machine_that_is_not_whole_is_not_ready(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, failed: str
) -> None:
    def tell(command: str) -> Result:
        answer = failed if node.WHOLE.split()[0] in command else f"{time.time():.9f}\n"
        return Result(command, answer, "", 0)

    monkeypatch.setattr(node, "shell", lambda _machine: PlannedShell("web1", tell))
    machine = Machine("web1", "192.0.2.1", "x", tmp_path, tmp_path, running=True)
    if not failed:
        assert node.wait_ready(machine) < 5
        return
    with pytest.raises(NotReadyError, match="web1 came up, but not all of it: firewalld") as caught:
        node.wait_ready(machine)
    assert caught.value.then == "labkit exec web1 -- systemctl status firewalld"
