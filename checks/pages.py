"""Pages of the lab fetched from the grader's computer, their button pressed, their list judged."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Callable, Mapping
from itertools import islice
from typing import NoReturn

from labkit.course import CannotTellError, NotMetError, expect, not_met
from labkit.facts.docker import Container, age_s
from labkit.facts.http.browser import AGAIN_S, PATIENCE_S, Reply, ask, path_of, secured
from labkit.facts.http.pages import ElsewhereError, Form, Page, asks_by_script, encoded, form_of
from labkit.facts.slowness import Deadline
from labkit.lab import Lab
from labkit.locale import _, number
from labkit.remote import Shell

NEAR = 60  # characters between a name and its age
MOST_NAMED = 5_000  # places where a page names somebody
MOST_REDIRECTS = 5
WAKING_S = 5.0  # of a container, until what runs in it listens
SLOW_S = 2.0  # less than the patience that a page has with its API
USUAL = {"http": 80, "https": 443}
OK = 200
# What the button of the list says, where a page has others.
LISTING = re.compile(r"list|stud|[ée]tud|[ée]l[èe]ve|affich|show|voir|display", re.I)


def must_be_ok(page: Page) -> None:
    """End the check as failed unless the status is 200."""
    if page.status != OK:  # a page that is right need not be read for what it says
        not_met(
            expected=_("HTTP status {status} from {url}", status=OK, url=page.url),
            seen=_("status {status}: {body}", status=page.status, body=page.text[:160]),
        )


def fetch(
    lab: Lab,
    machine: str,
    port: int,
    path: str = "/",
    *,
    form: dict[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    to_https: bool = False,
    again: bool = True,
    jar: dict[str, str] | None = None,
) -> Page:
    """GET a page of a machine of the lab, or POST a form to it, and follow where it sends.

    Asks the lab first whether that machine is its own and runs (`Lab.prove_target`). A machine
    that does not answer, or sends to another place than itself, ends the check as failed.
    `to_https`: it may send to itself by HTTPS, as a balancer does. `again`: it is asked once more
    where nothing comes in time; not for who looks through many ports, any of which may hang.
    `jar`: a visitor's cookies, sent and kept; without one each visit is a stranger's.
    """
    address = lab.prove_target(machine).address
    body = None if form is None else encoded(form)
    scheme = "http"
    for turn in range(MOST_REDIRECTS + 1):
        shown = f"{scheme}://{machine}{'' if port == USUAL[scheme] else f':{port}'}{path}"
        answer = _answer(address, port, path, body, auth, shown, machine,
                         again=again and turn == 0, cookies=jar or {})  # fmt: skip
        if jar is not None:
            jar.update(answer.cookies)
        page = Page(shown, answer.status, answer.text, answer.headers.get("refresh", ""),
                    f"{address}:{port}")  # fmt: skip
        if answer.status not in (301, 302, 303, 307, 308) or "location" not in answer.headers:
            return page
        link = answer.headers["location"]
        if to_https and scheme == "http" and (place := secured(link, (machine, address))):
            scheme, (port, path) = "https", place
        else:
            path = path_of(link, shown, host=page.host) or _leads_elsewhere(shown, link)
        if answer.status < 304:
            body = None  # as browsers do (Fetch, 4.4)
    return not_met(
        expected=_("an answer from {url}", url=shown),
        seen=_("it sends its visitor on again and again"),
        where=machine,
    )


def _leads_elsewhere(url: str, link: str) -> NoReturn:
    not_met(
        expected=_("a page that stays at {url}", url=url),
        seen=_("it sends its visitor to {address}", address=link[:120]),
        where=url,
    )


def _answer(
    address: str, port: int, path: str, body: str | None, auth: tuple[str, str] | None,
    shown: str, machine: str, *, again: bool, cookies: Mapping[str, str],
) -> Reply:  # fmt: skip
    secure = shown.startswith("https:")
    for patience_s in (PATIENCE_S, AGAIN_S) if again else (PATIENCE_S,):
        try:
            return ask(address, port, path, body=body, auth=auth, patience_s=patience_s,
                       secure=secure, cookies=cookies)  # fmt: skip
        except TimeoutError:
            seen = _("none within {seconds} s", seconds=number(patience_s))
            continue
        except ConnectionRefusedError:
            seen = _("the connection is refused")
        except (OSError, http.client.HTTPException, ValueError):  # a length that is none
            seen = _("the connection fails")
        break
    return not_met(expected=_("an answer from {url}", url=shown), seen=seen, where=machine)


def must_answer(lab: Lab, shell: Shell, website: Container, port: int) -> None:
    """End the check as failed unless a website answers, whatever it says.

    One that was started a moment ago, as after a boot, is given the time to listen.
    """
    deadline: Deadline | None = None
    while True:
        try:
            fetch(lab, shell.name, port)
            return
        except NotMetError:
            deadline = deadline or Deadline(shell, WAKING_S, passed_s=age_s(shell, website))
            if deadline.is_over():
                raise
        time.sleep(0.2)


def list_form(page: Page) -> Form:
    """The form whose button lists the students, as a browser would send it; failed without any.

    CannotTellError if the page asks by a script: no browser carries it out here.
    """
    try:
        form = form_of(page, LISTING)
    except ElsewhereError as error:
        _leads_elsewhere(page.url, str(error))
    if form is None and asks_by_script(page.html):
        raise CannotTellError(
            _("the page has no form, and asks by a script, which nobody carries out here"),
            settle=_("open {url} in a browser, and press its button", url=page.url),
        )
    if form is None:
        not_met(
            expected=_("a form with a button that lists the students"),
            seen=_("no form in the page: {text}", text=page.text[:120]),
            where=page.url,
        )
    return form


def button_of(page: Page) -> Form | None:
    """The form whose button lists the students; None for a page that has none of its own."""
    try:
        return form_of(page, LISTING)
    except ElsewhereError:
        return None


def press_button(lab: Lab, machine: str, port: int, *, to_https: bool = False) -> Page:
    """Open the website's page and press its button, as a browser would."""
    jar: dict[str, str] = {}
    first = fetch(lab, machine, port, to_https=to_https, jar=jar)
    must_be_ok(first)
    form = list_form(first)
    path, fields = form.path, encoded(form.fields)
    if form.method == "get":
        return fetch(lab, machine, port, f"{path}?{fields}", to_https=to_https, jar=jar)
    return fetch(lab, machine, port, path, form=form.fields, to_https=to_https, jar=jar)


