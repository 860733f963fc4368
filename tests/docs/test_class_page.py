"""The page of a class as a teacher opens it, of a class that is made up."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from benchmarks.made_class import made_class
from labkit.classroom.belonging import Belonging, Strange
from labkit.classroom.marking import Marking
from labkit.classroom.reports import write_reports
from labkit.classroom.roster import Person
from labkit.classroom.table import rows
from labkit.course import load_course
from labkit.grading.explain import read_checks
from labkit.locale import use_course
from tests.docs.conftest import LANGUAGES, PHONE, Open
from tests.docs.links import abroad, broken, fetched, parsed
from tests.docs.reading import serious, sticks_out

both = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Forty students, and one who has submitted nothing, in each language."""
    course = load_course()
    use_course(course.root)
    checks = read_checks(course)
    marking, found = Marking(checks), {}
    with pytest.MonkeyPatch.context() as patch:
        for language in LANGUAGES:
            patch.setenv("LABKIT_LANG", language)
            ledger, entries = made_class(tmp_path_factory.mktemp("class"), 40, course, checks)
            table = rows(ledger, entries, [Person("Nobody")], marking)
            trait = course.traits[0]
            strange = Strange(trait, trait.values[0], (trait.values[1],))
            copied = {entries[0].key: Belonging(0, (strange,), 0, (entries[1].name,), 0.5)}
            found[language] = write_reports(
                ledger, entries, table, marking, course, {}, command="labkit class grade X",
                belongings=copied,
            )  # fmt: skip
    return found


@pytest.fixture
def page_of_class(pages: dict[str, Path], language: str) -> Path:
    """The page in the language of the test."""
    return pages[language]


@both
def test_it_stands_on_its_own(page_of_class: Path, language: str) -> None:
    assert parsed(page_of_class).html["lang"] == language  # type: ignore[index]
    assert fetched(parsed(page_of_class)) == set()
    assert not [one for one in parsed(page_of_class)("a", href=True) if abroad(str(one["href"]))]
    assert broken(page_of_class.parent, page_of_class) == []


@both
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible(open_page: Open, page_of_class: Path, language: str, scheme: str) -> None:
    page = open_page(page_of_class.as_uri(), color_scheme=scheme, bypass_csp=True)
    expect(page.locator("html")).to_have_attribute("lang", language)
    for details in page.locator("details").all():
        details.evaluate("one => one.open = true")
    assert serious(page) == []


@both
def test_it_fits_a_phone(open_page: Open, page_of_class: Path, language: str) -> None:
    page = open_page(page_of_class.as_uri(), viewport=PHONE)
    expect(page.locator("html")).to_have_attribute("lang", language)
    assert sticks_out(page) == []


@both
def test_the_keyboard_reaches_and_scrolls_the_tables(
    open_page: Open, page_of_class: Path, language: str
) -> None:
    page = open_page(page_of_class.as_uri())
    expect(page.locator("html")).to_have_attribute("lang", language)
    for name in ("learners", "checks", "drills", "variants"):
        table = page.locator(f"section[aria-labelledby={name}]")
        expect(table).to_have_js_property("tabIndex", 0)
        table.focus()
        expect(table).to_be_focused()
        page.keyboard.press("End")
        if name == "learners":  # of forty, the others fit in; before the next key, it has scrolled
            page.wait_for_function("one => one.scrollTop > 0", arg=table.element_handle())
