"""The image of a machine: made of packages, named by its recipe, built once.

A machine is a full Linux host in a container, with its own systemd, sshd, dockerd and HAProxy.
The families share one recipe (`image/Dockerfile`); only where the packages come from differs, one
file each. Rocky 9 and Debian 13 are chosen by themselves, two others by name alone: `debian12`,
whose HAProxy 2.6, Docker Engine 20.10 and rsyslog are older, nearer to Rocky's, and
`rehearsal-el9`, a Debian machine dressed as Rocky for the authors of steps (`rehearsal/README.md`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast, get_args

import docker
import requests
from docker.errors import APIError, DockerException

from labkit.course.blueprint import Blueprint, Packages
from labkit.errors import NotReadyError, UsageError
from labkit.lab.mirror.building import RECIPE_LABEL, build, has_image, one_maker, recipe_hash
from labkit.lab.mirror.debian import ensure_root, root_reference
from labkit.lab.mirror.trust import host_authorities
from labkit.locale import _
from labkit.reporting import Say

Family = Literal["rocky9", "debian13", "debian12", "rehearsal-el9"]
_BY_ITSELF: tuple[Family, ...] = ("rocky9", "debian13")  # what "auto" may choose

RECIPE = Path(__file__).with_name("image")
REHEARSAL = Path(__file__).with_name("rehearsal")
# The organisation's own repository: the official one, `rockylinux`, is no longer updated.
ROCKY_ROOT = "rockylinux/rockylinux:9"
_PROBE_SECONDS = 10


def node_reference(family: Family, blueprint: Blueprint) -> str:
    """The name of the node image of `family`, for example "labkit/node:debian13-1f0c…".

    It changes with the blueprint's user and with the packages that the course wants on its
    machines, beside what every machine has.
    """
    packages = blueprint.packages
    extra = "\0".join([_root_name(family, packages), _wanted(family, packages), blueprint.user])
    return f"labkit/node:{family}-{recipe_hash(RECIPE, extra=extra)}"


def system_of(reference: str) -> str:
    """What people read of an image's system: its family; of the rehearsal, that it is one."""
    family = reference.rpartition(":")[2].rpartition("-")[0]
    return "el9 (rehearsal, not Rocky)" if family == "rehearsal-el9" else family


def wanted_family() -> Family | Literal["auto"]:
    """What LABKIT_FAMILY asks for: a family, or (the default) Rocky or Debian, as can be had."""
    wanted = os.environ.get("LABKIT_FAMILY", "auto")
    if wanted not in ("auto", *get_args(Family)):
        raise UsageError(
            _("LABKIT_FAMILY={family} is not a family of machines", family=wanted),
            then=_("LABKIT_FAMILY=debian13 labkit up, or =rocky9, or unset it"),
        )
    return cast("Family", wanted)


def ensure_node_image(
    engine: docker.DockerClient,
    say: Say,
    blueprint: Blueprint,
    family: Family | Literal["auto"] = "auto",
) -> str:
    """Build the node image unless the engine has it; return its reference.

    "auto" takes Rocky Linux 9 where it can be had, and Debian 13 otherwise.
    Raises NotReadyError when the packages or the base cannot be had.
    """
    built = _built(engine, blueprint, _BY_ITSELF if family == "auto" else (family,))
    if built:
        return node_reference(built, blueprint)
    with one_maker(say):
        return _make_family(engine, say, blueprint, family)


def _make_family(
    engine: docker.DockerClient, say: Say, blueprint: Blueprint, family: Family | Literal["auto"]
) -> str:
    if family != "auto":
        return _ensure_family(engine, say, blueprint, family)
    if choose_family(engine, blueprint) == "rocky9":
        try:
            return _ensure_family(engine, say, blueprint, "rocky9")
        except NotReadyError as error:
            say(_("no machines of Rocky Linux 9 here, so of Debian 13: {why}", why=error.what))
    return _ensure_family(engine, say, blueprint, "debian13")


def _ensure_family(
    engine: docker.DockerClient, say: Say, blueprint: Blueprint, chosen: Family
) -> str:
    reference = node_reference(chosen, blueprint)
    if has_image(engine, reference):
        return reference
    base = _ensure_base(engine, chosen, blueprint.packages, say)
    say(_("the image of the machines ({family})", family=system_of(reference)))
    build(
        engine,
        RECIPE,
        reference,
        args={"BASE": base, "USER_NAME": blueprint.user},
        extra=host_authorities(),
        labels={RECIPE_LABEL: reference.rpartition("-")[2], "io.labkit.family": chosen},
    )
    return reference


