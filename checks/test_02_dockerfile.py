"""b) The Dockerfile of the Flask API, judged by what it builds."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NoReturn

import pytest

from checks.compose import PLACES, Project
from checks.docker_facts import API_PORT, must_be_had, tried_out
from checks.dockerfiles import build_options, copied_sources
from labkit.course import CannotTellError, NotMetError, check, expect, not_met
from labkit.errors import LabkitError, NotReadyError
from labkit.locale import _
from labkit.remote import Shell

BUILD_LIMIT_S = 50.0
# Dockerfiles that are not the website's, where people put them.
FIND = (
    f"find {PLACES} -maxdepth 5 -type f -size +0 -readable "
    "\\( -iname 'dockerfile*' -o -iname '*.dockerfile' \\) 2>/dev/null | while read -r file; do "
    "grep -qiE '^[[:space:]]*FROM[[:space:]]+[^[:space:]]*(php|httpd|apache)' \"$file\" "
    '|| echo "$file"; done'
)


@dataclass(frozen=True)
class Build:
    """How the API's image is built: the Dockerfile, its context, and further options."""

    dockerfile: str
    context: str
    options: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        return shlex.join(
            ["docker", "build", "-q", "-f", self.dockerfile, *self.options, self.context]
        )


@pytest.fixture(scope="session")
def dockerfile(web1: Shell, anything: Project | None) -> Build:
    """The API's Dockerfile on web1, with the context that it is written for."""
    api = anything.api if anything else None
    described = _described(api.raw.get("build")) if api else None
    if described and web1.ask(f"test -s {shlex.quote(described.dockerfile)}").ok:
        return described
    found = web1.ask(FIND).stdout.splitlines()
    if not found:
        not_met(
            expected=_("a Dockerfile that is not empty, beside student_age.py"),
            seen=_("none"),
            where="web1:/srv/student-list/simple_api/Dockerfile",
        )
    builds = [_with_context(web1, path) for path in found]
    return min(builds, key=lambda one: (not one.dockerfile.startswith("/srv"), one.dockerfile))


def _described(build: Any) -> Build | None:
    """What a compose file says of it, in Compose's normal form."""
    if not isinstance(build, dict) or not build.get("context"):
        return None
    context = str(build["context"])
    path = posixpath.join(context, str(build.get("dockerfile") or "Dockerfile"))
    return Build(path, context, tuple(build_options(build)))


def _with_context(web1: Shell, path: str) -> Build:
    """The folder whose files it copies: its own, or the one above where it is the other one."""
    folder = str(PurePosixPath(path).parent)
    copied = copied_sources(web1.read(path) or "")

    def lacking(base: str) -> int:
        names = " ".join(shlex.quote(posixpath.join(base, word)) for word in copied)
        script = f'for name in {names}; do test -e "$name" || echo lacking; done'
        return len(web1.ask(script).stdout.splitlines()) if copied else 0

    above = str(PurePosixPath(folder).parent)
    return Build(path, above if lacking(above) < lacking(folder) else folder)


@pytest.fixture(scope="session")
def built(web1: Shell, dockerfile: Build) -> Iterator[dict[str, Any]]:
    """The configuration of the image that the Dockerfile builds.

    The build uses the engine's cache; the image is removed again if it is nobody else's.
    """
    command = f"{dockerfile.command} 2>&1"
    try:
        answer = web1.ask(command, timeout=BUILD_LIMIT_S)
    except NotReadyError:
        raise
    except LabkitError:
        _say_why_endless(web1, dockerfile)
    image = answer.text.splitlines()[-1] if answer.ok and answer.text else ""
    if not image.startswith("sha256:"):
        _say_why_not_built(answer.text, dockerfile.dockerfile)
    inspected = json.loads(web1.ask(f"docker image inspect {shlex.quote(image)}").stdout or "[]")
    yield {**inspected[0]["Config"], "labkit.image": image}
    if not inspected[0].get("RepoTags"):
        web1.ask(f"docker image rm {shlex.quote(image)}")


def _say_why_endless(web1: Shell, build: Build) -> NoReturn:
    """A build that takes too long is the student's only if the machine itself is quick."""
    probe = web1.ask("printf 'FROM scratch\\nCOPY x /\\n' > /tmp/labkit-probe; "
                     "d=$(mktemp -d); touch $d/x; docker build -q -f /tmp/labkit-probe $d; "
                     "code=$?; rm -r $d /tmp/labkit-probe; exit $code", timeout=15)  # fmt: skip
    if not probe.ok:
        raise CannotTellError(_("the engine of web1 builds nothing"), settle="labkit doctor")
    not_met(
        expected=_("docker build ends within {seconds:.0f} s", seconds=BUILD_LIMIT_S),
        seen=_("it had not ended; a build of one line took no time"),
        where=f"web1 $ {build.command}",
    )


