"""d) docker-compose.yml, judged by what Compose makes of it."""

from __future__ import annotations

import shlex

from checks.trial import RunningImage
from labkit.course import check, expect, not_met
from labkit.facts.compose.harmless import harms
from labkit.facts.compose.project import Service
from labkit.facts.docker import exported_by, images
from labkit.locale import _
from labkit.remote import Shell
from subject.contract import DATA_FILE, GIVEN_BY, HTTP_PORT, Application
from subject.roles import Project, stack_of


def _website(project: Project) -> Service:
    if project.website is None:
        not_met(expected=_("a service for the website"), seen=_("none"), where=project.file)
    return project.website


def _api(project: Project) -> Service:
    if project.api is None:
        not_met(expected=_("a service for the API"), seen=_("none"), where=project.file)
    return project.api


def _given_otherwise(web1: Shell, project: Project, website: Service) -> dict[str, str]:
    """Variables that the website has by its image, or by a command that sets them at its start."""
    name = website.image or f"{project.name}-{website.name}"
    tags = {name, f"{name}:latest"}
    given = [image.environment for image in images(web1) if tags & set(image.tags)]
    container = stack_of(web1, project).website
    if container and container.running:
        given.append(exported_by(web1, container))
    return dict(item for one in given for item in one.items())


@check(
    points=0.5,
    needs="machines.docker_web1",
    probes=(
        "docker compose config is run on web1 with your file (that of the running containers, else "
        "one found in /srv, /home, /root, /opt, /var/www or /tmp); it must accept it."
    ),
    why=(
        "Of a file that Compose cannot read nothing is started at all: one tab, or one space too "
        "few, and the site is down after the next update."
    ),
    hints=[
        "What does docker compose config say?",
        "YAML counts spaces: the keys of one service stand at the same depth, and never a tab.",
        (
            "docker compose config names the line. At the margin: services: and networks:, and "
            "below each what is its own, two spaces further in: website: and api: · image: ports: "
            'volumes: environment: networks: restart: · - "80:80" · student-list: below networks: '
            "at the margin"
        ),
    ],
)
def test_valid(project: Project) -> None:
    """Docker Compose can read the file."""
    expect(
        not project.error,
        expected=_("a file that docker compose config accepts"),
        seen=project.error,
        where=f"{project.machine}:{project.file}",
    )


@check(
    points=0.5,
    needs="compose.valid",
    probes=(
        "docker compose config on web1: one service must be the website (an image of PHP or "
        "Apache, or a mount below /var/www), another one the API (the image student-age, a build, "
        "or a mount at /data)."
    ),
    why=(
        "Two services can be restarted, replaced and watched one by one. What shares a container "
        "goes down together."
    ),
    hints=[
        "Which two containers does the website need?",
        "One service has the image php:apache, the other your image student-age.",
        (
            "Below services: a service website: with image: php:apache, and a service api: with "
            "image: student-age:1.0"
        ),
    ],
)
def test_services(project: Project) -> None:
    """It has a service for the website and one for the API."""
    _website(project)
    _api(project)


@check(
    points=0.25,
    needs=["compose.services", "build.auth"],
    probes=(
        "USERNAME and PASSWORD are taken from the website's environment in docker compose config, "
        "else from its image's, or from what its running command has set, and tried out on your "
        "image, which the grader runs on web1: it must answer 200."
    ),
    why=(
        "A wrong password shows late and far from its cause: the page opens as ever, and only the "
        "button ends in an error 401."
    ),
    hints=[
        "Which user and password does the page send to the API, and where does it take them from?",
        "The website's environment holds USERNAME and PASSWORD, as the API expects them.",
        "environment: USERNAME: toto, PASSWORD: python   in the service of the website",
    ],
)
def test_credentials(
    web1: Shell, project: Project, api: RunningImage, application: Application
) -> None:
    """The website is given credentials that the API accepts."""
    website = _website(project)
    given = website.environment
    if not given.keys() >= GIVEN_BY:
        given = _given_otherwise(web1, project, website) | given
    user, password = given.get("USERNAME", ""), given.get("PASSWORD", "")
    expect(
        user and password,
        expected=_("USERNAME and PASSWORD in the environment of the website"),
        seen=", ".join(website.environment) or _("no variable"),
        where=project.file,
    )
    answer = api.get(application.path, (user, password))
    expect(
        answer.status == 200,
        expected=_("credentials that the API accepts"),
        seen=_("the API answers {status} to {user}", status=answer.status, user=user),
        where=project.file,
    )


