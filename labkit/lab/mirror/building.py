"""From a folder with a recipe to an image: a hash that names it, and one way to build it."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

import docker
from docker.errors import APIError, ImageNotFound

from labkit.errors import NotReadyError
from labkit.lab.lock import in_turn
from labkit.lab.mirror.way_out import proxies
from labkit.lab.store import state_root
from labkit.locale import _
from labkit.reporting import Say

KIND_LABEL = "io.labkit.kind"
RECIPE_LABEL = "io.labkit.recipe"
_HASH_LENGTH = 12
_TAIL_LINES = 8


def recipe_files(folder: Path) -> list[Path]:
    """The files of the recipe in `folder`, sorted, without what Python or an editor leaves."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.endswith("~")
    )


def recipe_hash(*folders: Path, extra: str = "") -> str:
    """Twelve hex digits over names, modes and contents of the files in `folders`, and `extra`.

    The digits name an image, so that a changed recipe is built anew and an unchanged one is not.
    """
    digest = hashlib.sha256(extra.encode())
    for folder in folders:
        for path in recipe_files(folder):
            name = path.relative_to(folder).as_posix()
            digest.update(f"\0{name}\0{_mode(path):o}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:_HASH_LENGTH]


def context(folder: Path, extra: Mapping[str, bytes]) -> io.BytesIO:
    """The build context: a tar of `folder` plus the files of `extra` (path in it: content).

    Owners and times are left out, so that the engine's build cache works on every computer.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in recipe_files(folder):
            _add(tar, path.relative_to(folder).as_posix(), path.read_bytes(), _mode(path))
        for name, content in extra.items():
            _add(tar, name, content, 0o644)
    buffer.seek(0)
    return buffer


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    info.mode = mode
    tar.addfile(info, io.BytesIO(content))


def _mode(path: Path) -> int:
    """0755 or 0644: a umask or a checkout must not change the hash of a recipe."""
    return 0o755 if path.stat().st_mode & 0o100 else 0o644


def has_image(engine: docker.DockerClient, reference: str) -> bool:
    """Whether the engine holds the image `reference`."""
    try:
        engine.images.get(reference)
    except ImageNotFound:
        return False
    return True


def one_maker(say: Say) -> AbstractContextManager[None]:
    """Hold the making of images, which labs that begin at the same moment would each do.

    Whoever had to wait asks again what there is: it is there by then.
    """
    told = _("another command makes the images; this one waits for them")
    return in_turn(state_root() / "images.lock", lambda: say(told))


def build(
    engine: docker.DockerClient,
    folder: Path,
    tag: str,
    *,
    dockerfile: str = "Dockerfile",
    args: Mapping[str, str] | None = None,
    network: Literal["none", "host"] = "none",
    extra: Mapping[str, bytes] | None = None,
    labels: Mapping[str, str] | None = None,
) -> None:
    """Build the image `tag` from `folder`.

    `network` is "host" where packages are fetched, by this computer's proxies if it has any: the
    default network of a build needs a bridge that reaches the outside, which computers with a
    filtering firewall do not have.
    Raises NotReadyError with the last lines of the build when it does not succeed.
    """
    answers = engine.api.build(
        fileobj=context(folder, extra or {}),
        custom_context=True,
        dockerfile=dockerfile,
        tag=tag,
        buildargs={**(proxies() if network == "host" else {}), **(args or {})},
        labels={KIND_LABEL: "image", **(labels or {})},
        network_mode=network,
        rm=True,
        forcerm=True,
        decode=True,
    )
    unbuilt = _("the image {tag} could not be built", tag=tag)
    try:
        _follow(answers, what=unbuilt, where=str(folder / dockerfile))
    except APIError as error:
        raise not_ready(unbuilt, str(error)) from error


def _follow(answers: Iterator[dict[str, Any]], *, what: str, where: str) -> None:
    """Read a build's messages to the end. Raises NotReadyError on the one that is an error."""
    tail: list[str] = []
    for answer in answers:
        tail = [*tail, *str(answer.get("stream", "")).splitlines()][-_TAIL_LINES:]
        if "error" in answer:
            raise not_ready(what, "\n".join([*tail, str(answer["error"])]), where=where)


def not_ready(what: str, detail: str, *, where: str = "") -> NotReadyError:
    """A NotReadyError on `what`, with the next command chosen from the words of `detail`."""
    then = "labkit doctor"
    if "no space left" in detail.lower():
        then = _("df -h  (then `docker system df`: images and volumes that nobody uses)")
    elif "apt-get" in detail or "Temporary failure resolving" in detail:
        then = _("check that this computer reaches its package archive: apt-get update")
    return NotReadyError(
        _("{what}:\n{detail}", what=what, detail=detail.strip()), where=where, then=then
    )
