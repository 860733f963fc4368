"""h) A private registry, with TLS and a password; the image is pushed to it."""

from __future__ import annotations

from labkit.course import Files, Origin, step
from labkit.remote import Shell
from steps.project import (
    IMAGE,
    PUSHED_IMAGE,
    REGISTRY_COMPOSE,
    REGISTRY_HOME,
    REGISTRY_PASSWORD,
    REGISTRY_USER,
    compose_up,
    own_folder,
    trust_registry,
)

KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"


@step(
    8,
    "registry",
    letter="h",
    on=("lb", "web1"),
    needs=["machines", "build"],
    artefacts=[REGISTRY_COMPOSE],
    title={"en": "A private registry", "fr": "Un registre privé"},
)
def registry(lb: Shell, web1: Shell, files: Files) -> None:
    """A certificate and a password, the registry, then the push from web1."""
    own_folder(lb, REGISTRY_HOME)
    certificates(lb)
    lb.install(redhat=("httpd-tools",), debian=("apache2-utils",))
    lb.run(
        f"mkdir -p auth && htpasswd -Bbc auth/htpasswd {REGISTRY_USER} {REGISTRY_PASSWORD}",
        cwd=REGISTRY_HOME,
        unless=f"htpasswd -vb auth/htpasswd {REGISTRY_USER} {REGISTRY_PASSWORD}",
    )
    files.place(REGISTRY_COMPOSE, lb)
    # Services of the student's own file, in the workspace or by hand on lb, have other names.
    own = files.used[-1].origin is Origin.OWN
    options = "--quiet-pull" if own else "--quiet-pull registry"
    compose_up(lb, cwd=REGISTRY_HOME, file="docker-compose-registry.yml", options=options)
    trust_registry(web1, lb)
    web1.run(f"docker tag {IMAGE} {PUSHED_IMAGE}")
    web1.run(f"docker push {PUSHED_IMAGE}")


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