def choose_family(engine: docker.DockerClient, blueprint: Blueprint) -> Family:
    """The family for "auto": what was built already, else Rocky if it can be had, else Debian.

    What was built comes first, so that a lab does not change its distribution between two
    commands because a registry answered late, and so that nobody waits for the probe twice.
    """
    built = _built(engine, blueprint, _BY_ITSELF)
    if built:
        return built
    rocky = has_image(engine, ROCKY_ROOT) or registry_answers(engine, ROCKY_ROOT)
    return "rocky9" if rocky else "debian13"


def _built(
    engine: docker.DockerClient, blueprint: Blueprint, families: Sequence[Family]
) -> Family | None:
    """The first of `families` whose image the engine has."""
    for family in families:
        if has_image(engine, node_reference(family, blueprint)):
            return family
    return None


def registry_answers(
    engine: docker.DockerClient, reference: str, seconds: float = _PROBE_SECONDS
) -> bool:
    """Whether the engine can reach the registry of `reference` and finds it there, in `seconds`.

    The engine is asked, not this process: its proxy settings and its mirrors are what counts.
    """
    url = f"{engine.api.base_url}/v{engine.api.api_version}/distribution/{reference}/json"
    try:
        return bool(engine.api.get(url, timeout=seconds).ok)
    except (requests.RequestException, DockerException):
        return False


def _wanted(family: Family, packages: Packages) -> str:
    """The course's packages for a family, as words."""
    return " ".join(packages.get("redhat" if family == "rocky9" else "debian", ()))


def _release(family: Family) -> str:
    """Which Debian a family of Debian is: "13"."""
    return family.removeprefix("debian")


def _root_name(family: Family, packages: Packages) -> str:
    """What the family starts from; its name changes with it."""
    if family == "rehearsal-el9":
        return _base_reference("debian13", packages) + recipe_hash(REHEARSAL)
    return ROCKY_ROOT if family == "rocky9" else root_reference(_release(family))


def _base_reference(family: Family, packages: Packages) -> str:
    """Changes only with what the packages come from, so that a changed file costs no download."""
    root = _root_name(family, packages)
    if family == "rehearsal-el9":
        return f"labkit/node-base:{family}-{recipe_hash(extra=root)}"
    sources = (RECIPE / f"{family}.Dockerfile", RECIPE / "docker-ce.repo")
    texts = [path.read_text(encoding="utf-8") for path in sources]
    extra = "".join([root, *texts, _wanted(family, packages)])
    return f"labkit/node-base:{family}-{recipe_hash(extra=extra)}"


def _ensure_base(engine: docker.DockerClient, family: Family, packages: Packages, say: Say) -> str:
    """Build the image with the packages of `family`; return its reference."""
    base = _base_reference(family, packages)
    if has_image(engine, base):
        return base
    folder, dockerfile = RECIPE, f"{family}.Dockerfile"
    args = {"PACKAGES": _wanted(family, packages)}
    if family == "rehearsal-el9":
        args = {"ROOT": _ensure_base(engine, "debian13", packages, say)}
        folder, dockerfile = REHEARSAL, "Dockerfile"
    else:
        args["ROOT"] = _root(engine, family, say)
    say(_("the packages of the machines ({family}, 40 s with a near archive)", family=family))
    build(engine, folder, base, dockerfile=dockerfile, args=args, network="host")
    return base


def _root(engine: docker.DockerClient, family: Family, say: Say) -> str:
    """Get or make what a family starts from; return its reference."""
    if family == "rocky9":
        return _pull_rocky(engine, say)
    return ensure_root(engine, say, _release(family))


def _pull_rocky(engine: docker.DockerClient, say: Say) -> str:
    """Get the Rocky Linux 9 base from its registry. Raises NotReadyError if it cannot be had."""
    if not has_image(engine, ROCKY_ROOT):
        say(_("pulling {image}", image=ROCKY_ROOT))
        try:
            engine.images.pull(ROCKY_ROOT)
        except APIError as error:
            raise NotReadyError(
                _(
                    "{image} cannot be pulled: {why}",
                    image=ROCKY_ROOT,
                    why=error.explanation or error,
                ),
                then="LABKIT_FAMILY=debian13 labkit up",
            ) from error
    return ROCKY_ROOT
