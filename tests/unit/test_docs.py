"""The tutorial: the same pages in both languages, the same commands, the parts that each page has;
the files it shows are the reference artefacts, and the messages it quotes are those of labkit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
import yaml
from babel.messages.pofile import read_po

from labkit.cli.main import VERBS
from labkit.course import find_blueprint, load_checks, load_course
from labkit.locale import ENGINE_CATALOGUES as ENGINE
from tests import ROOT
from tests.tutorial.reading import FENCE, blocks, page

LANGUAGES = ("en", "fr")
REFERENCE = ROOT / "steps" / "reference"
STEPS = range(1, 14)

# page -> title of a block there -> the reference artefact that the block shows, comments left out
SHOWN = {
    ("02-dockerfile.md", "simple_api/Dockerfile"): "simple_api/Dockerfile",
    ("04-compose.md", "docker-compose.yml"): "docker-compose.yml",
    ("08-registry.md", "docker-compose-registry.yml"): "docker-compose-registry.yml",
    ("11-haproxy.md", "haproxy/haproxy.cfg"): "haproxy/haproxy-11.cfg",
    ("11-haproxy.md", "lb: /etc/rsyslog.d/haproxy.conf"): "haproxy/rsyslog-haproxy.conf",
}


def pages(language: str) -> list[str]:
    return sorted(path.name for path in (ROOT / "docs" / language).glob("*.md"))


def substance(text: str) -> list[str]:
    """The lines that a machine reads: neither blank nor a comment."""
    return [
        line.rstrip()
        for line in text.splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]


def step_page(language: str, number: int) -> str:
    (name,) = (name for name in pages(language) if name.startswith(f"{number:02d}-"))
    return page(language, name)


def test_both_languages_have_the_same_pages() -> None:
    assert pages("en") == pages("fr")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("number", STEPS)
def test_a_step_has_a_page_with_its_commands(language: str, number: int) -> None:
    text = step_page(language, number)
    assert re.search(rf"\blabkit step {number}\b", text)
    assert re.search(rf"\blabkit check {number}\b", text)


@pytest.mark.parametrize("name", pages("en"))
def test_the_commands_are_the_same_in_both_languages(name: str) -> None:
    assert blocks(page("en", name)) == blocks(page("fr", name))


@pytest.mark.parametrize(("place", "artefact"), SHOWN.items(), ids=lambda value: str(value))
def test_what_a_page_shows_is_the_reference_artefact(place: tuple[str, str], artefact: str) -> None:
    name, title = place
    (shown,) = (block for block in blocks(page("en", name)) if f'title="{title}"' in block.info)
    assert substance(shown.body) == substance((REFERENCE / artefact).read_text(encoding="utf-8"))


def test_the_stats_section_completes_the_reference_of_step_11() -> None:
    (shown,) = (b for b in blocks(page("en", "12-stats.md")) if "haproxy.cfg" in b.info)
    before = (REFERENCE / "haproxy/haproxy-11.cfg").read_text(encoding="utf-8")
    after = (REFERENCE / "haproxy/haproxy.cfg").read_text(encoding="utf-8")
    assert after.startswith(before)
    assert substance(shown.body) == substance(after.removeprefix(before))


def test_the_reference_page_differs_from_the_starter_by_the_address_alone() -> None:
    starter = (ROOT / "steps/starter/website/index.php").read_text(encoding="utf-8")
    reference = (REFERENCE / "website/index.php").read_text(encoding="utf-8")
    assert starter.replace("<api_ip_or_name:port>", "api:5000") == reference


# Structure --------------------------------------------------------------------------------------

HEADING = re.compile(r"^(#{1,6}) +(.*?)(?: \{ #([\w-]+) \})?$", re.M)
LINK = re.compile(r"\]\((https?://[^)\s]+)\)")
# What each step page has, in this order; a page may have more between them.
PARTS = ("theory", "by-hand", "labkit", "checked", "mistakes", "questions", "links")
QUESTION = re.compile(r'^\?\?\? question "[^"\n]+ *\?"\n    \S', re.M)
THEORY_WORDS = range(100, 201)
# The title of a block of commands: machines, or the workspace, or the system that they are for.
WHERE = {"~/student-list", "Debian, Ubuntu", "Fedora, Rocky", "VirtualBox", "libvirt"}


def without_blocks(text: str) -> str:
    return FENCE.sub("", text)


def headings(text: str) -> list[tuple[int, str]]:
    """Level and anchor of each heading of a page."""
    return [(len(m[1]), m[3] or "") for m in HEADING.finditer(without_blocks(text))]


def section(text: str, anchor: str) -> str:
    """What stands between a heading of the second level and the next one."""
    found = re.search(rf"^## .*\{{ #{anchor} \}}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert found, f"no section #{anchor}"
    return found[1]


@pytest.mark.parametrize("name", pages("en"))
def test_the_headings_are_the_same_in_both_languages(name: str) -> None:
    found = headings(page("en", name))
    assert found == headings(page("fr", name))
    anchors = [anchor for level, anchor in found if level > 1]
    assert all(anchors), "each heading has an anchor of its own: both languages share it"
    assert len(anchors) == len(set(anchors))
    assert [level for level, _anchor in found].count(1) == 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("number", STEPS)
def test_a_step_page_has_its_parts_in_order(language: str, number: int) -> None:
    text = step_page(language, number)
    anchors = [anchor for _level, anchor in headings(text)]
    assert [anchor for anchor in anchors if anchor in PARTS] == list(PARTS)
    aim, needed = {"en": ("**Goal**", "**You need first**"),
                   "fr": ("**But**", "**Il vous faut d'abord**")}[language]  # fmt: skip
    assert text.index(aim) < text.index(needed) < text.index("{ #theory }")
    words = [line for line in section(text, "theory").splitlines() if not line.startswith("|")]
    assert len(" ".join(words).split()) in THEORY_WORDS
    questions = section(text, "questions")
    assert len(QUESTION.findall(questions)) == questions.count("???") >= 3
    assert len(LINK.findall(section(text, "links"))) >= 2


def of_no_language(url: str) -> str:
    """An address of official documentation, whichever language of it a page links to."""
    url = re.sub(r"(?<=www\.php\.net/manual/)(en|fr)/", "", url)
    return re.sub(r"(?<=12factor\.net/)fr/|(?<=/docs/2\.4/)fr/", "", url)


@pytest.mark.parametrize("name", pages("en"))
def test_both_languages_lead_to_the_same_places(name: str) -> None:
    en, fr = (list(map(of_no_language, LINK.findall(page(lang, name)))) for lang in LANGUAGES)
    assert sorted(en) == sorted(fr)


@pytest.mark.parametrize("name", pages("en"))
def test_a_block_of_commands_says_where_they_are_typed(name: str) -> None:
    for block in blocks(page("en", name)):
        if block.info.startswith("console"):
            title = re.search(r'title="(.*)"', block.info)
            assert (
                title is None
                or title[1] in WHERE
                or set(title[1].split(", ")) <= set(find_blueprint().names)
            )
            for verb in re.findall(
                r"(?m)(?:^|[|&] )(?:LABKIT_\w+=\S+ )?labkit (?:--\w+ \S+ )*(\w+)", block.body
            ):
                assert verb in VERBS


def settings() -> dict[str, Any]:
    found = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_every_page_is_in_the_navigation_and_each_of_its_parts_has_a_french_name() -> None:
    nav = settings()["nav"]
    parts = {
        name: found for entry in nav if isinstance(entry, dict) for name, found in entry.items()
    }
    listed = [entry for entry in nav if isinstance(entry, str)]
    listed += [one for found in parts.values() for one in found]
    there = (ROOT / "docs" / "en").rglob("*.md")
    assert sorted(listed) == sorted(p.relative_to(ROOT / "docs" / "en").as_posix() for p in there)
    (i18n,) = (one["i18n"] for one in settings()["plugins"] if isinstance(one, dict))
    french, english = i18n["languages"]
    assert (french["locale"], french["default"], english["locale"]) == ("fr", True, "en")
    assert set(french["nav_translations"]) == set(parts)


# What is quoted ---------------------------------------------------------------------------------

QUOTED = {
    "en": re.compile(r"`expected (?P<expected>[^`]+?); seen (?P<seen>[^`]+)`"),
    "fr": re.compile(r"`attendu : (?P<expected>[^`]+?) ; constaté : (?P<seen>[^`]+)`"),
}
# What a check expects that is the same in both languages.
TYPED = {"web2", "EXPOSE 5000", "VOLUME /data", "balance roundrobin", "…"}


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


@cache
def messages() -> list[tuple[re.Pattern[str], re.Pattern[str]]]:
    """What the checks may say, the engine's readers included, and its French, as patterns."""
    entries = []
    for catalogue in (ROOT / "checks" / "locale" / "fr.po", ENGINE / "fr" / "labkit.po"):
        with catalogue.open("rb") as file:
            entries += [one for one in read_po(file, locale="fr") if one.id]
    return [(pattern(str(one.id)), pattern(str(one.string))) for one in entries]


