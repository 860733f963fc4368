"""Files that are there whole or not at all, whoever reads, writes at the same time, or is killed.

The text goes to a file of its own beside the target, to the disk, and then takes the target's name.
A kill in between leaves a hidden file that nobody reads.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_OWNER_ONLY = 0o600


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file, in UTF-8 if it is a text, in place of what is there; its folder is made.

    OSError if it cannot be written; what was there before is then still there.
    """
    with _written(path, content) as new:
        new.chmod(0o666 & ~_umask())
        new.replace(path)


def write_secret_once(path: Path, content: bytes) -> bool:
    """Write a file for its owner alone, unless there is one: of two who do so the first wins.

    False if there was one. OSError if it cannot be written.
    """
    with _written(path, content) as new:
        new.chmod(_OWNER_ONLY)
        try:
            path.hardlink_to(new)
        except FileExistsError:
            return False
    return True


def fresh_folder(path: Path) -> Path:
    """Make a folder that nobody else has: at this path, or at PATH-2, PATH-3, …"""
    path.parent.mkdir(parents=True, exist_ok=True)
    number, made = 1, path
    while True:
        try:
            made.mkdir()
        except FileExistsError:
            number += 1
            made = path.with_name(f"{path.name}-{number}")
        else:
            return made


@contextmanager
def _written(path: Path, content: str | bytes) -> Iterator[Path]:
    """The content on the disk under a name of its own, which is gone at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    new = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        yield new
    finally:
        with suppress(FileNotFoundError):
            new.unlink()


def _umask() -> int:
    """The process's own; there is no way to ask without setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
