"""What MkDocs does besides for these pages: the reference is written from the code, and each
language has a search of its own."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.pages import Page

from labkit.cli.main import labkit
from labkit.course import Course, load_course
from labkit.locale import use_course
from labkit.tutorial.reference import filled

CONFIG = re.compile(r'(<script id="__config" type="application/json">)(.*?)(</script>)', re.S)
ALTERNATES = re.compile(r'<link rel="alternate" [^>]*hreflang=[^>]*>')
SEARCH = '<div class="md-search" data-md-component="search" role="dialog"'
SEARCH_NAME = re.compile(r'<input [^>]*class="md-search__input" [^>]*aria-label="([^"]+)"')


@cache
def course() -> Course:
    """The course that these pages are of."""
    os.environ["LABKIT_COURSE"] = str(Path(__file__).resolve().parents[1])
    found = load_course()
    use_course(found.root)
    return found


def on_page_markdown(markdown: str, page: Page, **_others: Any) -> str:
    """Write what the page wants of the reference, in the page's language."""
    os.environ["LABKIT_LANG"] = page.file.src_uri.partition("/")[0]
    return filled(markdown, course(), labkit)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Let the search of a language that has a folder look there, and not in the other's pages."""
    output = _corrected(output)
    language = page.file.src_uri.partition("/")[0]
    if language == config.plugins["i18n"].default_language:
        return output

    def nearer(found: re.Match[str]) -> str:
        settings = json.loads(found[2])
        settings["base"] = settings["base"].removesuffix("..").removesuffix("/") or "."
        return found[1] + json.dumps(settings) + found[3]

    return CONFIG.sub(nearer, output)


def on_post_template(output_content: str, **_others: Any) -> str:
    """The page for what is not there."""
    return _corrected(output_content)


def _corrected(output: str) -> str:
    """The page without what the theme makes of it that hinders readers.

    The links to its alternates let the theme ask for a sitemap beside each page, where none is:
    an error in the console. The dialogue of the search has no name that could be read out.
    """
    output = ALTERNATES.sub("", output)
    name = SEARCH_NAME.search(output)
    label = f'{SEARCH} aria-label="{name[1]}"' if name else SEARCH
    return output.replace(SEARCH, label)


@event_priority(-200)  # after i18n, which puts all languages into one index
def on_post_build(config: MkDocsConfig) -> None:
    """Give each language the index of its own pages, with its own stop words."""
    i18n = config.plugins["i18n"]
    if i18n.building:  # the build of one language, inside of that of all
        return
    folders = {
        language: "" if language == i18n.default_language else f"{language}/"
        for language in i18n.build_languages
    }
    index = json.loads(_index(config, "").read_text(encoding="utf-8"))
    pages: dict[str, list[dict[str, Any]]] = {language: [] for language in folders}
    for page in index["docs"]:
        language = page["location"].partition("/")[0]
        language = language if folders.get(language) else i18n.default_language
        location = page["location"].removeprefix(folders[language])
        pages[language].append({**page, "location": location})
    for language, folder in folders.items():
        path = _index(config, folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        mine = {**index, "config": {**index["config"], "lang": [language]}, "docs": pages[language]}
        path.write_text(json.dumps(mine, ensure_ascii=False), encoding="utf-8")


def _index(config: MkDocsConfig, folder: str) -> Path:
    return Path(config.site_dir, folder, "search", "search_index.json")
