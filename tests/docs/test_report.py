"""The HTML grade report as its readers open it, of results as runs leave them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from labkit.grading.model import GradeResult
from labkit.grading.writers.html import as_html
from tests.docs.conftest import LANGUAGES, PHONE, Open
from tests.docs.links import abroad, broken, fetched, parsed
from tests.docs.reading import serious, sticks_out
from tests.fakes.results import ALL

every_report = pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
both = pytest.mark.parametrize("language", LANGUAGES)
Make = Callable[[], GradeResult]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


@pytest.fixture
def write(reports: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Make, str], str]:
    """Write a report; the name of its file."""

    def written(make: Make, language: str) -> str:
        monkeypatch.setenv("LABKIT_LANG", language)
        name = f"{make.__name__}-{language}.html"
        page = as_html(make(), title="High availability of web servers with HAProxy")
        (reports / name).write_text(page, encoding="utf-8")
        return name

    return written


Write = Callable[[Make, str], str]


@every_report
@both
def test_it_stands_on_its_own(reports: Path, write: Write, make: Make, language: str) -> None:
    file = reports / write(make, language)
    assert fetched(parsed(file)) == set()
    assert not [one for one in parsed(file)("a", href=True) if abroad(str(one["href"]))]
    assert broken(reports, file) == []


@every_report
@both
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible(
    open_page: Open, reports: Path, write: Write, make: Make, language: str, scheme: str
) -> None:
    # axe-core is a script: the page's own policy would not let it in.
    page = open_page(
        (reports / write(make, language)).as_uri(), color_scheme=scheme, bypass_csp=True
    )
    expect(page.locator("html")).to_have_attribute("lang", language)
    for details in page.locator("details").all():
        details.evaluate("one => one.open = true")
    assert serious(page) == []


@every_report
@both
def test_it_fits_a_phone(
    open_page: Open, reports: Path, write: Write, make: Make, language: str
) -> None:
    page = open_page((reports / write(make, language)).as_uri(), viewport=PHONE)
    assert sticks_out(page) == []


@both
def test_one_gets_from_a_cause_to_its_check(
    open_page: Open, reports: Path, write: Write, language: str
) -> None:
    page = open_page((reports / write(ALL[0], language)).as_uri())
    page.locator(".cause a").first.click()
    expect(page.locator(":target")).to_be_in_viewport()
    hint = page.locator(":target details").first
    expect(hint.locator("p")).not_to_be_visible()
    hint.locator("summary").click()
    expect(hint.locator("p")).to_be_visible()
