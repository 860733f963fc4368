"""Compose projects on a machine: found, read by Compose itself, their services' roles told."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from checks.docker_facts import (
    API_PORT,
    Container,
    containers,
    is_student_age,
    must_have_images,
)
from labkit.course import CannotTellError
from labkit.locale import _
from labkit.remote import Shell

# Where people put a project; the first is the tutorial's.
PLACES = "/srv /home /root /opt /var/www /tmp"
NAMES = "docker-compose*.y*ml compose*.y*ml"
# What a program says that the kernel lets have no thread: the machine's trouble, not a file's.
NO_ROOM = ("pthread_create", "newosproc", "Resource temporarily unavailable", "fork/exec")
# Images that are no API of anybody's, whatever their service is called.
OTHER_ROLES = re.compile(r"(^|/)(php|httpd|apache|nginx|registry|haproxy|docker-registry-ui)\b")
HTTP_PORT = 80  # on which Apache listens in every php:*apache image


@dataclass(frozen=True)
class Service:
    """A service as `docker compose config` normalises it."""

    name: str
    raw: dict[str, Any]

    @property
    def image(self) -> str:
        return str(self.raw.get("image", ""))

    @property
    def environment(self) -> dict[str, str]:
        return {name: value or "" for name, value in (self.raw.get("environment") or {}).items()}

    @property
    def networks(self) -> set[str]:
        return set(self.raw.get("networks") or {})

    @property
    def mounts(self) -> dict[str, str]:
        """Target in the container -> source on the machine, or a volume's name."""
        return {
            str(mount["target"]).rstrip("/"): str(mount.get("source", ""))
            for mount in self.raw.get("volumes") or []
        }

    @property
    def published(self) -> dict[int, str]:
        """Container port -> published port, "" when the engine chooses one."""
        return {
            int(port["target"]): str(port.get("published", ""))
            for port in self.raw.get("ports") or []
        }

    @property
    def build_context(self) -> str:
        build = self.raw.get("build") or {}
        return str(build.get("context", "")) if isinstance(build, dict) else str(build)


@dataclass(frozen=True)
class Project:
    """A compose file on a machine. `error` is Compose's own when it cannot read the file."""

    machine: str
    file: str
    name: str
    services: dict[str, Service]
    error: str = ""
    devices: tuple[str, ...] = ()  # what its named volumes are of, where they say so

    @property
    def folder(self) -> str:
        return str(PurePosixPath(self.file).parent)

    @property
    def api(self) -> Service | None:
        """The service of the API: the one whose image is student-age, or that is built from it."""
        rest = [
            one
            for one in self.services.values()
            if one is not self.website and not OTHER_ROLES.search(one.image)
        ]
        for service in rest:
            if is_student_age(service.image):
                return service
        for service in rest:
            if service.build_context or "/data" in service.mounts:
                return service
        if len(self.services) > 1 and len(rest) == 1:
            return rest[0]
        return next((one for one in rest if API_PORT in one.published), None)

    @property
    def website(self) -> Service | None:
        """The service of the website: the one that has Apache and PHP, or the page."""
        pages = [one for one in self.services.values() if re.search(r"php|httpd|apache", one.image)]
        if pages:  # of several, the one that has credentials to ask the API with
            return next((one for one in pages if "USERNAME" in one.environment), pages[0])
        for service in self.services.values():
            if any(target.startswith("/var/www") for target in service.mounts):
                return service
        return None

    @property
    def api_image(self) -> str:
        """The image that the API's service runs; Compose names one that is only built."""
        if self.api is None:
            return ""
        return self.api.image or f"{self.name}-{self.api.name}"

    @property
    def is_the_practical(self) -> bool:
        return self.website is not None or any(
            is_student_age(service.image) for service in self.services.values()
        )


# Folders that are the machine's own: whoever mounts one has the machine. Files of /etc that only
# say which time it is, or whom to trust, are nobody's keys.
MACHINES_OWN = (
    "/", "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin",
    "/sys", "/usr", "/var", "/var/lib", "/var/lib/containerd", "/var/lib/docker", "/var/run",
)  # fmt: skip
BELOW_TOO = ("/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/root", "/run", "/sbin", "/sys",
             "/usr/bin", "/usr/lib", "/usr/sbin", "/var/lib/containerd", "/var/lib/docker",
             "/var/run", "/var/spool")  # fmt: skip
HARMLESS = ("/etc/localtime", "/etc/timezone", "/etc/ssl/certs", "/etc/pki/ca-trust", "/etc/hosts")
HARMLESS_CAPABILITIES = ("CHOWN", "SETUID", "SETGID", "DAC_OVERRIDE", "FOWNER", "KILL",
                         "NET_BIND_SERVICE", "SETPCAP", "NET_RAW", "FSETID")  # fmt: skip


def harms(project: Project) -> list[str]:
    """What in a file would take hold of the machine itself, in words; nothing in a usual one."""
    return [
        _("{service} asks for {what}", service=service.name, what=what)
        for service in project.services.values()
        for what in _harms(service.raw)
    ] + [
        _("a volume is {what}", what=device)
        for device in project.devices
        if _is_machines_own(device)
    ]


