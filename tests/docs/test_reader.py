"""The built site as its readers use it: in either language, by day, by night, on a phone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from labkit.tutorial.site import address as page_address
from tests.docs.conftest import LANGUAGES, PHONE, ROOT, Open
from tests.docs.reading import serious, sticks_out

PAGES = [
    (language, path.relative_to(ROOT / "docs" / language).with_suffix("").as_posix())
    for language in LANGUAGES
    for path in sorted((ROOT / "docs" / language).rglob("*.md"))
]
OTHER = {"en": "fr", "fr": "en"}
WORDS = {"en": "visitors", "fr": "visiteurs"}  # in the pages of one language alone
INDEX = "search/search_index.json"

every_page = pytest.mark.parametrize(("language", "name"), PAGES, ids=lambda part: str(part))
both = pytest.mark.parametrize("language", LANGUAGES)


def url(address: str, site: Path, language: str, name: str) -> str:
    return f"{address}/{page_address(site, language, '' if name == 'index' else name)}"


# Every page ------------------------------------------------------------------------------------


@every_page
def test_a_page_is_whole(
    open_page: Open, address: str, site: Path, language: str, name: str
) -> None:
    page = open_page(url(address, site, language, name))
    page.wait_for_load_state("networkidle")  # whatever it asks for, it has asked for
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.locator("article h1")).to_have_count(1)
    pictures = page.locator("article img")
    for picture in pictures.all():
        picture.scroll_into_view_if_needed()
        assert (picture.get_attribute("alt") or "").strip()
        assert picture.evaluate("one => one.complete && one.naturalWidth > 0")


@every_page
def test_a_page_fits_a_phone(
    open_page: Open, address: str, site: Path, language: str, name: str
) -> None:
    page = open_page(url(address, site, language, name), viewport=PHONE)
    assert sticks_out(page) == []


@every_page
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_accessible(
    open_page: Open, address: str, site: Path, language: str, name: str, scheme: str
) -> None:
    page = open_page(url(address, site, language, name), color_scheme=scheme)
    expect(page.locator("body")).to_have_attribute(
        "data-md-color-scheme", {"light": "default", "dark": "slate"}[scheme]
    )
    # By night the page is the same but for its colours.
    assert serious(page, *(["color-contrast"] if scheme == "dark" else [])) == []


# Between pages ---------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("name", ["index", "11-haproxy", "hardening", "reference/checks"])
def test_the_language_changes_and_the_page_stays(
    open_page: Open, address: str, site: Path, language: str, name: str
) -> None:
    page = open_page(url(address, site, language, name))
    page.locator(".md-header .md-select button").hover()
    page.locator(f".md-header .md-select a[hreflang={OTHER[language]}]").click()
    page.wait_for_url(url(address, site, OTHER[language], name))
    expect(page.locator("html")).to_have_attribute("lang", OTHER[language])


def search(page: Page, word: str) -> list[str]:
    """The addresses of what is found for a word."""
    page.keyboard.press("/")
    page.locator(".md-search__input").press_sequentially(word)
    expect(page.locator(".md-search-result__item").first).to_be_visible()
    links = page.locator(".md-search-result__item > a").all()
    return [str(link.evaluate("one => one.href")) for link in links]


@both
def test_search_finds_a_word_in_the_pages_of_its_language(
    open_page: Open, address: str, site: Path, language: str
) -> None:
    """What both languages say, and what only one does; the page that is found says it, too."""
    index = json.loads((site / page_address(site, language, "") / INDEX).read_text("utf-8"))
    assert index["config"]["lang"] == [language]
    for word in ("HAProxy", WORDS[language]):
        page = open_page(url(address, site, language, "11-haproxy"))
        for place in search(page, word)[:3]:
            page.goto(place)
            expect(page.locator("html")).to_have_attribute("lang", language)
            expect(page.locator("article")).to_contain_text(re.compile(word, re.IGNORECASE))


@both
def test_search_does_not_find_the_words_of_the_other_language(
    open_page: Open, address: str, site: Path, language: str
) -> None:
    for word in (WORDS[OTHER[language]], "xyzzyqwv"):
        page = open_page(url(address, site, language, "index"))
        page.keyboard.press("/")
        page.locator(".md-search__input").press_sequentially(word)
        found = page.locator(".md-search-result__meta")
        expect(found).to_have_text(re.compile("No matching|Aucun document"))


@both
def test_one_reads_on_from_step_to_step(
    open_page: Open, address: str, site: Path, language: str
) -> None:
    page = open_page(url(address, site, language, "11-haproxy"))
    page.locator(".md-footer__link--next").click()
    page.wait_for_url(url(address, site, language, "12-stats"))
    page.locator(".md-footer__link--prev").click()
    page.wait_for_url(url(address, site, language, "11-haproxy"))
    page.locator(".md-nav--primary a[href$='08-registry/']").click()
    page.wait_for_url(url(address, site, language, "08-registry"))


@both
def test_one_finds_the_way_on_a_phone(
    open_page: Open, address: str, site: Path, language: str
) -> None:
    page = open_page(url(address, site, language, "11-haproxy"), viewport=PHONE, has_touch=True)
    link = page.locator(".md-nav--primary a[href$='02-dockerfile/']")
    expect(link).not_to_be_in_viewport()
    page.locator("label.md-header__button[for=__drawer]").tap()
    expect(link).to_be_in_viewport()
    link.tap()
    page.wait_for_url(url(address, site, language, "02-dockerfile"))


@both
def test_commands_are_copied_as_they_are_typed(
    open_page: Open, address: str, site: Path, language: str
) -> None:
    page = open_page(
        url(address, site, language, "11-haproxy"),
        permissions=["clipboard-read", "clipboard-write"],
    )
    blocks = page.locator("article .highlight:visible")
    assert blocks.count() > 3
    for block in blocks.all():
        block.hover()
        block.locator("button[data-md-type=copy], button.md-clipboard").first.click()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.strip() == block.locator("code").inner_text().strip()


@both
def test_the_reader_may_choose_dark_or_light(
    open_page: Open, address: str, site: Path, language: str
) -> None:
    """The button changes it, and the choice stays, on another page too."""
    page = open_page(url(address, site, language, "index"), color_scheme="light")
    body = page.locator("body")
    expect(body).to_have_attribute("data-md-color-scheme", "default")
    button = page.locator("[data-md-component=palette] label:visible")
    words = {"en": "Switch to dark mode", "fr": "Passer au mode sombre"}
    expect(button).to_have_attribute("title", words[language])
    button.click()
    expect(body).to_have_attribute("data-md-color-scheme", "slate")
    page.goto(url(address, site, language, "11-haproxy"))
    expect(body).to_have_attribute("data-md-color-scheme", "slate")
    page.locator("[data-md-component=palette] label:visible").click()
    expect(body).to_have_attribute("data-md-color-scheme", "default")
