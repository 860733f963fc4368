"""A class bundle: what a computer needs for a lab, in a folder, so that it needs no network.

FOLDER/labkit-*.tar.gz  the images of the machines, of the mirror and (where there is one) of the
                        controller, as `docker save` writes them, and the mirror's volume
FOLDER/lock.json        what they are: the digest of each file, and of what has to be on a computer
                        afterwards. Written last: a folder without it is no bundle.

An image is known by the digests of its layers: its id differs between the engine's two stores.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import docker
from docker.errors import DockerException, ImageNotFound
from requests import RequestException

import labkit
from labkit.course.blueprint import Blueprint
from labkit.errors import NotReadyError, UsageError
from labkit.lab.containers.images import ensure_node_image, wanted_family
from labkit.lab.mirror import (
    MirrorContents,
    digests,
    ensure_mirror,
    fill_from_archive,
    mirror_archive,
    wanted_contents,
)
from labkit.lab.mirror.building import has_image, not_ready, one_maker
from labkit.locale import _
from labkit.reporting import Say
from labkit.whole import write_whole

LOCK = "lock.json"
FORMAT = 1
MIRROR = "labkit-mirror.tar.gz"
OWN = "labkit-*.tar.gz"


@dataclass(frozen=True)
class Lock:
    """What a bundle holds. Digests are "sha256:…"."""

    architecture: str  # as the engine says it: "amd64"
    recipes: str  # those that the mirror was filled from
    files: dict[str, str] = field(default_factory=dict)  # name in the folder -> its digest
    images: dict[str, str] = field(default_factory=dict)  # reference -> of its layers
    mirror: dict[str, str] = field(default_factory=dict)  # public name -> of its manifest
    labkit: str = labkit.__version__
    format: int = FORMAT


@dataclass(frozen=True)
class Difference:
    """One thing that is not as the lock has it; `here` is "" for what is missing."""

    name: str
    locked: str
    here: str


def pack(
    engine: docker.DockerClient,
    folder: Path,
    say: Say,
    blueprint: Blueprint,
    also: Iterable[str] = (),
) -> Lock:
    """Write a bundle of this computer's images and mirror, which are made if they are not there.

    `also` names more images, which come along where the engine has them. UsageError for a folder
    with something else in it; NotReadyError for what cannot be made, or a full disk.
    """
    if folder.exists() and (not folder.is_dir() or any(_foreign(folder))):
        raise UsageError(
            _("there is something else in that folder"),
            where=str(folder),
            then="labkit bundle --for-class " + _("A-NEW-FOLDER"),
        )
    machine = ensure_node_image(engine, say, blueprint, wanted_family())
    mirror = ensure_mirror(engine, say, blueprint.images)
    references = [machine, mirror.registry_image, *(one for one in also if has_image(engine, one))]
    try:
        return _write(engine, folder, say, references, mirror)
    except (DockerException, RequestException) as error:  # these are OSErrors as well
        raise not_ready(_("the engine gave no image"), str(error)) from error
    except OSError as error:
        raise not_ready(_("the bundle could not be written"), f"{folder}: {error}") from error


def _write(
    engine: docker.DockerClient,
    folder: Path,
    say: Say,
    references: Sequence[str],
    mirror: MirrorContents,
) -> Lock:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LOCK).unlink(missing_ok=True)  # from here on it is no bundle until all of it is there
    lock = Lock(_architecture(engine), mirror.recipes)
    for reference in references:
        say(_("{image} into the bundle", image=reference))
        name = _file_of(reference)
        saved = engine.images.get(reference).save(named=reference)
        lock.files[name] = _compressed(folder / name, saved)
        lock.images[reference] = layers_digest(engine, reference)
    say(_("the mirror into the bundle"))
    with mirror_archive(engine, mirror) as archive:
        lock.files[MIRROR] = _compressed(folder / MIRROR, archive)
    lock.mirror.update(sorted(digests(engine, mirror).items()))
    for stale in folder.glob(OWN):
        if stale.name not in lock.files:  # of an older bundle in the same folder
            stale.unlink()
    write_whole(folder / LOCK, json.dumps(asdict(lock), indent=2) + "\n")
    return lock


def read_lock(folder: Path) -> Lock:
    """The lock of a bundle. UsageError if there is none, or one that cannot be read."""
    try:
        data = json.loads((folder / LOCK).read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise UsageError(
                _("this bundle was made by another labkit, {version}", version=data["labkit"]),
                where=str(folder / LOCK),
                then="labkit bundle --for-class " + _("A-NEW-FOLDER"),
            )
        lock = Lock(**data)
        _must_be_texts([lock.files, lock.images, lock.mirror])
    except FileNotFoundError as error:
        raise UsageError(
            _("this folder is no bundle, or its making was broken off"),
            where=str(folder / LOCK),
            then=f"labkit bundle --for-class {folder}",
        ) from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(
            _("the bundle's lock cannot be read"),
            where=f"{folder / LOCK}: {error}",
            then=f"labkit bundle --for-class {folder}",
        ) from error
    return lock


def _must_be_texts(tables: Sequence[object]) -> None:
    for table in tables:
        if not isinstance(table, dict) or not all(isinstance(one, str) for one in table.values()):
            raise ValueError(_("names and digests are expected"))


def damaged_files(folder: Path, lock: Lock) -> list[Difference]:
    """The files of a bundle that are missing or not those that the lock names."""
    found = []
    for name, locked in lock.files.items():
        path = folder / Path(name).name  # a name, never a way out of the folder
        try:
            here = _file_digest(path)
        except FileNotFoundError:
            here = ""
        except OSError as error:
            raise NotReadyError(
                _("the bundle cannot be read"),
                where=f"{path}: {error.strerror}",
                then=_(
                    "copy the folder once more, then labkit bundle --from {folder}", folder=folder
                ),
            ) from error
        if here != locked:
            found.append(Difference(name, locked, here))
    return found


def differences(engine: docker.DockerClient, lock: Lock, blueprint: Blueprint) -> list[Difference]:
    """What this computer's images and mirror lack of a bundle, or have otherwise."""
    there = digests(engine, wanted_contents(blueprint.images))
    found = [(name, locked, there.get(name, "")) for name, locked in lock.mirror.items()]
    found += [(name, locked, layers_digest(engine, name)) for name, locked in lock.images.items()]
    return [Difference(*one) for one in found if one[1] != one[2]]


