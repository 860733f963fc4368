"""Compose projects on a machine: found, read by Compose itself, their services' roles told."""

from __future__ import annotations

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
from checks.foreign import as_json, is_readable, within
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
OTHER_ROLES = re.compile(
    r"(^|/)(php|httpd|apache|nginx|registry|haproxy|docker-registry-ui|mysql|mariadb|postgres"
    r"|adminer|phpmyadmin|pgadmin4?|mongo|mongo-express|redis|memcached|portainer(-ce)?|traefik"
    r"|grafana|prometheus|cadvisor|watchtower|busybox|alpine)(?![\w-])"
)
# Images of pages that are nobody's website, although their names speak of PHP.
OTHER_PAGES = re.compile(r"(^|/)(phpmyadmin|phppgadmin|adminer)\b")
# What Compose needs for a file that a person wrote is below a second; aliases that multiply keep it
# busy for minutes. All files together must be read before the question itself ends.
FILE_LIMIT_S, ALL_LIMIT_S, QUESTION_LIMIT_S = 20, 45, 70
LARGEST_READING = 2 * 1024 * 1024  # bytes of what Compose makes of a file
ENDLESS = ("124", "137", "141")  # exit codes: timeout's, of SIGKILL, of nobody who reads on
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
        found = (self.raw.get("environment") or {}).items()
        return {str(name): "" if value is None else str(value) for name, value in found}

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
            if one is not self.website
            and not OTHER_ROLES.search(one.image)
            and one.name not in self.one_shots
        ]
        for service in rest:
            if is_student_age(service.image):
                return service
        for service in rest:
            if service.build_context or any(
                target == "/data" or target.startswith("/data/") for target in service.mounts
            ):
                return service
        if len(self.services) > 1 and len(rest) == 1:
            return rest[0]
        return next((one for one in rest if API_PORT in one.published), None)

    @property
    def one_shots(self) -> set[str]:
        """Services that do something once and end: another one waits for their success."""
        return {
            name
            for one in self.services.values()
            for name, how in _waits(one.raw.get("depends_on")).items()
            if how == "service_completed_successfully"
        }

    @property
    def website(self) -> Service | None:
        """The service of the website: the one that has Apache and PHP, or the page."""
        pages = [
            one
            for one in self.services.values()
            if re.search(r"php|httpd|apache", one.image) and not OTHER_PAGES.search(one.image)
        ]
        if pages:  # of several, the one that has credentials to ask the API with
            return next((one for one in pages if "USERNAME" in one.environment), pages[0])
        for service in self.services.values():
            if any(target.startswith("/var/www") for target in service.mounts):
                return service
        built = [one for one in self.services.values() if one.build_context and not _is_api(one)]
        for service in built:  # an image of the student's own, with the page in it
            if "USERNAME" in service.environment or HTTP_PORT in service.published:
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


def _waits(depends_on: Any) -> dict[str, str]:
    """Service -> the condition under which it is waited for."""
    if not isinstance(depends_on, dict):
        return {}
    return {
        str(name): str(how.get("condition", ""))
        for name, how in depends_on.items()
        if isinstance(how, dict)
    }


def _is_api(service: Service) -> bool:
    """Whether the name of its image or its data say that it is the API, and not the page."""
    return (
        is_student_age(service.image)
        or API_PORT in service.published
        or any(target.startswith("/data") for target in service.mounts)
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
        if not (project.is_the_practical and service in (project.website, project.api))
        and not service.build_context
    ]
    must_have_images(shell, dict.fromkeys(one.image for one in services))


def find_projects(shell: Shell) -> list[Project]:
    """Every compose file of a machine, as Compose reads it.

    Asked in one round trip: each candidate file, then what Compose makes of it. Files of running
    projects come first, since a student may keep several. Each has a time limit of its own: one
    that keeps Compose busy is not readable, and nothing is unclear.
    """
    script = f"""
set -o pipefail
end=$(($(date +%s) + {ALL_LIMIT_S}))
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
   left=$((end - $(date +%s)))
   test $left -lt {FILE_LIMIT_S} || left={FILE_LIMIT_S}
   test $left -gt 0 || left=1
   timeout -s KILL $left docker compose "$@" config --format json 2>&1 |
    head -c {LARGEST_READING})
  code=$?
  printf '%s\\n' "$said" | sed 's/^/| /'
  echo "@@code $code"
done"""
    return _parse(shell.name, shell.ask(script, timeout=QUESTION_LIMIT_S).stdout)


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
            why = "\n".join(lines[-3:]) or "?"
            if line.removeprefix("@@code ") in ENDLESS:
                why = _("Compose does not come to an end with it")
            projects.append(Project(machine, file, "", {}, why))
    return projects


def parsed(machine: str, file: str, config: str) -> Project:
    """A compose file by what `docker compose config --format json` says. ValueError if it is none.

    Warnings about unset variables may stand before it.
    """
    document = as_json(config[config.index("{") :])
    found = within(document, "services") or {}
    if not isinstance(document, dict) or not isinstance(found, dict):
        raise ValueError("no mapping")
    services = {str(name): Service(str(name), raw or {}) for name, raw in found.items()}
    if not all(is_readable(one) for one in services.values()):
        raise ValueError("not in Compose's normal form")
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