def must_list(page: Page, students: dict[str, str]) -> None:
    """End the check as failed unless the page shows each student with their age."""
    must_be_ok(page)
    missing = pairs_of(page, students)
    expect(
        not missing,
        expected=_("the students {names}", names=", ".join(students)),
        seen=_("a page without {names}: {text}", names=", ".join(missing), text=page.text[:160]),
        where=page.url,
    )


def must_list_when_pressed(
    lab: Lab, machine: str, port: int, students: Callable[[], dict[str, str]]
) -> None:
    """Press a website's button; end the check as failed unless that shows each student.

    It is pressed once more where that took longer than SLOW_S and lacks one of the students: the
    page may have lost patience with an API that waited for a processor.
    """
    began = time.monotonic()
    page = press_button(lab, machine, port)
    took_long = time.monotonic() - began > SLOW_S
    wanted = students()  # asked of the API only now: a page that does not open is what is wrong
    if took_long and pairs_of(page, wanted):
        page = press_button(lab, machine, port)
    must_list(page, wanted)


def pairs_of(page: Page, students: dict[str, str]) -> list[str]:
    """The students whom a page does not show with their age: `NAME AGE` for each.

    An age stands after its name or before it, the same way for all, and no other name between.
    Jean-Paul is neither Jean nor Paul: of names that hold each other, the longest is meant. A page
    may write them with capitals of its own, unless that is all that tells two from each other.
    """
    if not students:
        return []
    text = page.text
    by_sound = {name.casefold(): name for name in students}
    distinct = len(by_sound) == len(students)
    names = "|".join(map(re.escape, sorted(students, key=len, reverse=True)))
    spans = [
        (*found.span(), by_sound.get(found.group().casefold(), "") if distinct else found.group())
        for found in islice(
            re.finditer(rf"(?<!\w)(?:{names})(?!\w)", text, re.I if distinct else 0), MOST_NAMED
        )
    ]
    spans = [span for span in spans if span[2]]

    def lacking(after: bool) -> list[str]:
        shown = set()
        for at, (start, end, name) in enumerate(spans):
            if after:
                until = spans[at + 1][0] if at + 1 < len(spans) else len(text)
                near = text[end : min(until, end + NEAR)]
            else:
                since = spans[at - 1][1] if at else 0
                near = text[max(since, start - NEAR) : start]
            if re.search(rf"(?<!\w){re.escape(students[name])}(?!\w)", near):
                shown.add(name)
        return [f"{name} {age}" for name, age in students.items() if name not in shown]

    return min(lacking(after=True), lacking(after=False), key=len)
