"""Names and places that several steps share (the contract of the application, design.md)."""

from __future__ import annotations

import json

from checks.compose import HTTP_PORT, Service, find_project
from labkit.course import Artefact, Files
from labkit.remote import CommandFailedError, Shell

PROJECT = "/srv/student-list"
IMAGE = "student-age:1.0"
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
    marker="my-backend",
    later="haproxy/haproxy.cfg",
    hardened="haproxy/haproxy-hardened.cfg",
)
HAPROXY_STATS = Artefact(
    "haproxy/haproxy.cfg",
    "/etc/haproxy/haproxy.cfg",
    ("lb",),
    sudo=True,
    marker="my-backend",
    hardened="haproxy/haproxy-hardened.cfg",
)


RSYSLOG = Artefact(
    "haproxy/rsyslog-haproxy.conf", "/etc/rsyslog.d/haproxy.conf", ("lb",), sudo=True
)


def own_folder(shell: Shell, path: str) -> None:
    """Make a folder that belongs to the user, so that nothing in it needs sudo."""
    shell.run(f"sudo install -d -o {shell.user} {path}", unless=f"test -w {path}")


def copy_project(shell: Shell, files: Files, *, page: bool = True) -> None:
    """Bring the given files of the project to a web server; what a student changed stays.

    The page is among them as it is given; step f edits it.
    """
    own_folder(shell, PROJECT)
    for path in (*GIVEN, INDEX.path) if page else GIVEN:
        files.bring(path, f"{PROJECT}/{path}", shell)


def compose_up(shell: Shell, *, cwd: str, options: str = "", file: str = "") -> None:
    """`docker compose up -d`, typed again if the engine stumbled.

    The container runtime loses its first process now and then on a busy computer (seen once in
    some hundred starts).
    """
    words = ["docker compose", f"-f {file}" if file else "", "up -d", options]
    command = " ".join(word for word in words if word)
    try:
        shell.run(command, cwd=cwd)
    except CommandFailedError as error:
        if "waiting for init" not in error.result.said:
            raise
        shell.run(command, cwd=cwd)


def refuse_when_down(web: Shell) -> None:
    """Let firewalld pass the site's port: a stopped website then refuses instead of being silent.

    While the container runs, Docker forwards the port and firewalld has no say. Once it has
    stopped, firewalld rejects with ICMP, of which the kernel sends one a second: HAProxy then
    meets silence, and takes 8 to 12 s instead of 4 to 6 s to notice (measured on this lab).
    """
    website = _website(web)
    port = website.published.get(HTTP_PORT, "") if website else ""
    web.open_port("--add-service=http" if port in ("", "80") else f"--add-port={port}/tcp")


# Which of the two protocols the registry speaks, and whether it asks for a password. To a plain
# request a registry with TLS answers 400.
ASK_REGISTRY = (
    "for try in $(seq 1 50); do for scheme in https http; do "
    "code=$(curl -sk -m 2 -o /dev/null -w '%{http_code}' $scheme://" + REGISTRY + "/v2/); "
    "case $code in 200|401) echo $scheme $code; exit 0;; esac; done; sleep 0.2; done; exit 1"
)


def trust_registry(shell: Shell, lb: Shell) -> None:
    """Let this machine's Docker use the registry, and log in to it if it asks for a password.

    With TLS the lab's CA is put where Docker looks for it; a plain registry, which a student may
    have described, is named as insecure.
    """
    scheme, _blank, status = (lb.ask(ASK_REGISTRY).text or "https 401").partition(" ")
    if scheme == "http":
        allow_insecure(shell)
    else:
        trust_authority(shell, lb)
    if status == "401":
        shell.run(
            f"echo {REGISTRY_PASSWORD} |"
            f" docker login -u {REGISTRY_USER} --password-stdin {REGISTRY}",
            unless=f"grep -q '\"{REGISTRY}\"' ~/.docker/config.json",
        )


def trust_authority(shell: Shell, lb: Shell) -> None:
    """The lab's CA where Docker looks for it; one that was put there by hand stays."""
    authority = lb.read(f"{REGISTRY_HOME}/certs/ca.crt")
    if not authority:
        return
    folder = f"/etc/docker/certs.d/{REGISTRY}"
    shell.run(f"sudo install -d {folder}", unless=f"test -d {folder}")
    shell.write(f"{folder}/ca.crt", authority, root=True)


def allow_insecure(shell: Shell) -> None:
    """The registry among the insecure ones of this machine's Docker, reloaded and not restarted."""
    path = "/etc/docker/daemon.json"
    settings = json.loads(shell.read(path, root=True) or "{}")
    known = settings.setdefault("insecure-registries", [])
    if REGISTRY in known:
        return
    known.append(REGISTRY)
    if shell.write(path, json.dumps(settings, indent=2) + "\n", root=True):
        shell.run("sudo systemctl reload docker")


def website_service(web: Shell) -> str:
    """The name that the website's service has in the compose file on this machine."""
    website = _website(web)
    return website.name if website else "website"


def _website(web: Shell) -> Service | None:
    project = find_project(web)
    return project.website if project else None