def pattern(message: str) -> re.Pattern[str]:
    parts = Formatter().parse(plain(message))
    return re.compile(
        "".join(re.escape(text) + ("(.+)" if name else "") for text, name, *_ in parts)
    )


def said(en: str, fr: str) -> bool:
    """Whether these are one message of the catalogue, filled in with the same values or others."""
    return any(a.fullmatch(en) and b.fullmatch(fr) for a, b in messages())


def found_alike(en: str, fr: str) -> bool:
    """Whether what was seen is the same: a message, one of the machine's, or several of them."""
    if en == fr or said(en, fr):
        return True
    name, _colon, rest = en.partition(": ")
    if _colon and fr.startswith(f"{name}: ") and said(rest, fr.removeprefix(f"{name}: ")):
        return True
    several = en.split(", "), fr.split(", ")
    return len(several[0]) == len(several[1]) > 1 and all(map(said, *several))


@pytest.mark.parametrize("name", pages("en"))
def test_the_messages_that_a_page_quotes_are_those_of_the_checks(name: str) -> None:
    en, fr = (list(QUOTED[lang].finditer(plain(page(lang, name)))) for lang in LANGUAGES)
    assert len(en) == len(fr)
    for one, other in zip(en, fr, strict=True):
        expected = one["expected"], other["expected"]
        assert said(*expected) or (expected[0] == expected[1] and expected[0] in TYPED), expected
        assert found_alike(one["seen"], other["seen"]), (one["seen"], other["seen"])


