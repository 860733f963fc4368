"""What the Docker Engine of a machine says: its images and its containers."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from labkit.course import CannotTellError, not_met
from labkit.facts.foreign import as_json, is_readable
from labkit.facts.sockets import listeners
from labkit.locale import _
from labkit.remote import Shell

PROBE_LABEL = "io.labkit.probe"  # on containers that the grader started, for a moment
# For `docker inspect -f`: a container's address, on whichever network it is.
ADDRESS = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"


def plain_name(name: str) -> str:
    """An image's or repository's own name, without registry, tag, and the usual separators."""
    last = name.partition("@")[0].rsplit("/", 1)[-1].partition(":")[0]
    return re.sub(r"[-_.]", "", last.lower())


@dataclass(frozen=True)
class Image:
    """An image on a machine; `config` is its Config as `docker image inspect` gives it."""

    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    config: dict[str, Any]
    created: str  # ISO 8601: sorts as text

    @property
    def environment(self) -> dict[str, str]:
        """What its ENV lines give to every container of it."""
        return _variables(self.config.get("Env"))


@dataclass(frozen=True)
class Container:
    """A container on a machine, `raw` as `docker inspect` gives it.

    `listens`: of one on the machine's own network, the ports that its processes hold there.
    """

    raw: dict[str, Any]
    listens: tuple[int, ...] = ()

    @property
    def id(self) -> str:
        return str(self.raw["Id"])

    @property
    def name(self) -> str:
        return str(self.raw["Name"]).lstrip("/")

    @property
    def image(self) -> str:
        return str(self.raw["Config"]["Image"])

    @property
    def image_id(self) -> str:
        return str(self.raw["Image"])

    @property
    def running(self) -> bool:
        return bool(self.raw["State"]["Running"]) and not self.raw["State"].get("Restarting")

    @property
    def state(self) -> str:
        state = self.raw["State"]
        return _("{status} (exit code {code})", status=state["Status"], code=state["ExitCode"])

    @property
    def engine_failed(self) -> str:
        """The engine's own error, if it could not even begin to start the container.

        The runtime's first process is lost now and then on a busy computer (seen once in some
        hundred starts here); whoever wrote the compose file has no part in that.
        """
        error = str(self.raw["State"].get("Error") or "")
        return error if "waiting for init" in error else ""

    @property
    def pid(self) -> int:
        return int(self.raw["State"]["Pid"])

    @property
    def labels(self) -> dict[str, str]:
        labels = self.raw["Config"].get("Labels") or {}
        return {str(name): str(value) for name, value in labels.items()}

    @property
    def restart_policy(self) -> str:
        return str(self.raw["HostConfig"]["RestartPolicy"]["Name"] or "no")

    @property
    def environment(self) -> dict[str, str]:
        return _variables(self.raw["Config"].get("Env"))

    @property
    def addresses(self) -> list[str]:
        networks = self.raw["NetworkSettings"]["Networks"].values()
        return [str(network["IPAddress"]) for network in networks if network.get("IPAddress")]

    @property
    def on_host_network(self) -> bool:
        """Whether it is on the machine's own network, where no port is published for it."""
        return bool(self.raw["HostConfig"].get("NetworkMode") == "host")

    @property
    def published(self) -> dict[int, int]:
        """Container port -> port on the machine; on the machine's own network all are there.

        There an image's EXPOSE says what it would listen on, while nothing does.
        """
        if self.on_host_network:
            exposed = self.raw["Config"].get("ExposedPorts") or {}
            return {
                port: port
                for port in self.listens or [int(one.partition("/")[0]) for one in exposed]
            }
        ports = self.raw["NetworkSettings"].get("Ports") or {}
        return {
            int(inside.partition("/")[0]): int(bindings[0]["HostPort"])
            for inside, bindings in ports.items()
            if bindings
        }

    @property
    def is_for_itself(self) -> bool:
        """Whether its ports are published for the machine alone, by a loopback address."""
        ports = self.raw["NetworkSettings"].get("Ports") or {}
        hosts = [str(one.get("HostIp")) for bindings in ports.values() for one in bindings or ()]
        return bool(hosts) and all(host.startswith("127.") or host == "::1" for host in hosts)


def _variables(entries: Iterable[str] | None) -> dict[str, str]:
    pairs = (entry.partition("=") for entry in entries or ())
    return {name: value for name, _equals, value in pairs}


# What Docker's client says of an engine that is not there, or is no more.
ENGINE_GONE = re.compile(
    r"Cannot connect to the Docker daemon|error reading from server: EOF"
    r"|rpc error: code = Unavailable|error during connect:"
)


def must_have_engine(machine: str, said: str) -> None:
    """CannotTellError if Docker's client says that there is no engine.

    Whether one should be there is asked by itself; of what it would hold nobody can tell.
    """
    if ENGINE_GONE.search(said):
        raise CannotTellError(
            _("the Docker Engine of {machine} does not answer", machine=machine),
            settle="labkit doctor",
        )


