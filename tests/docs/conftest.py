"""The built site on loopback, and the system's Chromium to read it with.

What a page does without being seen is watched in every test: an error in the console, a request
to any other host, or a file that is missing fails it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from labkit.tutorial import site as tutorial
from scripts.chromium import chromium

ROOT = Path(__file__).parents[2]
LANGUAGES = ("en", "fr")
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}
PATIENCE_MS = 10_000

Open = Callable[..., Page]


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder's address while it is served on a port of its own."""
    with tutorial.server(folder, 0) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://{tutorial.LOOPBACK}:{listening.server_port}"
        listening.shutdown()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `labkit docs` builds it."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    try:
        return tutorial.build(ROOT, print)
    finally:
        os.environ.pop("XDG_CACHE_HOME")
        if before:
            os.environ["XDG_CACHE_HOME"] = before


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Where the site is served."""
    with served(site) as place:
        yield place


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium())
        yield found
        found.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open an address in a window of its own, and watch it until the test is over."""
    contexts = []
    troubles: list[str] = []

    def opened(url: str, **settings: Any) -> Page:
        context = browser.new_context(
            **{"viewport": DESKTOP, "reduced_motion": "reduce", **settings}
        )
        home = urlsplit(url)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()

        def asked(request: Request) -> None:
            if not request.url.startswith((f"{home.scheme}://{home.netloc}/", "data:", "blob:")):
                troubles.append(f"asks {request.url}")

        page.on("console", lambda said: said.type == "error" and troubles.append(said.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        context.on("request", asked)
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []
