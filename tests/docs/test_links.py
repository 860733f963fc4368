"""The built site without a browser: whatever a page leads to is there, and nothing comes from
elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests.docs.conftest import ROOT
from tests.docs.links import (
    IN_STYLES,
    abroad,
    broken,
    fetched,
    html_files,
    parsed,
)


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
