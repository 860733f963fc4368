"""h) A private registry, with TLS and a password; the image is pushed to it."""

from __future__ import annotations

import base64
import posixpath
import re
import shlex
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import PurePosixPath

from labkit.course import Beginning, Files, Origin, step
from labkit.errors import StepFailedError
from labkit.facts.compose.harmless import asked_for, binds, is_allowed
from labkit.facts.compose.project import Service, by_judged
from labkit.facts.docker import containers
from labkit.facts.registry import is_registry, settings
from labkit.remote import CommandFailedError, Shell, Shells
from steps import undo
from steps.documented import document_of, needed_folders, networks_elsewhere
from steps.images import images_of, provide_images
from steps.judged import follow, judge, refuse
from steps.project import (
    IMAGE,
    PUSHED_AS,
    REGISTRY_COMPOSE,
    REGISTRY_HOME,
    REGISTRY_PASSWORD,
    REGISTRY_USER,
    WEBSITE_PUSHED_AS,
)
from steps.stack import (
    bring_all,
    built_website,
    own_folder,
    provide_networks,
    run_twice,
    tag,
    those_to_be_had,
)
from steps.trust import trust_registry
from subject.published import stand_in

REGISTRY_FILE = "docker-compose-registry.yml"
CERTIFICATE, PRIVATE_KEY, BOTH = "certs/lb.crt", "certs/lb.key", "certs/lb.pem"
PASSWORDS = "auth/htpasswd"
# What the registry is told by its settings -> the file that this step makes.
SECRETS = {
    "REGISTRY_HTTP_TLS_CERTIFICATE": CERTIFICATE,
    "REGISTRY_HTTP_TLS_KEY": PRIVATE_KEY,
    "REGISTRY_AUTH_HTPASSWD_PATH": PASSWORDS,
}
# What a file is by its name; any other suffix says nothing.
BY_SUFFIX = {".key": PRIVATE_KEY, ".crt": CERTIFICATE, ".cer": CERTIFICATE, ".cert": CERTIFICATE}
# Where version 2 looks for its configuration, and version 3 (distribution's Dockerfile).
CONFIGURATIONS = ("/etc/docker/registry/config.yml", "/etc/distribution/config.yml")

# How a page of the registry's presents a password itself: by a variable, or by a file of them.
PAGE_ENVIRONMENT = "/etc/nginx/.env"
HEADER = re.compile(r"NGINX_PROXY_HEADER_Authorization=[\"']?Basic[ ]+([\w+/=]+)[\"']?", re.I)
LOGIN = re.compile(r"[!-9;-~]{1,72}")  # printable, no colon; bcrypt takes 72 bytes

LISTEN_LIMIT_S = 10.0  # a second, of a registry and of nginx on an idle computer

PAGE_HOME = f"{REGISTRY_HOME}-page"
# The registry reads bcrypt alone (distribution's documentation, htpasswd) and ignores the rest.
OTHER_FORM = "! grep -q ':[$]2[aby][$]'"
KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"


def serve(shells: Shells, files: Files) -> None:
    """A certificate and a password, then the registry."""
    lb = shells["lb"]
    own_folder(lb, REGISTRY_HOME)
    if folder := files.option("registry: folder"):
        bring_all(lb, files, REGISTRY_HOME, below=folder)
    beside = shlex.split(files.option("registry: beside"))
    for there, here in zip(beside[::2], beside[1::2], strict=True):
        bring_all(lb, files, f"{REGISTRY_HOME}/{PurePosixPath(here)}", below=there)
    if values := shlex.split(files.option("registry: values")):
        told = [files.submission.files[one].rstrip() for one in values] if files.submission else []
        lb.write(f"{REGISTRY_HOME}/.env", b"\n".join(told).decode("utf-8", "replace") + "\n")
    certificates(lb)
    lb.install(redhat=("httpd-tools",), debian=("apache2-utils",))
    lb.run(
        f"mkdir -p auth && {add_user('auth/htpasswd', lb)}",
        cwd=REGISTRY_HOME,
        unless=f"htpasswd -vb auth/htpasswd {REGISTRY_USER} {REGISTRY_PASSWORD}"
        + (
            f" || {{ test -s auth/htpasswd && {OTHER_FORM} auth/htpasswd; }}"
            if files.submission
            else ""
        ),
    )
    if commands := _here(lb, files, files.option("registry: commands")):
        readdress(lb, files, REGISTRY_HOME)
        files.note(REGISTRY_COMPOSE)
        as_documented(lb, [shlex.split(line) for line in commands.splitlines()])
        if page := files.option("registry: page"):
            start_page(lb, files, page)
    else:
        files.place(REGISTRY_COMPOSE, lb)
        readdress(lb, files, REGISTRY_HOME)
        # Services of the student's own file, in the workspace or by hand on lb, have other names.
        own = files.used[-1].origin is Origin.OWN
        start_registry(lb, files, *([] if own else ["registry"]))
        if page := files.option("registry: page"):
            start_page(lb, files, page)
    if files.submission:
        open_ports(lb)


