"""Names and places that several steps share (the contract of the application, design.md)."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from posixpath import relpath

from labkit.course import Artefact, Files
from labkit.facts.compose.project import Service, by_judged
from labkit.facts.docker import containers
from labkit.facts.dockerfile import base_images, build_arguments, is_dockerfile
from labkit.facts.haproxy.file import WRITTEN_BY_HAND
from labkit.facts.registry import is_registry
from labkit.remote import CommandFailedError, Shell
from steps.judged import judge
from subject.contract import HTTP_PORT, PROJECT
from subject.published import stand_in
from subject.releases import DEBIAN, OLD_PYTHON, is_of_old, names, repository_and_tag
from subject.roles import Project, find_project, is_student_age

# What Compose looks for by itself, in its order (compose-go, cli.DefaultFileNames).
DEFAULT_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
IMAGE = "student-age:1.0"
APART = "/var/lib/carried"  # where no check looks for what a student has written
# Of a submission: the compose files that web2 has of its own, and whether they build the API there.
OWN_OF_WEB2 = "second-server: files"
BUILT_ON_WEB2 = "second-server: builds"
CARRIED = "build: carried"  # an option of a submission: the image is the reference's
PULL_LIMIT_S = 120.0
LONGEST_SCRIPT = 10_000  # characters of a container's command that are read
REGISTRY_HOME = "/srv/registry"
REGISTRY = "lb:5000"
REGISTRY_USER = "student"
REGISTRY_PASSWORD = "student-list"
PUSHED_IMAGE = f"{REGISTRY}/{IMAGE}"

GIVEN = (
    "simple_api/student_age.py",
    "simple_api/requirements.txt",
    "simple_api/student_age.json",
)

WEBS = ("web1", "web2")

DOCKERFILE = Artefact("simple_api/Dockerfile", f"{PROJECT}/simple_api/Dockerfile", WEBS)
COMPOSE = Artefact("docker-compose.yml", f"{PROJECT}/docker-compose.yml", WEBS)
INDEX = Artefact("website/index.php", f"{PROJECT}/website/index.php", WEBS)
REGISTRY_COMPOSE = Artefact(
    "docker-compose-registry.yml", f"{REGISTRY_HOME}/docker-compose-registry.yml", ("lb",)
)
HAPROXY_BACKEND = Artefact(
    "haproxy/haproxy.cfg",
    "/etc/haproxy/haproxy.cfg",
    ("lb",),
    reference="haproxy/haproxy-11.cfg",
    sudo=True,
    marker=WRITTEN_BY_HAND,
    later="haproxy/haproxy.cfg",
    distinction="haproxy/haproxy-hardened.cfg",
)
HAPROXY_STATS = Artefact(
    "haproxy/haproxy.cfg",
    "/etc/haproxy/haproxy.cfg",
    ("lb",),
    sudo=True,
    marker=WRITTEN_BY_HAND,
    distinction="haproxy/haproxy-hardened.cfg",
)


RSYSLOG = Artefact(
    "haproxy/rsyslog-haproxy.conf", "/etc/rsyslog.d/haproxy.conf", ("lb",), sudo=True
)
# The rule that Debian's haproxy brings, for a socket in its chroot, and where it is out of force:
# beside it any rule of a student's seems right. Rocky's brings none.
PACKAGED_RULE = "/etc/rsyslog.d/49-haproxy.conf"
PACKAGED_ASIDE = f"{PACKAGED_RULE}.packaged"


@dataclass(frozen=True)
class Stack:
    """Where a student's compose file lies on a web server, and how Compose is called for it."""

    path: str
    by_name: bool  # Compose would not find it by itself
    services: tuple[str, ...]  # which of its services are the practical's here, none for all
    judged: bool  # submitted: what was judged of the file takes its place
    options: tuple[str, ...] = ()  # what Compose is told beside: further files, profiles

    def compose(self, *words: str) -> str:
        """`docker compose WORDS` for this file."""
        name = PurePosixPath(self.path).name
        usual = ["docker", "compose", *(["-f", name] if self.by_name else [])]
        return shlex.join([*(by_judged(self.path) if self.judged else usual), *words])

    @property
    def folder(self) -> str:
        return str(PurePosixPath(self.path).parent)

    def judge(self, web: Shell) -> Project:
        """What would be started now. StepFailedError if that may not be started."""
        return judge(web, self.path, by_name=self.by_name, options=self.options)


