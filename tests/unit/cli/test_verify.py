"""`labkit verify` and `labkit grade --submission` as they are typed: choices, refusals, exits."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit.accuracy import Campaign, Case, Outcome
from labkit.accuracy.corpus import Expected
from labkit.cli import v_verify
from labkit.cli.v_verify import chosen
from labkit.errors import NotReadyError
from tests.fakes.command_line import Run

CFG = "backend my-backend\n  server a web1:80 check\n"


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder, plain English, a home of its own, and no engine that could be reached."""
    for name in [one for one in os.environ if one.startswith("LABKIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LABKIT_LANG", "en")
    monkeypatch.setenv("LABKIT_LAB", "nobodys-lab")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("labkit.lab.containers.provider.connect", no_engine)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def no_engine() -> None:
    raise NotReadyError("no Docker Engine answers on this computer")


# -- which cases


def case(name: str, kind: str = "accepted", made_by: str = "", *, smoke: bool = False) -> Case:
    return Case(name, kind, {}, Expected("", frozenset({2})), made_by, smoke)


CASES = [
    case("haproxy-one", smoke=True),
    case("compose-one"),
    case("haproxy-two", "wrong"),
    case("three", "partial", smoke=True),
    *(case(f"x.op{n}@{base}", "mutant", f"x.op{n}") for n in range(21) for base in "ab"),
]


def names(*, smoke: bool = False, only: str = "") -> list[str]:
    return [one.name for one in chosen(list(CASES), smoke=smoke, only=only)]


def test_all_of_them_unless_something_is_said() -> None:
    assert names() == [one.name for one in CASES]


def test_a_part_of_a_name_or_a_whole_kind() -> None:
    assert names(only="haproxy") == ["haproxy-one", "haproxy-two"]
    assert names(only="wrong") == ["haproxy-two"]
    assert len(names(only="mutant")) == 42
    assert names(only="wro") == []
    assert names(only="op10@b") == ["x.op10@b"]


def test_a_smoke_run_is_what_the_authors_chose_and_a_mutant_of_some_operators() -> None:
    assert names(smoke=True) == ["haproxy-one", "three", "x.op0@a", "x.op20@a"]
    assert names(smoke=True, only="op") == ["x.op0@a", "x.op20@a"]


# -- labkit verify


def test_verify_says_what_it_does_and_with_what(labkit: Run) -> None:
    code, out, err = labkit("verify", "--help")
    assert (code, err) == (0, "")
    for option in ("--corpus", "--smoke", "--only", "--mutants", "--bases", "--repeat", "--busy",
                   "--labs", "--page", "--output"):  # fmt: skip
        assert option in out
    assert "Exit code 0 if every check did what was expected of it every time, else 1." in out


@pytest.mark.parametrize(
    "words",
    [("--repeat", "0"), ("--bases", "0"), ("--output", "xml"), ("--labs", "many"), ("x",)],
)
def test_verify_refuses_what_makes_no_sense(labkit: Run, words: tuple[str, ...]) -> None:
    assert labkit("verify", *words).code == 2


@pytest.mark.parametrize("labs", ["-1", "17", "many"])
def test_verify_refuses_so_many_labs(labkit: Run, tmp_path: Path, labs: str) -> None:
    entry(tmp_path)
    assert labkit("verify", "--labs", labs, "--corpus", tmp_path / "corpus").code == 2


def test_verify_without_a_corpus_is_a_usage_error(labkit: Run, tmp_path: Path) -> None:
    code, _out, err = labkit("verify", "--corpus", tmp_path / "nowhere")
    assert code == 2
    assert "no corpus" in err


def entry(tmp_path: Path, note: str = 'why = "x"\nsteps = "11"\n') -> None:
    folder = tmp_path / "corpus" / "accepted" / "one"
    folder.mkdir(parents=True)
    (folder / "haproxy.cfg").write_text(CFG)
    (folder / "expected.toml").write_text(note)


def test_verify_with_a_note_that_cannot_be_used_names_it(labkit: Run, tmp_path: Path) -> None:
    entry(tmp_path, "why = ")
    code, _out, err = labkit("verify", "--corpus", tmp_path / "corpus")
    assert code == 2
    assert "expected.toml" in err.replace("\n", "")


def test_verify_of_nothing_is_nothing_to_grade(labkit: Run, tmp_path: Path) -> None:
    entry(tmp_path)
    code, _out, err = labkit("verify", "--corpus", tmp_path / "corpus", "--only", "no-such-name")
    assert code == 5
    assert "no case is left" in err


@pytest.mark.parametrize("good", [True, False])
def test_verify_ends_in_0_only_if_it_is_flawless(
    labkit: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, good: bool
) -> None:
    given: dict[str, Any] = {}

    def run(_course: object, cases: list[Case], **more: Any) -> Campaign:
        given.update(more, cases=[one.name for one in cases])
        one = Outcome("one", "accepted", "", "x", "", [11], {"haproxy.checked": "passed"}, {}, {},
                      1.0, problems=[] if good else ["wrong"])  # fmt: skip
        more["on_outcome"](one, 1, 1)
        return Campaign([(cases[0], one)], 1.0, 1)

    monkeypatch.setattr(v_verify, "run_campaign", run)
    entry(tmp_path)
    page = tmp_path / "page.md"
    code, out, err = labkit(
        "verify", "--corpus", tmp_path / "corpus", "--no-mutants", "--repeat", "3", "--labs", "2",
        "--page", page, "-o", "json",
    )  # fmt: skip
    assert code == (0 if good else 1)
    assert json.loads(out)["flawless"] is good
    assert (given["cases"], given["repeat"], given["labs"], given["busy"]) == (["one"], 3, 2, False)
    assert page.read_text().startswith("| figure | value |")
    assert "1 cases, 3 times" in err
    assert ("as expected" if good else ": wrong") in err


# -- labkit grade --submission


def test_a_file_or_a_missing_folder_is_a_usage_error(labkit: Run, tmp_path: Path) -> None:
    (tmp_path / "tp.zip").write_text("PK")
    for name, why, then in (
        ("tp.zip", "tp.zip cannot be read to its end", "pack it as .zip or .tar.gz"),
        ("nowhere", "is not a folder", "labkit grade --submission PATH"),
    ):
        code, out, err = labkit("grade", "--submission", tmp_path / name)
        assert (code, out) == (2, "")
        assert why in err
        assert then in err


def test_an_empty_folder_is_nothing_to_grade(labkit: Run, tmp_path: Path) -> None:
    (tmp_path / "alice" / ".git").mkdir(parents=True)
    (tmp_path / "alice" / ".git" / "config").write_text("x")
    code, _out, err = labkit("grade", "--submission", tmp_path / "alice")
    assert code == 5
    assert "holds no file that can be graded" in err


def test_a_folder_with_nothing_of_the_practical_is_nothing_to_grade(
    labkit: Run, tmp_path: Path
) -> None:
    (tmp_path / "alice").mkdir()
    (tmp_path / "alice" / "holiday.jpg").write_bytes(b"\xff\xd8")
    code, _out, err = labkit("grade", "--submission", tmp_path / "alice")
    assert code == 5
    assert "nothing in alice looks like a file of this practical" in err
    assert "holiday.jpg" in err


@pytest.mark.parametrize(
    ("words", "then"),
    [
        (("--steps", "2-3"), "labkit check 2-3"),
        (("--no-fill-gaps",), "labkit grade --submission DIR"),
        (("--steps", "4", "--no-fill-gaps"), "labkit check 4"),
    ],
)
def test_what_goes_with_a_submission_is_refused_without_one(
    labkit: Run, words: tuple[str, ...], then: str
) -> None:
    code, _out, err = labkit("grade", *words)
    assert code == 2
    assert "go with --submission" in err
    assert then in err


def test_steps_that_do_not_exist_are_a_usage_error(labkit: Run, tmp_path: Path) -> None:
    (tmp_path / "haproxy.cfg").write_text(CFG)
    assert labkit("grade", "--submission", tmp_path, "--steps", "14").code == 2


def test_without_an_engine_a_submission_is_not_ready(labkit: Run, tmp_path: Path) -> None:
    (tmp_path / "tp").mkdir()
    (tmp_path / "tp" / "haproxy.cfg").write_text(CFG)
    (tmp_path / "tp" / "link").symlink_to("/etc/passwd")
    report = tmp_path / "report"
    code, out, err = labkit("grade", "--submission", tmp_path / "tp", "--report", report)
    assert (code, out) == (4, "")
    assert "left out: link (a symbolic link is not followed)" in err
    assert not (report / "result.json").exists()