def open_ports(lb: Shell) -> None:
    """The firewall for what is on lb's own network: nobody can hand in that command.

    Where Docker publishes a port, it opens it itself.
    """
    deadline = time.monotonic() + LISTEN_LIMIT_S
    while True:
        lb.forget()
        there = [one for one in containers(lb) if one.on_host_network and one.running]
        if all(one.listens for one in there) or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    for container in there:
        for port in container.published.values():
            lb.open_port(f"--add-port={port:d}/tcp")


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
def registry(shells: Shells, files: Files) -> None:
    """The push from web1 to the registry, which runs."""
    lb, web1 = shells["lb"], shells["web1"]
    name = trust_registry(web1, lb)
    for pushed in dict.fromkeys([IMAGE, *shlex.split(files.option(PUSHED_AS))]):
        tag(web1, IMAGE, f"{name}/{pushed}")
        web1.run(shlex.join(["docker", "push", f"{name}/{pushed}"]))
    if website := files.option(WEBSITE_PUSHED_AS):
        # What may not be started, or cannot be built, is said when the stack is started.
        with suppress(StepFailedError):
            if image := built_website(web1, files):
                tag(web1, image, f"{name}/{website}")
                web1.run(shlex.join(["docker", "push", f"{name}/{website}"]))


def start_registry(lb: Shell, files: Files, *services: str) -> None:
    """`docker compose up -d` of the registry's file, or of some services of it."""
    chosen = shlex.split(files.option("registry: services")) or services
    words = ["docker", "compose", "-f", REGISTRY_FILE]
    if files.submission:
        project = judge(lb, REGISTRY_COMPOSE.remote, by_name=True)
        provide_secrets(lb, list(project.services.values()))
        provide_networks(lb, files.option("registry: networks").split())
        provide_images(lb, images_of(project, files))
        words = by_judged(REGISTRY_COMPOSE.remote)
        chosen = those_to_be_had(lb, project, chosen, is_registry)
    try:
        run_twice(lb, shlex.join([*words, "up", "-d", "--quiet-pull", *chosen]), cwd=REGISTRY_HOME)
    except CommandFailedError:
        lb.forget()
        # What another service lacks, as a page that waits for it, is for another step to say.
        if not any(one.running and is_registry(one.image) for one in containers(lb)):
            raise


def start_page(lb: Shell, files: Files, page: str) -> None:
    """The registry's page from a compose file of its own.

    Beside the registry's it is of the same project, and on the same network.
    """
    there = PurePosixPath(page)
    home = REGISTRY_HOME
    if str(there.parent) != files.option("registry: folder"):
        home = PAGE_HOME
        own_folder(lb, home)
        bring_all(lb, files, home, below=str(there.parent))
    readdress(lb, files, home)
    path = f"{home}/{there.name}"
    project = judge(lb, path, by_name=True)
    provide_images(lb, images_of(project, files))
    # Of the same folder it is of the same project: this removes what the registry's file started.
    removing = ["--remove-orphans"] if files.option("registry: page removes") else []
    up = [*by_judged(path), "up", "-d", "--quiet-pull", *removing]
    run_twice(lb, shlex.join(up), cwd=home)


def readdress(lb: Shell, files: Files, folder: str) -> None:
    """lb's address in the place of those that the student's machine had."""
    for address in files.option("registry: addresses").split():
        search = shlex.join(["grep", "-rlIwF", "--", address, "."])
        replace = shlex.join(["sed", "-i", f"s/\\b{re.escape(address)}\\b/{lb.address}/g"])
        lb.run(f"{search} | xargs {replace}", cwd=folder, unless=f"! {search}")


def _here(lb: Shell, files: Files, text: str) -> str:
    """A text with lb's address in the place of those that the student's machine had."""
    for address in files.option("registry: addresses").split():
        text = re.sub(rf"\b{re.escape(address)}\b", lb.address, text)
    return text


def as_documented(lb: Shell, commands: Sequence[Sequence[str]]) -> None:
    """The docker commands by which a student set up the registry, as they stand in their notes.

    All are judged before any is typed. StepFailedError if one asks for what is not allowed.
    """
    document = document_of(commands, REGISTRY_HOME)
    follow(lb, REGISTRY_HOME, binds(document), "source")
    refuse(lb, REGISTRY_HOME, asked_for(document, REGISTRY_HOME))
    provide_secrets(lb, [Service(name, raw) for name, raw in document["services"].items()])
    provide_networks(lb, networks_elsewhere(commands))
    provide_images(lb, [word for words in commands for word in words[2:] if stand_in(word)])
    for folder in needed_folders(commands, REGISTRY_HOME):
        lb.run(f"mkdir -p {shlex.quote(folder)}", unless=f"test -e {shlex.quote(folder)}")
    for words in commands:
        if words[1] == "run" and not {"-d", "--detach", "-dit", "-itd", "-dt"} & set(words):
            words = [*words[:2], "-d", *words[2:]]  # it would be waited for
        lb.run(shlex.join(words), cwd=REGISTRY_HOME)


