"""Reads archives as learners hand them in: in memory, bounded, nothing unpacked onto the disk.

No name in an archive can reach a file of the grader's computer, since none is ever written. What
cannot be taken (a link, a device, a path that leads out, an encrypted or damaged member) is said,
and the rest is read all the same.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, cast

from labkit.classroom.folder import IGNORED, LARGEST_FILE, LARGEST_FOLDER, RESOURCE_FORK
from labkit.errors import UsageError
from labkit.facts.reports import PARTS
from labkit.locale import _

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
UNREADABLE = (".7z", ".rar")  # no reader in the standard library
LARGEST_STREAM = 2**30  # bytes of a tar once it is decompressed; beyond this it is a bomb
MOST_MEMBERS = 200_000
BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError,
          ValueError, RuntimeError)  # fmt: skip


@dataclass(frozen=True)
class Member:
    """A file of an archive: a POSIX path, and its bytes or why they were not taken.

    Of a symbolic link the text that says where it leads.
    """

    path: str
    data: bytes = b""
    why: str = ""
    executable: bool = False
    link: str = ""


def is_archive(name: str) -> bool:
    """Whether a file's name is that of an archive, of a kind that can be read or not."""
    return name.lower().endswith(SUFFIXES + UNREADABLE)


def may_be_large(name: str) -> bool:
    """Whether a file may take all of the room: an archive, or a report with its pictures."""
    return is_archive(name) or name.lower().endswith(tuple(PARTS))


def is_litter(path: str) -> bool:
    """Whether a path is what tools and desktops leave, and no work of a learner's."""
    parts = PurePosixPath(path).parts
    return any(part in IGNORED or part.startswith(RESOURCE_FORK) for part in parts)


def stem(name: str) -> str:
    """An archive's name without the suffix."""
    found = next((one for one in SUFFIXES + UNREADABLE if name.lower().endswith(one)), "")
    return name[: len(name) - len(found)]


def members(file: IO[bytes], name: str) -> Iterator[Member]:
    """The files of an archive, one after the other; `file` must be able to seek.

    UsageError if it is no archive that can be read, or if it ends before its time: what came
    before has been given by then. Folders and litter are passed over in silence.
    """
    start = file.read(8)
    file.seek(0)
    if start.startswith((b"Rar!", b"7z\xbc\xaf")):
        raise UsageError(
            _("{name} is of a kind that cannot be read", name=name),
            then=_("pack it as .zip or .tar.gz"),
        )
    try:
        found = _zip(file) if start.startswith(b"PK") else _tar(file, start)
        for count, one in enumerate(found):
            if count >= MOST_MEMBERS:
                raise ValueError(f"> {MOST_MEMBERS}")
            yield one
    except BROKEN as error:
        raise UsageError(
            _("{name} cannot be read to its end: {why}", name=name, why=error or "EOF"),
            then=_("pack it as .zip or .tar.gz"),
        ) from error


def _room(path: str) -> int:
    """How many bytes a member may have: an archive inside holds a whole submission."""
    return LARGEST_FOLDER if may_be_large(path) else LARGEST_FILE


def _zip(file: IO[bytes]) -> Iterator[Member]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            path = _zip_name(info).replace("\\", "/")
            if path.endswith("/") or is_litter(path):
                continue
            mode = info.external_attr >> 16 if info.create_system == 3 else 0  # 3: Unix
            why = _refused(path) or _of_kind(mode, info.file_size, path)
            if not why and info.flag_bits & 0x1:
                why = _("it is encrypted")
            data = b""
            if not why:
                try:
                    with archive.open(info) as inner:
                        data = inner.read()  # never more than the size that was looked at
                except NotImplementedError:
                    why = _("its compression is not known")
                except BROKEN:
                    why = _("it is damaged")
            if stat.S_ISLNK(mode) and not why:
                yield Member(path, link=data.decode("utf-8", "replace"))
            else:
                yield Member(path, data, why, executable=bool(mode & stat.S_IXUSR))


def _zip_name(info: zipfile.ZipInfo) -> str:
    """A member's name, whichever code page wrote it.

    The format knows CP437 and, flagged, UTF-8; macOS writes UTF-8 without the flag, and some
    programs for Windows CP1252. The reading with the fewest characters that are no Latin letters
    is taken.
    """
    if info.flag_bits & 0x800:
        return info.filename
    raw = info.filename.encode("cp437", "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        readings = (info.filename, raw.decode("cp1252", "replace"))
        return min(readings, key=lambda text: len(re.findall(r"[^ -~À-ÖØ-öø-ſ]", text)))


def _tar(file: IO[bytes], start: bytes) -> Iterator[Member]:
    with (
        _decompressed(file, start) as stream,
        tarfile.open(fileobj=_Bounded(stream), mode="r|") as archive,
    ):
        for info in archive:
            path = _tar_name(info.name).removeprefix("./")
            if info.isdir() or is_litter(path):
                continue
            why = _refused(path) or _of_kind(_tar_kind(info), info.size, path)
            if info.issym() and not why:
                yield Member(path, link=_tar_name(info.linkname))
                continue
            inner = None if why else archive.extractfile(info)
            data = inner.read() if inner else b""
            yield Member(path, data, why, executable=bool(info.mode & stat.S_IXUSR))


def _decompressed(file: IO[bytes], start: bytes) -> AbstractContextManager[IO[bytes]]:
    if start.startswith(b"\x1f\x8b"):
        return cast("AbstractContextManager[IO[bytes]]", gzip.GzipFile(fileobj=file))
    if start.startswith(b"BZh"):
        return bz2.BZ2File(file)
    return lzma.LZMAFile(file) if start.startswith(b"\xfd7zXZ") else nullcontext(file)


def _tar_kind(info: tarfile.TarInfo) -> int:
    if info.issym():
        return stat.S_IFLNK
    return stat.S_IFREG if info.isreg() and not info.islnk() else stat.S_IFIFO


def _tar_name(name: str) -> str:
    raw = name.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _refused(path: str) -> str:
    """Why a path is not taken: it leads out of the folder, or is no plain text."""
    if path.startswith("/") or re.match(r"[A-Za-z]:", path) or ".." in PurePosixPath(path).parts:
        return _("its path leads out of the folder")
    return "" if path.isprintable() else _("its name is not plain text")


def _of_kind(mode: int, size: int, path: str) -> str:
    if stat.S_IFMT(mode) and not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        return _("it is not a regular file")
    return _("it is too large ({size} bytes)", size=size) if size > _room(path) else ""


class _Bounded(io.RawIOBase):
    """A decompressed stream that ends in an error before it fills the memory."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream
        self._left = LARGEST_STREAM

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """So many bytes at most. ValueError beyond LARGEST_STREAM."""
        data = self._stream.read(min(size, 2**20) if size >= 0 else 2**20)
        self._left -= len(data)
        if self._left < 0:
            raise ValueError(f"> {LARGEST_STREAM}")
        return data
