"""The controller's image: the same labkit and the same versions as those of whoever asks for it.

Two layers, each named by what it is made of: the libraries, which seldom change, and above them
labkit and the course, which a developer changes all day.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distributions, requires
from pathlib import Path

import docker
from docker.errors import APIError

from labkit import child
from labkit.course import PARTS
from labkit.errors import NotReadyError
from labkit.lab.mirror.building import build, has_image, one_maker, recipe_hash
from labkit.lab.mirror.debian import ensure_root, root_reference
from labkit.lab.mirror.trust import host_authorities
from labkit.lab.mirror.way_out import package_index
from labkit.locale import _
from labkit.reporting import Say

FOLDER = Path(__file__).parent
REPOSITORY = "labkit/controller"
BASE_REPOSITORY = "labkit/controller-base"
PUBLIC_BASE = "debian:trixie-slim"
READ = (*PARTS, "tests/submissions")  # of a course: what a command reads
LEFT_OUT = ("__pycache__", "practical", "*~")  # practical: the course, which has its own place


def controller_reference(course: Path) -> str:
    """The name of the image, for example "labkit/controller:1f0c…". NotReadyError as `_needs`."""
    return f"{REPOSITORY}:{_code_hash(course)}"


def ensure_controller_image(engine: docker.DockerClient, say: Say, course: Path) -> str:
    """Build the image unless the engine has it; its name. Older ones are removed.

    NotReadyError if its base or the libraries cannot be had.
    """
    reference = controller_reference(course)
    if not has_image(engine, reference):
        with one_maker(say):
            if not has_image(engine, reference):
                _make(engine, reference, say, course)
    return reference


def _make(engine: docker.DockerClient, reference: str, say: Say, course: Path) -> None:
    base = _ensure_base(engine, say)
    say(_("the controller: labkit as it is here (10 s)"))
    with tempfile.TemporaryDirectory(prefix="labkit-controller-") as place:
        for source, target in _parts(course):
            shutil.copytree(source, Path(place, target), ignore=shutil.ignore_patterns(*LEFT_OUT))
        shutil.copy(FOLDER / "Dockerfile", place)
        build(engine, Path(place), reference, args={"BASE": base})
    for old in engine.images.list(REPOSITORY):
        if reference not in old.tags:
            try:
                engine.images.remove(old.id or "")
            except APIError:
                continue  # a command still works in it, or it has another name as well


def _ensure_base(engine: docker.DockerClient, say: Say) -> str:
    requirements, constraints = _needs()
    authorities = host_authorities()
    made_of = "".join([requirements, constraints, *map(bytes.decode, authorities.values())])
    recipe = (FOLDER / "base.Dockerfile").read_text(encoding="utf-8")
    reference = f"{BASE_REPOSITORY}:{recipe_hash(extra=recipe + made_of)}"
    if not has_image(engine, reference):
        root = _ensure_system(engine, say)
        say(_("the controller: its libraries, once (2 min)"))
        build(
            engine,
            FOLDER,
            reference,
            dockerfile="base.Dockerfile",
            args={"BASE": root, **package_index()},
            network="host",
            extra={
                **authorities,
                "requirements.txt": requirements.encode(),
                "constraints.txt": constraints.encode(),
            },
        )
    return reference


def _ensure_system(engine: docker.DockerClient, say: Say) -> str:
    """A bare Debian 13: the lab's own if the engine has it, else the public one, else made here.

    A computer that is no Linux cannot make one.
    """
    if has_image(engine, root_reference()):
        return root_reference()
    try:
        engine.images.pull(PUBLIC_BASE)
    except APIError:
        return ensure_root(engine, say)
    return PUBLIC_BASE


def _needs() -> tuple[str, str]:
    """What labkit requires, and the version of everything that is installed beside it.

    As files for pip. NotReadyError if labkit runs from a folder and was never installed.
    """
    try:
        wanted = requires("labkit") or []
    except PackageNotFoundError as error:
        raise NotReadyError(
            _("labkit is not installed: the versions of its libraries are unknown"),
            where=str(child.FOLDER),
            then="make .venv/ready",
        ) from error
    versions = {found.metadata["Name"].lower(): found.version for found in distributions()}
    versions.pop("labkit", None)
    public = {name: version for name, version in versions.items() if "+" not in version}
    return (
        "".join(f"{line}\n" for line in wanted if "extra ==" not in line),
        "".join(f"{name}=={version}\n" for name, version in sorted(public.items())),
    )


def _parts(course: Path) -> Iterator[tuple[Path, str]]:
    """The folders that go in, and their names there."""
    yield child.FOLDER, "labkit"
    for part in READ:
        if (course / part).is_dir():
            yield course / part, f"course/{part}"


def _code_hash(course: Path) -> str:
    recipe = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
    return recipe_hash(*(source for source, _target in _parts(course)), extra=recipe + _needs()[1])