def provide_secrets(lb: Shell, services: Sequence[Service]) -> None:
    """Certificate, key and password file where the registry's own settings look for them.

    They are not submitted, and if they were, they would not be valid for this lab's names.
    """
    logins = [login for one in services for login in page_logins(lb, one)]
    for service in services:
        known = {**_configured(lb, service), **service.environment}
        for variable, made in SECRETS.items():
            path = _outside(service, known.get(variable, ""))
            if not path:
                continue
            if made == PASSWORDS:
                _provide_passwords(lb, path, logins)
            else:
                _install(lb, _of_its_kind(lb, path) or made, path)


def _provide_passwords(lb: Shell, path: str, logins: Sequence[tuple[str, str]]) -> None:
    """The lab's user in the file that was handed in, or a file of its own with a page's logins."""
    quoted = shlex.quote(path)
    if not lb.ask(f"test -s {quoted}").ok:
        _install(lb, PASSWORDS, path)
        for user, password in logins:
            lb.run(shlex.join(["sudo", "htpasswd", "-Bb", path, user, password]))
    elif not lb.ask(f"{OTHER_FORM} {quoted}").ok:  # else the registry ignores it: a mistake stays
        lb.run(
            add_user(path, lb),
            cwd=REGISTRY_HOME,
            unless=f"htpasswd -vb {quoted} {REGISTRY_USER} {REGISTRY_PASSWORD}",
        )


def _install(lb: Shell, made: str, path: str) -> None:
    """A file that this step has made, where a container reads it."""
    pair = shlex.join([made, path])
    lb.run(f"sudo install -D -m 644 {pair}", cwd=REGISTRY_HOME, unless=f"cmp -s {pair}")


def _of_its_kind(lb: Shell, path: str) -> str:
    """What takes the place of a certificate, a key, or a file of both; "" if nothing tells.

    By what was handed in, then by the file's name: a key in the certificate's place stays one.
    """
    labels = lb.ask(f"grep -ho -- '-----BEGIN .*-----' {shlex.quote(path)}", sudo=True).text
    is_key, is_certificate = "PRIVATE KEY-----" in labels, "CERTIFICATE-----" in labels
    if is_key and is_certificate:
        parts = shlex.join(["cat", CERTIFICATE, PRIVATE_KEY])
        lb.run(f"{parts} > {BOTH}", cwd=REGISTRY_HOME, unless=f"{parts} | cmp -s - {BOTH}")
        return BOTH
    if is_key or is_certificate:
        return PRIVATE_KEY if is_key else CERTIFICATE
    return BY_SUFFIX.get(PurePosixPath(path).suffix.lower(), "")


def page_logins(lb: Shell, service: Service) -> list[tuple[str, str]]:
    """User and password by which a page itself asks the registry, where it says them.

    One that has anything beside printable characters, as a line end, is nobody's.
    """
    path = _outside(service, PAGE_ENVIRONMENT)
    lines = [f"{name}={value}" for name, value in service.environment.items()]
    found = [HEADER.fullmatch(line.strip()) for line in [*lines, *_lines_of(lb, path)]]
    logins = [_decoded(one[1]).partition(":") for one in found if one]
    return [(user, password) for user, colon, password in logins
            if colon and LOGIN.fullmatch(user) and LOGIN.fullmatch(password)]  # fmt: skip


def _lines_of(lb: Shell, path: str) -> list[str]:
    return (lb.read(path) or "").splitlines() if path else []


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return ""


def _configured(lb: Shell, service: Service) -> dict[str, str]:
    """What a registry is told by a configuration file that is mounted into it."""
    command = service.raw.get("command") or []
    named = [word for word in command if isinstance(word, str) and word.endswith((".yml", ".yaml"))]
    paths = [_outside(service, inside) for inside in (*named, *CONFIGURATIONS)]
    path = next(filter(None, paths), "")
    return settings(lb.read(path) or "") if path else {}


def _outside(service: Service, inside: str) -> str:
    """The path on the machine of a file in the container, "" if no folder of it is mounted."""
    inside = posixpath.normpath(inside)
    for target, source in service.mounts.items():
        if inside == target or (target and inside.startswith(f"{target}/")):
            path = source + inside.removeprefix(target)
            if path.startswith(("/", "./")):
                found = posixpath.normpath(posixpath.join(REGISTRY_HOME, path))
                return found if is_allowed(found, read_only=False) else ""
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
