"""h) A private registry, with TLS and a password; the image is pushed to it."""

from __future__ import annotations

import csv
import itertools
import json
import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from checks.compose import Project, Service, harms
from labkit.course import Beginning, Files, Origin, step
from labkit.errors import StepFailedError
from labkit.locale import _
from labkit.remote import Shell
from steps import undo
from steps.project import (
    IMAGE,
    REGISTRY_COMPOSE,
    REGISTRY_HOME,
    REGISTRY_PASSWORD,
    REGISTRY_USER,
    bring_all,
    own_folder,
    run_twice,
    trust_registry,
)

REGISTRY_FILE = "docker-compose-registry.yml"
# What the registry is told by its settings -> the file that this step makes.
SECRETS = {
    "REGISTRY_HTTP_TLS_CERTIFICATE": "certs/lb.crt",
    "REGISTRY_HTTP_TLS_KEY": "certs/lb.key",
    "REGISTRY_AUTH_HTPASSWD_PATH": "auth/htpasswd",
}

KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"


def serve(lb: Shell, files: Files) -> None:
    """A certificate and a password, then the registry."""
    own_folder(lb, REGISTRY_HOME)
    if folder := files.option("registry: folder"):
        bring_all(lb, files, REGISTRY_HOME, below=folder)
    certificates(lb)
    lb.install(redhat=("httpd-tools",), debian=("apache2-utils",))
    lb.run(
        f"mkdir -p auth && {add_user('auth/htpasswd', lb)}",
        cwd=REGISTRY_HOME,
        unless=f"htpasswd -vb auth/htpasswd {REGISTRY_USER} {REGISTRY_PASSWORD}",
    )
    if commands := files.option("registry: commands"):
        files.note(REGISTRY_COMPOSE)
        as_documented(lb, [shlex.split(line) for line in commands.splitlines()])
    else:
        files.place(REGISTRY_COMPOSE, lb)
        # Services of the student's own file, in the workspace or by hand on lb, have other names.
        own = files.used[-1].origin is Origin.OWN
        start_registry(lb, files, "" if own else "registry")


@step(
    8,
    "registry",
    letter="h",
    on=("lb", "web1"),
    needs=["machines", "build"],
    artefacts=[REGISTRY_COMPOSE],
    beginning=Beginning(serve, on=("lb",), needs=("machines",)),
    undo=undo.registry,
    title={"en": "A private registry", "fr": "Un registre privé"},
)
def registry(lb: Shell, web1: Shell) -> None:
    """The push from web1 to the registry, which runs."""
    name = trust_registry(web1, lb)
    web1.run(f"docker tag {IMAGE} {name}/{IMAGE}")
    web1.run(f"docker push {name}/{IMAGE}")


def start_registry(lb: Shell, files: Files, services: str = "") -> None:
    """`docker compose up -d` of the registry's file, or of some services of it."""
    if files.handed:
        provide_secrets(lb, registry_services(lb))
    words = [
        f"docker compose -f {REGISTRY_FILE} up -d --quiet-pull",
        files.option("registry: services") or services,
    ]
    run_twice(lb, " ".join(word for word in words if word), cwd=REGISTRY_HOME)


def registry_services(lb: Shell) -> list[Service]:
    """The registry's services as Compose reads the file. StepFailedError if one is harmful."""
    answer = lb.ask(f"cd {REGISTRY_HOME} && docker compose -f {REGISTRY_FILE} config --format json")
    if not answer.ok:
        return []  # Compose will say so itself, when it is to start them
    services = json.loads(answer.stdout).get("services") or {}
    return [Service(name, raw) for name, raw in services.items()]


def as_documented(lb: Shell, commands: Sequence[Sequence[str]]) -> None:
    """The docker commands by which a student set up the registry, as they stand in their notes."""
    for words in commands:
        if words[1] == "run":
            provide_secrets(lb, [documented_service(words)])
            if not {"-d", "--detach", "-dit", "-itd", "-dt"} & set(words):
                words = [*words[:2], "-d", *words[2:]]  # it would be waited for
        lb.run(shlex.join(words), cwd=REGISTRY_HOME)


PRIVILEGED = re.compile(r"--privileged(=(1|t|true))?", re.I)
# Options that may give a container what is the machine's -> the key of a compose file.
HOSTS = {"--pid": "pid", "--ipc": "ipc", "--uts": "uts", "--userns": "userns_mode",
         "--cgroupns": "cgroup"}  # fmt: skip
SHORT = re.compile(r"-[ditPq]*([acehlmpuvw])=?(.*)", re.S)  # those without a value come first


