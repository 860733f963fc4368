"""The page and the API once more, with data that nobody can know: does the page say it?

A page that prints a list of its own, or that reaches some other API, is right by luck at most. So
the website's container is run a second time, with the same image, mounts, environment and command,
on a network of its own where the API answers by the name of its service; the API has two students
there whose names are made up at that moment, the first by name being the last by age. Nothing that
visitors use is touched.
"""

from __future__ import annotations

import json
import re
import shlex
import time
import uuid
from dataclasses import dataclass

from checks.pages import OK, SLOW_S, list_form, pairs_of
from labkit.course import CannotTellError, NotMetError
from labkit.facts.docker import PROBE_LABEL, Container, quoted
from labkit.facts.http.curl import curl
from labkit.facts.http.pages import Form, Page, encoded
from labkit.facts.slowness import Deadline
from labkit.locale import _
from labkit.remote import Shell
from subject.contract import API_PORT, DATA_FILE, HTTP_PORT
from subject.roles import Stack

LIMIT_S = 6.0
AGES = ("61", "23")
GIVEN_FORM = Form("/", "post", {"submit": "list"})  # of the index.php that the students are given


@dataclass(frozen=True)
class Rehearsed:
    """What the page said when its button was pressed. `shown`: the made-up students."""

    shown: bool
    page: str


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
    aliases = " ".join(f"--network-alias {shlex.quote(one)}" for one in dict.fromkeys(names) if one)
    script = f"""set -e
echo {shlex.quote(json.dumps(students))} > {data}; chmod 644 {data}
docker network create --label {PROBE_LABEL}=1 {name} >/dev/null
docker run -d --name {name}-api --network {name} {aliases} {_same(api)} -v {data}:{DATA_FILE}:ro,z \
 {_command(api)} >/dev/null
docker run -d --name {name}-site --network {name} {_same(website)} \
 --volumes-from {quoted(website)}:ro {_command(website)} >/dev/null
docker inspect -f '{{{{range .NetworkSettings.Networks}}}}{{{{.IPAddress}}}}{{{{end}}}}' \
 {name}-api {name}-site"""
    try:
        started = shell.ask(script, timeout=30)
        if not started.ok:
            raise CannotTellError(
                _("the page cannot be tried out: {error}", error=started.said[-160:])
            )
        address_of_api, address = started.text.splitlines()[-2:]
        return _press(shell, address, address_of_api, students, jar)
    finally:
        shell.ask(
            f"docker rm -fv {name}-site {name}-api; docker network rm {name}; rm -f {data} {jar}",
            timeout=30,
        )


def _press(
    shell: Shell, address: str, address_of_api: str, students: dict[str, str], jar: str
) -> Rehearsed:
    """Open the page, press its button; again while the two start, and once if that took long.

    As a browser does it: cookies are kept, in a file, and the page may send its visitor on.
    """
    deadline = Deadline(shell, LIMIT_S)
    browser = ["-L", "--max-redirs", "5", "--proto-redir", "=http", "-b", jar, "-c", jar]
    url = f"http://{address}:{HTTP_PORT}"
    said, again = "", False
    while True:
        began = time.monotonic()
        awake = curl(shell, f"http://{address_of_api}:{API_PORT}/", again=False).status
        first = curl(shell, f"{url}/", options=browser)
        form = _form_of(Page(url, first.status, first.body)) if first.status == OK else None
        if form is not None and awake:
            fields = encoded(form.fields)
            path = form.path.lstrip("/")
            if form.method == "get":
                answer = curl(shell, f"{url}/{path}?{fields}", options=browser)
            else:
                answer = curl(shell, f"{url}/{path}", options=[*browser, "-d", fields])
            page = Page(url, answer.status, answer.body)
            said = page.text
            if not pairs_of(page, students):
                return Rehearsed(True, said)
        slow = time.monotonic() - began > SLOW_S and not again
        if (form is not None and awake and said and not slow) or deadline.is_over():
            return Rehearsed(False, said or first.body)
        again = slow or again
        time.sleep(0.1)


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
