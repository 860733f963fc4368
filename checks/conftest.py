"""What the checks may ask for. Facts that no check changes are asked once in a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import NoReturn

import pytest

from checks.builds import Build, find_build, must_be_its_version
from checks.control import must_have_commands
from checks.engines import Engine, engine_of
from checks.pages import fetch
from checks.rehearsal import Rehearsed, rehearse
from checks.trial import RunningImage, tried_out
from labkit.course import NotMetError, not_met
from labkit.facts.docker import containers, images, quoted
from labkit.facts.haproxy.page import STATISTICS
from labkit.facts.haproxy.process import HAProxy
from labkit.facts.registry import Registry, find_registry, is_registry
from labkit.facts.slowness import Deadline
from labkit.grading import Context
from labkit.grading.ahead import Ahead, Asker, Facts
from labkit.lab import Lab
from labkit.locale import _
from labkit.remote import Shell
from subject.balancer import haproxy_on
from subject.contract import AS_GIVEN, JUDGED_BY, Application, application_of
from subject.roles import (
    Project,
    Stack,
    api_image,
    find_project,
    is_student_age,
    must_have_other_images,
    stack_of,
)

SITE_LIMIT_S = 5.0


@pytest.fixture(scope="session")
def lab(context_of_run: Context) -> Lab:
    """The lab under test."""
    return context_of_run.lab


@pytest.fixture(scope="session")
def web1(context_of_run: Context) -> Shell:
    """The first web server."""
    return context_of_run.shell("web1")


@pytest.fixture(scope="session")
def web2(context_of_run: Context) -> Shell:
    """The second web server."""
    return context_of_run.shell("web2")


@pytest.fixture(scope="session")
def lb(context_of_run: Context) -> Shell:
    """The load balancer."""
    return context_of_run.shell("lb")


@pytest.fixture(scope="session")
def image(web1: Shell) -> str:
    """The id of the API's image on web1: the last one built, not one that was pushed before."""
    found = images(web1)
    mine = api_image(found)
    names = ", ".join(sorted(tag for one in found for tag in one.tags)) or _("no image at all")
    if mine is None:
        not_met(expected=_("an image named student-age"), seen=names, where="web1 $ docker images")
    return mine.id


@pytest.fixture(scope="session")
def dockerfile(context_of_run: Context, web1: Shell, anything: Project | None) -> Build:
    """How the API's image is built."""
    return find_build(web1, anything, context_of_run.submission)


@pytest.fixture(scope="session")
def api(web1: Shell, image: str, dockerfile: Build) -> Iterator[RunningImage]:
    """The API's image, run with the grader's own data."""
    with ExitStack() as running:
        try:
            api = running.enter_context(tried_out(web1, image))
        except NotMetError as error:
            must_be_its_version(web1, dockerfile, error.seen)
            raise
        yield api


def _project(ask: Asker) -> Project | None:
    return find_project(ask.shell("web1"))


def _project2(ask: Asker) -> Project | None:
    return find_project(ask.shell("web2"))


def _rehearsed(ask: Asker) -> Rehearsed:
    web1 = ask.shell("web1")
    return rehearse(web1, stack_of(web1, _must_be(ask.fact("anything"), web1)))


def _registry(ask: Asker) -> Registry | None:
    return find_registry(ask.shell("lb"), ask.shell("web1"), is_student_age)


def _engine(machine: str) -> Callable[[Asker], Engine]:
    return lambda ask: engine_of(ask.shell(machine))


# What takes long to ask, by the fixture that gives it.
SLOW: Facts = {
    **{f"engine_{machine}": _engine(machine) for machine in ("web1", "web2", "lb")},
    "anything": _project, "rehearsed": _rehearsed, "registry": _registry, "project2": _project2,
}  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def ahead(
    context_of_run: Context, asked_for: frozenset[str], application: Application
) -> Iterator[Ahead]:
    """The slow facts, asked while the first checks run."""
    del application  # they are judged by it
    with Ahead(context_of_run, SLOW, asked_for) as facts:
        yield facts


@pytest.fixture(scope="session")
def engine_web1(ahead: Ahead) -> Engine:
    """The Docker Engine of the first web server."""
    found: Engine = ahead.fact("engine_web1")
    return found


@pytest.fixture(scope="session")
def engine_web2(ahead: Ahead) -> Engine:
    """The Docker Engine of the second web server."""
    found: Engine = ahead.fact("engine_web2")
    return found


