"""A class bundle's lock: read as it is written, and refused with a sentence where it is not one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import docker
import pytest

from labkit.course import Blueprint
from labkit.errors import NotReadyError, UsageError
from labkit.lab import bundle
from labkit.lab.bundle import LOCK, Difference, Lock, damaged_files, read_lock, unpack
from labkit.lab.mirror import MirrorContents, wanted_contents

BLUEPRINT = Blueprint((), {})
HERE = Lock("amd64", wanted_contents(None).recipes)


def written(folder: Path, lock: Lock | dict[str, Any]) -> Path:
    data = lock if isinstance(lock, dict) else asdict(lock)
    (folder / LOCK).write_text(json.dumps(data))
    return folder


def engine(architecture: str = "amd64") -> docker.DockerClient:
    """An engine that only says what computer it is on: anything else that it is asked fails."""
    return cast("docker.DockerClient", SimpleNamespace(version=lambda: {"Arch": architecture}))


def test_a_lock_is_read_as_it_was_written(tmp_path: Path) -> None:
    lock = replace(HERE, files={"a.tar.gz": "sha256:1"}, mirror={"python:3": "sha256:2"})
    assert read_lock(written(tmp_path, lock)) == lock


@pytest.mark.parametrize(
    "data",
    [
        {}, {"format": 1}, {**asdict(HERE), "more": 1}, {**asdict(HERE), "files": []},
        {**asdict(HERE), "mirror": {"python:3": None}}, {**asdict(HERE), "format": 2},
    ],
)  # fmt: skip
def test_what_is_no_lock_is_refused(tmp_path: Path, data: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        read_lock(written(tmp_path, data))
    assert LOCK in caught.value.where
    assert "labkit bundle --for-class" in caught.value.then


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "\0"])
def test_a_lock_of_any_bytes_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / LOCK).write_text(text)
    with pytest.raises(UsageError):
        read_lock(tmp_path)


def test_without_a_lock_a_folder_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_lock(tmp_path / "none")
    assert "--for-class" in caught.value.then


def test_a_changed_and_a_missing_file_are_found(tmp_path: Path) -> None:
    (tmp_path / "same").write_bytes(b"1")
    (tmp_path / "changed").write_bytes(b"2")
    one = f"sha256:{hashlib.sha256(b'1').hexdigest()}"
    two = f"sha256:{hashlib.sha256(b'2').hexdigest()}"
    lock = replace(HERE, files={"same": one, "changed": one, "missing": one})
    assert damaged_files(tmp_path, lock) == [
        Difference("changed", one, two), Difference("missing", one, ""),
    ]  # fmt: skip


def test_a_name_in_the_lock_leads_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(b"1")
    digest = f"sha256:{hashlib.sha256(b'1').hexdigest()}"
    assert damaged_files(folder, replace(HERE, files={"../secret": digest}))


@pytest.mark.parametrize(
    ("lock", "architecture"),
    [
        (replace(HERE, recipes="0123"), "amd64"),
        (HERE, "arm64"),
        (replace(HERE, files={"missing.tar.gz": "sha256:1"}), "amd64"),
    ],
)
def test_a_bundle_that_does_not_fit_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lock: Lock, architecture: str
) -> None:
    monkeypatch.setattr(bundle, "_load", lambda *_all: pytest.fail("something was changed"))
    with pytest.raises(UsageError) as caught:
        unpack(engine(architecture), tmp_path, lock, lambda _line: None, BLUEPRINT)
    assert "labkit bundle --" in caught.value.then


def test_layers_and_not_the_id_say_which_image_it_is() -> None:
    """The id of one image differs between the engine's two stores."""
    held = {
        "one": {"Id": "a", "RootFS": {"Layers": ["sha256:1", "sha256:2"]}},
        "same": {"Id": "b", "RootFS": {"Layers": ["sha256:1", "sha256:2"]}},
        "other": {"Id": "a", "RootFS": {"Layers": ["sha256:2", "sha256:1"]}},
    }
    images = SimpleNamespace(get=lambda name: SimpleNamespace(attrs=held[name]))
    one, same, other = (
        bundle.layers_digest(cast("docker.DockerClient", SimpleNamespace(images=images)), name)
        for name in held
    )
    assert one == same != other


# -- writing one, of an engine whose images are what a test says


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Lock]:
    """Write a bundle to a folder; each image, and the mirror, is made of these pieces."""
    mirror = MirrorContents("labkit-mirror", "labkit/registry:1", "0123")
    monkeypatch.setattr(bundle, "ensure_node_image", lambda *_all: "labkit/node:debian13-1")
    monkeypatch.setattr(bundle, "ensure_mirror", lambda *_all: mirror)
    monkeypatch.setattr(bundle, "mirror_archive", lambda *_all: nullcontext(iter([b"mirror"])))
    monkeypatch.setattr(bundle, "digests", lambda *_all: {"python:3": "sha256:2"})

    def pack(pieces: Callable[[], Iterator[bytes]] = lambda: iter([b"image"])) -> Lock:
        image = SimpleNamespace(
            save=lambda **_how: pieces(), attrs={"RootFS": {"Layers": ["sha256:1"]}}
        )
        held = SimpleNamespace(
            version=lambda: {"Arch": "amd64"}, images=SimpleNamespace(get=lambda _name: image)
        )
        client = cast("docker.DockerClient", held)
        return bundle.pack(client, tmp_path / "stick", lambda _line: None, BLUEPRINT)

    return pack


def test_a_bundle_says_what_it_holds(packed: Callable[..., Lock], tmp_path: Path) -> None:
    lock = packed()
    assert read_lock(tmp_path / "stick") == lock
    assert damaged_files(tmp_path / "stick", lock) == []
    assert set(lock.images) == {"labkit/node:debian13-1", "labkit/registry:1"}
    assert set(lock.files) == {
        "labkit-mirror.tar.gz", "labkit-node-debian13-1.tar.gz", "labkit-registry-1.tar.gz"
    }  # fmt: skip


def test_an_older_bundle_gives_way_and_nothing_else_does(
    packed: Callable[..., Lock], tmp_path: Path
) -> None:
    stick = tmp_path / "stick"
    packed()
    (stick / "labkit-node-debian13-0.tar.gz").write_bytes(b"of last year")
    packed()
    assert not (stick / "labkit-node-debian13-0.tar.gz").exists()
    (stick / "holiday.tar.gz").write_bytes(b"mine")
    with pytest.raises(UsageError):
        packed()
    assert (stick / "holiday.tar.gz").read_bytes() == b"mine"
    assert (stick / LOCK).exists()


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), ConnectionError("gone"), KeyboardInterrupt()]
)
def test_what_is_broken_off_is_no_bundle(
    packed: Callable[..., Lock], tmp_path: Path, error: BaseException
) -> None:
    def half() -> Iterator[bytes]:
        yield b"half"
        raise error

    packed()
    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else NotReadyError
    with pytest.raises(expected) as caught:
        packed(half)
    assert "df -h" in getattr(caught.value, "then", "") or "space" not in str(error)
    with pytest.raises(UsageError):
        read_lock(tmp_path / "stick")
    packed()
    assert read_lock(tmp_path / "stick")
