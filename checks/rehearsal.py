"""The page and the API once more, with data that nobody can know: does the page say it?

A page that prints a list of its own, or that reaches some other API, is right by luck at most. So
the website's container is run a second time, with the same image, mounts, environment and command,
where a second API answers by the names of the first one; it has two students whose names are made
up at that moment, the first by name being the last by age. Nothing that visitors use is touched.
The two are on Docker's own bridge, and the names in /etc/hosts: a network made for each time would
cost as much again, most of it the firewall's.
"""

from __future__ import annotations

import json
import re
import shlex
import time
import uuid
from dataclasses import dataclass, replace

from checks.pages import OK, SLOW_S, list_form, pairs_of
from labkit.course import CannotTellError, NotMetError
from labkit.facts.docker import ADDRESS, PROBE_LABEL, Container, quoted
from labkit.facts.http.curl import curl
from labkit.facts.http.pages import Form, Page, encoded
from labkit.facts.slowness import Deadline
from labkit.locale import _
from labkit.remote import Shell
from subject.contract import API_PORT, DATA_FILE, HTTP_PORT, JUDGED_BY
from subject.roles import Stack

LIMIT_S = 6.0
AGES = ("61", "23")
# A request that was answered with the list, as the servers of Python log it: Flask's own
# `"GET /x HTTP/1.1" 200 -`, gunicorn's the same, uWSGI's `(HTTP/1.1 200)`.
LET_IN = re.compile(r'HTTP/[\d.]+"? 200\b')
MOST_LOG = 20_000  # bytes
GIVEN_FORM = Form("/", "post", {"submit": "list"})  # of the index.php that the students are given


@dataclass(frozen=True)
class Rehearsed:
    """What the page said when its button was pressed. `shown`: the made-up students.

    `reached`: the page asked the second API for its list and was let in, whatever it made of it.
    """

    shown: bool
    page: str
    reached: bool = False


def rehearse(shell: Shell, stack: Stack) -> Rehearsed:
    """Press the button of a second website before a second API, and take both away again.

    CannotTellError if the two cannot be set up.
    """
    website, api = stack.website, stack.api
    if website is None or api is None:
        raise CannotTellError(_("there is no website with an API to try out"))
    mark = uuid.uuid4().hex[:8]
    students = dict(zip((f"probe-{mark}-a", f"probe-{mark}-b"), AGES, strict=True))
    name, data = f"labkit-rehearsal-{mark}", f"/tmp/labkit-{mark}.json"
    jar = f"/tmp/labkit-{mark}.cookies"
    service = stack.project.api.name if stack.project.api else ""
    names = [service, *_names_of(api), *_linked(website, api)]
    known = " ".join(f"--add-host {shlex.quote(one)}:$at" for one in dict.fromkeys(names) if one)
    # An API that has ended has no address: its names lead nowhere.
    script = f"""set -e
address() {{ docker inspect -f '{ADDRESS}' "$1"; }}
echo {shlex.quote(json.dumps(students))} > {data}; chmod 644 {data}
docker run -d --name {name}-api {_same(api)} -v {data}:{DATA_FILE}:ro,z {_command(api)} >/dev/null
api=$(address {name}-api); at=${{api:-127.0.0.1}}
docker run -d --name {name}-site {known} {_same(website)} \
 --volumes-from {quoted(website)}:ro {_command(website)} >/dev/null
echo $api; address {name}-site"""
    try:
        started = shell.ask(script, timeout=30)
        if not started.ok:
            raise CannotTellError(
                _("the page cannot be tried out: {error}", error=started.said[-160:])
            )
        address_of_api, address = started.text.splitlines()[-2:]
        visit = _Visit(shell, f"http://{address}:{HTTP_PORT}", students, jar)
        pressed = _press(visit, address_of_api)
        if pressed.shown:
            return pressed
        return replace(pressed, reached=_reached(visit, f"{name}-api"))
    finally:
        shell.ask(f"docker rm -fv {name}-site {name}-api; rm -f {data} {jar}", timeout=30)