def explained(language: str) -> set[str]:
    return set(re.findall(r"`labkit explain ([a-z-]+\.\w+)`", page(language, "faq.md")))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_questions_are_about_every_check_that_catches_a_wrong_answer(language: str) -> None:
    notes = (ROOT / "tests" / "submissions" / "wrong").glob("*/expected.toml")
    caught = {tomllib.loads(note.read_text(encoding="utf-8"))["caught_by"] for note in notes}
    assert caught <= explained(language)
    assert explained(language) <= set(load_checks(load_course()))


def terms(language: str) -> set[tuple[str, str]]:
    """The pairs (English, French) of the glossary."""
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+\. \|$", page(language, "glossary.md"), re.M)
    return {(a, b) if language == "en" else (b, a) for a, b in rows}


def test_the_glossary_has_the_same_terms_in_both_languages() -> None:
    assert len(terms("en")) >= 50
    assert terms("en") == terms("fr")


# What the authors' guide shows ------------------------------------------------------------------


def shown(beginning: str) -> dict[str, str]:
    """Title -> body of the blocks of the guide whose title begins so."""
    named = (
        (re.search(r'title="(.*)"', one.info), one) for one in blocks(page("en", "authors.md"))
    )
    return {m[1]: one.body for m, one in named if m and m[1].startswith(beginning)}


