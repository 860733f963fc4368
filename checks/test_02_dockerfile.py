"""b) The Dockerfile of the Flask API, judged by what it builds."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NoReturn

import pytest

from checks.builds import Build, must_be_its_version, not_alpine, replaced
from checks.control import must_not_lack
from checks.trial import tried_out
from labkit.course import CannotTellError, NotMetError, check, expect, not_met
from labkit.errors import LabkitError, NotReadyError
from labkit.facts.docker import ENGINE_GONE, inspected, must_be_had, must_have_engine
from labkit.facts.slowness import ONE_LINE_S, SLOWEST, one_line_s, stretch
from labkit.grading import Context
from labkit.locale import _, number
from labkit.remote import Result, Shell
from subject.contract import API_PORT
from subject.roles import must_be_heard_of

BUILD_LIMIT_S = 50.0
AT_LENGTH_S = 30.0
TIMED_OUT = 124  # timeout(1)
# A build, one line, the build with the most time there is, one line, and the build from the cache.
ALL_OF_IT_S = int((4 + SLOWEST) * (BUILD_LIMIT_S + 10))
# What BuildKit says when its client is told to end.
ENDED_BY_US = re.compile(r"^.*(?:\bCANCELED|context canceled).*(?:\n|$)", re.M)
# An engine that ended is started again by systemd, unless it ends too often.
BACK = "timeout 40 sh -c 'until docker version; do sleep 1; done'"
# What package managers print while they fetch and install.
FETCHING = re.compile(
    r"\b(?:Get|Hit|Ign|Err):\d|\b(?:Building wheel|Collecting|Downloading|Fetched|Installing"
    r"|Preparing to unpack|Reading package|Selecting previously|Setting up|Unpacking)\b"
)


@pytest.fixture(scope="session")
def built(web1: Shell, dockerfile: Build) -> Iterator[dict[str, Any]]:
    """The configuration of the image that the Dockerfile builds.

    The build uses the engine's cache; the image is removed again if it is nobody else's.
    """
    image = build_image(web1, dockerfile)
    records = inspected(web1, web1.ask(f"docker image inspect {shlex.quote(image)}").stdout)
    if not records:
        not_met(expected=_("the image continues to exist"), seen=_("no image at all"), where="web1")
    yield {**(records[0].get("Config") or {}), "labkit.image": image}
    if not records[0].get("RepoTags"):
        web1.ask(f"docker image rm {shlex.quote(image)}")


def build_image(web1: Shell, build: Build) -> str:
    """Build, and give the image's id. NotMetError or CannotTellError if there is none."""
    command = f"{build.command} 2>&1"
    try:
        answer = web1.ask(command, timeout=BUILD_LIMIT_S)
        if not answer.ok and ENGINE_GONE.search(answer.said):
            # Once is the machine's fault; a build that ends the engine each time has its own.
            if not web1.ask(BACK, timeout=60).ok:
                must_have_engine("web1", answer.said)
            answer = web1.ask(command, timeout=BUILD_LIMIT_S)
    except NotReadyError:
        raise
    except LabkitError:
        _must_end(web1, build)
        answer = web1.ask(command, timeout=BUILD_LIMIT_S)  # out of the cache
    image = answer.text.splitlines()[-1] if answer.ok and answer.text else ""
    if not image.startswith("sha256:"):
        said = _said_at_length(web1, build, answer)
        must_be_its_version(web1, build, said)
        _say_why_not_built(web1, build, said)
    return image


def _said_at_length(web1: Shell, build: Build, answer: Result) -> str:
    """What a build prints whose failure was the `answer`."""
    tried = _at_length(web1, build, AT_LENGTH_S)
    if tried.exit_code == TIMED_OUT:  # it did not get as far as the mistake
        return f"{tried.text}\n{answer.text}"
    return tried.text or answer.text


def _at_length(web1: Shell, build: Build, limit: float) -> Result:
    """What a build prints that has not succeeded, as far as it gets within some seconds.

    That we ended it, which it says at last, is left out.
    """
    command = shlex.join(["timeout", f"{limit:.0f}", "sh", "-c", build.at_length])
    tried = web1.ask(command, timeout=limit + 10)
    if tried.exit_code != TIMED_OUT:
        return tried
    return replace(tried, stdout=ENDED_BY_US.sub("", tried.stdout))


