"""Where labkit keeps what is a lab's own on the user's computer: keys, transcript, reports.

The folder says nothing about the state of the machines: that is asked of the engine each time.
It follows the XDG base directory specification (state: data that persists, but is not precious
enough to be backed up).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import UsageError
from labkit.locale import _
from labkit.whole import write_secret_once
from labkit.xdg import base_folder

_LAB_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,29}")  # it becomes part of host and volume names


def state_root() -> Path:
    """The folder of all labs."""
    return base_folder("XDG_STATE_HOME", ".local/state") / "labkit"


def lab_folder(name: str) -> Path:
    """The folder of one lab, made when it is first asked for. UsageError for an unusable name."""
    if not _LAB_NAME.fullmatch(name):
        raise UsageError(
            _(
                "{name!r} cannot be the name of a lab: small letters, digits and hyphens, "
                "30 characters at most",
                name=name,
            ),
            then="labkit --lab my-lab up",
        )
    folder = state_root() / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def reports_root() -> Path:
    """The folder of the reports of labs that are gone when their report is read."""
    return state_root() / "_reports"  # no lab can have this name


@dataclass(frozen=True)
class KeyPair:
    """An ed25519 key on disk; `public` is the line for authorized_keys or known_hosts."""

    path: Path
    private: bytes
    public: str


def key_pair(path: Path) -> KeyPair:
    """The key at this path, made if there is none. The private file is readable by its owner."""
    from cryptography.hazmat.primitives import serialization  # slow to import, seldom needed
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not path.exists():
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
        write_secret_once(path, pem)  # machines are told the key that is on the disk
    private = path.read_bytes()
    loaded = serialization.load_ssh_private_key(private, password=None)
    public = loaded.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return KeyPair(path, private, public.decode())
