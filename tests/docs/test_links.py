"""The built site without a browser: whatever a page leads to is there, and nothing comes from
elsewhere."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from tests.docs.conftest import ROOT

# What a browser fetches by itself; a link is fetched when somebody follows it.
FETCHED = {
    "script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src",
    "audio": "src", "embed": "src", "object": "data", "image": "href", "use": "href",
}  # fmt: skip
LINKS_FETCHED = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "manifest"}
IN_STYLES = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])((?:https?:)?//[^"')\s]+)""")


@cache
def parsed(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def html_files(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def fetched(page: BeautifulSoup) -> set[str]:
    """Addresses that a browser asks for when it shows the page."""
    found = {
        str(tag[name]) for kind, name in FETCHED.items() for tag in page(kind) if tag.get(name)
    }
    for link in page("link", href=True):
        if LINKS_FETCHED & set(link.get("rel") or []):
            found.add(str(link["href"]))
    found.update(IN_STYLES.findall("\n".join(style.text for style in page("style"))))
    return found


def abroad(address: str) -> bool:
    return bool(urlsplit(address).netloc)


def target(site: Path, page: Path, href: str) -> tuple[Path, str]:
    """The file that a link leads to, and the anchor in it."""
    parts = urlsplit(href)
    path = unquote(parts.path)
    if not path:
        return page, unquote(parts.fragment)
    file = site / path.lstrip("/") if path.startswith("/") else page.parent / path
    file = file.resolve()
    return (file / "index.html" if file.is_dir() else file), unquote(parts.fragment)


def broken(site: Path, page: Path) -> list[str]:
    """The links and files of a page that lead nowhere."""
    missing = []
    hrefs = {str(tag["href"]) for tag in parsed(page)(["a", "link"], href=True)}
    for href in sorted(hrefs | fetched(parsed(page))):
        if urlsplit(href).scheme or abroad(href):
            continue
        file, anchor = target(site.resolve(), page.resolve(), href)
        if not file.is_file():
            missing.append(f"{href}: no such file")
        elif anchor and file.suffix == ".html" and not parsed(file).find(id=anchor):
            missing.append(f"{href}: no such anchor")
    return missing


def test_every_page_of_the_tutorial_is_there(site: Path) -> None:
    written = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    pages = [path for path in written if path.parts[0] in ("en", "fr")]
    assert len(html_files(site)) == len(pages) + 1  # and the one for what is not there


def test_no_link_and_no_anchor_is_broken(site: Path) -> None:
    found = {str(page.relative_to(site)): broken(site, page) for page in html_files(site)}
    assert {page: links for page, links in found.items() if links} == {}


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    asked = {address for page in html_files(site) for address in fetched(parsed(page))}
    for style in site.rglob("*.css"):
        asked.update(IN_STYLES.findall(style.read_text(encoding="utf-8")))
    assert {address for address in asked if abroad(address)} == set()


@pytest.mark.parametrize(
    ("markup", "trouble"),
    [
        ('<a href="nowhere/">x</a>', "nowhere/: no such file"),
        ('<a href="#nowhere">x</a>', "#nowhere: no such anchor"),
        ('<a href="other.html#nowhere">x</a>', "other.html#nowhere: no such anchor"),
        ('<img src="picture.png">', "picture.png: no such file"),
    ],
)
def test_what_is_broken_is_seen(tmp_path: Path, markup: str, trouble: str) -> None:
    (tmp_path / "other.html").write_text("<p id='here'>x</p>", encoding="utf-8")
    page = tmp_path / "index.html"
    page.write_text(markup + '<a href="other.html#here">fine</a>', encoding="utf-8")
    assert broken(tmp_path, page) == [trouble]


@pytest.mark.parametrize(
    "markup",
    [
        '<script src="https://example.org/a.js"></script>',
        '<link rel="stylesheet" href="//example.org/a.css">',
        '<img src="https://example.org/a.png">',
        "<style>@import 'https://example.org/a.css';</style>",
        "<style>p { background: url(https://example.org/a.png) }</style>",
    ],
)
def test_what_comes_from_elsewhere_is_seen(markup: str) -> None:
    assert any(map(abroad, fetched(BeautifulSoup(markup, "html.parser"))))
