"""The course as a whole: points, drills, a French form of every sentence."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from course import COURSE
from labkit.classroom.belonging import values_of
from labkit.classroom.folder import read_folder
from labkit.classroom.submission import recognised
from labkit.course import CheckSpec, ReadingRules, load_checks

ROOT = Path(__file__).parents[1]
CHECKS = load_checks(COURSE)


def spec(check: object) -> CheckSpec:
    found: CheckSpec = vars(check)["labkit_check"]
    return found


def sentences() -> Iterator[str]:
    """What the checks say of themselves, and what is said while they and the steps run."""
    for check in CHECKS.values():
        one = spec(check)
        yield from ((check.__doc__ or "").strip(), one.probes, one.why, *one.hints)
    for path in [*ROOT.glob("checks/*.py"), *ROOT.glob("steps/*.py"), *ROOT.glob("subject/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_":
                (text, *_more) = node.args
                if isinstance(text, ast.Constant):
                    yield str(text.value)


def test_the_points_of_the_checks_are_those_of_the_course() -> None:
    points = sum(spec(check).points for check in CHECKS.values())
    assert points == pytest.approx(COURSE.points_max)


def test_every_drill_is_judged_by_a_check_of_its_step() -> None:
    judged = {
        spec(check).drill: name.partition(".")[0]
        for name, check in CHECKS.items()
        if spec(check).drill
    }
    assert judged == {drill.name: drill.step for drill in COURSE.drills}


def test_every_sentence_has_a_french_form_and_no_other_has() -> None:
    with (ROOT / "checks" / "locale" / "fr.po").open("rb") as file:
        french = {str(one.id): str(one.string) for one in read_po(file) if one.id}
    assert set(french) == set(sentences())
    assert [message for message, said in french.items() if not said] == []
    assert [said for said in french.values() if " ;" in said or " :" in said or " ?" in said] == []


def test_a_page_a_step_in_both_languages_with_the_same_commands() -> None:
    pages = [f"{step.number:02}-{step.slug}.md" for step in COURSE.steps]
    for page in (*pages, "index.md"):
        english, french = ((ROOT / "docs" / code / page).read_text() for code in ("en", "fr"))
        assert english.split("```")[1::2] == french.split("```")[1::2], page


def test_no_value_of_a_variant_stands_in_an_answer_that_knows_of_none() -> None:
    accepted = ROOT / "tests" / "submissions" / "accepted"
    for answer in (ROOT / "steps" / "reference", *accepted.iterdir()):
        submission = recognised(COURSE, read_folder(answer), ReadingRules(fill=False))
        found = {trait.name: values_of(trait, submission) for trait in COURSE.traits}
        assert found == {one.name: [] for one in COURSE.traits}, answer.name


@pytest.mark.parametrize(
    ("folder", "others"),
    [("checks", {"steps", "course"}), ("steps", {"checks", "course"}),
     ("subject", {"checks", "steps", "course"})],
)  # fmt: skip
def test_steps_and_checks_know_the_subject_and_not_each_other(
    folder: str, others: set[str]
) -> None:
    """import-linter cannot tell two packages of one name apart, so it is looked up here."""
    imported = {
        (node.module or "").partition(".")[0]
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
    }
    assert not imported & others
