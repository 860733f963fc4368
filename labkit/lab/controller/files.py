"""Files on their way: to a controller before its command, and from it when the command has ended.

A path is the same in both places, so that a message names what a person can open. That of a drive
(C:\\Users) becomes a folder (/c/Users).
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath, PurePosixPath
from typing import IO

from labkit.errors import UsageError
from labkit.locale import _, number

LARGEST = 512 * 2**20  # bytes of all that is copied in: a class's submissions have about a tenth
OUT = "/run/labkit-out.tar"  # what a command has written, when it has ended
KEPT = ("*/reports", "_reports", "_crashes")  # of labkit's own folder, what people open


def there(path: PurePath) -> str:
    """The path in a controller of an absolute path of this computer."""
    drive = path.drive.rstrip(":").replace("\\", "/").lower()
    rest = path.relative_to(path.anchor).as_posix()
    return f"/{drive}/{rest}" if drive else f"/{rest}"


def packed(inputs: Iterable[Path], file: IO[bytes]) -> None:
    """Write the files and folders as a tar archive; links stay links. What is missing is left out.

    UsageError if they are too large.
    """
    size = 0
    with tarfile.open(fileobj=file, mode="w") as tar:

        def counted(member: tarfile.TarInfo) -> tarfile.TarInfo:
            nonlocal size
            size += member.size
            if size > LARGEST:
                raise UsageError(
                    _(
                        "more than {size} MiB would have to be copied to the engine",
                        size=number(LARGEST / 2**20),
                    ),
                    where=f"/{member.name}",
                    then="du -sh .",
                )
            return member

        for path in inputs:
            if path.exists():
                tar.add(path, arcname=there(path).lstrip("/"), filter=counted)


def collected(since: float, state: Path, outputs: Sequence[str]) -> None:
    """In a controller: pack what has been written since then, of what people are to get.

    `since` in seconds since the epoch, `state` is labkit's own folder, `outputs` were named by the
    command line.
    """
    places = [found for kept in KEPT for found in state.glob(kept)]
    places += [Path(output) for output in outputs]
    with tarfile.open(OUT, mode="w") as tar:
        for place in places:
            for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
                # Of the change, not of the contents: a copy may have kept its original's time.
                if path.is_file() and not path.is_symlink() and path.stat().st_ctime >= since:
                    tar.add(path, arcname=str(path).lstrip("/"), recursive=False)


def unpacked(file: IO[bytes], state: Path, outputs: Sequence[Path]) -> None:
    """Write what a controller has collected to where it belongs on this computer.

    Nothing else is ever written: a member outside of these places is left.
    """
    homes = {PurePosixPath(there(home)): home for home in (state, *outputs)}
    with tarfile.open(fileobj=file, mode="r|") as tar:
        for member in tar:
            path = PurePosixPath("/", member.name)
            home = next((place for place in homes if path.is_relative_to(place)), None)
            content = tar.extractfile(member) if member.isfile() else None
            if home is None or content is None or ".." in path.parts:
                continue
            target = homes[home] / path.relative_to(home)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as written:
                shutil.copyfileobj(content, written)
            os.utime(target, (member.mtime, member.mtime))
