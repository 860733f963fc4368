"""Where the loads of the drills go: found by asking the machines, at the moment of the drill."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from checks.pages import list_form
from checks.students import students_of
from labkit.course import Aim, CannotTellError, NotMetError
from labkit.facts.haproxy.page import STATISTICS
from labkit.facts.haproxy.process import HAProxy
from labkit.facts.http.browser import unescaped
from labkit.facts.http.curl import Answer, curl
from labkit.facts.http.pages import Page, encoded
from labkit.facts.registry import Registry, find_registry
from labkit.locale import _
from labkit.remote import Shell, Shells
from subject.balancer import haproxy_on
from subject.roles import Stack, find_project, is_student_age, stack_of


@contextmanager
def behind_lb(shells: Shells) -> Iterator[Aim]:
    """The website behind HAProxy; every POST must bring the whole list of either server."""
    haproxy = haproxy_on(shells["lb"])
    port, scheme, page = _website_of(haproxy)
    stacks = [stack_on(shells, name) for name in ("web1", "web2")]
    options = _visit(stacks, page)
    yield Aim(port=port, scheme=scheme, options=options, unready=lambda: _why_not_warm(haproxy))


@contextmanager
def on_web1(shells: Shells) -> Iterator[Aim]:
    """The website of web1 itself."""
    yield website_aim(shells, "web1")


def website_aim(shells: Shells, name: str) -> Aim:
    """The website of one web server; whole when its page opens and lists the students."""
    web, stack = stack_on(shells, name)
    port = stack.website_port
    page = _ask(web, port)
    options = _visit([(web, stack)], page)
    return Aim(port=port, options=options, unready=lambda: why_not_whole(web, port, options))


def watching(shells: Shells) -> list[str]:
    """What the watcher is told of HAProxy: the backend that visitors reach, and whom to ask."""
    haproxy = haproxy_on(shells["lb"])
    asked = ["--socket", haproxy.socket] if haproxy.socket else []
    master = ["--master"] if haproxy.socket and haproxy.socket == haproxy.master else []
    return ["--backend", haproxy.site, *asked, *master]


def stack_on(shells: Shells, name: str) -> tuple[Shell, Stack]:
    """A web server and its stack. CannotTellError if it has none."""
    web = shells[name]
    project = find_project(web)
    if project is None:
        raise CannotTellError(_("there is no website on {machine} to break", machine=name))
    return web, stack_of(web, project)


def registry_of(shells: Shells) -> Registry:
    """The private registry on lb. CannotTellError if there is none."""
    found = find_registry(shells["lb"], shells["web1"], is_student_age)
    if found is None:
        raise CannotTellError(_("there is no registry on {machine} to break", machine="lb"))
    return found


def why_not_whole(web: Shell, port: int, options: Mapping[str, str]) -> str:
    """Why the website of a machine does not list its students; "" when it does."""
    form = ["-d", options["form"]]
    answer = curl(web, f"http://localhost:{port}{options['action']}", options=form, again=False)
    if answer.status != 200:
        return _("its website answers with status {status}", status=answer.status)
    page = unescaped(answer.body)
    if not all(student in page for student in options["must_contain"].splitlines()):
        return _("its website lists no students")
    return ""


def _why_not_warm(haproxy: HAProxy) -> str:
    """Which servers are given less than their share, for they have just come back (slowstart)."""
    names = [one.name for one in haproxy.servers() if one.warming]
    return _("{names}: still warming up", names=", ".join(names)) if names else ""


def _website_of(haproxy: HAProxy) -> tuple[int, str, Page]:
    """The port and scheme by which HAProxy gives the website, and its page.

    By HTTPS where it sends its visitors there from every other port.
    """
    seen = ""
    for scheme, port in itertools.product(("http", "https"), haproxy.ports):
        page = _ask(haproxy.shell, port, scheme)
        if page.status == 200 and page.soup.find("form") and STATISTICS not in page.html:
            return port, scheme, page
        seen = page.text[:100] or seen
    raise CannotTellError(_("there is no website at lb to load: {seen}", seen=seen or "-"))


def _ask(machine: Shell, port: int, scheme: str = "http") -> Page:
    answer: Answer = curl(machine, f"{scheme}://localhost:{port}/", options=["-k"])
    url = f"{scheme}://{machine.name}:{port}/"
    return Page(url, answer.status, answer.body, host=f"localhost:{port}")


def _visit(stacks: Sequence[tuple[Shell, Stack]], page: Page) -> dict[str, str]:
    """What a visitor does with the page, as options of the scenario `website`."""
    try:
        form = list_form(page)
    except NotMetError as error:
        raise CannotTellError(error.seen) from error
    fields = encoded(form.fields)
    # A form that is sent by GET: PHP takes the fields from the address of a POST as well.
    by_get = form.method == "get"
    return {
        "action": f"{form.path}?{fields}" if by_get else form.path,
        "form": "" if by_get else fields,
        "must_contain": "\n\n".join("\n".join(students_of(*one)) for one in stacks),
    }
