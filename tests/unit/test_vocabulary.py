"""The engine knows no practical: what a course speaks of does not occur in it.

Not in its code, its texts, its catalogues, its images. `student` is who logs in on this course's
machines; who does a course is a learner, whatever it is about.
"""

from __future__ import annotations

import re

from labkit.course import load_course
from tests import ROOT

ENGINE = ROOT / "labkit"
VOCABULARY = ROOT / "course" / "vocabulary.txt"
HOMONYM = "in-toto"  # a standard for signed statements, whose last word is one of the course's
# What others call a learner: the heads of a class list, the published names of a result.
OTHERS = ("classroom/heads.toml", "grading/published.toml", "grading/result-v1.schema.json")


def words() -> list[str]:
    return VOCABULARY.read_text(encoding="utf-8").split()


def spoken(text: str) -> list[str]:
    """The words of the course in a text, whatever their case; in-toto is a standard's name."""
    whole = "|".join(map(re.escape, sorted(words(), key=len, reverse=True)))
    return re.findall(rf"(?<![a-z0-9])(?<!\bin-)(?:{whole})(?![a-z0-9])", text.lower())


def test_a_word_is_found_wherever_it_stands() -> None:
    text = "WEB1 and `lb`, labkit-php:8, a_toto; web11, album, graphphp, in-toto.io"
    assert spoken(text) == ["web1", "lb", "php", "toto"]


def test_the_machines_of_the_course_and_its_bar_are_words_of_it() -> None:
    course = load_course()
    assert {*course.blueprint.names, course.distinction} <= set(words())
    assert words() == sorted(set(words()))


def test_the_engine_does_not_speak_of_the_course() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {', '.join(said)}"
        for path in sorted(ENGINE.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
        if path.relative_to(ENGINE).as_posix() not in OTHERS
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (said := spoken(line))
    ]
    assert found == []


def test_no_file_of_the_engine_is_named_after_the_course() -> None:
    names = (path.relative_to(ENGINE).as_posix() for path in ENGINE.rglob("*"))
    assert [name for name in names if "__pycache__" not in name and spoken(name)] == []
