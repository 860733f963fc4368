"""Compose projects on a machine: found, and read by Compose itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, TypeVar

from labkit.course import CannotTellError
from labkit.facts.compose.folders import mount_files, mount_folders
from labkit.facts.docker import Container, containers
from labkit.facts.foreign import as_json, is_readable, within
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
# What Compose needs for a file that a person wrote is below a second; aliases that multiply keep it
# busy for minutes. All files together must be read before the question itself ends.
FILE_LIMIT_S, ALL_LIMIT_S, QUESTION_LIMIT_S = 20, 45, 70
LARGEST_READING = 2 * 1024 * 1024  # bytes of what Compose makes of a file
ENDLESS = ("124", "137", "141")  # exit codes: timeout's, of SIGKILL, of nobody who reads on


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
        """The networks of the file that it is on, or the one that its network_mode names."""
        mode = str(self.raw.get("network_mode") or "")
        own = {mode} if mode not in ("", "none") and ":" not in mode else set()
        return set(self.raw.get("networks") or {}) | own

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
    judged: bool = False  # a submission's own, which is started or refused

    @property
    def folder(self) -> str:
        return str(PurePosixPath(self.file).parent)

    @property
    def one_shots(self) -> set[str]:
        """Services that do something once and end: another one waits for their success."""
        return {
            name
            for service in self.services.values()
            for name, how in _waits(service.raw.get("depends_on")).items()
            if how == "service_completed_successfully"
        }


PROJECT = TypeVar("PROJECT", bound=Project)


def _waits(depends_on: Any) -> dict[str, str]:
    """Service -> the condition under which it is waited for."""
    if not isinstance(depends_on, dict):
        return {}
    return {
        str(name): str(how.get("condition", ""))
        for name, how in depends_on.items()
        if isinstance(how, dict)
    }


def by_judged(file: str) -> list[str]:
    """`docker compose` for what was judged of a compose file, typed in the file's folder.

    Without the folder's .env, of which Compose has made use already.
    """
    return ["docker", "compose", "--project-directory", ".", "--env-file", "/dev/null",
            "-f", f"{JUDGED}{file}"]  # fmt: skip


def find_projects(shell: Shell, kind: type[PROJECT]) -> list[PROJECT]:
    """Every compose file of a machine, as Compose reads it.

    Asked in one round trip: each candidate file, then what Compose makes of it. Files of running
    projects come first, since a learner may keep several. Each has a time limit of its own: one
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
  test -e "{JUDGED}$file" && echo "@@judged $file" || echo "@@file $file"
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
    return _parse(shell.name, shell.ask(script, timeout=QUESTION_LIMIT_S).stdout, kind)


def _parse(machine: str, text: str, kind: type[PROJECT]) -> list[PROJECT]:
    """Of each file its name, what Compose said with a bar before each line, and the exit code.

    Nothing that stands in a file can be taken for the answer about another one.
    """
    projects = []
    file, judged, said = "", False, list[str]()
    for line in text.split("\n"):
        if line.startswith("| "):
            said.append(line.removeprefix("| "))
        elif line.startswith(("@@file ", "@@judged ")):
            kind_of_file, _blank, file = line.partition(" ")
            said, judged = [], kind_of_file == "@@judged"
        elif line == "@@code 0":
            try:
                read = parsed(machine, file, "\n".join(said), kind)
                projects.append(replace(read, judged=judged))
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
                why = _("Compose does not finish reading it")
            projects.append(kind(machine, file, "", {}, why, judged=judged))
    return projects


def parsed(machine: str, file: str, config: str, kind: type[PROJECT]) -> PROJECT:
    """A compose file by what `docker compose config --format json` says. ValueError if it is none.

    `kind` is Project, or a course's own that tells its services' roles. Warnings about unset
    variables may stand before it.
    """
    document = as_json(config[config.index("{") :])
    found = within(document, "services") or {}
    if not isinstance(document, dict) or not isinstance(found, dict):
        raise ValueError("no mapping")
    mount_folders(document)
    mount_files(document)
    services = {str(name): Service(str(name), raw or {}) for name, raw in found.items()}
    if not all(is_readable(service) for service in services.values()):
        raise ValueError("not in Compose's normal form")
    return kind(machine, file, str(document.get("name", "")), services, document=document)


def containers_of(shell: Shell, project: Project) -> list[Container]:
    """The containers that Compose made of a project."""
    return [
        container
        for container in containers(shell)
        if container.labels.get("com.docker.compose.project.working_dir") == project.folder
    ]


def container_of(service: Service | None, found: Iterable[Container]) -> Container | None:
    """The container of a service among a project's, one that runs first; None without any."""
    name = service.name if service else ""
    matching = [
        container
        for container in found
        if container.labels.get("com.docker.compose.service") == name
    ]
    return min(matching, key=lambda container: not container.running, default=None)
