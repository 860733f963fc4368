"""b) The Dockerfile of the Flask API, judged by what it builds."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import pytest

from checks.compose import PLACES
from checks.docker_facts import API_PORT
from labkit.course import CannotTellError, check, expect, not_met
from labkit.locale import _
from labkit.remote import Shell

BUILD_LIMIT_S = 50.0
# What engines say when a base image cannot be had; the student's mistake only if it is misspelt.
NO_BASE = ("manifest unknown", "not found", "pull access denied", "no such host", "i/o timeout")


@pytest.fixture(scope="session")
def dockerfile(web1: Shell) -> str:
    """The path of the API's Dockerfile on web1: beside the script that it copies."""
    found = web1.ask(
        f"find {PLACES} -maxdepth 5 -name student_age.py 2>/dev/null | while read -r script; do "
        'find "$(dirname "$script")" -maxdepth 1 -iname "dockerfile*" -size +0 -readable; done'
    ).stdout.splitlines()
    if not found:
        not_met(
            expected=_("a Dockerfile that is not empty, beside student_age.py"),
            seen=_("none"),
            where="web1:/srv/student-list/simple_api/Dockerfile",
        )
    return sorted(found, key=lambda path: not path.startswith("/srv"))[0]


@pytest.fixture(scope="session")
def built(web1: Shell, dockerfile: str) -> Iterator[dict[str, Any]]:
    """The configuration of the image that the Dockerfile builds.

    The build uses the engine's cache; the image is removed again if it is nobody else's.
    """
    folder = str(PurePosixPath(dockerfile).parent)
    answer = web1.ask(
        f"docker build -q -f {shlex.quote(dockerfile)} {shlex.quote(folder)} 2>&1",
        timeout=BUILD_LIMIT_S,
    )
    image = answer.text.splitlines()[-1] if answer.ok else ""
    if not image.startswith("sha256:"):
        _say_why_not_built(answer.text, dockerfile)
    inspected = json.loads(web1.ask(f"docker image inspect {image}").stdout or "[]")
    yield inspected[0]["Config"]
    if not inspected[0].get("RepoTags"):
        web1.ask(f"docker image rm {image}")


def _say_why_not_built(text: str, dockerfile: str) -> None:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()] or lines or [""]
    if "no space left" in text:
        raise CannotTellError(_("the disk of {machine} is full", machine="web1"))
    if any(word in text for word in NO_BASE) and "FROM" in text.upper():
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
    hints=[
        "A Dockerfile says how an image is made. Where must it lie?",
        "It lies beside student_age.py, in simple_api/, and must not be empty.",
        "cd /srv/student-list/simple_api && nano Dockerfile   (tutorial, page 2)",
    ],
)
def test_present(dockerfile: str) -> None:
    """There is a Dockerfile for the API on web1."""
    assert dockerfile


@check(
    points=0.75,
    needs="dockerfile.present",
    hints=[
        "Read the last line that docker build prints: which instruction failed?",
        (
            "FROM names an image that exists; COPY names files beside the Dockerfile; RUN installs "
            "requirements.txt."
        ),
        (
            "FROM python:3.12-slim, COPY requirements.txt ., RUN pip install -r requirements.txt, "
            "COPY student_age.py ."
        ),
    ],
)
def test_builds(built: dict[str, Any]) -> None:
    """The Dockerfile can be built."""
    assert built


@check(
    points=0.25,
    needs="dockerfile.builds",
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
    hints=[
        "What does a container of this image start?",
        "CMD or ENTRYPOINT starts the script with Python.",
        'CMD ["python", "student_age.py"]',
    ],
)
def test_command(built: dict[str, Any]) -> None:
    """The image starts the API."""
    words = " ".join((built.get("Entrypoint") or []) + (built.get("Cmd") or []))
    expect(
        "student_age" in words or "flask" in words or "gunicorn" in words,
        expected=_("a command that starts student_age.py"),
        seen=words or _("no command"),
        where="Dockerfile, CMD",
    )