def stack_of(files: Files, machine: str = "web1") -> Stack:
    """The stack of this run's student on a web server; web2 may have compose files of its own."""
    own = shlex.split(files.option(OWN_OF_WEB2)) if machine == "web2" else []
    path = PurePosixPath(PROJECT, own[0] if own else files.at(COMPOSE.path))
    there = {
        PurePosixPath(PROJECT, one) for one in (files.submission.files if files.submission else ())
    }
    first = next((one for one in DEFAULT_NAMES if path.with_name(one) in {*there, path}), "")
    if own:
        among = [word for one in own for word in ("-f", relpath(f"{PROJECT}/{one}", path.parent))]
        options = tuple(among if len(own) > 1 else ())
        return Stack(str(path), path.name != first, (), judged=True, options=options)
    services = tuple(shlex.split(files.option("compose: services")))
    by_name = path.name != first and not files.option("compose: by itself")
    options = tuple(shlex.split(files.option("compose: options")))
    return Stack(str(path), by_name, services, judged=bool(files.submission), options=options)


def own_folder(shell: Shell, path: str) -> None:
    """Make a folder that belongs to the user, so that nothing in it needs sudo."""
    make = ["sudo", "install", "-d", "-o", shell.user, path]
    shell.run(shlex.join(make), unless=f"test -w {shlex.quote(path)}")


def copy_project(shell: Shell, files: Files, *, page: bool = True) -> None:
    """Bring the given files of the project to a web server; what a student changed stays.

    The page is among them as it is given; step f edits it. All that was submitted goes where the
    student's own files expect it.
    """
    own_folder(shell, PROJECT)
    bring_all(shell, files, PROJECT)
    for path in (*GIVEN, INDEX.path) if page else GIVEN:
        files.bring(path, f"{PROJECT}/{files.at(path)}", shell)


def bring_all(shell: Shell, files: Files, folder: str, *, below: str = ".") -> None:
    """Every file of a submission that lies below a folder of it; nothing for a workspace."""
    if not files.submission:
        return
    top = "" if below == "." else f"{below}/"
    shell.unpack(
        {
            path.removeprefix(top): data
            for path, data in files.submission.files.items()
            if path.startswith(top)
        },
        folder,
        executable={path.removeprefix(top) for path in files.submission.executable},
    )


def described(web: Shell, files: Files) -> Project | None:
    """The project on a web server, as it would be started now.

    StepFailedError if it was submitted and may not be started.
    """
    stack = stack_of(files, web.name)
    return stack.judge(web) if stack.judged else find_project(web)


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


def provide_networks(shell: Shell, names: Sequence[str]) -> None:
    """Networks that are made elsewhere: by hand, or by a stack that is on another machine here."""
    for name in names:
        quoted = shlex.quote(name)
        shell.run(f"docker network create {quoted}", unless=f"docker network inspect {quoted}")


def lacking(shell: Shell, services: Iterable[Service]) -> list[str]:
    """Those of these services whose image nobody has, and nobody builds."""
    return [
        one.name
        for one in services
        if one.image
        and not one.raw.get("build")
        and not shell.ask(can_be_had(one.image), timeout=PULL_LIMIT_S).ok
    ]


def wanted_services(shell: Shell, project: Project) -> tuple[str, ...]:
    """The services to start: all, `()`, unless an image is missing that nobody has asked for.

    Then those of the practical, which Compose starts together with what they wait for.
    """
    roles = [one for one in (project.website, project.api) if one]
    beside = [one for one in project.services.values() if one not in roles]
    if len(roles) < 2 or not lacking(shell, beside):
        return ()
    return tuple(one.name for one in roles)


def those_to_be_had(
    shell: Shell, project: Project, chosen: Sequence[str], needed: Callable[[str], bool]
) -> tuple[str, ...]:
    """The services to start, of those chosen or, `()`, of all: without any whose image is missing.

    One that is needed stays: what it lacks is then said. Compose starts each together with what it
    waits for.
    """
    names = list(chosen or project.services)
    among = [one for name, one in project.services.items() if name in names]
    missing = lacking(shell, [one for one in among if not needed(one.image)])
    return tuple(name for name in names if name not in missing) if missing else tuple(chosen)


