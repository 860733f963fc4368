"""The learner's files: whose they are, and which of them a step puts on a machine.

A file of the learner's is never overwritten. On a machine, what labkit itself has put there is
known by its digest (a manifest on that machine); everything else is the learner's and stays.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from labkit.course.submission import Submission
from labkit.errors import UsageError
from labkit.locale import _

MANIFEST = "/var/lib/labkit/placed.json"
LARGEST_ARTEFACT = 512 * 1024  # bytes: a text file that a person wrote


class Origin(StrEnum):
    """Whose artefact is on the machines."""

    OWN = "own"
    REFERENCE = "reference"
    MISSING = "missing"


@dataclass(frozen=True)
class Artefact:
    """A file that a learner writes.

    `path` is relative to the workspace (POSIX), `reference` to the course's `steps/reference`,
    `remote` is where the reference layout puts it on the machines in `machines`.
    """

    path: str
    remote: str
    machines: tuple[str, ...]
    reference: str = ""
    sudo: bool = False  # the remote file belongs to root
    # A regular expression for lines that a package's own file lacks: it tells whose a file is.
    marker: str = ""
    later: str = ""  # the reference of a later step, which holds all of this one
    distinction: str = ""  # the reference for the bar of the distinction, which holds all of it

    @property
    def reference_path(self) -> str:
        return self.reference or self.path


class Machine(Protocol):
    """What this module needs of a shell (labkit.remote.Shell has it)."""

    name: str

    def read(self, path: str, *, root: bool = False) -> str | None:
        """A file's text."""
        ...

    def write(
        self,
        path: str,
        content: bytes | str,
        *,
        mode: str = ...,
        root: bool = ...,
        quiet: bool = ...,
    ) -> bool:
        """Make a file hold this."""
        ...


@dataclass(frozen=True)
class Content:
    """The bytes of an artefact and whose they are."""

    artefact: Artefact
    origin: Origin
    data: bytes

    @property
    def sha256(self) -> str:
        return _digest(self.data)