def documented_service(words: Sequence[str]) -> Service:
    """A `docker run` command as the service that it would be in a compose file."""
    raw: dict[str, Any] = {"environment": {}, "volumes": []}
    raw["privileged"] = any(PRIVILEGED.fullmatch(word) for word in words)
    for option, value in _options(words):
        name, _equals, rest = value.partition("=")
        if option in ("-e", "--env"):
            raw["environment"][name] = rest
        elif option in ("-v", "--volume"):
            source, colon, target = value.partition(":")
            if colon:
                raw["volumes"].append(_mount(source, target.partition(":")[0]))
        elif option == "--mount":
            pairs = (part.partition("=") for part in next(csv.reader([value]), []))
            given = {name.strip().lower(): rest for name, _equals, rest in pairs}
            if given.get("type", "").lower() == "bind":
                source = given.get("source") or given.get("src", "")
                targets = (given.get(name, "") for name in ("target", "destination", "dst"))
                raw["volumes"].append(_mount(source, next(filter(None, targets), "")))
        elif option in HOSTS:
            raw[HOSTS[option]] = value
        elif option in ("--cap-add", "--device", "--security-opt"):
            key = {"--cap-add": "cap_add", "--device": "devices"}.get(option, "security_opt")
            raw.setdefault(key, []).append(value)
    return Service("registry", raw)


def _mount(source: str, target: str) -> dict[str, str]:
    """A mount whose source is a path, from where the command is typed, or a volume's name."""
    if source.startswith("."):
        source = posixpath.join(REGISTRY_HOME, source)
    return {"source": source, "target": target}


def _options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each option with its value, which may follow it, or stand in the same word."""
    for word, following in itertools.pairwise([*words, ""]):
        if word.startswith("--"):
            option, equals, value = word.partition("=")
            yield option, value if equals else following
        elif short := SHORT.fullmatch(word):
            yield f"-{short.group(1)}", short.group(2) or following


def provide_secrets(lb: Shell, services: Sequence[Service]) -> None:
    """Certificate, key and password file where the registry's own settings look for them.

    They are not handed in, and if they were, they would not be valid for this lab's names. Raises
    StepFailedError if what is to be started would take hold of the machine.
    """
    found = harms(Project("lb", REGISTRY_FILE, "", {one.name: one for one in services}))
    if found:
        raise StepFailedError(
            _("this file is not started: {what}", what="; ".join(found)),
            where="lb",
            then="labkit explain 8",
        )
    for service in services:
        for variable, made in SECRETS.items():
            path = _outside(service, service.environment.get(variable, ""))
            if not path:
                continue
            quoted = shlex.quote(path)
            if variable == "REGISTRY_AUTH_HTPASSWD_PATH" and lb.ask(f"test -s {quoted}").ok:
                lb.run(
                    add_user(path, lb),
                    cwd=REGISTRY_HOME,
                    unless=f"htpasswd -vb {quoted} {REGISTRY_USER} {REGISTRY_PASSWORD}",
                )
                continue
            lb.run(
                f"sudo install -D -m 644 {made} {quoted}",
                cwd=REGISTRY_HOME,
                unless=f"cmp -s {made} {quoted}",
            )


def _outside(service: Service, inside: str) -> str:
    """The path on the machine of a file in the container, "" if no folder of it is mounted."""
    inside = posixpath.normpath(inside)
    for target, source in service.mounts.items():
        if inside == target or (target and inside.startswith(f"{target}/")):
            path = source + inside.removeprefix(target)
            if path.startswith(("/", "./")):
                return posixpath.normpath(posixpath.join(REGISTRY_HOME, path))
    return ""


def add_user(path: str, lb: Shell) -> str:
    """The command that puts the lab's user into a password file, made if there is none."""
    create = "" if lb.ask(f"cd {REGISTRY_HOME}; test -s {shlex.quote(path)}").ok else "c"
    return f"htpasswd -Bb{create} {shlex.quote(path)} {REGISTRY_USER} {REGISTRY_PASSWORD}"


def certificates(lb: Shell) -> None:
    """The lab's own authority, and a certificate for the registry's name signed by it.

    Engines look at subjectAltName alone, never at the common name.
    """
    lb.run(
        "mkdir -p certs && "
        f'openssl req -x509 {KEY} -days 3650 -subj "/CN=labkit lab CA"'
        " -keyout certs/ca.key -out certs/ca.crt",
        cwd=REGISTRY_HOME,
        unless="test -s certs/ca.key && test -s certs/ca.crt",
    )
    lb.run(
        f'openssl req {KEY} -subj "/CN=lb" -addext "subjectAltName=DNS:lb,DNS:registry"'
        " -keyout certs/lb.key -out certs/lb.csr"
        " && openssl x509 -req -in certs/lb.csr -CA certs/ca.crt -CAkey certs/ca.key"
        " -CAcreateserial -copy_extensions copy -days 825 -out certs/lb.crt",
        cwd=REGISTRY_HOME,
        unless="openssl verify -CAfile certs/ca.crt certs/lb.crt && test -s certs/lb.key",
    )