def explain(root: Path, *words: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "labkit.cli.main", "--lang", "en", "explain", *words],
        cwd=root,
        env={**os.environ, "LABKIT_COURSE": str(root), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_the_step_of_the_authors_guide_joins_the_course(tmp_path: Path) -> None:
    for folder in ("course", "subject", "steps", "checks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for name, body in {**shown("steps/"), **shown("checks/test_14")}.items():
        (tmp_path / name).write_text(body, encoding="utf-8")
    (change,) = (one for one in blocks(page("en", "authors.md")) if one.is_change)
    course = tmp_path / change.path
    course.write_text(change.changed(course.read_text(encoding="utf-8")), encoding="utf-8")
    assert "All three machines keep UTC." in explain(tmp_path, "14")
    assert "machines.names" in explain(tmp_path, "clock.utc")


def test_the_plan_of_the_authors_guide_has_its_cases() -> None:
    (plan,) = shown("tests/plans/").values()
    cases = {one["case"] for one in yaml.safe_load(plan)}
    assert cases > {"nothing there", "everything there"}


def test_the_course_of_the_authors_guide_is_understood(tmp_path: Path) -> None:
    for name, body in shown("hello/").items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{body}\n", encoding="utf-8")
    for folder in ("steps", "checks"):
        (tmp_path / "hello" / folder / "__init__.py").touch()
    assert "web1 says hello." in explain(tmp_path / "hello")


# French typography ------------------------------------------------------------------------------

SPANS = re.compile(r"(`+)(?:.|\n)+?\1|\]\([^)]*\)|<[^>]+>|https?://\S+")


def french_prose() -> Iterator[tuple[str, str]]:
    """Each line of the French pages, code and addresses taken out."""
    for path in sorted((ROOT / "docs" / "fr").rglob("*.md")):
        text = SPANS.sub("x", without_blocks(path.read_text(encoding="utf-8")))
        for line in text.splitlines():
            yield path.name, line


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (r"\S [:;!?%](?=[\s)*|\].,…]|$)", "a no-break space before : ; ! ? %"),
        (r"[^\W\d_]\**[;!?](?=\s|$)", "a no-break space before ; ! ?"),
        (r"[^\W\d_]:(?=\s|$)", "a no-break space before :"),
        (r"«(?!\u00a0)|(?<!\u00a0)»", "no-break spaces within « »"),
        (r"[\u2018\u2019\u201c\u201d]", "the apostrophe ', and « » for quotations"),
        (r"\d (?:ms|s|min|h|[KMG]io|secondes?|minutes?|heures?|ans|points?)(?!\w)", "5\u00a0s"),
        (r"\d\.\d+(?: |\u00a0)?(?:%|ms|s|min|h|points?|requêtes)(?!\w)", "a decimal comma"),
    ],
    ids=["spaces", "none", "colon", "guillemets", "apostrophe", "units", "comma"],
)
def test_french_pages_are_set_as_french_is_set(wrong: str, why: str) -> None:
    found = [f"{name}: {line}" for name, line in french_prose() if re.search(wrong, line)]
    assert found == [], why


# The threat model -------------------------------------------------------------------------------


@cache
def known_tests() -> str:
    """The names of all tests, one a line."""
    found = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    return "\n".join(name for text in found for name in re.findall(r"(?m)^def (test_\w+)", text))


def test_each_promise_of_the_threat_model_is_tested_by_what_there_is() -> None:
    text = page("en", "threat-model.md")
    rows = re.findall(r"(?m)^\| [A-E]\. .+$", section(text, "findings"))
    assert len(rows) >= 10
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row.rpartition(" | ")[2] or row)
        assert named, f"nothing tests this: {row}"
    cited = set(re.findall(r"`(test_\w+)`", text))
    assert cited <= set(known_tests().splitlines())
    assert cited == set(re.findall(r"`(test_\w+)`", page("fr", "threat-model.md")))
    for path in re.findall(r"`((?:tests|benchmarks)/[\w/.]+)`", text):
        assert (ROOT / path).exists(), path
