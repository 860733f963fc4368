"""A variant follows from the key, the number and the course, and from nothing else."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from string import Formatter

import pytest
from click.testing import CliRunner

from labkit.cli.main import labkit
from labkit.course import load_course, variant
from labkit.errors import NothingToGradeError, UsageError

COURSE = load_course()


def test_the_same_key_and_number_give_the_same_values() -> None:
    found = variant(COURSE, "key", "1001")
    assert found == variant(COURSE, "key", " 1001 ")
    for trait in COURSE.traits:
        said = f"{COURSE.name}\0001001\0{trait.name}".encode()
        whole = int(hmac.new(b"key", said, hashlib.sha256).hexdigest(), 16)
        assert found[trait.name] == trait.values[whole % len(trait.values)]


def test_another_key_another_number_and_another_course_give_others() -> None:
    mine = variant(COURSE, "key", "1001")
    others = (
        variant(COURSE, "KEY", "1001"),
        variant(COURSE, "key", "1002"),
        variant(replace(COURSE, name="another"), "key", "1001"),
    )
    assert all(sum(other[one] == mine[one] for one in mine) <= 1 for other in others)


def test_hardly_two_of_a_class_have_the_same_and_values_are_evenly_spread() -> None:
    class_of = [tuple(variant(COURSE, "key", str(at)).values()) for at in range(2000)]
    assert len(set(class_of)) == 2000
    for place, trait in enumerate(COURSE.traits):
        counts = Counter(values[place] for values in class_of)
        assert set(counts) == set(trait.values)
        assert max(counts.values()) < 4 * 2000 / len(trait.values)


@pytest.mark.parametrize(("key", "number"), [("", "1"), ("key", " ")])
def test_nothing_is_no_key_and_no_number(key: str, number: str) -> None:
    with pytest.raises(UsageError):
        variant(COURSE, key, number)


def test_no_value_is_one_of_another_trait_or_stands_in_a_reference() -> None:
    values = [value.casefold() for trait in COURSE.traits for value in trait.values]
    assert len(set(values)) == len(values)
    for trait in COURSE.traits:
        for folder in ("reference", "starter"):
            path = COURSE.root / "steps" / folder / trait.artefact
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            words = text.casefold().replace('"', " ").replace(":", " ").split()
            assert not {value.casefold() for value in trait.values} & set(words)


def test_every_statement_says_its_value_in_both_languages() -> None:
    for trait in COURSE.traits:
        assert set(trait.statements) == set(trait.titles) == {"en", "fr"}
        for text in trait.statements.values():
            assert [name for _t, name, _s, _c in Formatter().parse(text) if name] == ["value"]


def test_a_workspace_has_the_given_files_of_its_variant(tmp_path: Path) -> None:
    folder = tmp_path / "ada"
    words = ["--lang", "en", "variant", "key", "1001", "--into", str(folder)]
    done = CliRunner().invoke(labkit, words, catch_exceptions=False)
    values = variant(COURSE, "key", "1001")
    statement = (folder / "VARIANT.md").read_text(encoding="utf-8")
    assert done.stdout == statement
    assert all(value in statement for value in values.values())
    names = json.loads((folder / "simple_api/student_age.json").read_text())
    assert list(names) == [values["first name"], values["second name"]]
    given = COURSE.root / "steps/starter/website/index.php"
    assert (folder / "website/index.php").read_bytes() == given.read_bytes()
    (folder / "VARIANT.md").write_text("mine")
    with pytest.raises(UsageError):
        CliRunner().invoke(labkit, words, catch_exceptions=False, standalone_mode=False)
    assert (folder / "VARIANT.md").read_text() == "mine"


def test_a_course_without_variants_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labkit.cli.v_variant.the_course", lambda: replace(COURSE, traits=()))
    with pytest.raises(NothingToGradeError):
        CliRunner().invoke(labkit, ["variant", "k", "1"], catch_exceptions=False,
                           standalone_mode=False)  # fmt: skip
