"""A student's compose file on a web server: brought there, judged, and started."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from posixpath import relpath

from labkit.course import Files
from labkit.facts.compose.project import Service, by_judged
from labkit.remote import CommandFailedError, Shell
from steps.images import PULL_LIMIT_S, can_be_had, images_of, provide_images
from steps.judged import judge
from steps.project import COMPOSE, DEFAULT_NAMES, GIVEN, INDEX, OPTIONS_OF_WEB2, OWN_OF_WEB2
from subject.contract import HTTP_PORT, PROJECT
from subject.roles import Project, find_project, is_student_age


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
    for_web2 = files.option(OPTIONS_OF_WEB2) if machine == "web2" else ""
    options = tuple(shlex.split(for_web2 or files.option("compose: options")))
    # Compose looks for its file in the project's folder, wherever that is.
    by_name = by_name or any(one.startswith("--project-directory") for one in options)
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
    """Every file of a submission that lies below a folder of it; nothing for a workspace.

    One that is called so itself is brought to the folder's place.
    """
    if not files.submission:
        return
    if below in files.submission.files:
        place = PurePosixPath(folder)
        own_folder(shell, str(place.parent))
        shell.unpack({place.name: files.submission.files[below]}, str(place.parent))
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


def compose_website(web: Shell, files: Files, project: Project | None) -> None:
    """The website's image where the compose file says how it is built."""
    website = project.website if project else None
    if website and website.build_context:
        stack = stack_of(files, web.name)
        web.run(stack.compose("build", "--quiet", website.name), cwd=stack.folder)


def built_website(web: Shell, files: Files) -> str:
    """The image of a submission's website, built on its own machine.

    "" if the stack has none; StepFailedError if it may not be started, or cannot be built.
    """
    project = stack_of(files, web.name).judge(web)
    provide_images(web, images_of(project, files))
    compose_website(web, files, project)
    build_website(web, files, project)
    return project.website_image


def up_with(web: Shell, files: Files, project: Project | None, image: str) -> None:
    """Start the stack with an image that is here, whatever the file calls it or builds it from."""
    wanted = project.api_image if project else ""
    built = bool(project and project.api and project.api.build_context)
    if wanted and not built and not is_student_age(wanted):
        tag(web, image, wanted, unless=can_be_had(wanted))
    elif wanted:
        tag(web, image, wanted)
    compose_website(web, files, project)
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


def refuse_when_down(web: Shell, project: Project | None) -> None:
    """Let firewalld pass the site's port: a stopped website then refuses instead of being silent.

    While the container runs, Docker forwards the port and firewalld has no say. Once it has
    stopped, firewalld rejects with ICMP, of which the kernel sends one a second: HAProxy then
    meets silence, and takes 8 to 12 s instead of 4 to 6 s to notice (measured on this lab).
    """
    website = project.website if project else None
    port = website.published.get(HTTP_PORT, "") if website else ""
    web.open_port("--add-service=http" if port in ("", "80") else f"--add-port={port}/tcp")


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
