"""What the mirror holds, and how it gets there.

The registry itself is the record: a stand-in carries its recipe's hash in a label, and what has
no such label came from Docker Hub or from the person who runs the lab, and is never overwritten.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import docker
from docker.errors import APIError, NotFound

from labkit.errors import NotReadyError
from labkit.lab.mirror.building import (
    RECIPE_LABEL,
    has_image,
    not_ready,
    one_maker,
    recipe_hash,
)
from labkit.lab.mirror.debian import ensure_root
from labkit.lab.mirror.names import public_name, split_public_name
from labkit.lab.mirror.recipes import (
    REGISTRY,
    STAND_IN_LABEL,
    Recipe,
    load_recipes,
    recipe,
    recipes_hash,
)
from labkit.lab.mirror.registry import Manifest, Registry
from labkit.lab.mirror.server import (
    DATA,
    VOLUME,
    ensure_recipe_image,
    ensure_volume,
    holding,
    serving,
)
from labkit.locale import _
from labkit.reporting import Say

_MARKERS = "labkit/mirror"
_TAG_LINK = re.compile(
    r"repositories/(?P<repository>.+)/_manifests/tags/(?P<tag>[^/]+)/current/link"
)
_AT_A_TIME = 2  # builds: each one keeps a core and the disk busy


@dataclass(frozen=True)
class MirrorContents:
    """A filled mirror: where it is, and the image that serves it."""

    volume: str
    registry_image: str
    recipes: str  # the hash over all recipes that it was filled from


@dataclass(frozen=True)
class Entry:
    """One name in the mirror."""

    name: str  # as a person types it: "python:3-slim"
    digest: str
    bytes: int  # compressed, as it travels; names of one image share it
    stand_in: str  # what it is in truth; empty for a genuine image


def ensure_mirror(engine: docker.DockerClient, say: Say, images: Path | None) -> MirrorContents:
    """Fill the mirror with what it lacks: all at the first call, nothing at the next.

    `images` is the course's folder of recipes, beside the engine's own.
    An interrupted call is resumed by the next one, recipe by recipe.
    Raises NotReadyError when packages cannot be had or the disk is full.
    """
    filled = wanted_contents(images)
    if not _is_filled(engine, filled):
        with one_maker(say):
            if not _is_filled(engine, filled):
                _fill(engine, filled, load_recipes(images), say)
    return filled


def wanted_contents(images: Path | None) -> MirrorContents:
    """The mirror as a course's folder of recipes wants it, filled or not."""
    recipes = recipes_hash(load_recipes(images))
    return MirrorContents(VOLUME, recipe(REGISTRY).local_reference, recipes)


@contextmanager
def mirror_archive(
    engine: docker.DockerClient, mirror: MirrorContents
) -> Iterator[Iterator[bytes]]:
    """A filled mirror's volume as a tar archive, piece by piece, for the time of a `with`."""
    with holding(engine, mirror.registry_image, writable=False) as holder:
        pieces, _about = holder.get_archive(DATA)
        yield pieces


def digests(engine: docker.DockerClient, mirror: MirrorContents) -> dict[str, str]:
    """Public name -> digest of its manifest, of all that the volume holds; {} without a mirror.

    Read from the links that distribution keeps (its storage driver's layout, "v2"): they can be
    had where no port of the engine's computer is reached from here.
    """
    if not has_image(engine, mirror.registry_image):
        return {}
    ensure_volume(engine)
    with holding(engine, mirror.registry_image, writable=False) as holder:
        try:
            pieces, _about = holder.get_archive(f"{DATA}/docker/registry/v2/repositories")
            links = io.BytesIO(b"".join(pieces))
        except NotFound:
            return {}
    found = {}
    with tarfile.open(fileobj=links) as tar:
        for member in tar:
            named = _TAG_LINK.fullmatch(member.name)
            link = tar.extractfile(member) if named else None
            if named and link:
                found[public_name(named["repository"], named["tag"])] = link.read().decode().strip()
    return found


def fill_from_archive(
    engine: docker.DockerClient, wanted: MirrorContents, archive: BinaryIO
) -> None:
    """Put what `mirror_archive` gave, compressed or not, into the volume, and call it filled.

    The image of the mirror's registry must be there. APIError if the engine does not take it.
    """
    ensure_volume(engine)
    with holding(engine, wanted.registry_image) as holder:
        holder.put_archive(str(PurePosixPath(DATA).parent), archive)
    _mark_filled(engine, wanted)


def _is_filled(engine: docker.DockerClient, wanted: MirrorContents) -> bool:
    marked = has_image(engine, _marker(wanted.recipes, ensure_volume(engine)))
    return marked and has_image(engine, wanted.registry_image)


def _fill(
    engine: docker.DockerClient, wanted: MirrorContents, recipes: list[Recipe], say: Say
) -> None:
    ensure_root(engine, say)
    ensure_recipe_image(engine, recipe(REGISTRY), say)
    with serving(engine, wanted.registry_image) as registry:
        _side_by_side(lambda each: _publish(engine, registry, each, say), recipes)
    _mark_filled(engine, wanted)


def add_image(engine: docker.DockerClient, local_ref: str, name: str, say: Say) -> str:
    """Put the local engine's image `local_ref` into the filled mirror as `name`; its digest.

    Raises UsageError when `name` cannot be, and NotReadyError when the engine has no such image.
    """
    repository, tag = split_public_name(name)
    if not has_image(engine, local_ref):
        raise NotReadyError(
            _("this engine has no image {image}", image=local_ref), then=f"docker pull {local_ref}"
        )
    with serving(engine, ensure_recipe_image(engine, recipe(REGISTRY), say)) as registry:
        say(
            _(
                "{image} becomes {name} of the mirror",
                image=local_ref,
                name=public_name(repository, tag),
            )
        )
        return _push(engine, registry, local_ref, repository, tag).digest


