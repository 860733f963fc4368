"""What was submitted is judged before it is started, and what was judged is what is started.

Compose itself says what it makes of a file, its neighbours and `.env`; that document is judged,
kept where no container reaches it, and started. Machines on which a student works by hand are the
student's own: there `docker compose up` is typed as ever.
"""

from __future__ import annotations

import json
import posixpath
import shlex
from collections.abc import Iterable, Sequence
from typing import Any

from labkit.errors import StepFailedError
from labkit.facts.compose.harmless import binds, harms, swappable
from labkit.facts.compose.project import JUDGED, parsed
from labkit.facts.foreign import within
from labkit.locale import _
from labkit.remote import CommandFailedError, Shell
from subject.roles import Project

CONFIG_LIMIT_S = 60.0
LIMITS = ("deploy", "resources", "limits")


def judge(shell: Shell, path: str, *, by_name: bool, options: Sequence[str] = ()) -> Project:
    """The project of a compose file that is about to be started, as it will be.

    `by_name`: Compose would not find the file by itself; `options` are what it is told beside, or
    in its place. CommandFailedError if Compose cannot read it, StepFailedError if it asks for what
    is not allowed.
    """
    folder, file = posixpath.split(path)
    given = [*options, *(["-f", file] if by_name and "-f" not in options else [])]
    # Nothing of a file is fetched from elsewhere: what is included lies beside it.
    nothing = [f"COMPOSE_EXPERIMENTAL_{kind}_REMOTE=false" for kind in ("GIT", "OCI")]
    words = ["env", *nothing, "docker", "compose", *given, "config", "--format", "json"]
    answer = shell.ask(f"cd {shlex.quote(folder)} && {shlex.join(words)}", timeout=CONFIG_LIMIT_S)
    if not answer.ok:
        shell.write(JUDGED + path, "", root=True, quiet=True)
        raise CommandFailedError(shell.name, answer)
    project = parsed(shell.name, path, answer.stdout, Project)
    as_they_are(shell, project)
    shell.write(JUDGED + path, json.dumps(project.document, indent=1), root=True, quiet=True)
    refuse(shell, path, harms(project))
    return project


def refuse(shell: Shell, file: str, found: Iterable[str]) -> None:
    """StepFailedError if there is something that a file must not ask for."""
    if said := "; ".join(found):
        raise StepFailedError(
            _("this file is not started: {what}", what=said),
            where=f"{shell.name}:{file}",
            then="labkit explain compose.harmless",
        )


def as_they_are(shell: Shell, project: Project) -> None:
    """Settle in the document what may change between now and the start of a container.

    Sources of mounts are written without links. One that lies in another, which a container can
    write to, could be replaced by a link: the outer one is then for reading only. Profiles are
    gone, since Compose has left out what is in none that was asked for. So is a share of the
    processors on a machine whose kernel gives none: its engine would start no such container, where
    it goes without any other limit that it lacks.
    """
    document, folder = project.document, project.folder
    follow(shell, folder, binds(document), "source")
    services = (document.get("services") or {}).values()
    builds = [one["build"] for one in services if isinstance(one.get("build"), dict)]
    follow(shell, folder, builds, "context")
    given = [*(document.get("secrets") or {}).values(), *(document.get("configs") or {}).values()]
    follow(shell, folder, [one for one in given if isinstance(one, dict)], "file")
    outer = {there for _inner, there in swappable(document, folder)}
    for mount in binds(document):
        if mount.get("source") in outer:
            mount["read_only"] = True
    for service in services:
        service.pop("profiles", None)
    shared = [
        part for one in services for part in (one, within(one, *LIMITS)) if within(part, "cpus")
    ]
    if shared and shell.ask("docker info -f '{{.CPUCfsQuota}}'").text == "false":
        for part in shared:
            del part["cpus"]


def follow(shell: Shell, folder: str, records: Iterable[dict[str, Any]], key: str) -> None:
    """The paths under this key without links and dots. StepFailedError if that cannot be told."""
    pointing = [one for one in records if one.get(key)]
    if not pointing:
        return
    paths = [str(one[key]) for one in pointing]
    question = shlex.join(["realpath", "-mz", "--", *paths])
    answer = shell.ask(f"cd {shlex.quote(folder)} && {question}", sudo=True)
    found = answer.stdout.split("\0")[:-1]
    if not answer.ok or len(found) != len(paths):
        refuse(shell, folder, paths)
    for one, path in zip(pointing, found, strict=True):
        one[key] = path
