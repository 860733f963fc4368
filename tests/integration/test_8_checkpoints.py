"""Checkpoints for real, on a lab of their own: kept, brought back, cloned, killed on the way."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from labkit.errors import NotReadyError
from labkit.lab import open_lab
from labkit.lab.containers import checkpoints
from tests.integration.conftest import Cli

LAB = "checkpoints-ci"
CLONE = "checkpoints-ci-clone"
KILLS = int(os.environ.get("LABKIT_TEST_KILLS", "3"))  # of each kind; 10 before a release
SEED = int(os.environ.get("LABKIT_TEST_SEED", "0")) or random.randrange(10**6)


@pytest.fixture(scope="module")
def kept(cli: Cli) -> Iterator[Cli]:
    """A lab with steps 1 to 5 done and a checkpoint of the student's own, `mine`; gone at the end.

    Nothing of it is left then, checkpoints included.
    """
    own = replace(cli, lab=LAB)
    own("destroy")
    try:
        own("up")
        own("step", "1-5")
        own("save", "mine")
        yield own
    finally:
        own("destroy")
    left = own("leftovers", code=None)
    assert LAB not in left.stdout, left.stdout


def names(lab: Cli) -> list[str]:
    return [checkpoint.name for checkpoint in open_lab(lab.lab).provider.checkpoints()]


def on_web1(lab: Cli, script: str) -> str:
    return lab("exec", "web1", "--", "sh", "-ec", script).stdout


def works(lab: Cli) -> None:
    """Steps 1 to 5 hold: machines, image, the stack that is up."""
    lab("check", "1-5")


def test_each_step_kept_a_checkpoint(kept: Cli) -> None:
    assert names(kept) == ["step-1", "step-2", "step-3", "step-4", "step-5", "mine"]
    listed = kept("save", "--list").stdout
    assert listed.count("automatic") == 5
    assert "own" in listed


def test_what_was_lost_comes_back_with_the_same_keys(kept: Cli) -> None:
    before = on_web1(kept, "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub")
    on_web1(
        kept,
        "cd /srv/student-list; docker compose down --volumes; docker system prune --all --force;"
        " rm -rf /srv/student-list; echo x >/etc/rubbish",
    )
    kept("check", "5", code=1)
    kept("restore", "mine")
    works(kept)
    assert on_web1(kept, "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub") == before
    on_web1(kept, "test ! -e /etc/rubbish")


def test_what_is_written_after_a_save_is_not_in_it(kept: Cli) -> None:
    """Containers start again, images are built and removed, a volume is written: twice the same."""
    container = "docker compose -f /srv/student-list/docker-compose.yml"
    run = "docker run --rm -v kept:/v php:apache sh -c"
    on_web1(kept, f"docker volume create kept; {run} 'echo 1 >/v/x'")
    # No image carries this file, and whoever watches for its changes may miss one.
    on_web1(kept, "systemctl stop labkit-keep.path; echo '192.0.2.9 printer' >>/etc/hosts")
    kept("save", "written")
    for _again in range(2):
        on_web1(
            kept,
            f"{run} 'echo 2 >/v/x'; {container} restart;"
            " printf 'FROM php:apache\\nRUN rm -rf /var/www; echo new >/new' |"
            " docker build -t php:apache -;"
            " docker run --name changed php:apache sh -c 'echo 3 >/etc/debian_version'",
        )
        kept("restore", "written")
        seen = on_web1(kept, f"{run} 'cat /v/x; ls -d /var/www; test ! -e /new'")
        assert seen == "1\n/var/www\n"
        on_web1(kept, "getent hosts printer")
        works(kept)
    kept("save", "--remove", "written")
    works(kept)


def test_a_step_comes_back_without_what_came_later(kept: Cli) -> None:
    said = kept("reset", "3").stderr
    assert "right after step 3" in said
    kept("check", "1-3")
    kept("check", "4", code=1)
    kept("restore", "mine")


def test_a_step_that_is_done_again_does_not_keep_what_came_later(kept: Cli) -> None:
    before = {one.name: one.made for one in open_lab(LAB).provider.checkpoints()}
    on_web1(
        kept, "docker image rm --force student-age:1.0 && ! docker image inspect student-age:1.0"
    )
    kept("step", "3")
    after = {one.name: one.made for one in open_lab(LAB).provider.checkpoints()}
    assert after["step-3"] == before["step-3"]
    kept("restore", "mine")


def test_a_typing_error_costs_nothing(kept: Cli) -> None:
    assert "there is no step 'tpyo'" in kept("reset", "tpyo", code=2).stderr
    unknown = kept("restore", "tpyo", code=2).stderr
    assert "there is no checkpoint tpyo" in unknown
    assert "step-1, step-2" in unknown
    assert "already" in kept("save", "mine", code=2).stderr
    works(kept)


def test_a_machine_that_is_off_cannot_be_saved(kept: Cli) -> None:
    subprocess.run(["docker", "stop", f"labkit-{LAB}-lb"], check=True, capture_output=True)
    refused = kept("save", "half", code=4).stderr
    assert "off: lb" in refused
    assert f"labkit --lab {LAB} up" in refused
    kept("up")
    assert "half" not in names(kept)


def test_one_command_at_a_time(kept: Cli) -> None:
    first = kept.popen("restore", "mine")
    lock = open_lab(LAB).state / "lock.json"
    while not lock.exists() or f'"pid": {first.pid}' not in lock.read_text():
        time.sleep(0.01)
    refused = kept("save", "meanwhile", code=4).stderr
    assert f"labkit restore (process {first.pid}) has been working" in refused
    assert first.wait() == 0
    works(kept)


def test_a_clone_works_beside_its_origin_and_shares_nothing(kept: Cli) -> None:
    clone = open_lab(CLONE)
    try:
        machines = {one.name: one for one in clone.provider.clone(LAB, "mine", lambda _line: None)}
        origin = open_lab(LAB).machines()
        assert not {one.address for one in machines.values()} & {
            one.address for one in origin.values()
        }
        other = replace(kept, lab=CLONE)
        works(other)
        works(kept)
        script = "cat /etc/machine-id; cut -d' ' -f2 /etc/ssh/ssh_host_ed25519_key.pub"
        theirs, ours = on_web1(other, script).split(), on_web1(kept, script).split()
        assert not set(theirs) & set(ours)
        # A layer's file that had another name in the origin or in the checkpoint had two links.
        layers = "find /var/lib/containerd -path '*/fs/*' -name os-release -type f"
        assert on_web1(kept, f"{layers} -links +1")
        assert on_web1(other, layers)
        assert not on_web1(other, f"{layers} -links +1")
    finally:
        clone.provider.destroy(lambda _line: None)
    kept("restore", "mine")
    works(kept)


# Mounted by the copying container over what the checkpoint's data is copied to: link FROM TO ...
SMALL_DISK = 'mount -t tmpfs -o size=64k full "$(dirname "$(dirname "$3")")"\n'


def everything_of(lab: str) -> list[str]:
    """What the engine has of a lab: containers with their states, volumes, images."""
    label = f"label=io.labkit.lab={lab}"
    return [
        line
        for words in (
            ("ps", "--all", "--filter", label, "--format", "{{.Names}} {{.State}}"),
            ("volume", "ls", "--filter", label, "--format", "{{.Name}}"),
            ("images", "labkit/checkpoint", "--format", "{{.Tag}} {{.ID}}"),
        )
        for line in sorted(
            subprocess.run(
                ["docker", *words], check=True, capture_output=True, text=True
            ).stdout.splitlines()
        )
        if words[0] != "images" or line.startswith(f"{lab}.")
    ]


def test_a_disk_that_gets_full_while_saving_keeps_the_whole_or_nothing(
    kept: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = open_lab(LAB).provider
    before = everything_of(LAB)
    with monkeypatch.context() as full:
        full.setattr(checkpoints, "_COPY", SMALL_DISK + checkpoints._COPY)
        with pytest.raises(NotReadyError, match="the disk is full"):
            provider.save("half", lambda _line: None)
    assert everything_of(LAB) == before
    works(kept)
    provider.save("half", lambda _line: None)
    kept("save", "--remove", "half")
    assert everything_of(LAB) == before


def test_an_image_that_lost_its_name_is_left_over_until_the_next_save(kept: Cli) -> None:
    """The engine keeps what it commits when whoever asked for it is killed before it is named."""
    commit = ["docker", "commit", "--pause=false", f"labkit-{LAB}-lb"]
    image = subprocess.run(commit, check=True, capture_output=True, text=True).stdout.strip()
    assert image.removeprefix("sha256:")[:12] in kept("leftovers", code=1).stdout
    kept("save", "tidy")
    kept("save", "--remove", "tidy")
    asked = subprocess.run(["docker", "image", "inspect", image], check=False, capture_output=True)
    assert asked.returncode != 0


@pytest.mark.parametrize("number", range(KILLS))
@pytest.mark.parametrize("verb", ["save", "restore"])
def test_a_kill_leaves_a_lab_that_works_or_does_with_the_next_command(
    kept: Cli, verb: str, number: int
) -> None:
    dice = random.Random(f"{SEED} {verb} {number}")
    delay = dice.uniform(0.5, 4.0 if verb == "save" else 12.0)
    before = names(kept)
    process = kept.popen(verb, "victim" if verb == "save" else "mine")
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()
    told = f"seed {SEED}: {verb} killed after {delay:.2f} s"
    kept("up")
    assert kept("check", "1-5", code=None).returncode == 0, told
    assert set(names(kept)) - {"victim"} == set(before), told
    if "victim" in names(kept):  # it was whole, then, and can be used
        kept("restore", "victim")
        works(kept)
        kept("save", "--remove", "victim")
    listed = subprocess.run(
        ["docker", "volume", "ls", "-q", "--filter", f"label=io.labkit.lab={LAB}"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert len([one for one in listed if "." in one]) == 2 * len(before), (told, listed)


def test_the_layers_of_a_machine_do_not_grow_without_end(
    kept: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a low limit the next save makes one layer of all, and machines come from that."""
    monkeypatch.setattr("labkit.lab.containers.checkpoints.MOST_LAYERS", 2)
    provider = open_lab(LAB).provider
    provider.save("flat", lambda _line: None)
    provider.restore("flat", lambda _line: None)
    works(kept)
    kept("save", "--remove", "flat")
    works(kept)