def contents(engine: docker.DockerClient) -> list[Entry]:
    """What the mirror holds, sorted by name; nothing if it was never filled."""
    image = recipe(REGISTRY).local_reference
    if not has_image(engine, image):
        return []
    ensure_volume(engine)
    with serving(engine, image, writable=False) as registry:
        return list(_entries(registry))


def fill_from_hub(engine: docker.DockerClient, names: Iterable[str], say: Say) -> list[str]:
    """Replace stand-ins by the genuine images `names` of Docker Hub; return their digests.

    Not tried where it was written, since Docker Hub does not answer there. The digest is that
    of the image for this computer's architecture, as the mirror holds it.
    Raises NotReadyError at the first name that cannot be pulled.
    """
    digests = []
    for name in names:
        repository, tag = split_public_name(name)
        genuine = f"docker.io/{repository}:{tag}"
        say(_("pulling {image}", image=genuine))
        try:
            engine.images.pull(f"docker.io/{repository}", tag=tag)
        except APIError as error:
            raise not_ready(_("{image} cannot be pulled", image=genuine), str(error)) from error
        digests.append(add_image(engine, genuine, name, say))
    return digests


def _marker(recipes: str, made: str) -> str:
    """A tag that says "the volume made at `made` is filled from `recipes`".

    A tag, since a volume's labels cannot be changed and reading a file of a volume takes a
    container. A volume that was removed and made again has another time, so the tag lapses.
    """
    return f"{_MARKERS}:{recipe_hash(extra=f'{recipes} {made}')}"


def _mark_filled(engine: docker.DockerClient, filled: MirrorContents) -> None:
    """Give the registry's image the tag of this filling, and take away those of former ones.

    The volume's time is asked now: some engines report that of its first content as its birth.
    """
    marker = _marker(filled.recipes, ensure_volume(engine))
    former = [tag for held in engine.images.list(_MARKERS) for tag in held.tags]
    engine.images.get(filled.registry_image).tag(marker)
    for tag in former:
        # A lab's registry may still run from an image that has no other tag: the engine keeps it.
        if tag.startswith(f"{_MARKERS}:") and tag != marker:
            with suppress(APIError):
                engine.images.remove(tag)


def _side_by_side(work: Callable[[Recipe], None], recipes: list[Recipe]) -> None:
    """Do `work` for each recipe, two at a time. After a failure or Ctrl-C nothing new begins."""
    pool = ThreadPoolExecutor(_AT_A_TIME)
    try:
        for done in [pool.submit(work, each) for each in recipes]:
            done.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _publish(
    engine: docker.DockerClient,
    registry: Registry,
    recipe: Recipe,
    say: Say,
    base: Callable[[], str] = str,
) -> None:
    """Make every name of `recipe`, and of its other forms, answer.

    By its image, or by the genuine one that is there. A form is made from the image that `base`
    gives when it is asked.
    """
    made = ""

    def image() -> str:
        nonlocal made
        made = ensure_recipe_image(engine, recipe, say, base=base())
        return made

    held = {tag: registry.manifest(recipe.repository, tag) for tag in recipe.tags}
    ours = [tag for tag in recipe.tags if not _is_genuine(registry, recipe, held[tag])]
    current = held[ours[0]] if ours else None
    if ours and (current is None or not _is_current(registry, recipe, current)):
        current = _push(engine, registry, image(), recipe.repository, ours[0])
    for tag in ours[1:]:
        known = held[tag]
        if current and (known is None or known.digest != current.digest):
            registry.tag(recipe.repository, tag, current)
    for form in recipe.forms:
        _publish(engine, registry, form, say, image)
    if made and recipe.name != REGISTRY:
        # It is in the mirror now: a second copy in the engine would only take room.
        engine.images.remove(made)


def _is_genuine(registry: Registry, recipe: Recipe, manifest: Manifest | None) -> bool:
    if manifest is None:
        return False
    return STAND_IN_LABEL not in registry.labels(recipe.repository, manifest)


def _is_current(registry: Registry, recipe: Recipe, manifest: Manifest) -> bool:
    return registry.labels(recipe.repository, manifest).get(RECIPE_LABEL) == recipe.hash


def _push(
    engine: docker.DockerClient, registry: Registry, local: str, repository: str, tag: str
) -> Manifest:
    """Push the image `local`; return its manifest. Raises NotReadyError if the engine cannot."""
    target = f"{registry.address}/{repository}"
    user, password = registry.login or ("", "")
    login = {"username": user, "password": password}
    engine.images.get(local).tag(target, tag)
    try:
        for answer in engine.api.push(target, tag=tag, stream=True, decode=True, auth_config=login):
            if "error" in answer:
                raise not_ready(
                    _("{image} could not be stored", image=f"{repository}:{tag}"),
                    str(answer["error"]),
                )
    finally:
        engine.images.remove(f"{target}:{tag}")
    manifest = registry.manifest(repository, tag)
    if manifest is None:
        raise NotReadyError(
            _("the mirror lost {image}", image=f"{repository}:{tag}"), then="labkit bundle"
        )
    return manifest


def _entries(registry: Registry) -> Iterable[Entry]:
    for repository, tag in registry.names():
        manifest = registry.manifest(repository, tag)
        if manifest is not None:
            yield Entry(
                name=public_name(repository, tag),
                digest=manifest.digest,
                bytes=registry.size(repository, manifest),
                stand_in=registry.labels(repository, manifest).get(STAND_IN_LABEL, ""),
            )
