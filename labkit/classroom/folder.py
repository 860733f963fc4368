"""Reads the folder that a learner has submitted: bounded, links not followed, nothing executed."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from posixpath import normpath

from labkit.errors import NothingToGradeError, UsageError
from labkit.locale import _

LARGEST_FILE = 2 * 2**20  # bytes; what a person writes for this practical has some kilobytes
LARGEST_FOLDER = 16 * 2**20
MOST_FILES = 1000
# What tools leave beside a learner's files; the last one is the corpus' own note about an entry.
IGNORED = (".git", ".vagrant", ".venv", "venv", "node_modules", "__pycache__", "__MACOSX",
           ".DS_Store", "Thumbs.db", "desktop.ini", "expected.toml")  # fmt: skip
RESOURCE_FORK = "._"  # what macOS puts beside each file of an archive, under the file's name
# What shows a practical and is none of its files: read last, when there is room.
SHOWN = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".heic", ".svg", ".pdf",
         ".doc", ".docx", ".odt", ".ppt", ".pptx", ".odp", ".xls", ".xlsx", ".mp4", ".mov", ".mkv",
         ".avi", ".webm", ".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".iso", ".ova", ".pyc",
         ".woff", ".woff2", ".ttf", ".ico", ".htm", ".html", ".css", ".js", ".xml", ".thmx",
         ".whl", ".so", ".exe", ".log")  # fmt: skip


@dataclass(frozen=True)
class Folder:
    """What was read: POSIX paths relative to the folder -> bytes, and what was left out and why."""

    name: str
    files: dict[str, bytes]
    skipped: list[tuple[str, str]]
    executable: frozenset[str] = frozenset()


def read_folder(path: Path, *, larger: Callable[[str], bool] = lambda _name: False) -> Folder:
    """Read a submission. UsageError if it is no folder that can be read, NothingToGrade if empty.

    Devices, pipes, what is too large and names that are no text are left out and listed, and so are
    symbolic links: none is followed. One to another file of the folder is a copy of it. A file
    whose name is that of a `larger` one may take all of the room.
    """
    if not path.is_dir():
        raise UsageError(
            _("the submission {folder} is not a folder", folder=path),
            then=_("labkit grade --submission PATH   (a folder, .zip or .tar.gz)"),
        )
    files: dict[str, bytes] = {}
    skipped: list[tuple[str, str]] = []
    executable: set[str] = set()
    links: dict[str, str] = {}
    room = LARGEST_FOLDER
    for found in _walk(path, skipped):
        name = _path_of(found.relative_to(path).as_posix(), files)
        try:
            if found.is_symlink() and name.isprintable():
                links[name] = os.readlink(found)  # noqa: PTH115  # a text: nothing is looked up
                continue
            limit = LARGEST_FOLDER if larger(found.name) else LARGEST_FILE
            why = _unwanted(found, name, limit)
            if not why and (len(files) >= MOST_FILES or found.lstat().st_size > room):
                why = _("the folder is too large; this file is beyond its limit")
            data, may_run = (b"", False) if why else _content(found, limit)
        except OSError:
            why = _("it cannot be read")
        if why:
            skipped.append((_shown(name), why))
            continue
        files[name] = data
        if may_run:
            executable.add(name)
        room -= len(data)
    skipped += copy_links(files, links)
    if not files:
        raise NothingToGradeError(
            _("the submission {folder} holds no file that can be graded", folder=path),
            where=f"{skipped[0][0]}: {skipped[0][1]}" if skipped else "",
            then=_("labkit init FOLDER   shows which files a learner writes"),
        )
    name = path.resolve().name
    return Folder(name, dict(sorted(files.items())), skipped, frozenset(executable))


def copy_links(files: dict[str, bytes], links: Mapping[str, str]) -> list[tuple[str, str]]:
    """Put copies in the place of links to files and folders that were read; name the others.

    Where a link leads is told by its text alone.
    """
    skipped = []
    room = LARGEST_FOLDER - sum(map(len, files.values()))
    read = dict(files)
    for name, target in links.items():
        place = normpath(f"{PurePosixPath(name).parent}/{target}")
        meant = {} if target.startswith("/") else {
            name + path.removeprefix(place): data
            for path, data in read.items()
            if path == place or path.startswith(f"{place}/")
        }  # fmt: skip
        room -= sum(map(len, meant.values()))
        if not meant or any(path in files for path in meant):
            skipped.append((_shown(name), _("a symbolic link is not followed")))
        elif room < 0 or len(files) + len(meant) > MOST_FILES:
            skipped.append(
                (_shown(name), _("the folder is too large; this file is beyond its limit"))
            )
        else:
            files |= meant
    return skipped


def _walk(path: Path, skipped: list[tuple[str, str]]) -> list[Path]:
    """Every file, what may be an artefact first; folders that cannot be entered are skipped.

    A folder of a virtual environment is passed over, whatever it is called (PEP 405: pyvenv.cfg).
    """

    def refused(error: OSError) -> None:
        name = os.path.relpath(error.filename, path)
        skipped.append((_shown(name), error.strerror or str(error)))

    found: list[Path] = []
    for folder, folders, names in os.walk(path, onerror=refused, followlinks=False):
        here = Path(folder)
        folders[:] = [name for name in folders if "pyvenv.cfg" not in _names_in(here / name)]
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = sorted(set(folders) - set(links) - set(IGNORED))
        found += [
            here / name
            for name in (*links, *names)
            if name not in IGNORED and not name.startswith(RESOURCE_FORK)
        ]
        if len(found) > 20 * MOST_FILES:
            skipped.append((".", _("the folder is too large; what comes later is not looked at")))
            break
    return sorted(found, key=lambda one: (one.suffix.lower() in SHOWN, one))


def _names_in(folder: Path) -> set[str]:
    """What lies in a folder; nothing where that cannot be told."""
    try:
        return set() if folder.is_symlink() else {one.name for one in folder.iterdir()}
    except OSError:
        return set()


def _path_of(name: str, files: Mapping[str, bytes]) -> str:
    """A name in which an archive of Windows wrote its folders, as a path; others as they are."""
    path = name.replace("\\", "/")
    parts = path.split("/")
    within = all(parts) and not {".", ".."} & set(parts) and ":" not in name
    return path if "\\" in name and within and path not in files else name


def _unwanted(path: Path, name: str, limit: int) -> str:
    kind = path.lstat()
    if stat.S_ISLNK(kind.st_mode):
        return _("a symbolic link is not followed")
    if not stat.S_ISREG(kind.st_mode):
        return _("it is not a regular file")
    if kind.st_size > limit:
        return _("it is too large ({size} bytes)", size=kind.st_size)
    if not name.isprintable() or "\\" in name:
        return _("its name is not plain text")
    return ""


def _content(path: Path, limit: int) -> tuple[bytes, bool]:
    """The bytes, and whether the file may be executed.

    OSError if it became something else since it was looked at.
    """
    if sys.platform == "win32":
        how = os.O_RDONLY | os.O_BINARY
    else:
        how = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(path, how)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(limit), bool(os.fstat(descriptor).st_mode & stat.S_IXUSR)


def _shown(name: str) -> str:
    """A name that may be anything, as printable text."""
    return name.encode("utf-8", "replace").decode().encode("unicode_escape").decode()[:200]
