"""Which image is the API's, which service is the website and which the API: by what they do.

Published solutions give them dozens of names: they are found, and not prescribed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from labkit.course import CannotTellError, not_met
from labkit.facts.compose import project as compose
from labkit.facts.compose.project import Service, container_of, containers_of, find_projects
from labkit.facts.docker import Container, Image, must_have_images, plain_name
from labkit.locale import _
from labkit.remote import Shell
from subject.contract import API_PORT, HTTP_PORT
from subject.published import is_unheard_of, stand_in

# Software that is no API of anybody's, whatever its service or its folder is called.
_SOFTWARE = (
    r"nginx|registry|haproxy|docker-registry-ui|mysql|mariadb|postgres|adminer|phpmyadmin|pgadmin4?"
    r"|mongo|mongo-express|redis|memcached|portainer(-ce)?|traefik|grafana|prometheus|cadvisor"
    r"|watchtower"
)
OTHER_SOFTWARE = re.compile(rf"(^|/)({_SOFTWARE})(?![\w-])")
OTHER_ROLES = re.compile(rf"(^|/)({_SOFTWARE}|php|httpd|apache|busybox|alpine)(?![\w-])")
# Images of pages that are nobody's website, although their names speak of PHP.
OTHER_PAGES = re.compile(r"(^|/)(phpmyadmin|phppgadmin|adminer)\b")
# What people call the two, or their folders, where nothing else tells them from a third.
CALLED_API = re.compile(r"api|student|flask|python|back(?!up)", re.I)
CALLED_PAGE = re.compile(r"web|site|php|front|page|www|html", re.I)


def is_student_age(name: str) -> bool:
    """Whether a name stands for the API's image, however it is spelt."""
    return plain_name(name).startswith("studentage")


def api_image(found: Sequence[Image]) -> Image | None:
    """The API's image among those of a machine: the last one built, not one pushed before."""
    mine = [one for one in found if any(is_student_age(tag) for tag in one.tags)]
    return max(mine, key=lambda one: (_is_named_here(one), one.created), default=None)


def _is_named_here(image: Image) -> bool:
    """Whether it has a name of this machine's own, and not only one to push it under."""
    return any(is_student_age(tag) and "/" not in tag for tag in image.tags)


class Project(compose.Project):
    """A compose file on a machine, and which of its services are the practical's."""

    @property
    def api(self) -> Service | None:
        """The service of the API: the one whose image is student-age, or that is built from it."""
        among = [
            one
            for one in self.services.values()
            if one is not self.website and not OTHER_ROLES.search(one.image)
        ]
        lasting = [one for one in among if one.name not in self.one_shots]
        return self._api_among(lasting) or self._api_among(among)

    def _api_among(self, rest: Sequence[Service]) -> Service | None:
        named = [one for one in rest if is_student_age(one.image)]
        if named:  # beside it the same image may do something else, by a command of its own
            return min(named, key=_has_own_command)
        own = [one for one in rest if one.build_context or _has_data(one)]
        if own:
            return max(own, key=_serves_data)
        if len(self.services) > 1 and len(rest) == 1:
            return rest[0]
        return next((one for one in rest if API_PORT in one.published), None)

    @property
    def website(self) -> Service | None:
        """The service of the website: the one that has Apache and PHP, or the page."""
        pages = [
            one
            for one in self.services.values()
            if re.search(r"php|httpd|apache", one.image) and not OTHER_PAGES.search(one.image)
        ]
        if pages:  # of several, the one that has credentials to ask the API with, and visitors
            return max(pages, key=_is_visited)
        for service in self.services.values():
            if any(target.startswith("/var/www") for target in service.mounts):
                return service
        own = [
            one
            for one in self.services.values()
            if not _is_api(one) and not OTHER_ROLES.search(one.image)
        ]
        for service in own:  # an image of the student's own, with the page in it
            if "USERNAME" in service.environment:
                return service
        visited = [
            one
            for one in own
            if HTTP_PORT in one.published and (one.build_context or _is_called(one, CALLED_PAGE))
        ]
        return max(visited, key=lambda one: _is_called(one, CALLED_PAGE), default=None)

    @property
    def api_image(self) -> str:
        """The image that the API's service runs; "" without one."""
        return self._image_of(self.api)

    @property
    def website_image(self) -> str:
        """The image that the website's service runs; "" without one."""
        return self._image_of(self.website)

    def _image_of(self, service: Service | None) -> str:
        """Compose names an image that is only built after its project."""
        return (service.image or f"{self.name}-{service.name}") if service else ""

    @property
    def is_the_practical(self) -> bool:
        return self.website is not None or any(
            is_student_age(service.image) for service in self.services.values()
        )


