"""Where a page of HTML leads, and what a browser fetches to show it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

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
