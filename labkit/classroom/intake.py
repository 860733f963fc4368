"""What a teacher has, a folder, an archive, a learning platform's export, as one entry a learner.

Moodle's "download all submissions", Gradescope's export, GitHub Classroom's clones and plain
folders of folders are told by their names. An entry is a folder or an archive. One that cannot be
read is named with the reason; it never stops the others.
"""

from __future__ import annotations

import hashlib
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path, PurePosixPath

from labkit.classroom.archive import (
    Member,
    is_archive,
    is_litter,
    may_be_large,
    members,
    stem,
)
from labkit.classroom.folder import (
    LARGEST_FILE,
    LARGEST_FOLDER,
    MOST_FILES,
    Folder,
    copy_links,
    read_folder,
)
from labkit.errors import LabkitError, NothingToGradeError, UsageError
from labkit.locale import _

# assignsubmission_file_ and assignsubmission_onlinetext_ of Moodle's mod_assign, in folders or not.
MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_[a-z]+_?.*")
LARGEST_CLASS = 2**30  # bytes of all files of an archive of a class
KEY_LENGTH = 60  # characters of an entry's folder


@dataclass(frozen=True)
class Entry:
    """What one learner has submitted: the files, or why they cannot be read."""

    key: str  # of the ledger's folder: ASCII, unique in the class
    name: str
    number: str = ""  # the platform's own, "" where it gives none
    folder: Folder | None = None
    why: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of what was read, by paths and contents."""
        whole = hashlib.sha256(self.why.encode())
        for path, data in sorted(self.folder.files.items() if self.folder else ()):
            whole.update(f"\0{path}\0{path in self._executable}\0".encode())
            whole.update(hashlib.sha256(data).digest())
        return whole.hexdigest()

    @property
    def _executable(self) -> frozenset[str]:
        return self.folder.executable if self.folder else frozenset()


def read_submission(path: Path) -> Folder:
    """One submission, a folder or an archive; archives in it are opened, once.

    UsageError if it is neither or cannot be read, NothingToGradeError if there is no file in it.
    """
    if path.is_file():
        with path.open("rb") as file:
            next(members(file, path.name), None)  # one that gives nothing is refused, not empty
            file.seek(0)
            return _assembled(stem(path.name), members(file, path.name), where=str(path))
    folder = read_folder(path, larger=may_be_large)
    if not any(map(is_archive, folder.files)):
        return folder
    found = (
        Member(name, data, executable=name in folder.executable)
        for name, data in folder.files.items()
    )
    whole = _assembled(path.name, found, where=str(path))
    return replace(whole, name=folder.name, skipped=[*folder.skipped, *whole.skipped])


def read_class(path: Path) -> list[Entry]:
    """The entries of a class, in the order of their names.

    UsageError if `path` cannot be read, NothingToGradeError if there is no entry in it.
    """
    if path.is_dir():
        entries = list(_from_folder(_class_folder(path)))
    elif path.is_file():
        entries = list(_from_archive(path))
    else:
        raise UsageError(_("there is no {path}", path=path), then="labkit class grade SUBMISSIONS")
    if not entries:
        raise NothingToGradeError(
            _("there are no submissions in {path}", path=path),
            then=_("a folder, or an archive, with a folder or an archive for each learner"),
        )
    return _keyed(entries)


def _from_folder(path: Path) -> Iterator[Entry]:
    children = sorted(one for one in path.iterdir() if _may_be_an_entry(one))
    for (name, number), places in groupby(children, key=lambda one: _learner(one.name)):
        found = list(places)
        try:
            if len(found) == 1 and (found[0].is_dir() or is_archive(found[0].name)):
                folder = read_submission(found[0])
            else:
                folder = _merged(name, found)
            yield Entry("", name, number, folder)
        except (LabkitError, OSError) as error:
            yield Entry("", name, number, why=_reason(error))


def _may_be_an_entry(path: Path) -> bool:
    if path.name.startswith(".") or is_litter(path.name) or path.is_symlink():
        return False
    return path.is_dir() or is_archive(path.name) or bool(MOODLE.fullmatch(path.name))


def _merged(name: str, places: list[Path]) -> Folder:
    """Several places of one learner: files and online text, or files that lie side by side."""
    found: list[Member] = []
    skipped: list[tuple[str, str]] = []
    for place in places:
        if place.is_file():
            size = place.stat().st_size
            too_large = size > (LARGEST_FOLDER if may_be_large(place.name) else LARGEST_FILE)
            why = _("it is too large ({size} bytes)", size=size) if too_large else ""
            found.append(Member(_own_name(place.name), b"" if why else place.read_bytes(), why))
            continue
        try:
            folder = read_submission(place)
        except NothingToGradeError:
            continue
        skipped += folder.skipped
        found += [
            Member(path, data, executable=path in folder.executable)
            for path, data in folder.files.items()
        ]
    folder = _assembled(name, found, where=name)
    return replace(folder, skipped=[*skipped, *folder.skipped])


def _class_folder(path: Path) -> Path:
    """Down through folders that hold nothing but one other, as an export that was unpacked."""
    children = [one for one in path.iterdir() if not is_litter(one.name)]
    if len(children) == 1 and children[0].is_dir() and not MOODLE.fullmatch(children[0].name):
        inner = [one for one in children[0].iterdir() if not is_litter(one.name)]
        if len(inner) > 1 and all(map(_may_be_an_entry, inner)):
            return _class_folder(children[0])
    return path


def _from_archive(path: Path) -> Iterator[Entry]:
    with path.open("rb") as file:
        found, room = [], LARGEST_CLASS
        for one in members(file, path.name):
            room -= len(one.data)
            found.append(one if room >= 0 else Member(one.path, why=_beyond()))
    split = [(PurePosixPath(one.path).parts, one) for one in found if PurePosixPath(one.path).parts]
    depth = _depth([parts for parts, _one in split])
    deep = [(parts[depth:], one) for parts, one in split if len(parts) > depth]
    for (name, number), group in groupby(
        sorted(deep, key=lambda pair: (_learner(pair[0][0]), pair[0])),
        key=lambda pair: _learner(pair[0][0]),
    ):
        inside = []
        for parts, one in group:
            if len(parts) > 1:
                inside.append(replace(one, path="/".join(parts[1:])))
            elif is_archive(parts[0]) or MOODLE.fullmatch(parts[0]):
                inside.append(replace(one, path=_own_name(parts[0])))
        if not inside:
            continue  # a file beside the entries, as a platform's list of them
        try:
            yield Entry("", name, number, _assembled(name, inside, where=path.name))
        except LabkitError as error:
            yield Entry("", name, number, why=_reason(error))


def _depth(paths: list[tuple[str, ...]]) -> int:
    """How many folders stand above the entries: an export's own one at most.

    Entries are below it when it holds several folders or archives and no other file.
    """
    tops = {parts[0] for parts in paths}
    if len(tops) != 1 or any(len(parts) == 1 or MOODLE.fullmatch(parts[0]) for parts in paths):
        return 0
    loose = [parts for parts in paths if len(parts) == 2 and not is_archive(parts[1])]
    platform = all(MOODLE.fullmatch(parts[1]) or parts[1].endswith((".yml", ".csv"))
                   for parts in loose)  # fmt: skip
    below = {parts[1] for parts in paths if len(parts) > 2 or is_archive(parts[1])}
    known = any(re.fullmatch(r"submission_\d+", name) for name in below)
    return 1 if not loose or (platform and (known or len(loose) > 1)) else 0


def _assembled(name: str, found: Iterable[Member], *, where: str) -> Folder:
    """Members within the limits of a submission; archives among them are opened, once."""
    files: dict[str, bytes] = {}
    skipped: list[tuple[str, str]] = []
    executable: set[str] = set()
    links: dict[str, str] = {}
    room = LARGEST_FOLDER

    def take(one: Member, prefix: str = "") -> None:
        nonlocal room
        path, why = prefix + one.path, one.why
        if not why and (len(files) >= MOST_FILES or len(one.data) > room):
            why = _beyond()
        if not why and path in files:
            why = _("a file of this name is there already")
        if why:
            if len(skipped) < MOST_FILES:
                skipped.append((path[:200].encode("unicode_escape").decode(), why))
            return
        if one.link:
            links[path] = one.link
            return
        files[path] = one.data
        room -= len(one.data)
        if one.executable:
            executable.add(path)

    top = list(_until_broken(found, skipped))
    alone = len(top) == 1
    for one in top:
        if one.why or one.link or not is_archive(one.path):
            take(one)
            continue
        prefix = "" if alone else stem(one.path) + "/"
        inner = members(io.BytesIO(one.data), one.path)
        for deeper in _until_broken(inner, skipped):
            nested = not deeper.why and not deeper.link and is_archive(deeper.path)
            why = _("an archive in an archive in an archive is not opened") if nested else ""
            take(Member(deeper.path, why=why) if nested else deeper, prefix)
    skipped += copy_links(files, links)
    if not files:
        raise NothingToGradeError(
            _("the submission {folder} holds no file that can be graded", folder=name),
            where="; ".join(f"{path}: {why}" for path, why in skipped[:3]) or where,
            then=_("labkit init FOLDER   shows which files a learner writes"),
        )
    return Folder(name, dict(sorted(files.items())), skipped, frozenset(executable))


def _until_broken(found: Iterable[Member], skipped: list[tuple[str, str]]) -> Iterator[Member]:
    """What can be read of an archive that is damaged further on; the damage is noted."""
    total = 0
    try:
        for one in found:
            total += len(one.data)
            if total > 2 * LARGEST_FOLDER:
                skipped.append((one.path, _beyond()))
                return
            yield one
    except UsageError as error:
        skipped.append((".", error.what))


def _beyond() -> str:
    return _("the folder is too large; this file is beyond its limit")


def _learner(name: str) -> tuple[str, str]:
    """Name and number in the name of an entry."""
    found = MOODLE.fullmatch(name)
    if found:
        return found["name"].replace("_", " ").strip(), found["number"]
    return (stem(name) if is_archive(name) else name), ""


def _own_name(name: str) -> str:
    """A file's name as the learner gave it, without what Moodle put before it."""
    return re.sub(r"^.+?_\d+_assignsubmission_[a-z]+_?", "", name) or name


def _reason(error: Exception) -> str:
    if isinstance(error, LabkitError):
        return f"{error.what} ({error.where})" if error.where else error.what
    return str(error)


def _keyed(entries: list[Entry]) -> list[Entry]:
    """Each entry with a key that is its own and safe as a folder's name."""
    seen: Counter[str] = Counter()
    keyed = []
    for one in sorted(entries, key=lambda one: (one.name.casefold(), one.number)):
        plain = unicodedata.normalize("NFKD", one.name).encode("ascii", "ignore").decode()
        base = re.sub(r"[^A-Za-z0-9.-]+", "-", plain)[:KEY_LENGTH].strip(".-").lower()
        key = (
            "-".join(filter(None, (base, one.number)))
            or hashlib.sha256(one.name.encode()).hexdigest()[:12]
        )
        seen[key] += 1
        keyed.append(replace(one, key=key if seen[key] == 1 else f"{key}_{seen[key]}"))
    return keyed
