"""The tutorial's reference: written from the code in both languages, with nothing left out."""

from __future__ import annotations

import re

import click
import pytest
from markdown import markdown

from labkit import locale
from labkit.cli.main import VERBS, labkit
from labkit.course import Course, Verdict, load_course
from labkit.errors import EXIT_CODES
from labkit.grading.explain import read_checks
from labkit.grading.schema import published
from labkit.lab.parity import PARTS
from labkit.tutorial.reference import WANTED, filled
from tests import ROOT

LANGUAGES = ("en", "fr")
PAGES = sorted(path.name for path in (ROOT / "docs" / "en" / "reference").glob("*.md"))


@pytest.fixture(scope="module")
def course() -> Course:
    found = load_course()
    locale.use_course(found.root)
    return found


@pytest.fixture
def write(course: Course, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """A section of the reference, in a language."""

    def section(name: str, language: str = "en") -> str:
        monkeypatch.setenv("LABKIT_LANG", language)
        return filled(f"<!-- labkit: {name} -->", course, labkit)

    return section


def source(language: str, name: str) -> str:
    return (ROOT / "docs" / language / "reference" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_wants_the_same_in_both_languages(name: str) -> None:
    wanted = WANTED.findall(source("en", name))
    assert wanted
    assert WANTED.findall(source("fr", name)) == wanted


def test_what_is_not_there_is_an_error(write) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(KeyError, match="nonsense"):
        write("nonsense")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_verb_is_there_with_every_option(write, language: str) -> None:  # type: ignore[no-untyped-def]
    text = write("commands", language)
    for verb in VERBS:
        command = labkit.get_command(click.Context(labkit), verb)
        assert command
        (part,) = re.findall(rf"^## `labkit {verb}`.*?(?=^## |\Z)", text, re.M | re.S)
        for option in (one for one in command.params if isinstance(one, click.Option)):
            assert all(f"`{name}`" in part for name in option.opts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_check_is_there_once(write, course: Course, language: str) -> None:  # type: ignore[no-untyped-def]
    text = write("checks", language)
    checks = read_checks(course)
    assert re.findall(r"^### `([\w.-]+)`", text, re.M) == list(checks)
    for one in checks.values():
        sentence = locale.translate(one.sentence)
        assert sentence.replace("_", r"\_") in text or "*" in sentence


def test_what_a_check_waits_for_leads_there(write) -> None:  # type: ignore[no-untyped-def]
    text = write("checks")
    anchors = set(re.findall(r"\{ #([\w-]+) \}", text))
    links = set(re.findall(r"\]\(#([\w-]+)\)", text))
    assert links
    assert links <= anchors
    drills = set(re.findall(r"\]\(drills\.md#([\w-]+)\)", text))
    assert drills <= set(re.findall(r"\{ #([\w-]+) \}", write("drills")))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_drill_verdict_code_and_part_is_there(  # type: ignore[no-untyped-def]
    write, course: Course, language: str
) -> None:
    drills = re.findall(r"^### `([\w-]+)`", write("drills", language), re.M)
    assert sorted(drills) == sorted(drill.name for drill in course.drills)
    assert all(f"`{one.value}`" in write("verdicts", language) for one in Verdict)
    assert all(f"| {code} |" in write("exit-codes", language) for code in EXIT_CODES)
    assert all(f"`{part}`" in write("parity", language) for part in PARTS)


def test_every_field_of_the_result_is_there(write) -> None:  # type: ignore[no-untyped-def]
    tables = write("result").partition("???")[0]
    for one in (published(), *published()["$defs"].values()):
        assert all(f"| `{name}` |" in tables for name in one.get("properties", {}))


def test_the_sections_differ_by_their_language_alone(write) -> None:  # type: ignore[no-untyped-def]
    for name in ("commands", "exit-codes", "verdicts", "result", "checks", "drills", "parity"):
        english, french = write(name, "en"), write(name, "fr")
        assert english != french
        for pattern in (r"\{ #[\w-]+ \}", r"^\| ---", r"^#+ "):
            assert len(re.findall(pattern, english, re.M)) == len(re.findall(pattern, french, re.M))


def test_help_tells_the_exit_codes_of_the_table() -> None:
    text = " ".join((labkit.help or "").split())
    assert all(f"{code} {meaning}" in text for code, meaning in EXIT_CODES.items())


@pytest.mark.parametrize(
    "hostile", ["<b>", "a_b_c *d*", "[x](y)", "{ #id }", "a|b", "&amp;", "\\*"]
)
def test_text_is_shown_as_it_is(hostile: str) -> None:
    from labkit.tutorial.reference import _plain

    shown = markdown(_plain(hostile), extensions=["attr_list"])
    text = re.sub(r"<[^>]+>", "", shown)
    for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&#124;", "|"), ("&amp;", "&")):
        text = text.replace(entity, sign)
    assert text == hostile
