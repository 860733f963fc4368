"""Compose projects on a machine: found, read by Compose itself, their services' roles told."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from checks.docker_facts import (
    API_PORT,
    Container,
    containers,
    is_student_age,
    must_have_images,
)
from checks.harm import asked_for
from labkit.course import CannotTellError
from labkit.locale import _
from labkit.remote import Shell

# Where people put a project; the first is the tutorial's.
PLACES = "/srv /home /root /opt /var/www /tmp"
NAMES = "docker-compose*.y*ml compose*.y*ml"
# Below it, at the path of a submission's compose file, lies what Compose made of that file: what
# was judged, and then started. No container can reach it. Empty: Compose could not read the file.
JUDGED = "/var/lib/labkit/judged"
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
    document: dict[str, Any] = field(default_factory=dict)  # all of it, in Compose's normal form

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


def harms(project: Project) -> list[str]:
    """What in a file may take hold of the machine itself, in words; nothing in a usual one."""
    services = {name: one.raw for name, one in project.services.items()}
    return asked_for(project.document or {"services": services}, project.folder)


def by_judged(file: str) -> list[str]:
    """`docker compose` for what was judged of a compose file, typed in the file's folder.

    Without the folder's .env, of which Compose has made use already.
    """
    return ["docker", "compose", "--project-directory", ".", "--env-file", "/dev/null",
            "-f", f"{JUDGED}{file}"]  # fmt: skip


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
judged=$(find {JUDGED} -type f 2>/dev/null)
found=$(for name in {NAMES}; do
  find {PLACES} -maxdepth 4 -name "$name" -size +0 2>/dev/null; done)
printf '%s\\n%s\\n%s\\n' "$running" "$judged" "$found" |
sed 's|^{JUDGED}||' | awk 'NF && !seen[$0]++' | while read -r file; do
  test -r "$file" || continue
  case "$file" in *override.y*) continue;; esac
  echo "@@file $file"
  said=$(cd "$(dirname "$file")" && set -- -f "$file"
   stem=$(echo "$file" | sed -E 's/[.]ya?ml$//')
   for more in "$stem".override.y*ml; do test -r "$more" && set -- "$@" -f "$more"; done
   test -s "{JUDGED}$file" &&
    set -- --project-directory . --env-file /dev/null -f "{JUDGED}$file"
   docker compose "$@" config --format json 2>&1)
  code=$?
  printf '%s\\n' "$said" | sed 's/^/| /'
  echo "@@code $code"
done"""
    return _parse(shell.name, shell.ask(script, timeout=60).stdout)


def _is_registry(project: Project) -> bool:
    return "registry" in PurePosixPath(project.file).name


def _parse(machine: str, text: str) -> list[Project]:
    """Of each file its name, what Compose said with a bar before each line, and the exit code.

    Nothing that stands in a file can be taken for the answer about another one.
    """
    projects = []
    file, said = "", list[str]()
    for line in text.split("\n"):
        if line.startswith("| "):
            said.append(line.removeprefix("| "))
        elif line.startswith("@@file "):
            file, said = line.removeprefix("@@file "), []
        elif line == "@@code 0":
            try:
                projects.append(parsed(machine, file, "\n".join(said)))
            except ValueError:
                continue
        elif line.startswith("@@code "):
            if any(sign in part for sign in NO_ROOM for part in said):
                raise CannotTellError(
                    _("{machine} has no room for another process", machine=machine),
                    settle="labkit doctor",
                )
            lines = [part for part in said if part.strip() and "level=warning" not in part]
            projects.append(Project(machine, file, "", {}, "\n".join(lines[-3:]) or "?"))
    return projects


def parsed(machine: str, file: str, config: str) -> Project:
    """A compose file by what `docker compose config --format json` says. ValueError if it is none.

    Warnings about unset variables may stand before it.
    """
    document = json.loads(config[config.index("{") :])
    if not isinstance(document, dict):
        raise ValueError("no mapping")
    services = {
        str(name): Service(str(name), raw or {})
        for name, raw in (document.get("services") or {}).items()
    }
    return Project(machine, file, str(document.get("name", "")), services, document=document)


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
