"""Images that the lab has otherwise: the nearest one, made as the one asked for was at its time."""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path

from labkit.course import Files
from labkit.facts.dockerfile import base_images, build_arguments, is_dockerfile
from labkit.remote import Shell
from steps.project import DOCKERFILE
from subject.published import stand_in
from subject.releases import DEBIAN, OLD_PYTHON, is_of_old, names, repository_and_tag
from subject.roles import Project

PULL_LIMIT_S = 120.0
STAND_IN_LABEL = "org.labkit.stand-in"
MADE_LABEL = "org.labkit.as-it-was"  # of what it was made
LABELS = (STAND_IN_LABEL, MADE_LABEL)
APK, APT, USERS = (
    base64.b64encode((Path(__file__).parent / name).read_bytes()).decode()
    for name in ("apk.sh", "apt.sh", "users.sh")
)
# When old releases of Flask fitted with whatever they asked for: by the version, or by the release
# of Debian that the tag names.
OLD_RELEASES = names(tuple(one for one in DEBIAN if not one.keeps_pip_out))
OLD_PYTHON_TAG = re.compile(rf"{OLD_PYTHON}(?:[.-].*)?|.*-?(?:{OLD_RELEASES})(?:-.*)?")
AS_OLD_PYTHON = (
    "ENV PIP_FIND_LINKS='/usr/share/labkit/wheels /usr/share/labkit/wheels-of-their-time'\n"
    "RUN ln -s /usr/share/labkit/archived.list /etc/apt/sources.list.d/\n"
)
# Alpine has apk and BusyBox, and no apt.
ALPINE = re.compile(r"(?:.*-)?alpine[\d.]*")
AS_ALPINE = (
    f"RUN echo {APK} | base64 -d > /sbin/apk && chmod 755 /sbin/apk"
    " && mkdir /usr/share/labkit/debian"
    " && mv /usr/bin/apt /usr/bin/apt-* /usr/share/labkit/debian/"
    f" && echo {USERS} | base64 -d > /usr/local/sbin/adduser && chmod 755 /usr/local/sbin/adduser"
    " && ln /usr/local/sbin/adduser /usr/local/sbin/addgroup"
    " && cp /usr/share/labkit/alpine/busybox /bin/ && for applet in $(busybox --list);"
    ' do command -v "$applet" > /dev/null || ln -s /bin/busybox "/usr/local/bin/$applet"; done\n'
)
# A bare system has no Python until it is installed. Releases of which Python 2 or a Python of old
# was part, and no mark that keeps pip out (PEP 668); all others have it.
AS_BARE = (
    f"RUN echo {APT} | base64 -d > /usr/local/sbin/apt-get && chmod 755 /usr/local/sbin/apt-get"
    " && ln /usr/local/sbin/apt-get /usr/local/sbin/apt && apt-get hide\n"
    'CMD ["bash"]\n'
)
AS_MANAGED = "RUN touch /usr/share/labkit/hidden/managed\n"

Tells = Callable[[str], object]  # whether a tag is one of those


def _bare(system: str) -> tuple[tuple[Tells, str], ...]:
    """What makes the lab's Python a bare system: of the releases of old, and of all others."""

    def is_old(tag: str) -> bool:
        return is_of_old(f"{system}:{tag}")

    def is_new(tag: str) -> bool:
        return not is_old(tag)

    return (is_old, AS_OLD_PYTHON), (lambda _tag: True, AS_BARE), (is_new, AS_MANAGED)


# A base that waits for what is built from it (docker-library/python, onbuild, until 2018).
ONBUILD = re.compile(r"(?:.*-)?onbuild")
AS_ONBUILD = (
    "WORKDIR /usr/src/app\n"
    "ONBUILD COPY requirements.txt /usr/src/app/\n"
    "ONBUILD RUN pip install --no-cache-dir -r requirements.txt\n"
    "ONBUILD COPY . /usr/src/app\n"
)
# Version 1 of the page came in two forms; the static one passed requests on to REGISTRY_URL.
STATIC = re.compile(r"(?:1(?:\.\d+)*-)?static(?:-.*)?")
# Repository -> tags of another time or system, and what makes the lab's image one of them.
FORMERLY: dict[str, tuple[tuple[Tells, str], ...]] = {
    "python": (
        (OLD_PYTHON_TAG.fullmatch, AS_OLD_PYTHON),
        (ALPINE.fullmatch, AS_ALPINE),
        (ONBUILD.fullmatch, AS_ONBUILD),
    ),
    "debian": _bare("debian"),
    "ubuntu": _bare("ubuntu"),
    "joxit/docker-registry-ui": ((STATIC.fullmatch, "ENV PASS_ON_TO_REGISTRY_URL=true\n"),),
}


def provide_images(shell: Shell, images: Iterable[str]) -> None:
    """Let a machine have these images; one that nobody has a tag of, by its nearest relative."""
    for image in dict.fromkeys(images):
        if nearest := stand_in(image):
            pull = shlex.join(["docker", "pull", "--quiet", nearest])
            name = shlex.join(["docker", "tag", nearest, image])
            shell.ask(f"{can_be_had(image)} || {{ {pull} && {name}; }}", timeout=PULL_LIMIT_S)
            if formerly(image):
                shell.ask(as_it_was(image, nearest), timeout=PULL_LIMIT_S)


def provide_bases(shell: Shell, files: Files) -> None:
    """Let a machine have what the Dockerfile of a submission starts from."""
    if files.submission:
        text = files.content(DOCKERFILE).data.decode("utf-8", "replace")
        given = build_arguments(shlex.split(files.option("build: what")))
        provide_images(shell, base_images(text, given))


def formerly(image: str) -> str:
    """What a Dockerfile adds to the lab's image, so that it is one of a tag's time; "" if none."""
    name, tag = repository_and_tag(image)
    return "".join(lines for is_one, lines in FORMERLY.get(name, ()) if is_one(tag))


def as_it_was(image: str, nearest: str) -> str:
    """The command that makes a tag the lab's image as it would have been at the tag's time.

    A genuine image, which somebody has put into the mirror, is left as it is; so is one that has
    been made so already.
    """
    text = f"FROM {nearest}\n{formerly(image)}"
    made = f"{MADE_LABEL}={hashlib.sha256(text.encode()).hexdigest()[:12]}"
    labels = " ".join(f'{{{{index .Config.Labels "{one}"}}}}' for one in LABELS)
    inspect = shlex.join(["docker", "image", "inspect", "-f", labels, image])
    build = shlex.join(["docker", "build", "-q", "-t", image, "--label", made, "-"])
    return (
        f"case $({inspect}) in ''|' '*|*' {made.partition('=')[2]}') ;;"
        f" *) {{ {can_be_had(nearest)}; }}"
        f" && printf %s {shlex.quote(text)} | {build} ;; esac"
    )


def images_of(project: Project, files: Files) -> list[str]:
    """The images that a project names, and those that what it builds starts from."""
    texts = files.submission.files.items() if files.submission else ()
    builds = [one.raw.get("build") for one in project.services.values()]
    given = [build.get("args") for build in builds if isinstance(build, dict)]
    arguments = {str(name): str(value) for one in given if isinstance(one, dict)
                 for name, value in one.items()}  # fmt: skip
    bases = [
        image
        for path, data in texts
        if is_dockerfile(path)
        for image in base_images(data.decode("utf-8", "replace"), arguments)
    ]
    return [*(one.image for one in project.services.values() if one.image), *bases]


def can_be_had(image: str) -> str:
    """The question whether an image is here, or anybody's to pull."""
    name = shlex.quote(image)
    return f"docker image inspect {name} || docker pull -q {name}"
