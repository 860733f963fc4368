"""Web pages as a browser meets them: fetched from the grader's computer, forms sent back."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import NoReturn
from urllib.parse import urlencode

from bs4 import BeautifulSoup
from bs4.element import Tag

from checks.browser import PATIENCE_S, Reply, ask, finished, path_of
from labkit.course import expect, not_met
from labkit.lab import Lab
from labkit.locale import _

NEAR = 60  # characters between a name and its age
MOST_FIELDS = 500  # of a page's forms that are looked at
MOST_NAMED = 5_000  # places where a page names somebody
MOST_REDIRECTS = 5
OK = 200


@dataclass(frozen=True)
class Page:
    """A page and what came with it."""

    url: str
    status: int
    html: str
    refresh: str = ""  # the Refresh header, which HAProxy sends instead of a meta element
    host: str = ""  # HOST:PORT by which it was asked, where that is not the URL's

    @cached_property
    def soup(self) -> BeautifulSoup:
        # Of an attribute that stands twice the first counts, as for a browser (HTML, 13.2.5.33).
        return BeautifulSoup(finished(self.html), "html.parser", on_duplicate_attribute="ignore")

    @cached_property
    def text(self) -> str:
        return " ".join(self.soup.get_text(" ").split())

    def path_of(self, link: str) -> str:
        """The path to which a link or a form of the page leads; failed if it leads elsewhere."""
        base = self.soup.find("base", href=True)
        said = str(base["href"]) if isinstance(base, Tag) else ""
        path = path_of(link, self.url, host=self.host, base=said)
        return path or _leads_elsewhere(self.url, link)

    def must_be_ok(self) -> None:
        """End the check as failed unless the status is 200."""
        if self.status != OK:  # a page that is right need not be read for what it says
            not_met(
                expected=_("HTTP status {status} from {url}", status=OK, url=self.url),
                seen=_("status {status}: {body}", status=self.status, body=self.text[:160]),
            )


def fetch(
    lab: Lab,
    machine: str,
    port: int,
    path: str = "/",
    *,
    form: dict[str, str] | None = None,
    auth: tuple[str, str] | None = None,
) -> Page:
    """GET a page of a machine of the lab, or POST a form to it, and follow where it sends.

    Asks the lab first whether that machine is its own and runs (`Lab.prove_target`). A machine
    that does not answer, or sends to another place than itself, ends the check as failed.
    """
    address = lab.prove_target(machine).address
    body = None if form is None else encoded(form)
    for _turn in range(MOST_REDIRECTS + 1):
        shown = f"http://{machine}{'' if port == 80 else f':{port}'}{path}"
        answer = _answer(address, port, path, body, auth, shown, machine)
        page = Page(shown, answer.status, answer.text, answer.headers.get("refresh", ""),
                    f"{address}:{port}")  # fmt: skip
        if answer.status not in (301, 302, 303, 307, 308) or "location" not in answer.headers:
            return page
        link = answer.headers["location"]
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
    shown: str, machine: str,
) -> Reply:  # fmt: skip
    expected = _("an answer from {url}", url=shown)
    try:
        return ask(address, port, path, body=body, auth=auth)
    except TimeoutError:
        seen = _("none within {seconds} s", seconds=PATIENCE_S)
    except ConnectionRefusedError:
        seen = _("the connection is refused")
    except (OSError, http.client.HTTPException, ValueError):  # ValueError: a length that is none
        seen = _("the connection fails")
    return not_met(expected=expected, seen=seen, where=machine)


def encoded(fields: dict[str, str]) -> str:
    """A form's fields as they are sent."""
    return urlencode(fields, errors="replace")


@dataclass(frozen=True)
class Form:
    """A form: where it goes and what it sends when its button is pressed."""

    path: str
    method: str
    fields: dict[str, str]


def list_form(page: Page) -> Form:
    """The first form with a button, as a browser would send it; failed if there is none."""
    for form, own in _forms(page.soup):
        button = next(filter(_submits, own), None)
        if button is None:
            continue
        sent = [(str(one["name"]), _value(one)) for one in own if one.get("name")]
        fields = {name: value for name, value in sent if value is not None}
        if button.get("name"):
            fields[str(button["name"])] = str(button.get("value", ""))
        action = str(button.get("formaction") or form.get("action") or "")
        method = str(button.get("formmethod") or form.get("method") or "get").lower()
        return Form(page.path_of(action), method, fields)
    not_met(
        expected=_("a form with a button that lists the students"),
        seen=_("no form in the page: {text}", text=page.text[:120]),
        where=page.url,
    )
    return None


def _forms(soup: BeautifulSoup) -> list[tuple[Tag, list[Tag]]]:
    """Each form with its fields: those within it, and those elsewhere that name it."""
    forms = [(form, list[Tag]()) for form in soup.find_all("form", limit=MOST_FIELDS)]
    by_name = {str(form.get("id")): own for form, own in reversed(forms)}
    by_place = {id(form): own for form, own in forms}
    for field in soup.find_all(["button", "input", "select", "textarea"], limit=MOST_FIELDS):
        if field.has_attr("disabled"):
            continue
        if field.has_attr("form"):
            by_name.get(str(field["form"]), []).append(field)
        else:
            by_place.get(id(field.find_parent("form")), []).append(field)
    return forms


def _value(field: Tag) -> str | None:
    """What a field sends when a button is pressed; None if nothing, as a box that is not ticked."""
    kind = str(field.get("type") or "").lower()
    if field.name == "textarea":
        return field.get_text()
    if field.name == "select":
        options = field.find_all("option")
        usual = [] if field.has_attr("multiple") else options[:1]
        chosen = [one for one in options if one.has_attr("selected")] or usual
        return str(chosen[-1].get("value", chosen[-1].get_text(strip=True))) if chosen else None
    if field.name == "button" or kind in ("submit", "button", "image", "reset"):
        return None
    if kind in ("checkbox", "radio"):
        return str(field.get("value", "on")) if field.has_attr("checked") else None
    return str(field.get("value", ""))


def _submits(field: Tag) -> bool:
    """Whether it sends its form when it is pressed; a button without a type does."""
    kind = str(field.get("type") or ("submit" if field.name == "button" else "text")).lower()
    return field.name in ("button", "input") and kind in ("submit", "image")


def press_button(lab: Lab, machine: str, port: int) -> Page:
    """Open the website's page and press its button, as a browser would."""
    first = fetch(lab, machine, port)
    first.must_be_ok()
    form = list_form(first)
    if form.method == "get":
        return fetch(lab, machine, port, f"{form.path}?{encoded(form.fields)}")
    return fetch(lab, machine, port, form.path, form=form.fields)


def must_list(page: Page, students: dict[str, str]) -> None:
    """End the check as failed unless the page shows each student with their age."""
    page.must_be_ok()
    missing = pairs_of(page, students)
    expect(
        not missing,
        expected=_("the students {names}", names=", ".join(students)),
        seen=_("a page without {names}: {text}", names=", ".join(missing), text=page.text[:160]),
        where=page.url,
    )


def pairs_of(page: Page, students: dict[str, str]) -> list[str]:
    """The students whom a page does not show with their age: `NAME AGE` for each.

    An age stands after its name or before it, the same way for all, and no other name between.
    Jean-Paul is neither Jean nor Paul: of names that hold each other, the longest is meant.
    """
    if not students:
        return []
    text = page.text
    names = "|".join(map(re.escape, sorted(students, key=len, reverse=True)))
    spans = [
        (*found.span(), found.group())
        for found in islice(re.finditer(rf"(?<!\w)(?:{names})(?!\w)", text), MOST_NAMED)
    ]

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