def _harms(raw: dict[str, Any]) -> list[str]:
    build = raw.get("build") or {}
    found = ["privileged"] if raw.get("privileged") or build.get("privileged") else []
    for key in ("pid", "ipc", "uts", "userns_mode", "cgroup"):
        if str(raw.get(key, "")) == "host":
            found.append(f"{key}: host")
    given = [str(one).upper().removeprefix("CAP_") for one in raw.get("cap_add") or []]
    found += [f"cap_add: {one}" for one in given if one not in HARMLESS_CAPABILITIES]
    for key in ("devices", "device_cgroup_rules"):
        if raw.get(key):
            found.append(f"{key}: {raw[key]}")
    if "unconfined" in str(raw.get("security_opt") or ""):
        found.append("security_opt: unconfined")
    for mount in raw.get("volumes") or []:
        source = str(mount.get("source", ""))
        if mount.get("type", "bind") == "bind" and _is_machines_own(source):
            found.append(source)
    return found


def _is_machines_own(path: str) -> bool:
    plain = "/" + posixpath.normpath(path).strip("/") if path.startswith("/") else path
    if plain in MACHINES_OWN:
        return True
    if any(plain == one or plain.startswith(f"{one}/") for one in HARMLESS):
        return False
    return any(plain.startswith(f"{one}/") for one in BELOW_TOO)


def find_project(shell: Shell) -> Project | None:
    """The practical's project on a machine; one that cannot be read if there is no other."""
    projects = find_projects(shell)
    good = [project for project in projects if project.is_the_practical]
    broken = [project for project in projects if project.error and not _is_registry(project)]
    return next(iter(good or broken), None)


def must_have_other_images(shell: Shell) -> None:
    """CannotTellError if the image of a service beside website and API can be had from nobody."""
    services = [
        service
        for project in find_projects(shell)
        for service in project.services.values()
        if service not in (project.website, project.api) and not service.build_context
    ]
    must_have_images(shell, dict.fromkeys(one.image for one in services))


def find_projects(shell: Shell) -> list[Project]:
    """Every compose file of a machine, as Compose reads it.

    Asked in one round trip: each candidate file, then what Compose makes of it. Files of running
    projects come first, since a student may keep several.
    """
    script = f"""
running=$(docker ps -a --format '{{{{.Label "com.docker.compose.project.config_files"}}}}' \
 2>/dev/null | tr ',' '\\n' | sort -u)
found=$(for name in {NAMES}; do
  find {PLACES} -maxdepth 4 -name "$name" -size +0 2>/dev/null; done)
printf '%s\\n%s\\n' "$running" "$found" | awk 'NF && !seen[$0]++' | while read -r file; do
  test -r "$file" || continue
  case "$file" in *override.y*) continue;; esac
  echo "@@file $file"
  (cd "$(dirname "$file")" && set -- -f "$file"
   stem=$(echo "$file" | sed -E 's/[.]ya?ml$//')
   for more in "$stem".override.y*ml; do test -r "$more" && set -- "$@" -f "$more"; done
   docker compose "$@" config --format json 2>&1)
  echo "@@code $?"
done"""
    return _parse(shell.name, shell.ask(script, timeout=60).stdout)


def _is_registry(project: Project) -> bool:
    return "registry" in PurePosixPath(project.file).name


def _parse(machine: str, text: str) -> list[Project]:
    projects = []
    for block in text.split("@@file ")[1:]:
        file, _newline, rest = block.partition("\n")
        output, _mark, code = rest.rpartition("@@code ")
        if code.strip() == "0":
            try:
                # warnings about unset variables may stand before the JSON
                config = json.loads(output[output.index("{") :])
            except ValueError:
                continue
            services = {
                name: Service(name, raw) for name, raw in (config.get("services") or {}).items()
            }
            options = [one.get("driver_opts") or {} for one in _maps(config.get("volumes"))]
            devices = tuple(str(one["device"]) for one in options if one.get("device"))
            name = str(config.get("name", ""))
            projects.append(Project(machine, file, name, services, devices=devices))
        else:
            if any(sign in output for sign in NO_ROOM):
                raise CannotTellError(
                    _("{machine} has no room for another process", machine=machine),
                    settle="labkit doctor",
                )
            lines = [line for line in output.strip().splitlines() if "level=warning" not in line]
            projects.append(Project(machine, file, "", {}, "\n".join(lines[-3:]) or "?"))
    return projects


def _maps(found: Any) -> list[dict[str, Any]]:
    values = found.values() if isinstance(found, dict) else []
    return [one for one in values if isinstance(one, dict)]


@dataclass(frozen=True)
class Stack:
    """A project's containers for its two roles; None where there is none."""

    project: Project
    website: Container | None
    api: Container | None

    @property
    def both(self) -> list[Container]:
        """Those of the two that there are, running or not."""
        return [one for one in (self.website, self.api) if one is not None]

    @property
    def running(self) -> list[Container]:
        """Those of the two that run. CannotTellError if the engine failed to start one."""
        for one in self.both:
            if one.engine_failed:
                raise CannotTellError(
                    _(
                        "the engine could not start {name}: {error}",
                        name=one.name,
                        error=one.engine_failed[-120:],
                    ),
                    settle="docker compose up -d",
                )
        return [one for one in self.both if one.running]

    @property
    def website_port(self) -> int:
        """The website's port on the machine; 0 if it is not published."""
        return self.website.published.get(HTTP_PORT, 0) if self.website else 0


def stack_of(shell: Shell, project: Project) -> Stack:
    """The containers that Compose made of a project, freshly looked up."""
    mine = [
        one
        for one in containers(shell)
        if one.labels.get("com.docker.compose.project.working_dir") == project.folder
    ]

    def of(service: Service | None) -> Container | None:
        name = service.name if service else ""
        matching = [one for one in mine if one.labels.get("com.docker.compose.service") == name]
        return next(iter(sorted(matching, key=lambda one: not one.running)), None)

    return Stack(project, of(project.website), of(project.api))


def quoted(container: Container) -> str:
    """A container's id, safe in a command."""
    return shlex.quote(container.id[:12])
