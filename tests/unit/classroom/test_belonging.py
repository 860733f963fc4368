"""Whose variant a submission belongs to, by its files alone."""

from __future__ import annotations

import json

import pytest

from labkit.classroom import Folder
from labkit.classroom.belonging import Variants
from labkit.course import load_course, variant
from tests import ROOT

COURSE = load_course()
KEY = "key"
NAMES = {str(number): f"Student {number}" for number in range(1000, 1100)}


def submission(number: str, **instead: str) -> Folder:
    """What a student with this number hands in who does everything as they were told."""
    values = {**variant(COURSE, KEY, number), **instead}
    root = ROOT / "steps" / "reference"
    texts = {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in root.rglob("*")
        if path.is_file() and path.name not in ("haproxy-11.cfg", "haproxy-hardened.cfg")
    }
    ui, cfg, page = "docker-compose-registry.yml", "haproxy/haproxy.cfg", "website/index.php"
    texts[ui] = texts[ui].replace("8080:80", f"{values['registry page']}:80")
    texts[cfg] = texts[cfg].replace("*:8404", f"*:{values['statistics page']}")
    texts[page] = texts[page].replace("<h1>Student list", f"<h1>Student list of {values['town']}")
    texts["simple_api/student_age.json"] = json.dumps(
        {values["first name"]: "12", values["second name"]: "13"}
    )
    return Folder(number, {path: text.encode() for path, text in texts.items()}, [])


@pytest.fixture(scope="module")
def variants() -> Variants:
    return Variants(COURSE, KEY, NAMES)


def test_a_submission_with_the_own_values_is_the_own(variants: Variants) -> None:
    found = variants.belonging(submission("1001"), "1001")
    assert (found.word, found.own, found.strange, found.absent) == ("own", 5, (), 0)


def test_a_copy_is_named_with_whose_it_is_and_what_chance_would_do(variants: Variants) -> None:
    found = variants.belonging(submission("1001"), "1002")
    assert found.word == "other"
    assert found.theirs == ("Student 1001",)
    mine, theirs = variant(COURSE, KEY, "1002"), variant(COURSE, KEY, "1001")
    assert {one.trait.name: (one.own, one.found) for one in found.strange} == {
        name: (mine[name], (theirs[name],)) for name in mine if mine[name] != theirs[name]
    }
    assert found.by_chance == pytest.approx(99 / (200 * 200 * 40 * 40 * 50))


def test_one_file_of_somebody_else_is_found_among_the_own(variants: Variants) -> None:
    port = variant(COURSE, KEY, "1001")["statistics page"]
    found = variants.belonging(submission("1002", **{"statistics page": port}), "1002")
    assert (found.word, found.own, len(found.strange)) == ("other", 4, 1)
    assert "Student 1001" in found.theirs
    assert found.by_chance == pytest.approx(99 / 200)


def test_what_everybody_has_is_nobodys_variant(variants: Variants) -> None:
    usual = {"registry page": "8080", "statistics page": "8404", "first name": "alice",
             "second name": "bob", "town": "Berlin"}  # fmt: skip
    found = variants.belonging(submission("1001", **usual), "1001")
    assert (found.word, found.own, found.strange, found.absent) == ("none", 0, (), 5)
    empty = variants.belonging(Folder("x", {"holiday.txt": b"sun"}, []), "1001")
    assert empty.word == "none"


def test_of_several_values_in_a_file_the_own_one_decides(variants: Variants) -> None:
    own, other = (variant(COURSE, KEY, one)["statistics page"] for one in ("1001", "1002"))
    both = {"statistics page": f"{own}\n    # bind *:{other}"}
    assert variants.belonging(submission("1001", **both), "1001").word == "own"


def test_a_variant_of_nobody_in_the_list_is_other_and_nobodys(variants: Variants) -> None:
    found = variants.belonging(submission("5000"), "1001")
    assert (found.word, found.theirs) == ("other", ())