def compose_up(shell: Shell, files: Files, *options: str) -> None:
    """`docker compose up -d` of the stack, typed again if the engine failed for a moment."""
    stack = stack_of(files, shell.name)
    services = stack.services
    if stack.judged:
        project = stack.judge(shell)
        provide_images(shell, images_of(project, files))
        provide_networks(shell, files.option("deploy: networks").split())
        build_website(shell, files, project)
        services = services or wanted_services(shell, project)
    command = stack.compose("up", "-d", *options, *services)
    run_twice(shell, command, cwd=stack.folder)


def build_website(web: Shell, files: Files, project: Project) -> None:
    """The website's image where the student has built it by hand, and nobody else has it."""
    what = shlex.split(files.option("deploy: website"))
    if what and project.website:
        words = ["docker", "build", "--quiet", "-t", project.website.image, *what]
        web.run(shlex.join(words), cwd=PROJECT, unless=can_be_had(project.website.image))


def up_with(web: Shell, files: Files, project: Project | None, image: str) -> None:
    """Start the stack with an image that is here, whatever the file calls it or builds it from."""
    wanted = project.api_image if project else ""
    built = bool(project and project.api and project.api.build_context)
    if wanted and not built and not is_student_age(wanted):
        tag(web, image, wanted, unless=can_be_had(wanted))
    elif wanted:
        tag(web, image, wanted)
    website = project.website if project else None
    if website and website.build_context:
        stack = stack_of(files, web.name)
        web.run(stack.compose("build", "--quiet", website.name), cwd=stack.folder)
    compose_up(web, files, "--no-build")


def run_twice(shell: Shell, command: str, *, cwd: str) -> None:
    """A command that starts containers, typed again if the engine failed for a moment.

    The container runtime loses its first process now and then on a busy computer (seen once in
    some hundred starts).
    """
    try:
        shell.run(command, cwd=cwd)
    except CommandFailedError as error:
        if "waiting for init" not in error.result.said:
            raise
        shell.run(command, cwd=cwd)


def name_image(web: Shell, project: Project | None, image: str) -> None:
    """Give the image that is here the name by which the student's compose file asks for it."""
    wanted = project.api_image if project else ""
    if wanted and wanted != image and (project and project.api and not project.api.build_context):
        tag(web, image, wanted, unless=can_be_had(wanted))


def tag(shell: Shell, image: str, name: str, *, unless: str = "") -> None:
    """Give an image one name more."""
    shell.run(shlex.join(["docker", "tag", image, name]), unless=unless)


def can_be_had(image: str) -> str:
    """The question whether an image is here, or anybody's to pull."""
    name = shlex.quote(image)
    return f"docker image inspect {name} || docker pull -q {name}"


def refuse_when_down(web: Shell, project: Project | None) -> None:
    """Let firewalld pass the site's port: a stopped website then refuses instead of being silent.

    While the container runs, Docker forwards the port and firewalld has no say. Once it has
    stopped, firewalld rejects with ICMP, of which the kernel sends one a second: HAProxy then
    meets silence, and takes 8 to 12 s instead of 4 to 6 s to notice (measured on this lab).
    """
    website = project.website if project else None
    port = website.published.get(HTTP_PORT, "") if website else ""
    web.open_port("--add-service=http" if port in ("", "80") else f"--add-port={port}/tcp")


# Under which name the registry answers, by which of the two protocols, and whether it asks for a
# password. To a plain request a registry with TLS answers 400.
ASK_REGISTRY = (
    "for try in $(seq 1 50); do for name in NAMES; do for scheme in https http; do"
    " said=$(curl -sk -m 2 -o /dev/null -D - -w '%{http_code}' $scheme://$name/v2/);"
    ' code=$(echo "$said" | tail -n 1); case $code in 200|401)'
    " echo \"$said\" | grep -qi '^docker-distribution-api-version:'"
    " && echo $scheme $code $name && exit 0;; esac;"
    " done; done; sleep 0.2; done; exit 1"
)


# The engine is only signalled to read its configuration again: it may take its time.
ASK_INSECURE = (
    "for try in $(seq 1 100); do docker info | grep -qxE ' +REGISTRY' && exit 0; sleep 0.1; done;"
    " exit 1"
)


def registry_names(lb: Shell) -> list[str]:
    """HOST:PORT of what may be the registry: where its container on lb is published.

    If it is published nowhere, what passes its visitors on: a page, or a server in front of it.
    """
    running = [one for one in containers(lb) if one.published]
    own = [one for one in running if is_registry(one.image)]
    ports = [one.published.get(5000) or next(iter(one.published.values())) for one in own]
    ports = ports or [port for one in running for port in one.published.values()]
    return [f"lb:{port}" for port in ports] or [REGISTRY]