def unpack(
    engine: docker.DockerClient, folder: Path, lock: Lock, say: Say, blueprint: Blueprint
) -> None:
    """Give this computer what a bundle holds; its names in the mirror replace those of before.

    What was broken off is done again by the next call. UsageError for a bundle of another course
    or version of labkit, of another architecture, or with a damaged file; NotReadyError if the
    engine does not take it, a full disk say.
    """
    wanted = wanted_contents(blueprint.images)
    other = _architecture(engine)
    if lock.recipes != wanted.recipes:
        raise UsageError(
            _("this bundle is of another course, or of another labkit ({it})", it=lock.labkit),
            where=str(folder),
            then="labkit bundle --for-class " + _("A-NEW-FOLDER"),
        )
    if lock.architecture != other:
        raise UsageError(
            _(
                "this bundle is for {it} and this engine's computer is {other}",
                it=lock.architecture,
                other=other,
            ),
            where=str(folder),
            then=_(
                "on a computer of the same kind: {command}",
                command=f"labkit bundle --for-class {folder}",
            ),
        )
    for one in damaged_files(folder, lock):
        raise UsageError(
            _("a file of the bundle is damaged or missing"),
            where=str(folder / one.name),
            then=_("copy the folder once more, then labkit bundle --from {folder}", folder=folder),
        )
    with one_maker(say):
        _load(engine, folder, lock, say, wanted)


def _load(
    engine: docker.DockerClient, folder: Path, lock: Lock, say: Say, wanted: MirrorContents
) -> None:
    held = {reference: layers_digest(engine, reference) for reference in lock.images}
    missing = [reference for reference, locked in lock.images.items() if held[reference] != locked]
    try:
        for reference in missing:
            say(_("{image} from the bundle", image=reference))
            with (folder / _file_of(reference)).open("rb") as archive:
                engine.images.load(archive)
        say(_("the mirror from the bundle"))
        with (folder / MIRROR).open("rb") as archive:
            fill_from_archive(engine, wanted, archive)
    except (DockerException, OSError) as error:
        raise not_ready(_("the engine did not take the bundle"), str(error)) from error


def layers_digest(engine: docker.DockerClient, reference: str) -> str:
    """The digest over the digests of an image's layers; "" for an image that is not there."""
    try:
        layers = engine.images.get(reference).attrs["RootFS"]["Layers"]
    except ImageNotFound:
        return ""
    return f"sha256:{hashlib.sha256(' '.join(layers).encode()).hexdigest()}"


def _file_of(reference: str) -> str:
    """The name of an image's file: "labkit-registry-1f0c….tar.gz" of "labkit/registry:1f0c…"."""
    return f"{re.sub('[/:]', '-', reference)}.tar.gz"


def _foreign(folder: Path) -> Iterator[Path]:
    """What is in a folder and not a bundle's."""
    return (one for one in folder.iterdir() if one.name != LOCK and not one.match(OWN))


def _compressed(path: Path, pieces: Iterable[bytes]) -> str:
    """Write a file, lightly compressed; its digest. What was begun goes if that fails."""
    try:
        with gzip.open(path, "wb", compresslevel=1) as file:
            for piece in pieces:
                file.write(piece)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return _file_digest(path)


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _architecture(engine: docker.DockerClient) -> str:
    return str(engine.version()["Arch"])
