"""What is a lab's own on the user's computer: its folder, its keys, and what is left of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from labkit.errors import NotReadyError, UsageError
from labkit.lab import leftovers
from labkit.lab.leftovers import Leftover, find_leftovers
from labkit.lab.store import key_pair, lab_folder, state_root


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Labs of a test are in its own folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_labs_are_where_the_xdg_specification_wants_them(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert state_root() == home / "labkit"
    monkeypatch.setenv("HOME", str(tmp_path))
    for unset in ("", None):
        if unset is None:
            monkeypatch.delenv("XDG_STATE_HOME")
        else:
            monkeypatch.setenv("XDG_STATE_HOME", unset)
        assert state_root() == tmp_path / ".local" / "state" / "labkit"


@pytest.mark.parametrize("name", ["default", "a", "7", "my-lab", "class-2026-07", "x" * 30])
def test_a_lab_has_a_folder_of_its_own(home: Path, name: str) -> None:
    folder = lab_folder(name)
    assert folder == home / "labkit" / name
    (folder / "kept").touch()
    assert lab_folder(name) == folder
    assert (folder / "kept").exists()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-a",
        "My-lab",
        "a_b",
        "a.b",
        "a b",
        "..",
        "../x",
        "/tmp/x",
        "é",
        "a\n",
        "$(id)",
        "x" * 31,
    ],
)
def test_a_name_that_could_not_be_a_host_or_a_volume_is_refused(home: Path, name: str) -> None:
    """It becomes part of paths and of names on the engine: nothing may be made for a bad one."""
    with pytest.raises(UsageError, match="cannot be the name of a lab") as caught:
        lab_folder(name)
    assert caught.value.then == "labkit --lab my-lab up"
    assert not home.exists()


def test_a_key_is_made_once(tmp_path: Path) -> None:
    first = key_pair(tmp_path / "id_ed25519")
    assert key_pair(tmp_path / "id_ed25519") == first
    assert key_pair(tmp_path / "other").public != first.public


def test_a_private_key_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        key_pair(tmp_path / "id_ed25519")
    finally:
        os.umask(before)
    assert mode(tmp_path / "id_ed25519") == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["id_ed25519"]


def test_the_public_line_belongs_to_the_private_key(tmp_path: Path) -> None:
    pair = key_pair(tmp_path / "id_ed25519")
    assert pair.path == tmp_path / "id_ed25519"
    assert pair.private == pair.path.read_bytes()
    assert pair.private.startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----\n")
    key = serialization.load_ssh_private_key(pair.private, password=None)
    line = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    assert pair.public == line.decode()
    assert pair.public.startswith("ssh-ed25519 ")
    assert "\n" not in pair.public


def test_a_key_half_written_by_a_crash_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / ".id_ed25519-0").write_bytes(b"-----BEGIN OPENS")
    pair = key_pair(tmp_path / "id_ed25519")
    assert pair.public.startswith("ssh-ed25519 ")


def no_engine() -> None:
    raise NotReadyError("no Docker Engine answers on this computer")


def test_machines_of_vagrants_are_found_without_an_engine(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their ids are in the labs' folders, where Vagrant itself keeps them."""
    monkeypatch.setattr(leftovers, "connect", no_engine)
    why = "no Docker Engine answers on this computer"
    assert find_leftovers() == ([], why)
    machines = home / "labkit" / "forgotten" / "vagrant" / ".vagrant" / "machines"
    (machines / "web1" / "libvirt").mkdir(parents=True)
    assert find_leftovers() == ([], why)
    (machines / "web1" / "libvirt" / "id").write_text("0c1f")
    assert find_leftovers() == ([Leftover("machine", "web1", "forgotten")], why)