def _say_why_not_built(text: str, dockerfile: str) -> NoReturn:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()] or lines or [""]
    if "no space left" in text:
        raise CannotTellError(_("the disk of {machine} is full", machine="web1"))
    base = re.search(r"(?:failed to solve: |load metadata for (?:docker\.io/)?)([\w./:@-]+)", text)
    if "resolve source metadata" in text or "load metadata" in errors[-1] or "pull" in errors[-1]:
        must_be_had(text, (base.group(1).rstrip(":") if base else "FROM"), "web1")
        not_met(
            expected=_("a base image that can still be had"),
            seen=_("{error} (old images are archived; is the name spelt right?)", error=errors[-1]),
            where=f"web1:{dockerfile}, FROM",
        )
    not_met(
        expected=_("docker build succeeds"),
        seen=errors[-1],
        where=f"web1 $ docker build {dockerfile}",
    )


@check(
    points=0.5,
    needs="machines.docker_web1",
    probes=(
        "On web1: the Dockerfile that build: names in docker-compose.yml, else any that is not "
        "empty in /srv, /home, /root, /opt, /var/www or /tmp; one that begins with an image of PHP "
        "or Apache is the website's and does not count."
    ),
    why=(
        "An image without its recipe cannot be corrected: on the day when its base needs a "
        "security update, somebody has to guess how it was made."
    ),
    hints=[
        "A Dockerfile says how an image is made. Where must it lie?",
        "It lies beside student_age.py, in simple_api/, and must not be empty.",
        (
            "nano /srv/student-list/simple_api/Dockerfile   and its first line: FROM "
            "python:3.12-slim   (tutorial, page 2)"
        ),
    ],
)
def test_present(dockerfile: Build) -> None:
    """There is a Dockerfile for the API on web1."""
    assert dockerfile


@check(
    points=0.75,
    needs="dockerfile.present",
    probes=(
        "docker build is run on web1 with your Dockerfile and the folder whose files it copies, "
        "the cache allowed; within 50 s it must give an image, which is removed again if it has no "
        "name."
    ),
    why=(
        "A Dockerfile that has built once, on one computer, is no recipe yet: base images are "
        "withdrawn and paths differ, and one finds out when an urgent update is due."
    ),
    hints=[
        "Read the last line that docker build prints: which instruction failed?",
        (
            "FROM names an image that exists; COPY names files beside the Dockerfile; RUN installs "
            "requirements.txt."
        ),
        (
            "A line each: FROM python:3.12-slim · WORKDIR /app · COPY requirements.txt . · RUN pip "
            "install -r requirements.txt · COPY student_age.py ."
        ),
    ],
)
def test_builds(built: dict[str, Any]) -> None:
    """The Dockerfile can be built."""
    assert built


@check(
    points=0.25,
    needs="dockerfile.builds",
    probes=(
        "docker image inspect of the image just built from your Dockerfile: 5000/tcp must be among "
        "its exposed ports."
    ),
    why=(
        "EXPOSE opens nothing by itself; it tells people and tools where the service listens. "
        "Without it they have to guess, and docker run -P publishes nothing."
    ),
    hints=[
        "On which port does the API listen, and where does an image say so?",
        "The instruction EXPOSE documents the port.",
        "EXPOSE 5000",
    ],
)
def test_exposes(built: dict[str, Any]) -> None:
    """The image exposes port 5000."""
    ports = built.get("ExposedPorts") or {}
    expect(
        f"{API_PORT}/tcp" in ports,
        expected=f"EXPOSE {API_PORT}",
        seen=", ".join(ports) or _("no port exposed"),
        where="Dockerfile",
    )


@check(
    points=0.25,
    needs="dockerfile.builds",
    probes=(
        "docker image inspect of the image just built from your Dockerfile: /data must be among "
        "its volumes."
    ),
    why=(
        "Data inside an image is old as soon as it changes outside, and what a container writes is "
        "lost with it. A volume says where the data belongs: outside."
    ),
    hints=[
        "The list of students is not part of the image. Where does the API look for it?",
        "The instruction VOLUME declares a place where data is mounted.",
        "VOLUME /data",
    ],
)
def test_volume(built: dict[str, Any]) -> None:
    """The image has a volume for /data."""
    volumes = built.get("Volumes") or {}
    expect(
        "/data" in {path.rstrip("/") for path in volumes},
        expected="VOLUME /data",
        seen=", ".join(volumes) or _("no volume"),
        where="Dockerfile",
    )


@check(
    points=0.25,
    needs="dockerfile.builds",
    probes=(
        "docker image inspect of the image just built from your Dockerfile: ENTRYPOINT and CMD "
        "together must name student_age, flask or gunicorn."
    ),
    why=(
        "Without a command of its own the image starts what its base starts, a Python prompt that "
        "ends at once; whoever runs it would have to know by heart what to type."
    ),
    hints=[
        "What does a container of this image start?",
        "CMD or ENTRYPOINT starts the script with Python.",
        'CMD ["python", "student_age.py"]',
    ],
)
def test_command(web1: Shell, built: dict[str, Any]) -> None:
    """The image starts the API."""
    words = " ".join((built.get("Entrypoint") or []) + (built.get("Cmd") or []))
    if any(sign in words for sign in ("student_age", "flask", "gunicorn")):
        return
    try:  # a command of the student's own making: does it start the API?
        with tried_out(web1, built["labkit.image"]):
            return
    except NotMetError as error:
        seen = error.seen
    not_met(
        expected=_("a command that starts student_age.py"),
        seen=f"{words}: {seen}" if words else _("no command"),
        where="Dockerfile, CMD",
    )
