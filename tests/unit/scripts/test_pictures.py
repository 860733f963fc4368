"""The tutorial's pictures: each is still true of what it shows, and stands in a page of each
language with words for who does not see it."""

from __future__ import annotations

import io
import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from labkit.course import Course, load_course
from labkit.locale import use_course
from scripts import pictures
from scripts.pictures import FOLDER, PICTURES, Picture, fingerprint, notes, out_of_date
from scripts.screenshot import still
from tests import ROOT

EMBEDDED = re.compile(r"!\[([^\]]*)\]\((?:\.\./)+pictures/([\w.-]+)\)")
each = pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)


@pytest.fixture(scope="module")
def course() -> Course:
    found = load_course()
    use_course(found.root)
    return found


def embedded(language: str) -> dict[str, set[str]]:
    """The pictures that the pages of a language show, with what is said in their place."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "docs" / language).rglob("*.md"):
        for words, name in EMBEDDED.findall(path.read_text(encoding="utf-8")):
            found.setdefault(name, set()).add(words.strip())
    return found


@each
def test_a_picture_is_true(picture: Picture, course: Course) -> None:
    reasons = out_of_date(picture, notes()[picture.name], course)
    assert reasons == [], f"{picture.name} is no longer true: make pictures"


@each
def test_a_picture_is_the_one_that_was_made(picture: Picture) -> None:
    assert notes()[picture.name]["picture"] == fingerprint(FOLDER / picture.name)


def test_every_picture_is_known_and_there() -> None:
    names = {picture.name for picture in PICTURES}
    assert {path.name for path in FOLDER.iterdir()} == names | {"pictures.json"}
    assert set(notes()) == names


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_picture_stands_in_a_page_with_words_for_it(language: str) -> None:
    shown = embedded(language)
    mine = {picture.name for picture in PICTURES if picture.language in ("", language)}
    assert set(shown) == mine
    assert all(all(words) for words in shown.values())


def test_words_for_a_picture_are_in_the_pages_language() -> None:
    english, french = embedded("en"), embedded("fr")
    assert not {name for name in english.keys() & french if english[name] & french[name]}


# That it would be seen ---------------------------------------------------------------------------


@each
def test_a_picture_of_other_words_is_untrue(picture: Picture, course: Course) -> None:
    other = replace(picture, words=lambda _course: ["no picture says this"])
    assert out_of_date(other, notes()[picture.name], course) == [
        "'no picture says this' is not in it"
    ]


@each
def test_a_picture_of_other_sources_is_untrue(picture: Picture, course: Course) -> None:
    noted = notes()[picture.name]
    noted["sources"] = dict.fromkeys(noted["sources"], "other")
    assert len(out_of_date(picture, noted, course)) == len(picture.sources) > 0


# What is kept ------------------------------------------------------------------------------------


@pytest.fixture
def take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bytes, str], str]:
    """Keep a picture in an empty folder; what was done."""
    monkeypatch.setattr(pictures, "FOLDER", tmp_path)
    monkeypatch.setattr(pictures, "NOTES", tmp_path / "pictures.json")
    return pictures.keep


def drawn(text: str, shade: int = 0) -> bytes:
    image = Image.new("RGB", (400, 100), (255 - shade,) * 3)
    ImageDraw.Draw(image).text((10, 10), text, fill=(0, 0, 0))
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def test_a_picture_that_shows_the_same_is_kept(
    take: Callable[[str, bytes, str], str], tmp_path: Path
) -> None:
    assert take("stats.png", drawn("web1 UP"), "web1 UP 12 s") == "stats.png: new"
    first = (tmp_path / "stats.png").read_bytes()
    noted = (tmp_path / "pictures.json").read_text(encoding="utf-8")
    assert take("stats.png", drawn("web1 UP", shade=3), "web1 UP 47 s").endswith("as it was")
    assert (tmp_path / "stats.png").read_bytes() == first
    assert (tmp_path / "pictures.json").read_text(encoding="utf-8") == noted


@pytest.mark.parametrize(
    ("made", "text"),
    [(drawn("web1 UP"), "web1 DOWN 12 s"), (drawn("web1 UP", shade=90), "web1 UP 12 s")],
    ids=["other words", "other colours"],
)
def test_a_picture_that_shows_something_else_is_new(
    take: Callable[[str, bytes, str], str], tmp_path: Path, made: bytes, text: str
) -> None:
    take("stats.png", drawn("web1 UP"), "web1 UP 12 s")
    assert take("stats.png", made, text) == "stats.png: new"
    assert (tmp_path / "stats.png").read_bytes() == made
    assert json.loads((tmp_path / "pictures.json").read_text("utf-8"))["stats.png"]["text"]


def test_another_measurement_is_no_other_picture(
    take: Callable[[str, bytes, str], str],
) -> None:
    take("drill.svg", b"<svg>1</svg>", "web1 DOWN after 4.2 s\nlost ··▂▄▅▂··\n105 of 1700 (6.2 %)")
    same = "web1 DOWN after 4.6 s\nlost ···▄▅▅··\n98 of 1700 (5.8 %)"
    assert take("drill.svg", b"<svg>2</svg>", same).endswith("as it was")
    assert take("drill.svg", b"<svg>3</svg>", same.replace("web1", "web2")).endswith("new")
    assert take("drill.svg", b"<svg>4</svg>", same.replace("5.8", "5,8")).endswith("new")


def test_a_command_that_ends_badly_is_no_picture() -> None:
    """A drill without a verdict ends in 3: it was once shown as if it were one."""
    picture, text = still(["sh", "-c", "echo measured"], "labkit drill", {})
    assert "measured" in picture
    assert text.split() == ["$", "labkit", "drill", "measured"]
    with pytest.raises(subprocess.CalledProcessError):
        still(["sh", "-c", "echo not measured; exit 3"], "labkit drill", {})