def _has_data(service: Service) -> bool:
    return any(target == "/data" or target.startswith("/data/") for target in service.mounts)


def _has_own_command(service: Service) -> bool:
    return bool(service.raw.get("command") or service.raw.get("entrypoint"))


def _serves_data(service: Service) -> tuple[bool, ...]:
    """What tells the API from a third service that is built, a balancer or a database."""
    return (
        _has_data(service),
        API_PORT in service.published,
        _is_called(service, CALLED_API),
    )


def _is_called(service: Service, words: re.Pattern[str]) -> bool:
    folder = PurePosixPath(service.build_context).name
    return bool(words.search(service.name) or words.search(folder))


def _is_visited(service: Service) -> tuple[bool, ...]:
    """What tells the website from a second service of the same image."""
    return (
        "USERNAME" in service.environment,
        HTTP_PORT in service.published,
        any(target.startswith("/var/www") for target in service.mounts),
    )


def _is_api(service: Service) -> bool:
    """Whether the name of its image or its data say that it is the API, and not the page."""
    return (
        is_student_age(service.image)
        or API_PORT in service.published
        or any(target.startswith("/data") for target in service.mounts)
    )


def find_project(shell: Shell) -> Project | None:
    """The practical's project on a machine; one that cannot be read if there is no other.

    Of a submission the one that is started, though a part of it alone could be read.
    """
    projects = find_projects(shell, Project)
    good = [project for project in projects if project.is_the_practical]
    broken = [project for project in projects if project.error and not _is_registry(project)]
    submitted = [project for project in broken if project.judged]
    return next(iter(submitted or good or broken), None)


def must_be_heard_of(shell: Shell, images: Iterable[str]) -> None:
    """Not met if one of these images is of a version that nobody can have published."""
    for image in filter(is_unheard_of, images):
        if not shell.ask(shlex.join(["docker", "image", "inspect", image])).ok:
            not_met(
                expected=_("an image that exists"),
                seen=_("{image}: nobody has published such a version", image=image),
                where=shell.name,
            )


def must_have_other_images(shell: Shell, *, stood_in: bool) -> None:
    """CannotTellError if the image of a service beside website and API can be had from nobody.

    Not met if it cannot exist. `stood_in`: the lab gives its own image for a tag that it lacks
    (a submission's, once it may be started), which is then the one that must be there.
    """
    services = [
        service
        for project in find_projects(shell, Project)
        for service in project.services.values()
        if not (project.is_the_practical and service in (project.website, project.api))
        and not service.build_context
    ]
    images = dict.fromkeys(one.image for one in services)
    must_be_heard_of(shell, images)
    must_have_images(shell, [(stood_in and stand_in(image)) or image for image in images])


def _is_registry(project: Project) -> bool:
    return "registry" in PurePosixPath(project.file).name


@dataclass(frozen=True)
class Stack:
    """A project's containers for its two roles; None where there is none."""

    project: Project
    website: Container | None
    api: Container | None

    @property
    def both(self) -> list[Container]:
        """Those of the two that there are, running or not."""
        return [one for one in (self.website, self.api) if one is not None]

    @property
    def running(self) -> list[Container]:
        """Those of the two that run. CannotTellError if the engine failed to start one."""
        for one in self.both:
            if one.engine_failed:
                raise CannotTellError(
                    _(
                        "the engine could not start {name}: {error}",
                        name=one.name,
                        error=one.engine_failed[-120:],
                    ),
                    settle="docker compose up -d",
                )
        return [one for one in self.both if one.running]

    @property
    def website_port(self) -> int:
        """The website's port on the machine; 0 if it is not published."""
        return self.website.published.get(HTTP_PORT, 0) if self.website else 0


def stack_of(shell: Shell, project: Project) -> Stack:
    """The containers that Compose made of a project."""
    mine = containers_of(shell, project)
    website, api = container_of(project.website, mine), container_of(project.api, mine)
    return Stack(project, website, api)
