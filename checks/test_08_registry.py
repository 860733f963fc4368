"""h) A private registry that holds the image."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from checks.judging import must_pass
from labkit.course import check, expect
from labkit.facts.docker import images
from labkit.facts.http.curl import QUESTION_LIMIT_S, patiently
from labkit.facts.registry import Registry
from labkit.grading import Context
from labkit.locale import _
from labkit.remote import Shell
from subject.roles import is_student_age


@check(
    points=0.5,
    needs="machines.docker_lb",
    probes=(
        "Each published port of the containers on lb is asked for /v2/ by HTTPS and by HTTP, with "
        "5 s of patience, 12 s the second time; one must answer with the header "
        "Docker-Distribution-Api-Version, as a registry does."
    ),
    why=(
        "A registry of your own gives every server the same image, also on the day when the public "
        "one limits downloads or is out of reach."
    ),
    hints=[
        "Does a container of registry:2 run on lb, with its port published?",
        "curl -k https://lb:5000/v2/ (or http://) must answer with 200 or 401.",
        (
            'In docker-compose-registry.yml: image: registry:2 and ports: - "5000:5000", '
            "certificates as REGISTRY_HTTP_TLS_CERTIFICATE: /certs/lb.crt and "
            "REGISTRY_HTTP_TLS_KEY: /certs/lb.key (or neither); then cd /srv/registry && docker "
            "compose -f docker-compose-registry.yml up -d registry"
        ),
    ],
)
def test_answers(registry: Registry, note: Callable[[str], None]) -> None:
    """A registry runs on lb and answers."""
    note(f"{registry.scheme}://{registry.machine}:{registry.port}")


@check(
    points=0.75,
    needs=["registry.answers", "build.image"],
    probes=(
        "The registry is asked from web1 what it holds: there must be a repository named "
        "student-age, and its digest must be that of an image that is on web1."
    ),
    why=(
        "If what lies in the registry is not what was built and tried out, the next server runs "
        "something that nobody has tested."
    ),
    hints=[
        "What does the registry hold? curl -k -u USER https://lb:5000/v2/_catalog",
        "The name of an image begins with the registry that it is pushed to: lb:5000/...",
        (
            'In docker-compose-registry.yml: ports: - "5000:5000" and volumes: - '
            "registry-data:/var/lib/registry, up -d; then on web1 docker tag student-age:1.0 "
            "lb:5000/student-age:1.0; docker push lb:5000/student-age:1.0"
        ),
    ],
)
def test_pushed(web1: Shell, registry: Registry) -> None:
    """It holds the image student-age of web1."""
    pushed = registry.pushed(is_student_age)
    held = ", ".join(registry.repositories()) or _("nothing")
    if registry.container.is_for_itself:
        held = _("{name} is published for lb itself alone", name=registry.container.name)
    expect(
        pushed,
        expected=_("a repository named student-age"),
        seen=held,
        where=f"{registry.scheme}://{registry.name}/v2/_catalog",
    )
    mine = [one for one in images(web1) if any(is_student_age(tag) for tag in one.tags)]
    identities = {one.id for one in mine}
    identities |= {digest.rpartition("@")[2] for one in mine for digest in one.digests}
    expect(
        identities & set().union(*pushed.values()),
        expected=_("the image that web1 built"),
        seen=_("another one in {tags}", tags=", ".join(pushed)),
        where=registry.name,
    )


@check(
    points=0.5,
    needs="registry.pushed",
    probes=(
        "docker pull of the image by its full name, as lb:5000/student-age:1.0, is run on web1; it "
        "must succeed within 60 s."
    ),
    why=(
        "A certificate that is not trusted or a missing login shows only when somebody pulls: "
        "often when a dead server has to be replaced, and quickly."
    ),
    hints=[
        "docker pull on web1: what does it say?",
        (
            "An engine pulls only from a registry whose certificate it trusts, or that it is told "
            "to take as insecure; and after docker login, if there is a password."
        ),
        (
            "sudo install -D -m 644 ca.crt /etc/docker/certs.d/lb:5000/ca.crt   (certs/ca.crt of "
            "lb's /srv/registry), then docker login lb:5000"
        ),
    ],
)
def test_pulled(web1: Shell, registry: Registry) -> None:
    """The image can be pulled from it by name."""
    tag = next(iter(registry.pushed(is_student_age)))
    name = f"{registry.name}/{tag}"
    answer = web1.ask(f"docker pull -q {shlex.quote(name)} 2>&1", timeout=60)
    expect(
        answer.ok,
        expected=_("docker pull succeeds"),
        seen=answer.text.splitlines()[-1] if answer.text else "",
        where=f"web1 $ docker pull {name}",
    )


@check(
    points=0.25,
    needs="registry.pulled",
    drill="pulls",
    probes=(
        "The drill pulls stops the registry and starts it again while clients pull; every answer "
        "must be, digest by digest, what was pushed, and the outage must stay within the limit."
    ),
    why=(
        "What is kept in the container alone disappears with it: after the next update of the "
        "registry there would be nothing left to deploy."
    ),
    hints=[
        "After a docker restart of the registry, does it still hold the image?",
        "What was pushed lives in /var/lib/registry; it must survive a restart.",
        "volumes: - registry-data:/var/lib/registry, and registry-data: below volumes:; up -d",
    ],
)
def test_survives(context_of_run: Context, note: Callable[[str], None]) -> None:
    """Restarted while clients pull, it gives back exactly what was pushed."""
    must_pass(context_of_run, "pulls", note)


@check(
    points=0,
    needs="registry.answers",
    probes=(
        "/v2/ is asked on lb without credentials, with 5 s of patience, 12 s the second time: 401 "
        "means that a password is needed, HTTPS that TLS is spoken. Nothing fails here."
    ),
    why=(
        "Whoever may push to an open registry can put their own program on your servers; and "
        "without TLS, passwords travel in plain sight."
    ),
)
def test_private(lb: Shell, registry: Registry, note: Callable[[str], None]) -> None:
    """For information: whether the registry asks for a password and speaks TLS."""
    url = shlex.quote(f"{registry.scheme}://localhost:{registry.port}/v2/")
    asked = patiently(f"-k -o /dev/null -w '%{{http_code}}\\n' {url}")
    status = lb.ask(f"{asked} | tail -n 1", timeout=QUESTION_LIMIT_S).text
    note(_("it asks for a password") if status == "401" else _("anybody may use it"))
    note(_("TLS") if registry.scheme == "https" else _("without TLS"))