def _must_end(web1: Shell, build: Build) -> None:
    """A build that took too long is tried once more, with more time the slower the machine is."""
    line_s = _one_line_s(web1)
    limit = BUILD_LIMIT_S * stretch(line_s)
    tried = _at_length(web1, build, limit)
    if tried.exit_code != TIMED_OUT:
        return
    printed = tried.text.splitlines()
    if printed and FETCHING.search(printed[-1]):
        raise CannotTellError(
            _("after {seconds:.0f} s the build is still fetching packages: {line}",
              seconds=limit, line=printed[-1][-200:]),
            settle=_("labkit grade again, with a network"),
        )  # fmt: skip
    line_s = max(line_s, _one_line_s(web1))
    if line_s > SLOWEST * ONE_LINE_S:
        raise CannotTellError(
            _("the build had not finished after {seconds:.0f} s, on a computer so busy that one of "
              "a single line takes {line:.0f} s", seconds=limit, line=line_s),
            settle=_("the same again, on a less busy computer"),
        )  # fmt: skip
    not_met(
        expected=_("docker build finishes within {seconds:.0f} s", seconds=limit),
        seen=_(
            "it had not finished; a one-line build took {seconds} s", seconds=number(line_s, ".1f")
        ),
        where=f"web1 $ {build.command}",
    )


def _one_line_s(web1: Shell) -> float:
    seconds = one_line_s(web1)
    if seconds is None:
        raise CannotTellError(_("the engine of web1 builds nothing"), settle="labkit doctor")
    return seconds


def _say_why_not_built(web1: Shell, build: Build, text: str) -> NoReturn:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()] or lines or [""]
    telling = [
        line
        for line in lines
        if re.search(r"error|not found", line, re.I) and not re.search(r"failed to solve", line)
    ] or errors
    if "no space left" in text:
        raise CannotTellError(_("the disk of {machine} is full", machine="web1"))
    base = re.search(r"(?:failed to solve: |load metadata for (?:docker\.io/)?)([\w./:@-]+)", text)
    if "resolve source metadata" in text or "load metadata" in errors[-1] or "pull" in errors[-1]:
        must_be_heard_of(web1, build.bases(web1))
        must_be_had(text, (base.group(1).rstrip(":") if base else "FROM"), "web1")
        not_met(
            expected=_("a base image that is still available"),
            seen=_("{error} (old images are archived; is the name spelt right?)", error=errors[-1]),
            where=f"web1:{build.dockerfile}, FROM",
        )
    must_not_lack(web1, build, text)
    not_met(
        expected=_("docker build succeeds"),
        seen=telling[-1],
        where=f"web1 $ {build.command}",
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
        "the cache allowed; within 50 s (more, if the machine is busy) it must give an image, "
        "which is removed again if it has no name."
    ),
    limit_s=ALL_OF_IT_S,
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
def test_builds(
    context_of_run: Context,
    web1: Shell,
    dockerfile: Build,
    built: dict[str, Any],
    note: Callable[[str], None],
) -> None:
    """The Dockerfile can be built."""
    assert built
    if context_of_run.submission and (other := replaced(web1, dockerfile)):
        note(other.note)
    if context_of_run.submission and (alpine := not_alpine(web1, dockerfile)):
        note(_("{image} is Debian here", image=alpine))


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
def test_command(web1: Shell, dockerfile: Build, built: dict[str, Any]) -> None:
    """The image starts the API."""
    words = " ".join((built.get("Entrypoint") or []) + (built.get("Cmd") or []))
    if any(sign in words for sign in ("student_age", "flask", "gunicorn")):
        return
    try:  # a command of the student's own making: does it start the API?
        with tried_out(web1, built["labkit.image"]):
            return
    except NotMetError as error:
        seen = error.seen
    must_be_its_version(web1, dockerfile, seen)
    not_met(
        expected=_("a command that starts student_age.py"),
        seen=f"{words}: {seen}" if words else _("no command"),
        where="Dockerfile, CMD",
    )