class Files:
    """The artefacts of one run: the workspace's where written, else the course's reference.

    With `distinction`, the reference is the one for its bar where an artefact has one. A
    `submission` takes the place of a workspace: its files lie where the learner put them.
    """

    def __init__(
        self,
        course_root: Path,
        workspace: Path | None,
        *,
        distinction: bool = False,
        submission: Submission | None = None,
    ) -> None:
        self.reference = course_root / "steps" / "reference"
        self.starter = course_root / "steps" / "starter"
        self.workspace = workspace
        self.distinction = distinction
        self.submission = submission
        self.used: list[Content] = []

    def content(self, artefact: Artefact) -> Content:
        """The learner's own artefact if it has been written, else the reference one.

        Raises `UsageError` if a file of the workspace cannot be read.
        """
        chosen = (self.distinction and artefact.distinction) or artefact.reference_path
        reference = (self.reference / chosen).read_bytes()
        if self.submission:
            reference = self.submission.fitted.get(chosen, reference)
        own = self._own(artefact.path)
        if own is None:
            return Content(artefact, Origin.REFERENCE, reference)
        origin = Origin.REFERENCE if own == reference else Origin.OWN
        return Content(artefact, origin, own)

    def kept_own(self) -> list[str]:
        """The learner's own files that were used although the distinction's were asked for."""
        own = [
            content.artefact
            for content in self.used
            if self.distinction and content.origin is Origin.OWN
        ]
        return list(dict.fromkeys(artefact.path for artefact in own if artefact.distinction))

    def _own(self, path: str) -> bytes | None:
        """The workspace's file, or None while it is missing, empty or as the starter has it."""
        if self.submission:
            return self.submission.files.get(self.submission.sources.get(path, ""))
        if self.workspace is None or not (self.workspace / path).exists():
            return None
        data = _read(self.workspace / path)
        starter = self.starter / path
        if not data.strip() or (starter.exists() and data == starter.read_bytes()):
            return None
        return data

    def at(self, path: str) -> str:
        """Where a file of the layout lies in this learner's project."""
        return self.submission.targets.get(path, path) if self.submission else path

    def option(self, name: str, default: str = "") -> str:
        """What the course has recognised in a submission under this name, else the default."""
        return self.submission.options.get(name, default) if self.submission else default

    def remote(self, artefact: Artefact) -> str:
        """Where an artefact lies on its machines."""
        root, found, _rest = artefact.remote.rpartition(f"/{artefact.path}")
        return f"{root}/{self.at(artefact.path)}" if found else artefact.remote

    def note(self, artefact: Artefact) -> None:
        """Remember that a step has used an artefact otherwise than by placing it."""
        self.used.append(self.content(artefact))

    def given(self, path: str) -> bytes:
        """A file of the project that is not the learner's to write, as their workspace has it."""
        if self.submission:
            own = self.submission.files.get(self.at(path))
            return own if own is not None else (self.starter / path).read_bytes()
        if self.workspace is not None and (self.workspace / path).exists():
            return _read(self.workspace / path)
        return (self.starter / path).read_bytes()

    def place(self, artefact: Artefact, machine: Machine) -> bool:
        """Put an artefact on a machine unless the learner has written another one there.

        Returns whether the machine's file changed. A file on the machine that labkit did not
        put there, and that is neither empty nor what the system's package or the starter
        brought, is kept: it is what the learner did by hand.
        """
        content = self.content(artefact)
        remote = self.remote(artefact)
        if self.submission:  # on a machine of its own, where nobody has worked by hand
            return self._place_submitted(content, remote, machine)
        there = machine.read(remote, root=artefact.sudo)
        if content.origin is Origin.REFERENCE and self._is_later(artefact, there):
            self.used.append(content)
            return False
        placed = json.loads(machine.read(MANIFEST, root=True) or "{}")
        if there is not None and self._by_hand(artefact, there, placed):
            if content.origin is not Origin.OWN:
                self.used.append(Content(artefact, Origin.OWN, there.encode()))
                return False
            self._keep_copy(artefact, there, machine)
        self.used.append(content)
        changed = machine.write(remote, content.data, root=artefact.sudo)
        self._record(machine, placed, remote, content.data)
        return changed

    def _place_submitted(self, content: Content, remote: str, machine: Machine) -> bool:
        assert self.submission is not None
        artefact = content.artefact
        missing = content.origin is Origin.REFERENCE and not self._own(artefact.path)
        self.used.append(Content(artefact, Origin.MISSING, b"") if missing else content)
        if missing and not self.submission.filled(artefact.path):
            return False
        return machine.write(remote, content.data, root=artefact.sudo)

    def bring(self, path: str, remote: str, machine: Machine) -> bool:
        """Put a given file of the project on a machine, where it is missing or still as brought.

        It has an entry of its own in the manifest: a page that a later step has put in its place
        is not what was brought, and stays.
        """
        data = self.given(path)
        if self.submission:
            return machine.write(remote, data)
        there = machine.read(remote)
        placed = json.loads(machine.read(MANIFEST, root=True) or "{}")
        known = {placed.get(f"given {remote}"), _digest(data)}
        if there is not None and _digest(there.encode()) not in known:
            return False
        changed = machine.write(remote, data)
        self._record(machine, placed, f"given {remote}", data)
        return changed

    def _record(self, machine: Machine, placed: dict[str, str], key: str, data: bytes) -> None:
        digest = _digest(data)
        if placed.get(key) != digest:
            placed[key] = digest
            manifest = json.dumps(placed, indent=1, sort_keys=True)
            machine.write(MANIFEST, manifest, root=True, quiet=True)

    def _is_later(self, artefact: Artefact, there: str | None) -> bool:
        if there is None:
            return False
        above = {artefact.later, "" if self.distinction else artefact.distinction} - {""}
        return any((self.reference / name).read_bytes() == there.encode() for name in above)

    def _by_hand(self, artefact: Artefact, text: str, placed: dict[str, str]) -> bool:
        if not text.strip() or not re.search(artefact.marker, text, re.MULTILINE):
            return False
        data = text.encode()
        digest = _digest(data)
        if placed.get(self.remote(artefact)) == digest:
            return False
        names = {artefact.reference_path, artefact.later, artefact.distinction} - {""}
        known = [self.starter / artefact.path, *(self.reference / name for name in names)]
        return all(not path.exists() or path.read_bytes() != data for path in known)

    def _keep_copy(self, artefact: Artefact, text: str, machine: Machine) -> None:
        digest = _digest(text.encode())[:8]
        machine.write(f"{self.remote(artefact)}.by-hand-{digest}", text, root=artefact.sudo)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > LARGEST_ARTEFACT:
            raise UsageError(
                _("{file} is too large for an artefact ({size} bytes)", file=path.name, size=size),
                where=str(path),
                then=f"ls -l {path}",
            )
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            _("{file} cannot be read: {why}", file=path.name, why=error.strerror),
            where=str(path),
            then=f"ls -l {path}; chmod u+r {path}",
        ) from error