@dataclass(frozen=True)
class _Visit:
    """Of the second website by a browser: cookies are kept, in a file, and redirects followed."""

    shell: Shell
    url: str
    students: dict[str, str]
    jar: str

    def open(self, path: str = "", *sent: str, again: bool = True) -> Page:
        """The page there, asked with these options of curl's; `again` if it took too long."""
        browser = f"-L --max-redirs 5 --proto-redir =http -b {self.jar} -c {self.jar}".split()
        answer = curl(self.shell, f"{self.url}/{path}", options=[*browser, *sent], again=again)
        return Page(self.url, answer.status, answer.body)

    def press(self, form: Form, *, again: bool = True) -> Page:
        """What follows on the form's button."""
        fields, path = encoded(form.fields), form.path.lstrip("/")
        if form.method == "get":
            return self.open(f"{path}?{fields}", again=again)
        return self.open(path, "-d", fields, again=again)

    def shows(self, page: Page) -> bool:
        """Whether the made-up students are all there."""
        return not pairs_of(page, self.students)


def _press(visit: _Visit, address_of_api: str) -> Rehearsed:
    """Open the page, press its button; again while the two start, and once if that took long."""
    deadline = Deadline(visit.shell, LIMIT_S)
    said, again = "", False
    while True:
        began = time.monotonic()
        awake = curl(visit.shell, f"http://{address_of_api}:{API_PORT}/", again=False).status
        first = visit.open()
        form = _form_of(first) if first.status == OK else None
        if form is not None and awake:
            page = visit.press(form)
            said = page.text
            if visit.shows(page):
                return Rehearsed(True, said, reached=True)
        slow = time.monotonic() - began > SLOW_S and not again
        if (form is not None and awake and said and not slow) or deadline.is_over():
            return Rehearsed(False, said or first.html)
        again = slow or again
        time.sleep(0.1)


def _reached(visit: _Visit, api: str) -> bool:
    """Whether a page that does not show the list has asked for it all the same, and got it.

    Its address is right then, and the mistake is another one. A page whose form is sent the wrong
    way never comes to ask: so it is sent the other way first.
    """
    form = _form_of(visit.open(again=False))
    other = replace(form, method="post" if form.method == "get" else "get")
    if visit.shows(visit.press(other, again=False)):
        return True
    tail = f"docker logs --tail 200 {shlex.quote(api)} 2>&1 | tail -c {MOST_LOG}"
    log = visit.shell.ask(tail).stdout
    return any(JUDGED_BY.get().path in line and LET_IN.search(line) for line in log.splitlines())


def _form_of(page: Page) -> Form:
    """The page's form; the usual one where it has none, which is for another check to say."""
    try:
        return list_form(page)
    except (NotMetError, CannotTellError):
        return GIVEN_FORM


def _names_of(container: Container) -> list[str]:
    """The names by which other containers know one, its own id apart."""
    networks = container.raw["NetworkSettings"]["Networks"].values()
    names = [
        name for one in networks for key in ("Aliases", "DNSNames") for name in one.get(key) or []
    ]
    return [container.name, *(one for one in names if not re.fullmatch(r"[0-9a-f]{12}", one))]


def _linked(container: Container, to: Container) -> list[str]:
    """The names that one container alone has for another: `links: ["api:backend"]`."""
    networks = container.raw["NetworkSettings"]["Networks"].values()
    links = [*(container.raw["HostConfig"].get("Links") or ())]
    links += [link for one in networks for link in one.get("Links") or ()]
    pairs = (link.strip("/").partition(":") for link in links)
    return [
        name.rpartition("/")[2]
        for known, _colon, name in pairs
        if name and known and (known == to.name or to.id.startswith(known))
    ]


def _same(container: Container) -> str:
    """Options that make a second container like the first, its network and mounts apart."""
    config, host = container.raw["Config"], container.raw["HostConfig"]
    words = ["--label", f"{PROBE_LABEL}=1", "--memory", "256m", "--pids-limit", "200"]
    for entry in config.get("Env") or []:
        words += ["-e", entry]
    if config.get("User"):
        words += ["--user", config["User"]]
    if host.get("ReadonlyRootfs"):
        words.append("--read-only")
    for path, options in (host.get("Tmpfs") or {}).items():
        words += ["--tmpfs", f"{path}:{options}" if options else path]
    for flag, key in (("--cap-drop", "CapDrop"), ("--cap-add", "CapAdd")):
        for one in host.get(key) or []:
            words += [flag, one]
    return shlex.join(words)


def _command(container: Container) -> str:
    """The image and the command of a container, as it runs now."""
    raw = container.raw
    words = ["--entrypoint", raw["Path"], raw["Image"], *raw["Args"]]
    return shlex.join(words)