def registry_login(lb: Shell) -> tuple[str, str]:
    """Who may use the registry: whom its container's command lets in at each start, or the lab's.

    Such a command writes the password file anew, and whom the lab has put there is gone.
    """
    for one in containers(lb):
        config = one.raw["Config"]
        words = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
        if is_registry(one.image) and (login := written_login(" ".join(map(str, words)))):
            return login
    return REGISTRY_USER, REGISTRY_PASSWORD


def written_login(script: str) -> tuple[str, str] | None:
    """User and password that a script gives to htpasswd; None if it does not, or by variables.

    `htpasswd -Bbn USER PASSWORD > FILE`, or `htpasswd -Bbc FILE USER PASSWORD`; -C has a value.
    """
    for said in re.findall(r"\bhtpasswd([ \t]+-[^\n;&|>]*)", script[:LONGEST_SCRIPT]):
        try:
            words = shlex.split(said)
        except ValueError:
            continue
        letters = "".join(word[1:] for word in words if word.startswith("-"))
        rest = [word for before, word in zip(["", *words], words, strict=False)
                if not word.startswith("-") and not re.fullmatch(r"-\w*C", before)]  # fmt: skip
        login = rest if "n" in letters else rest[1:]
        if "b" in letters and len(login) == 2 and "$" not in "".join(login):
            return login[0], login[1]
    return None


def trust_registry(shell: Shell, lb: Shell) -> str:
    """Let this machine's Docker use the registry, and log in to it if it asks for a password.

    With TLS the lab's CA is put where Docker looks for it; a plain registry, which a student may
    have described, is named as insecure. Returns the registry's name, HOST:PORT.
    """
    names = registry_names(lb)
    answer = lb.ask(ASK_REGISTRY.replace("NAMES", shlex.join(names))).text
    scheme, status, name = answer.split() if answer else ("https", "401", names[0])
    if scheme == "http":
        allow_insecure(shell, name)
    else:
        trust_authority(shell, lb, name)
    if status == "401":
        user, password = registry_login(lb)
        shell.run(
            f"echo {shlex.quote(password)} | docker login -u {shlex.quote(user)} --password-stdin"
            f" {shlex.quote(name)}",
            unless=f"grep -q {shlex.quote(json.dumps(name))} ~/.docker/config.json",
        )
    return name


def trust_authority(shell: Shell, lb: Shell, registry: str) -> None:
    """The lab's CA where Docker looks for it; one that was put there by hand stays."""
    authority = lb.read(f"{REGISTRY_HOME}/certs/ca.crt")
    if not authority:
        return
    folder = f"/etc/docker/certs.d/{registry}"
    quoted = shlex.quote(folder)
    shell.run(f"sudo install -d {quoted}", unless=f"test -d {quoted}")
    shell.write(f"{folder}/ca.crt", authority, root=True)


def allow_insecure(shell: Shell, registry: str) -> None:
    """The registry among the insecure ones of this machine's Docker, reloaded and not restarted."""
    path = "/etc/docker/daemon.json"
    settings = json.loads(shell.read(path, root=True) or "{}")
    known = settings.setdefault("insecure-registries", [])
    if registry in known:
        return
    known.append(registry)
    if shell.write(path, json.dumps(settings, indent=2) + "\n", root=True):
        shell.run("sudo systemctl reload docker")
        shell.ask(ASK_INSECURE.replace("REGISTRY", re.escape(registry)))


def place_page(files: Files, shell: Shell) -> None:
    """Put the page in place, and restart the containers that mount this very file.

    Where Compose mounted its folder it is seen at once. A file is put in place under another name
    and renamed: one that is mounted by itself, or as a config, is the former one until then.
    """
    if not files.place(INDEX, shell):
        return
    filter_ = f"volume={files.remote(INDEX)}"
    holders = shell.ask(shlex.join(["docker", "ps", "-q", "--filter", filter_])).text.split()
    if holders:
        shell.run(shlex.join(["docker", "restart", "-t", "1", *holders]))


def website_service(web: Shell) -> str:
    """The name that the website's service has in the compose file on this machine."""
    project = find_project(web)
    website = project.website if project else None
    return website.name if website else "website"
