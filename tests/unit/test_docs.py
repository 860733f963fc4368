"""The tutorial: the same pages in both languages, the same commands, and the files it shows are
the reference artefacts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
LANGUAGES = ("en", "fr")
REFERENCE = ROOT / "steps" / "reference"
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=indent)```$", re.M | re.S
)
STEPS = range(1, 14)

# page -> title of a block there -> the reference artefact that the block shows, comments left out
SHOWN = {
    ("02-dockerfile.md", "simple_api/Dockerfile"): "simple_api/Dockerfile",
    ("04-compose.md", "docker-compose.yml"): "docker-compose.yml",
    ("08-registry.md", "docker-compose-registry.yml"): "docker-compose-registry.yml",
    ("11-haproxy.md", "/etc/haproxy/haproxy.cfg"): "haproxy/haproxy-11.cfg",
    ("11-haproxy.md", "/etc/rsyslog.d/haproxy.conf"): "haproxy/rsyslog-haproxy.conf",
}


class Block(NamedTuple):
    info: str
    body: str


def page(language: str, name: str) -> str:
    return (ROOT / "docs" / language / name).read_text(encoding="utf-8")


def pages(language: str) -> list[str]:
    return sorted(path.name for path in (ROOT / "docs" / language).glob("*.md"))


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page in order, freed from the indentation of what surrounds them."""
    found = []
    for match in FENCE.finditer(text):
        lines = match["body"].splitlines()
        found.append(
            Block(match["info"], "\n".join(line.removeprefix(match["indent"]) for line in lines))
        )
    return found


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