@check(
    points=0.25,
    needs="compose.services",
    probes=(
        "docker compose config on web1: the folder mounted at /var/www/html must exist and hold "
        "index.php, or that file be mounted there, or the website be built from a folder that "
        "holds it; and the API must have a mount at /data or at /data/student_age.json."
    ),
    why=(
        "Where a path does not exist, Docker mounts an empty folder and says nothing: Apache then "
        "answers 403, and the API 500."
    ),
    hints=[
        "Where does Apache look for the page, and the API for its data?",
        "Two mounts: the folder website at /var/www/html, and student_age.json below /data.",
        (
            "volumes: - ./website:/var/www/html   and   - "
            "./simple_api/student_age.json:/data/student_age.json"
        ),
    ],
)
def test_volumes(web1: Shell, project: Project) -> None:
    """The page and the data of the API are mounted where they are looked for."""
    website = _website(project)
    source = website.mounts.get("/var/www/html", "")
    page = website.mounts.get("/var/www/html/index.php", "") or f"{source}/index.php"
    context = shlex.quote(website.build_context or "/nowhere")
    expect(
        web1.ask(f"test -f {shlex.quote(page)}", sudo=True).ok
        if page.startswith("/") and page != "/index.php"
        # it is part of the image, which also fills a volume with a name
        else web1.ask(f"find {context} -name index.php -size +0 | grep -q .").ok,
        expected=_("the folder with index.php at /var/www/html"),
        seen=source or ", ".join(website.mounts) or _("no mount"),
        where=project.file,
    )
    mounts = _api(project).mounts
    data = next((target for target in (DATA_FILE, "/data") if target in mounts), "")
    expect(
        data,
        expected=_("the data of the API at {path}", path=DATA_FILE),
        seen=", ".join(mounts) or _("no mount"),
        where=project.file,
    )
    kept = shlex.quote(mounts[data])
    expect(
        not mounts[data].startswith("/")  # a named volume, which the image may have filled
        or web1.ask(f"test -f {kept}" if data == DATA_FILE else f"test -d {kept}", sudo=True).ok,
        expected=_("a file on web1 to mount at {path}", path=data)
        if data == DATA_FILE
        else _("a folder on web1 to mount at {path}", path=data),
        seen=mounts[data],
        where=project.file,
    )


@check(
    points=0.25,
    needs="compose.services",
    probes=(
        "docker compose config on web1: the networks of the two services must have one in common "
        "(the default one will do)."
    ),
    why=(
        "Without a common network, the API's name means nothing to the website: the page opens, "
        "and the list never comes."
    ),
    hints=[
        "Can the website's container reach the API's by name?",
        "Containers find one another by name on a network that they share.",
        (
            "networks: - student-list   in both services, and networks: student-list:   at the end "
            "of the file"
        ),
    ],
)
def test_network(project: Project) -> None:
    """Website and API share a network."""
    website, api = _website(project).networks, _api(project).networks
    expect(
        website & api,
        expected=_("one network that both services are on"),
        seen=f"{', '.join(website) or '-'} / {', '.join(api) or '-'}",
        where=project.file,
    )


@check(
    points=0.25,
    needs="compose.services",
    probes=(
        "docker compose config on web1: port 80 of the website's container must be published, "
        "under whatever number."
    ),
    why=(
        "A port that is not published is known to the machine itself alone: neither a visitor nor "
        "HAProxy gets in."
    ),
    hints=[
        "On which port does Apache listen inside its container?",
        "In ports, the right-hand number is the container's port: 80 for Apache.",
        'ports: - "80:80"   in the service of the website',
    ],
)
def test_ports(project: Project) -> None:
    """The website's port 80 is published."""
    published = _website(project).published
    expect(
        HTTP_PORT in published,
        expected=_("port 80 of the website's container is published"),
        seen=", ".join(f"{out or '?'}:{inside}" for inside, out in published.items())
        or _("no port"),
        where=project.file,
    )


@check(
    points=0,
    needs="compose.services",
    probes=(
        "docker compose config on web1: everything that services, volumes and networks ask for "
        "must be known to be harmless. Not so, for example: privileged, the machine's namespaces "
        "(pid, ipc, uts: host), further capabilities, devices, driver_opts, and mounts from "
        "elsewhere than the project's folder or another one below /srv, /opt, /mnt, /data or a "
        "home."
    ),
    why=(
        "Whoever breaks into such a container owns the machine, and everything else that runs on "
        "it. A website needs none of this."
    ),
    hints=[
        "What does the file ask for that a website does not need?",
        "A container that is privileged, or has the machine's own folders, owns the machine.",
        "Take out privileged: true, cap_add, devices, and mounts as /var/run/docker.sock or /",
    ],
)
def test_harmless(project: Project) -> None:
    """The stack asks for nothing of the machine's own."""
    found = harms(project)
    expect(
        not found,
        expected=_("containers that cannot take over the machine"),
        seen="; ".join(found),
        where=project.file,
    )
