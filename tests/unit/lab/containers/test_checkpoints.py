"""Checkpoints without machines: names, room, markers, addresses, the copying, the lock."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import docker
import pytest
from docker.errors import APIError
from docker.models.containers import Container

from labkit.errors import NotReadyError, UsageError
from labkit.lab import Checkpoint, Lab, Provider
from labkit.lab import checkpoints as rules
from labkit.lab.containers import checkpoints as kept
from labkit.lab.containers.engine import CAPABILITIES
from labkit.lab.lock import hold

COPY = Path(kept.__file__).with_name("copy.sh")
LAYERS = "io.containerd.snapshotter.v1.overlayfs/snapshots"
CONTENT = "io.containerd.content.v1.content/blobs/sha256"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def made(name: str, hour: int, *, automatic: bool = True, size: int = 10) -> Checkpoint:
    return Checkpoint(name, NOON + timedelta(hours=hour), automatic, size)


# -- names


@pytest.mark.parametrize("name", ["mine", "a", "0", "before-lunch", "a" * 30])
def test_a_name_like_a_labs_is_taken(name: str) -> None:
    rules.check_name(name, [], automatic=False)


@pytest.mark.parametrize(
    "name", ["", "-a", "Mine", "my state", "a.b", "../x", "é", "a" * 31, "a\n"]
)
def test_another_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a checkpoint"):
        rules.check_name(name, [], automatic=False)


def test_what_the_student_saved_is_never_replaced() -> None:
    mine = made("mine", 0, automatic=False)
    for automatic in (False, True):
        with pytest.raises(UsageError, match="already") as refused:
            rules.check_name("mine", [mine], automatic=automatic)
        assert "labkit save --remove mine" in refused.value.then


def test_an_automatic_one_is_replaced_by_a_newer_one_of_its_step_only() -> None:
    rules.check_name("step-3", [made("step-3", 0)], automatic=True)
    with pytest.raises(UsageError, match="labkit step"):
        rules.check_name("step-3", [], automatic=False)


def test_an_unknown_name_lists_those_that_are() -> None:
    with pytest.raises(UsageError) as unknown:
        rules.find("x", [made("step-1", 0), made("mine", 1, automatic=False)])
    assert unknown.value.where == "there are: step-1, mine"
    with pytest.raises(UsageError, match="nor any other"):
        rules.find("x", [])


# -- room


def test_the_oldest_automatic_ones_make_room_and_never_the_students() -> None:
    existing = [
        made("step-1", 0), made("mine", 1, automatic=False, size=10**9), made("step-2", 2),
        made("step-3", 3),
    ]  # fmt: skip
    assert [one.name for one in rules.too_many(existing, 20)] == ["step-1"]
    assert [one.name for one in rules.too_many(existing, 19)] == ["step-1", "step-2"]
    assert rules.too_many(existing, 30) == []


def test_the_newest_stays_even_if_it_alone_is_too_large() -> None:
    assert rules.too_many([made("step-1", 0, size=100)], 1) == []


def test_the_room_is_a_number_of_gib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABKIT_CHECKPOINT_ROOM", raising=False)
    assert rules.room() == 4 * 2**30
    monkeypatch.setenv("LABKIT_CHECKPOINT_ROOM", "0.5")
    assert rules.room() == 2**29
    for wrong in ("-1", "much", "1e9", "nan"):
        monkeypatch.setenv("LABKIT_CHECKPOINT_ROOM", wrong)
        with pytest.raises(UsageError, match="not a number of GiB"):
            rules.room()


# -- markers


def engine_with(*volumes: dict[str, str]) -> docker.DockerClient:
    """An engine that knows these volumes, given by their labels; it filters by label itself."""

    def holds(labels: dict[str, str], wanted: str) -> bool:
        key, equals, value = wanted.partition("=")
        return key in labels and (not equals or labels[key] == value)

    def listed(filters: dict[str, Any]) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(attrs={"Labels": labels})
            for labels in volumes
            if all(holds(labels, wanted) for wanted in filters["label"])
        ]

    return cast("docker.DockerClient", SimpleNamespace(volumes=SimpleNamespace(list=listed)))


def marker(name: str, serial: str, hour: int, lab: str = "one") -> dict[str, str]:
    return {
        kept.LAB_LABEL: lab,
        kept.SERIAL_LABEL: serial,
        kept.CHECKPOINT_LABEL: name,
        kept.MADE_LABEL: (NOON + timedelta(hours=hour)).isoformat(),
        kept.AUTOMATIC_LABEL: "1",
        kept.BYTES_LABEL: "10",
        kept.ADDRESS_LABEL: json.dumps({"lb": "10.77.0.10"}),
        kept.OS_LABEL: "debian13",
    }


def test_a_checkpoint_without_its_marker_is_none() -> None:
    parts = {kept.LAB_LABEL: "one", kept.SERIAL_LABEL: "aa"}
    assert kept.find(engine_with(parts), "one") == []


def test_of_two_with_one_name_the_newer_counts_and_the_oldest_comes_first() -> None:
    engine = engine_with(
        marker("step-2", "bb", 3), marker("step-1", "cc", 2), marker("step-2", "aa", 1),
        marker("step-9", "dd", 0, lab="other"),
    )  # fmt: skip
    assert [saved.serial for saved in kept.find(engine, "one")] == ["cc", "bb"]


def test_another_lab_shares_no_file_with_a_checkpoint() -> None:
    [saved] = kept.find(engine_with(marker("mine", "aa", 0)), "one")
    assert kept.copy_back(saved, "one", ["lb"])[0] == "link"
    assert kept.copy_back(saved, "two", ["lb"])[0] == "copy"


def test_addresses_are_changed_as_wholes() -> None:
    old = {"lb": "10.77.0.1", "web1": "10.77.0.11"}
    new = {"lb": "10.77.5.1", "web1": "10.77.5.11"}
    script = kept.moved(old, new.__getitem__)
    text = "10.77.0.1 lb\n10.77.0.11 web1\n110.77.0.1 10x77.0.1\n"
    done = subprocess.run(["sed", script], input=text, text=True, capture_output=True, check=True)
    assert done.stdout == "10.77.5.1 lb\n10.77.5.11 web1\n110.77.0.1 10x77.0.1\n"
    assert kept.moved(old, old.__getitem__) == ""


class Restless:
    """A container that cannot be frozen at once."""

    def __init__(self, said: list[str]) -> None:
        self.said = said
        self.paused = False

    def pause(self) -> None:
        if self.said:
            raise APIError("500", explanation=self.said.pop(0))
        self.paused = True


def test_a_machine_that_forks_is_frozen_at_the_next_attempt() -> None:
    restless = Restless(["OCI runtime pause failed: unable to freeze: unknown"] * 2)
    kept._pause(cast("Container", restless))
    assert restless.paused
    with pytest.raises(APIError, match="no such container"):
        kept._pause(cast("Container", Restless(["no such container"])))


def test_a_machine_that_never_stands_still_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "PAUSE_LIMIT_S", 0.2)
    with pytest.raises(APIError, match="unable to freeze"):
        kept._pause(cast("Container", Restless(["unable to freeze"] * 100)))


# -- the copying


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """What an engine keeps: a layer of an image, one of a container, content, a volume."""
    root = tmp_path / "a" / "lab" / "data"  # not as deep as where it is copied to
    for folder, content in (
        (f"{LAYERS}/1/fs/etc", "layer"),
        (f"{LAYERS}/2/fs/etc", "container"),
        ("io.containerd.content.v1.content/blobs/sha256", "content"),
        ("volumes/v/_data", "volume"),
    ):
        (root / folder).mkdir(parents=True)
        (root / folder / "file").write_text(content)
    (root / LAYERS / "1" / "work").mkdir()
    (root / "empty").mkdir(mode=0o700)
    return root


def copy(how: str, source: Path, target: Path, fixed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(COPY), how, str(source), str(target), fixed],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def same_inode(source: Path, target: Path, file: str) -> bool:
    return (source / file).samefile(target / file)


def test_fixed_layers_are_linked_and_all_else_is_copied(data: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    done = copy("link", data, target, "1")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0
    for file in (f"{LAYERS}/1/fs/etc/file", f"{CONTENT}/file"):
        assert same_inode(data, target, file)
    for file in (f"{LAYERS}/2/fs/etc/file", "volumes/v/_data/file"):
        assert (target / file).read_text() == (data / file).read_text()
        assert not same_inode(data, target, file)
    assert is_the_same(data, target)
    assert (target / "empty").stat().st_mode == (data / "empty").stat().st_mode


def test_no_layer_is_linked_that_nobody_said_is_fixed(data: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    assert copy("link", data, target).returncode == 0
    assert is_the_same(data, target)
    for number in (1, 2):
        assert not same_inode(data, target, f"{LAYERS}/{number}/fs/etc/file")


def test_a_copy_that_fails_lets_the_others_end_and_leaves_no_scratch(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a copy says of a full disk is its reason: the container does not end before."""
    scratch, programs = tmp_path / "scratch", tmp_path / "bin"
    scratch.mkdir()
    programs.mkdir()
    slow = programs / "cp"  # still at it when the other copy has failed
    slow.write_text(f'#!/bin/sh\nsleep 0.5\nexec {shutil.which("cp")} "$@"\n')
    slow.chmod(0o755)
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    whole, blocked, said = tmp_path / "whole", tmp_path / "blocked", tmp_path / "said"
    blocked.write_text("no folder")
    with said.open("w") as output:  # a pipe would be waited for, whoever still holds it
        done = subprocess.run(
            ["sh", str(COPY), "copy", str(data), str(blocked), "", str(data), str(whole), ""],
            stdout=output, stderr=output, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert "blocked" in said.read_text()
    assert is_the_same(data, whole)
    assert not list(scratch.iterdir())


def test_going_back_touches_no_layer_that_is_whole(data: Path, tmp_path: Path) -> None:
    """A checkpoint, then the machine goes on in all ways that a student may; then back."""
    checkpoint = tmp_path / "checkpoint"
    assert copy("link", data, checkpoint, "1").returncode == 0
    before = (data / LAYERS / "1/fs/etc").stat()
    (data / LAYERS / "2/fs/etc/file").write_text("changed")
    (data / LAYERS / "1/work").rmdir()
    (data / LAYERS / "3/fs").mkdir(parents=True)
    (data / "volumes/v/_data/more").write_text("more")
    assert copy("link", checkpoint, data).returncode == 0
    assert is_the_same(checkpoint, data)
    assert (data / LAYERS / "1/fs/etc").stat().st_ino == before.st_ino
    assert not same_inode(checkpoint, data, f"{LAYERS}/2/fs/etc/file")


@pytest.mark.parametrize("harm", ["emptied", "replaced", "more", "gone", "a link", "all moved"])
def test_going_back_mends_a_layer_that_is_not_whole(data: Path, tmp_path: Path, harm: str) -> None:
    checkpoint, elsewhere = tmp_path / "checkpoint", tmp_path / "elsewhere"
    assert copy("link", data, checkpoint, "1").returncode == 0
    layer = data / LAYERS / "1/fs"
    (elsewhere / "1" / "fs").mkdir(parents=True)
    if harm == "emptied":
        (layer / "etc/file").unlink()
    elif harm == "replaced":
        (layer / "etc/file").unlink()
        (layer / "etc/file").write_text("other")
    elif harm == "more":
        (layer / "etc/more").write_text("more")
    elif harm == "all moved":
        (data / LAYERS).rename(data / "moved")
        (data / LAYERS).symlink_to("../moved")
    else:
        shutil.rmtree(layer)
        if harm == "a link":
            layer.symlink_to(elsewhere)
    assert copy("link", checkpoint, data).returncode == 0
    assert is_the_same(checkpoint, data)
    assert not layer.is_symlink()
    assert not (data / LAYERS).is_symlink()
    assert (elsewhere / "1" / "fs").is_dir()
    assert list((elsewhere / "1" / "fs").iterdir()) == []


def test_what_was_begun_and_killed_is_no_hindrance(data: Path, tmp_path: Path) -> None:
    """Whatever was put aside then: the copying begins again, and nothing of it stays."""
    checkpoint = tmp_path / "checkpoint"
    assert copy("link", data, checkpoint, "1").returncode == 0
    aside = data.with_name("data.kept") / LAYERS / "1"
    aside.mkdir(parents=True)
    (data / LAYERS / "1/fs").rename(aside / "fs")
    assert copy("link", checkpoint, data).returncode == 0
    assert is_the_same(checkpoint, data)
    assert not data.with_name("data.kept").exists()


def test_for_another_lab_everything_is_copied(data: Path, tmp_path: Path) -> None:
    checkpoint, target = tmp_path / "checkpoint", tmp_path / "target"
    assert copy("link", data, checkpoint, "1").returncode == 0
    assert copy("copy", checkpoint, target).returncode == 0
    assert is_the_same(checkpoint, target)
    for file in (f"{LAYERS}/1/fs/etc/file", f"{CONTENT}/file"):
        assert not same_inode(checkpoint, target, file)


def test_a_hostile_machine_reaches_nothing_outside_its_data(data: Path, tmp_path: Path) -> None:
    """Paths and symbolic links in place of what containerd writes: root on a machine can do it."""
    secret = data.parent / "other"
    for folder in ("fs", "7/fs"):
        (secret / folder).mkdir(parents=True)
        (secret / folder / "key").write_text("secret")
    (data / LAYERS / "7").symlink_to(secret / "7")
    (data / LAYERS / "8").mkdir()
    (data / LAYERS / "8/fs").symlink_to(secret / "fs")
    shutil.rmtree(data / CONTENT)
    (data / CONTENT).symlink_to(secret)
    target = tmp_path / "copies" / "target"
    done = copy("link", data, target, "1 7 8 ../../../other / *")
    assert done.returncode == 0, done.stderr
    assert (target / LAYERS / "7").is_symlink()
    assert (target / LAYERS / "8/fs").is_symlink()
    assert (target / CONTENT).is_symlink()
    assert not leaked(tmp_path / "copies")
    assert not (tmp_path / "other").exists()

    (data / LAYERS).rename(data / "real")
    (data / LAYERS).symlink_to(secret)
    again = tmp_path / "copies" / "again"
    assert copy("link", data, again, "7").returncode == 0
    assert (again / LAYERS).is_symlink()
    assert not leaked(tmp_path / "copies")
    assert copy("link", again, data).returncode == 0
    assert {path.name for path in secret.rglob("*")} == {"fs", "7", "key"}


def is_the_same(one: Path, other: Path) -> bool:
    found = subprocess.run(
        ["diff", "-r", "--no-dereference", one, other], capture_output=True, check=False
    )
    return found.returncode == 0


def leaked(folder: Path) -> list[Path]:
    """The files of another lab that are in a folder, links to them apart."""
    return [path for path in folder.rglob("key") if folder in path.resolve().parents]


def test_a_copy_that_fails_is_no_success(tmp_path: Path) -> None:
    assert copy("link", tmp_path / "nothing", tmp_path / "target").returncode != 0


def copying(code: int, out: str = "", error: str = "") -> Container:
    """A copying container that ends so."""

    def logs(*, stdout: bool = True, stderr: bool = True) -> bytes:
        return (out * stdout + error * stderr).encode()

    ended = SimpleNamespace(start=lambda: None, wait=lambda: {"StatusCode": code}, logs=logs,
                            name="copy")  # fmt: skip
    return cast("Container", ended)


@pytest.mark.parametrize(
    "ended",
    [
        copying(1, error="cp: error writing '/volumes/x': No space left on device"),
        copying(1),
        copying(0),
    ],
    ids=["said", "not even said", "not even how much"],
)
def test_a_disk_that_gets_full_is_said_whatever_is_left_of_the_log(ended: Container) -> None:
    with pytest.raises(NotReadyError, match="the disk is full") as full:
        kept.run_copy(ended)
    assert "labkit save --remove" in full.value.then


def test_a_copy_says_how_much_it_copied_or_why_it_did_not() -> None:
    assert kept.run_copy(copying(0, "4096\n", "cp: a remark")) == 4096
    with pytest.raises(NotReadyError, match="could not be copied: cp: no"):
        kept.run_copy(copying(1, error="cp: no"))


def test_layers_that_cannot_be_compared_are_not_the_same(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A layer was changed, and the disk is too full for the lists that would tell."""
    checkpoint, tools = tmp_path / "checkpoint", tmp_path / "tools"
    assert copy("link", data, checkpoint, "1").returncode == 0
    changed = data / LAYERS / "1/fs/etc/file"
    changed.unlink()
    changed.write_text("other")
    tools.mkdir()
    (tools / "sort").write_text(
        "#!/bin/sh\n"
        "case $(readlink /proc/$$/fd/1) in */here | */there) exit 2 ;; esac\n"
        'PATH=${PATH#*:} exec sort "$@"\n'
    )
    (tools / "sort").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)
    assert copy("link", checkpoint, data).returncode == 0
    assert (data / LAYERS / "1/fs/etc/file").read_text() == "layer"


# -- the lock


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab("one", cast("Provider", None), tmp_path)


def test_a_second_command_is_told_who_holds_the_lab_and_since_when(lab: Lab) -> None:
    with hold(lab, "grade"), pytest.raises(NotReadyError) as refused, hold(lab, "restore"):
        pass
    assert f"labkit grade (process {os.getpid()}) has been working" in refused.value.what
    assert refused.value.exit_code == 4
    with hold(lab, "restore"):
        pass


def test_two_labs_do_not_wait_for_one_another(lab: Lab, tmp_path: Path) -> None:
    other = Lab("two", cast("Provider", None), tmp_path / "two")
    other.state.mkdir()
    with hold(lab, "grade"), hold(other, "grade"):
        pass


def test_a_holder_that_was_killed_holds_nothing(lab: Lab) -> None:
    code = (
        "import os, sys, pathlib; from labkit.lab import Lab; from labkit.lab.lock import hold\n"
        f"with hold(Lab('one', None, pathlib.Path({str(lab.state)!r})), 'grade'):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(NotReadyError, match=str(holder.pid)), hold(lab, "save"):
            pass
        holder.kill()
        holder.wait()
    with hold(lab, "save"):
        pass


def test_whoever_copies_asks_for_nothing_that_a_node_may_lack() -> None:
    """An engine within a machine can give no more than the machine has itself."""
    assert set(kept.COPY_CAPABILITIES) <= set(CAPABILITIES)