@pytest.fixture(scope="session")
def engine_lb(ahead: Ahead) -> Engine:
    """The Docker Engine of the load balancer."""
    found: Engine = ahead.fact("engine_lb")
    return found


@pytest.fixture(scope="session")
def anything(ahead: Ahead) -> Project | None:
    """The compose project on web1, if there is one."""
    found: Project | None = ahead.fact("anything")
    return found


def _must_be(project: Project | None, shell: Shell) -> Project:
    if project is None:
        not_met(
            expected=_("a docker-compose.yml with the website and the API"),
            seen=_("none in {place}, nor in anybody's home", place="/srv"),
            where=shell.name,
        )
    return project


@pytest.fixture(scope="session")
def project(web1: Shell, anything: Project | None) -> Project:
    """The compose project on web1."""
    return _must_be(anything, web1)


@pytest.fixture(scope="session")
def project2(web2: Shell, ahead: Ahead) -> Project:
    """The compose project on web2."""
    return _must_be(ahead.fact("project2"), web2)


@pytest.fixture
def stack(web1: Shell, project: Project) -> Stack:
    """The stack on web1."""
    return stack_of(web1, project)


@pytest.fixture(scope="session")
def rehearsed(ahead: Ahead) -> Rehearsed:
    """web1's page, tried out before an API that it finds by the name of the service alone."""
    found: Rehearsed = ahead.fact("rehearsed")
    return found


@pytest.fixture
def stack2(web2: Shell, project2: Project) -> Stack:
    """The stack on web2."""
    return stack_of(web2, project2)


@pytest.fixture(scope="session")
def stood_in(context_of_run: Context) -> bool:
    """Whether the lab gives images of its own for tags that it lacks: for a submission."""
    return context_of_run.submission is not None


@pytest.fixture(scope="session")
def registry(lb: Shell, web1: Shell, ahead: Ahead, stood_in: bool) -> Registry:
    """The private registry on lb, as web1 knows it."""
    found: Registry | None = ahead.fact("registry")
    if found is None:
        must_have_other_images(lb, stood_in=stood_in)
        say_why_no_registry(lb)
    return replace(found, client=web1)  # from here on its answers are each check's own evidence


def say_why_no_registry(lb: Shell) -> NoReturn:
    """What a registry's container says that does not run, or that none answers."""
    seen = _("no container on lb answers as a registry does")
    where = "lb $ docker ps"
    for one in containers(lb):
        if is_registry(one.image) and not one.running:
            log = lb.ask(f"docker logs --tail 5 {quoted(one)} 2>&1 | tail -c 500").text
            must_have_commands(lb, [one.image], log)
            seen = _("{name} is {state}; its log: {log}",
                     name=one.name, state=one.state, log=log or _("empty"))  # fmt: skip
            where = f"lb $ docker logs {one.name}"
    not_met(expected=_("a registry that answers on a published port of lb"), seen=seen, where=where)


@pytest.fixture(scope="session")
def haproxy(lb: Shell) -> HAProxy:
    """HAProxy on lb."""
    return haproxy_on(lb)


@pytest.fixture(scope="session")
def site_port(lab: Lab, haproxy: HAProxy) -> int:
    """The port of lb on which HAProxy gives the website.

    Polled: a website that has just been started takes HAProxy a few seconds to believe in.
    """
    seen = _("HAProxy listens on no port")
    deadline = Deadline(haproxy.shell, SITE_LIMIT_S)
    while True:
        for port in haproxy.ports:
            try:
                page = fetch(lab, "lb", port, to_https=True, again=False)
            except NotMetError as error:
                seen = error.seen
                continue
            if page.status == 200 and page.soup.find("form") and STATISTICS not in page.html:
                return port
            seen = _("status {status}: {body}", status=page.status, body=page.text[:100])
        if not haproxy.ports or deadline.is_over():
            not_met(expected=_("the website at http://lb/"), seen=seen, where="lb")
        time.sleep(0.5)


@pytest.fixture(scope="session", autouse=True)
def application(context_of_run: Context) -> Iterator[Application]:
    """Where the API gives the list, and to whom (the contract of the application)."""
    submission = context_of_run.submission
    token = JUDGED_BY.set(application_of(submission.options) if submission else AS_GIVEN)
    yield JUDGED_BY.get()
    JUDGED_BY.reset(token)
