"""The mirror's registry as a container: for a lab read-only, and for a moment to fill it."""

from __future__ import annotations

import io
import os
import secrets
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager

import bcrypt
import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.types import LogConfig

from labkit.errors import NotReadyError
from labkit.lab.lock import in_turn
from labkit.lab.mirror.building import KIND_LABEL, RECIPE_LABEL, build, has_image, not_ready
from labkit.lab.mirror.debian import ensure_root
from labkit.lab.mirror.recipes import REGISTRY, STAND_IN_LABEL, Recipe, recipe
from labkit.lab.mirror.registry import Registry
from labkit.lab.mirror.trust import host_authorities
from labkit.lab.mirror.way_out import package_index
from labkit.lab.store import state_root
from labkit.locale import _
from labkit.reporting import Say

VOLUME = "labkit-mirror"
KIND = "mirror"
HOLDER = "labkit-mirror-holder"
PORT = 5000
DATA = "/var/lib/registry"
USER = "labkit"
_PASSWORDS = "labkit-passwords"
_MEMORY = "128m"  # it uses about 20 MiB; large layers are streamed
# A registry for filling ends by itself, in case this process is killed before it can end it.
_FILL_SECONDS = 3600


def ensure_recipe_image(
    engine: docker.DockerClient, wanted: Recipe, say: Say, *, base: str = ""
) -> str:
    """Build the image of `wanted` unless the engine has it; return its local reference.

    It is made from the bare system, a form of another image from that one, its `base`.
    Raises NotReadyError when the packages cannot be had.
    """
    reference = wanted.local_reference
    if has_image(engine, reference):
        return reference
    root = base or ensure_root(engine, say)
    say(f"{wanted.repository}: {wanted.stand_in}")
    build(
        engine,
        wanted.folder,
        reference,
        dockerfile=wanted.dockerfile,
        args={"ROOT": root, **package_index()},
        network="host",
        extra=host_authorities(),
        labels={KIND_LABEL: "image", RECIPE_LABEL: wanted.hash, STAND_IN_LABEL: wanted.stand_in},
    )
    return reference


def run_mirror(
    engine: docker.DockerClient, *, name: str, network: str, address: str, labels: dict[str, str]
) -> Container:
    """Start the registry of a lab at `address`:5000 on `network`, and return its container.

    It reads the volume and never writes: labs share it. A container `name` that exists already
    is started as it is. The mirror must have been filled (`ensure_mirror`).
    Raises NotReadyError when the engine refuses.
    """
    try:
        container = _existing(engine, name) or engine.containers.create(
            recipe(REGISTRY).local_reference,
            ["/etc/docker/registry/mirror.yml"],
            name=name,
            labels={KIND_LABEL: KIND, **labels},
            network=network,
            networking_config={network: engine.api.create_endpoint_config(ipv4_address=address)},
            volumes={VOLUME: {"bind": DATA, "mode": "ro"}},
            restart_policy={"Name": "unless-stopped"},  # type: ignore[arg-type]
            mem_limit=_MEMORY,
            log_config=LogConfig(type="json-file", config={"max-size": "1m"}),
        )
        container.start()
    except APIError as error:
        raise not_ready(
            _("the mirror {name} could not be started", name=name), str(error)
        ) from error
    return container


@contextmanager
def serving(
    engine: docker.DockerClient, registry_image: str, *, writable: bool = True
) -> Iterator[Registry]:
    """The volume behind a registry on a free port of 127.0.0.1, for the time of a `with`.

    Both this process and the engine reach it, and engines trust plain HTTP on 127.0.0.0/8. So does
    everybody else on this computer: it answers to a password that this run alone knows.
    """
    config = "config.yml" if writable else "mirror.yml"
    command = [str(_FILL_SECONDS), "registry", "serve", f"/etc/docker/registry/{config}"]
    password = secrets.token_urlsafe(24)
    try:
        container = engine.containers.create(
            registry_image,
            command,
            entrypoint="timeout",
            auto_remove=True,
            labels={KIND_LABEL: KIND, "io.labkit.pid": str(os.getpid())},
            ports={f"{PORT}/tcp": ("127.0.0.1", 0)},
            volumes={VOLUME: {"bind": DATA, "mode": "rw" if writable else "ro"}},
            environment={
                "OTEL_TRACES_EXPORTER": "none",
                "REGISTRY_AUTH": "htpasswd",
                "REGISTRY_AUTH_HTPASSWD_REALM": USER,
                "REGISTRY_AUTH_HTPASSWD_PATH": f"/{_PASSWORDS}",
            },
        )
        container.put_archive("/", _only_user(password))
        container.start()
    except APIError as error:
        raise not_ready(_("the mirror's registry could not be started"), str(error)) from error
    try:
        registry = Registry(f"127.0.0.1:{_published_port(container)}", (USER, password))
        registry.wait()
        yield registry
    finally:
        _remove(container)


@contextmanager
def holding(
    engine: docker.DockerClient, registry_image: str, *, writable: bool = True
) -> Iterator[Container]:
    """A container with the volume at DATA that is never started: archives go in and out of it.

    One at a time; that of a command that was killed is removed by the next one.
    """
    with in_turn(state_root() / "mirror.lock"):
        former = _existing(engine, HOLDER)
        if former:
            _remove(former)
        container = engine.containers.create(
            registry_image,
            name=HOLDER,
            labels={KIND_LABEL: KIND},
            volumes={VOLUME: {"bind": DATA, "mode": "rw" if writable else "ro"}},
        )
        try:
            yield container
        finally:
            _remove(container)


def _only_user(password: str) -> bytes:
    """A tar archive of the file of passwords (htpasswd, bcrypt) with one user."""
    line = f"{USER}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4)).decode()}\n"
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo(_PASSWORDS)
        member.size, member.mode = len(line), 0o444
        tar.addfile(member, io.BytesIO(line.encode()))
    return archive.getvalue()


def ensure_volume(engine: docker.DockerClient) -> str:
    """Make the volume of the mirror unless it exists; return when it was made (ISO 8601)."""
    volume = engine.api.create_volume(VOLUME, labels={KIND_LABEL: KIND})
    return str(volume["CreatedAt"])


def _existing(engine: docker.DockerClient, name: str) -> Container | None:
    try:
        return engine.containers.get(name)
    except NotFound:
        return None


def _published_port(container: Container) -> str:
    container.reload()
    published = container.attrs["NetworkSettings"]["Ports"].get(f"{PORT}/tcp")
    if not published:
        raise NotReadyError(
            _("the mirror's registry ended at once"), then=f"docker logs {container.short_id}"
        )
    return str(published[0]["HostPort"])


def _remove(container: Container) -> None:
    try:
        container.remove(force=True, v=True)
    except APIError as error:
        # It removes itself too (auto_remove): whoever comes second finds it gone or going.
        if error.status_code not in (404, 409):
            raise
