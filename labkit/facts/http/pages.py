"""Web pages as a browser meets them, and their forms as it would send them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from bs4 import BeautifulSoup
from bs4.element import Tag

from labkit.facts.http.browser import LARGEST_PAGE, finished, path_of

# The Fetch standard's and XMLHttpRequest's names, and those of libraries in use.
ASKING = re.compile(
    r"\bfetch\s*\(|\bXMLHttpRequest\b|\baxios\b|\$\.(?:ajax|get|getJSON|post)\s*\(|\bhx-(?:get|post)\b"
)
MOST_FIELDS = 500  # of a page's forms that are looked at


class ElsewhereError(ValueError):
    """A link or a form of a page that leads to another place than itself; its text is the link."""


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
        """The path to which a link or a form of the page leads. ElsewhereError."""
        base = self.soup.find("base", href=True)
        said = str(base["href"]) if isinstance(base, Tag) else ""
        path = path_of(link, self.url, host=self.host, base=said)
        if path is None:
            raise ElsewhereError(link)
        return path


def encoded(fields: dict[str, str]) -> str:
    """A form's fields as they are sent."""
    return urlencode(fields, errors="replace")


@dataclass(frozen=True)
class Form:
    """A form: where it goes and what it sends when its button is pressed."""

    path: str
    method: str
    fields: dict[str, str]


def form_of(page: Page, sought: re.Pattern[str] | None = None) -> Form | None:
    """The form of the first button, as a browser would send it; None if there is no button.

    Of several buttons the first whose words are `sought`. ElsewhereError if its form goes to
    another place than its page.
    """
    found = [
        (form, own, field) for form, own in _forms(page.soup) for field in own if _submits(field)
    ]
    if not found:
        return None
    meant = (each for each in found if sought and sought.search(_words(each[2])))
    form, own, button = next(meant, found[0])
    sent = [(str(field["name"]), _value(field)) for field in own if field.get("name")]
    fields = {name: value for name, value in sent if value is not None}
    fields |= _pressed(button)
    action = str(button.get("formaction") or form.get("action") or "")
    method = str(button.get("formmethod") or form.get("method") or "get").lower()
    return Form(page.path_of(action), method, fields)


def asks_by_script(html: str) -> bool:
    """Whether a page asks its server by a script of its own, as only a browser could carry out."""
    return bool(ASKING.search(html[:LARGEST_PAGE]))


def _words(button: Tag) -> str:
    """What a button says to a reader, and to the server."""
    said = (button.get(name) for name in ("value", "name", "id", "title", "alt", "aria-label"))
    return " ".join([button.get_text(" "), *(str(word) for word in said if word)])


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
        chosen = [option for option in options if option.has_attr("selected")] or usual
        return str(chosen[-1].get("value", chosen[-1].get_text(strip=True))) if chosen else None
    if field.name == "button" or kind in ("submit", "button", "image", "reset"):
        return None
    if kind in ("checkbox", "radio"):
        return str(field.get("value", "on")) if field.has_attr("checked") else None
    return str(field.get("value", ""))


def _pressed(button: Tag) -> dict[str, str]:
    """What a button sends of itself; one that is a picture, the place that was pressed in it.

    The upper left corner, as from the keyboard (WHATWG HTML, 4.10.21.4).
    """
    name = str(button.get("name") or "")
    if str(button.get("type") or "").lower() == "image":
        before = f"{name}." if name else ""
        return {f"{before}x": "0", f"{before}y": "0"}
    return {name: str(button.get("value", ""))} if name else {}


def _submits(field: Tag) -> bool:
    """Whether it sends its form when it is pressed; a button without a type does."""
    kind = str(field.get("type") or ("submit" if field.name == "button" else "text")).lower()
    return field.name in ("button", "input") and kind in ("submit", "image")
