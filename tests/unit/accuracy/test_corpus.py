"""The corpus is read with its notes, and mutants are made of it: always the same ones."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from labkit.accuracy import Case, load_corpus, make_mutants
from labkit.accuracy.corpus import Expected, Fix
from labkit.course import Mutation, load_checks, load_course
from labkit.errors import UsageError
from tests import ROOT

COURSE = load_course()
CHECKS = load_checks(COURSE)
RIGHT = 'why = "It differs."\nsteps = "11-12"\n'
WRONG = f'{RIGHT}caught_by = "haproxy.checked"\n'


def entry(root: Path, note: str, *, kind: str = "wrong", name: str = "one") -> Path:
    """Write an entry, and give the path of its note."""
    folder = root / kind / name
    folder.mkdir(parents=True)
    (folder / "haproxy.cfg").write_text("backend my-backend\n")
    (folder / "expected.toml").write_text(note)
    return folder / "expected.toml"


def load(root: Path) -> list[Case]:
    return load_corpus(root, COURSE, CHECKS)


def test_an_entry_is_its_files_and_its_note(tmp_path: Path) -> None:
    note = (
        f'{WRONG}also = ["haproxy.logs"]\nunclear = ["stats.page"]\nmark = [2, 2.75]\n'
        "smoke = true\n"
        '[fix]\nfile = "haproxy.cfg"\nreplace = "a"\nwith = "b"\n'
    )
    known = [*CHECKS, "haproxy.logs", "stats.page"]
    entry(tmp_path, note)
    (case,) = load_corpus(tmp_path, COURSE, known)
    assert (case.name, case.kind, case.made_by, case.smoke) == ("one", "wrong", "", True)
    assert case.files == {"haproxy.cfg": b"backend my-backend\n"}
    assert case.expected == Expected(
        why="It differs.", steps=frozenset({11, 12}), caught_by="haproxy.checked",
        also=("haproxy.logs",), unclear=("stats.page",), mark=(2.0, 2.75),
        fix=Fix("haproxy.cfg", "a", "b"),
    )  # fmt: skip


def test_what_a_note_does_not_say(tmp_path: Path) -> None:
    entry(tmp_path, RIGHT, kind="accepted")
    (case,) = load(tmp_path)
    assert case.expected == Expected("It differs.", frozenset({11, 12}))
    assert case.smoke is False


def test_entries_come_by_kind_and_name(tmp_path: Path) -> None:
    for kind, note in (("wrong", WRONG), ("accepted", RIGHT), ("partial", WRONG)):
        for name in ("b", "a"):
            entry(tmp_path, note, kind=kind, name=name)
    (tmp_path / "wrong" / "draft").mkdir()  # without a note it is no entry
    names = [f"{one.kind}/{one.name}" for one in load(tmp_path)]
    assert names == ["accepted/a", "accepted/b", "partial/a", "partial/b", "wrong/a", "wrong/b"]


def test_an_entry_may_be_its_note_alone(tmp_path: Path) -> None:
    (entry(tmp_path, WRONG).parent / "haproxy.cfg").unlink()
    assert load(tmp_path)[0].files == {}


def test_a_partial_entry_may_only_be_unclear(tmp_path: Path) -> None:
    entry(tmp_path, f'{RIGHT}unclear = ["haproxy.checked"]', kind="partial")
    assert load(tmp_path)[0].expected.unclear == ("haproxy.checked",)


def test_no_corpus_is_a_usage_error(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UsageError, match="no corpus in"):
            load(folder)


BAD = {
    "no TOML": "why = ",
    "no text": "why = '\x00'",
    "no why": 'steps = "11"\ncaught_by = "haproxy.checked"',
    "no steps": 'why = "x"\ncaught_by = "haproxy.checked"',
    "fix without a file": f'{WRONG}[fix]\nreplace = "a"\nwith = "b"',
    "fix that is text": f'{WRONG}fix = "a"',
    "mark that is a word": f'{WRONG}mark = ["a", "b"]',
    "mark that is a number": f"{WRONG}mark = 2",
    "caught by nobody": RIGHT,
    "an unknown check": f'{RIGHT}caught_by = "haproxy.chequed"',
    "an unknown check also": f'{WRONG}also = ["haproxy.nothing"]',
    "an unknown check unclear": f'{WRONG}unclear = ["nothing"]',
}


@pytest.mark.parametrize("note", BAD.values(), ids=BAD)
def test_a_note_that_cannot_be_used_is_named(tmp_path: Path, note: str) -> None:
    path = entry(tmp_path, note)
    with pytest.raises(UsageError, match="cannot be used") as caught:
        load(tmp_path)
    assert caught.value.where == str(path)
    assert "README" in caught.value.then


ALSO_BAD = {
    "unknown steps": 'why = "x"\nsteps = "14"\ncaught_by = "haproxy.checked"',
    "a mark of one number": f"{WRONG}mark = [2]",
    "a mark of three numbers": f"{WRONG}mark = [1, 2, 3]",
}


@pytest.mark.parametrize("note", ALSO_BAD.values(), ids=ALSO_BAD)
def test_so_is_a_note_whose_values_are_not_usable(tmp_path: Path, note: str) -> None:
    path = entry(tmp_path, note)
    with pytest.raises(UsageError) as caught:
        load(tmp_path)
    assert caught.value.where == str(path)


@pytest.mark.parametrize("key", ["caught_by", "also", "unclear"])
def test_a_right_answer_names_no_check(tmp_path: Path, key: str) -> None:
    value = '"haproxy.checked"' if key == "caught_by" else '["haproxy.checked"]'
    path = entry(tmp_path, f"{RIGHT}{key} = {value}", kind="accepted")
    with pytest.raises(UsageError, match="an accepted entry names no check") as caught:
        load(tmp_path)
    assert caught.value.where == str(path)


def test_a_list_that_is_a_word_is_not_read_letter_by_letter(tmp_path: Path) -> None:
    entry(tmp_path, f'{WRONG}also = "haproxy.checked"')
    with pytest.raises(UsageError):
        load(tmp_path)


# -- the project's own


@pytest.fixture(scope="module")
def corpus() -> list[Case]:
    return load(ROOT / "tests" / "submissions")


def test_the_corpus_can_be_read_and_its_names_are_unique(corpus: list[Case]) -> None:
    names = Counter(f"{one.kind}/{one.name}" for one in corpus)
    assert names.most_common(1)[0][1] == 1
    assert {one.kind for one in corpus} == {"accepted", "partial", "wrong"}


def test_marks_are_ranges_that_the_steps_can_reach(corpus: list[Case]) -> None:
    for case in corpus:
        if case.expected.mark:
            low, high = case.expected.mark
            assert 0 <= low <= high <= 20, case.name


# -- mutants


def key(case: Case) -> tuple[object, ...]:
    return (case.name, case.kind, dict(case.files), case.expected, case.made_by)


@pytest.fixture(scope="module")
def few(corpus: list[Case]) -> list[Case]:
    """Some of the entries: each operator looks at all that it is given."""
    accepted = [one for one in corpus if one.kind == "accepted"]
    # What some operators need, and the reference has not.
    special = [one for one in accepted if re.search("port|https|page-as-a-file", one.name)]
    return [*accepted[::9], *special, *corpus[-3:]]


@pytest.fixture(scope="module")
def mutants(few: list[Case]) -> list[Case]:
    return make_mutants(COURSE, few)


def test_two_runs_make_the_same_mutants(few: list[Case], mutants: list[Case]) -> None:
    assert list(map(key, make_mutants(COURSE, few))) == list(map(key, mutants))


def test_names_are_unique_and_say_of_what_they_are_made(
    few: list[Case], mutants: list[Case]
) -> None:
    names = Counter(one.name for one in mutants)
    assert names.most_common(1)[0][1] == 1
    accepted = {one.name for one in few if one.kind == "accepted"}
    for one in mutants:
        operator, _at, base = one.name.partition("@")
        assert one.made_by == operator
        assert one.kind == "mutant"
        plain = base.rpartition(".")[0] if base not in accepted and "." in base else base
        assert plain in accepted | {"reference"}


def test_every_operator_makes_some_and_none_is_its_original(
    few: list[Case], mutants: list[Case]
) -> None:
    assert {one.made_by for one in mutants} == {one.name for one in COURSE.mutations}
    accepted = {one.name: one for one in few if one.kind == "accepted"}
    for one in mutants:
        base = one.name.partition("@")[2]
        original = accepted.get(base) or accepted.get(base.rpartition(".")[0])
        if original:
            found = COURSE.recognise(original.files, COURSE.root / "steps" / "reference")
            assert set(one.files) >= set(found.files)
            changed = [path for path, data in found.files.items() if one.files[path] != data]
            assert len(changed) <= 1, one.name  # none: a given file that was not submitted


def test_about_half_of_them_are_planted_into_the_reference(mutants: list[Case]) -> None:
    in_reference = {one.made_by for one in mutants if "@reference" in one.name}
    elsewhere = {one.made_by for one in mutants} - in_reference
    assert len(elsewhere) > len(COURSE.mutations) / 4
    assert len(in_reference) >= len(COURSE.mutations) / 2


def test_what_changes_nothing_is_expected_to_be_caught_by_nobody(mutants: list[Case]) -> None:
    equivalent = {one.name: one.equivalent for one in COURSE.mutations if one.equivalent}
    for one in mutants:
        if one.made_by in equivalent:
            assert one.expected.caught_by == ""
            assert one.expected.why == equivalent[one.made_by]
        else:
            slug = one.expected.caught_by.partition(".")[0]
            step = COURSE.step(slug)
            assert step is not None
            assert step.number in one.expected.steps


def test_more_bases_make_more_and_the_first_ones_stay(few: list[Case], mutants: list[Case]) -> None:
    more = make_mutants(COURSE, few, bases_each=3)
    assert {one.name for one in mutants} < {one.name for one in more}
    for mutation in COURSE.mutations:
        mine = (one.name for one in more if one.made_by == mutation.name)
        bases = {name.partition("@")[2].split(".")[0] for name in mine}
        assert 1 <= len(bases) <= 3, mutation.name


# -- mutants, of a made-up operator


def shouted(text: str) -> Iterable[str]:
    """One that changes something, one that does not."""
    yield text
    if "my-backend" in text:
        yield text.replace("my-backend", "MY-BACKEND")


def planted(name: str = "haproxy.shouted", artefact: str = "haproxy/haproxy.cfg") -> Mutation:
    return Mutation(name, artefact, "haproxy.checked", shouted, "It shouts.")


def answer(name: str, text: str, steps: Iterable[int] = (11,), kind: str = "accepted") -> Case:
    return Case(name, kind, {"lb/haproxy.cfg": text.encode()}, Expected("", frozenset(steps)))


def test_a_mutant_that_is_its_original_is_left_out() -> None:
    course = replace(COURSE, mutations=(planted(),))
    (one,) = make_mutants(course, [])
    assert one.name == "haproxy.shouted@reference.2"
    assert b"MY-BACKEND" in one.files["haproxy/haproxy.cfg"]


def test_right_answers_take_turns_and_the_barren_are_passed_over() -> None:
    course = replace(COURSE, mutations=tuple(planted(f"haproxy.x{n}") for n in range(6)))
    cases = [
        answer("first", "backend my-backend\n"),
        answer("barren", "backend other\n"),
        answer("third", "backend my-backend # 3\n"),
        answer("too-short", "backend my-backend\n", steps=(10,)),
        answer("wrong", "backend my-backend\n", kind="wrong"),
    ]
    names = [one.name.partition("@") for one in make_mutants(course, cases)]
    assert [base for _operator, _at, base in names] == [
        "reference.2", "first.2", "reference.2", "third.2", "reference.2", "third.2"
    ]  # fmt: skip


def test_a_base_keeps_its_other_files_and_its_paths() -> None:
    course = replace(COURSE, mutations=(planted("haproxy.a"), planted("haproxy.b")))
    base = answer("first", "backend my-backend\n")
    other = replace(base, files={**base.files, "notes.txt": b"mine"})
    mutant = make_mutants(course, [other])[1]
    own = {"lb/haproxy.cfg": b"backend MY-BACKEND\n", "notes.txt": b"mine"}
    assert {path: mutant.files[path] for path in own} == own
    assert "haproxy/haproxy.cfg" not in mutant.files
    assert mutant.expected == Expected("It shouts.", frozenset({11}), "haproxy.checked")


def test_a_given_file_is_planted_into_as_the_starter_has_it() -> None:
    api = replace(planted("api.x", "simple_api/student_age.py"), caught_by="build.runs",
                  mutate=lambda text: [text + "#"])  # fmt: skip
    (one,) = make_mutants(replace(COURSE, mutations=(api,)), [])
    assert one.expected.steps == frozenset({2, 3})
    assert one.files["simple_api/student_age.py"].endswith(b"#")