def images(shell: Shell) -> list[Image]:
    """Every tagged image; asked once in a run that disturbs nothing."""
    answer = shell.ask_once(
        "docker image ls -q --filter dangling=false | sort -u | xargs -r docker image inspect"
    )
    must_have_engine(shell.name, answer.stderr)
    return [
        Image(
            id=str(record["Id"]),
            tags=tuple(map(str, record.get("RepoTags") or ())),
            digests=tuple(map(str, record.get("RepoDigests") or ())),
            config=record.get("Config") or {},
            created=str(record.get("Created") or ""),
        )
        for record in inspected(shell, answer.stdout)
    ]


def inspected(shell: Shell, said: str) -> list[dict[str, Any]]:
    """What `docker inspect` said: the records; failed if they cannot be read."""
    found = as_json(said or "[]")
    if not isinstance(found, list) or not all(_is_record(record) for record in found):
        not_met(
            expected=_("an answer of docker inspect that can be read"),
            seen=said[-120:],
            where=f"{shell.name} $ docker inspect",
        )
    return found


def _is_record(record: Any) -> bool:
    """Whether it has an id, and mappings and lists where an image or a container has them."""
    if not isinstance(record, dict) or not isinstance(record.get("Id"), str):
        return False
    kinds = {"Config": dict, "RepoTags": list, "RepoDigests": list}
    return all(isinstance(record.get(key) or kind(), kind) for key, kind in kinds.items())


# What an engine says when it could not ask anybody who has images: nobody's mistake.
NOBODY_TO_ASK = ("no such host", "i/o timeout", "connection refused", "network is unreachable",
                 "TLS handshake timeout", "failed to do request", "temporary failure")  # fmt: skip


def must_be_had(text: str, image: str, machine: str) -> None:
    """CannotTellError if an engine failed to get an image because nobody could be asked for it."""
    if any(sign.lower() in text.lower() for sign in NOBODY_TO_ASK):
        raise CannotTellError(
            _(
                "{machine} cannot get the image {image}: the mirror does not have it, and no "
                "registry can be reached",
                machine=machine,
                image=image,
            ),
            settle=f"docker pull {image}; labkit bundle --add {image}",
        )


def must_have_images(shell: Shell, images: Iterable[str]) -> None:
    """CannotTellError if one of these images is not on the machine and cannot be had there."""
    for image in filter(None, images):
        name = shlex.quote(image)
        answer = shell.ask(
            f"docker image inspect {name} >/dev/null 2>&1 || docker pull -q {name} 2>&1", timeout=60
        )
        if not answer.ok:
            must_be_had(answer.said, image, shell.name)


def exported_by(shell: Shell, container: Container) -> dict[str, str]:
    """Variables that the command of a running container sets itself before it goes on.

    Of those that the engine gave to it none: they may be of a file that was changed since. Empty
    where the container does not say.
    """
    said = shell.ask(f"docker exec -u 0 {quoted(container)} cat /proc/1/environ").stdout
    found = _variables(filter(None, said.split("\0")))
    return dict(found.items() - container.environment.items())


def containers(shell: Shell) -> list[Container]:
    """Every container, running or not, those of the grader apart.

    Asked once in a run that disturbs nothing: `Shell.forget` before what must be seen anew.
    """
    answer = shell.ask_once("docker ps -aq | xargs -r docker inspect")
    must_have_engine(shell.name, answer.stderr)
    found = [Container(raw) for raw in inspected(shell, answer.stdout)]
    if not all(is_readable(container) for container in found):
        not_met(
            expected=_("an answer of docker inspect that can be read"),
            seen=answer.stdout[-120:],
            where=f"{shell.name} $ docker inspect",
        )
    found = [container for container in found if PROBE_LABEL not in container.labels]
    there = [one for one in found if one.on_host_network and one.running]
    listens = _listening(shell, there) if there else {}
    return [replace(one, listens=listens.get(one.id, ())) for one in found]


def _listening(shell: Shell, there: Sequence[Container]) -> dict[str, tuple[int, ...]]:
    """The ports of the machine, by container, that processes of these containers listen on."""
    tops = [f"echo '@'; docker top {quoted(one)} -eo pid" for one in there]
    said = shell.ask_once("; ".join([*tops, "echo '@'; sudo -n ss -Hltnp"])).stdout
    _none, *parts = re.split(r"^@$", said, flags=re.M)
    if len(parts) != len(there) + 1:
        return {}
    held = listeners(parts.pop())
    return {
        one.id: tuple(dict.fromkeys(each.port for each in held if each.pids & set(part.split())))
        for one, part in zip(there, parts, strict=True)
    }


def age_s(shell: Shell, container: Container) -> float:
    """For how long a container has run (s), by its machine's clock; infinite if nobody can tell."""
    started = str(container.raw["State"].get("StartedAt") or "")[: len("2026-01-01T00:00:00")]
    try:
        began = datetime.fromisoformat(f"{started}+00:00").timestamp()
        return max(0.0, float(shell.ask("date +%s").text) - began)
    except ValueError:
        return math.inf


def quoted(container: Container) -> str:
    """A container's id, safe in a command."""
    return shlex.quote(container.id[:12])
