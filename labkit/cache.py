"""What is slow to make of files, kept in the user's cache folder and made anew when they change.

A key is the digest of everything that the thing was made of, so that nothing here is ever out of
date; whoever deletes the folder loses a moment. (XDG base directory specification: cache.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from labkit.whole import write_whole
from labkit.xdg import base_folder

KEPT = 8  # of each name: several checkouts and courses may be used in turn


def cache_root() -> Path:
    """The folder: XDG_CACHE_HOME or ~/.cache, and labkit in it."""
    return base_folder("XDG_CACHE_HOME", ".cache") / "labkit"


def digest_of(paths: Iterable[Path], *more: str) -> str:
    """A digest of files by names and contents, and of what else decides."""
    whole = hashlib.sha256("\0".join(more).encode())
    for path in sorted(paths):
        whole.update(f"\0{path}\0".encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def remembered(name: str, digest: str, make: Callable[[], bytes]) -> bytes:
    """What `make` gives, made once for a digest. Of each name the last KEPT are kept.

    A folder that cannot be written costs time, and nothing else. What is read back is checked
    against a checksum: a power cut may leave less than was written.
    """
    path = cache_root() / f"{name}-{digest}"
    try:
        checksum, data = path.read_bytes().split(b"\n", 1)
        if checksum.decode() == hashlib.sha256(data).hexdigest():
            return data
    except (OSError, ValueError):
        pass
    data = make()
    try:
        found = sorted(path.parent.glob(f"{name}-*"), key=lambda one: one.stat().st_mtime)
        for old in found[: 1 - KEPT]:
            old.unlink(missing_ok=True)
        write_whole(path, hashlib.sha256(data).hexdigest().encode() + b"\n" + data)
    except OSError:
        pass
    return data
