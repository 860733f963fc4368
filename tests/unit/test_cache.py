"""What is kept in the user's cache: never out of date, never half, never in the way."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.cache import KEPT, cache_root, digest_of, remembered
from labkit.course import load_course
from labkit.grading import outline
from labkit.grading.explain import read_checks
from labkit.lab.store import state_root
from labkit.tutorial.site import site_folder


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("folder", [cache_root, state_root, lambda: site_folder(Path("/x"))])
@pytest.mark.parametrize("named", [".", ".cache", ""])
def test_no_folder_of_ours_is_where_labkit_happens_to_be_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Callable[[], Path], named: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, named)
    assert folder().is_relative_to(tmp_path)


def never() -> bytes:
    """What must not be made again."""
    raise AssertionError("made again")


def files() -> list[Path]:
    """All that the cache holds."""
    return sorted(cache_root().iterdir())


def test_a_thing_is_made_once_for_a_digest() -> None:
    assert remembered("thing", "one", lambda: b"a\nb") == b"a\nb"
    assert remembered("thing", "one", never) == b"a\nb"
    assert remembered("thing", "two", lambda: b"c") == b"c"
    assert remembered("other", "one", lambda: b"d") == b"d"


@pytest.mark.parametrize("left", [b"", b"\n", b"no checksum", b"0" * 64 + b"\na\nb"])
def test_what_is_not_whole_is_made_again(left: bytes) -> None:
    remembered("thing", "one", lambda: b"a\nb")
    files()[0].write_bytes(left)
    assert remembered("thing", "one", lambda: b"new") == b"new"
    assert remembered("thing", "one", never) == b"new"


def test_the_last_ones_are_kept() -> None:
    for number in range(KEPT + 3):
        remembered("thing", f"{number:02}", lambda: b"x")
        os.utime(cache_root() / f"thing-{number:02}", (number, number))
    assert [one.name for one in files()] == [f"thing-{number:02}" for number in range(3, KEPT + 3)]


def test_a_folder_that_cannot_be_made_costs_time_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert remembered("thing", "one", lambda: b"a") == b"a"


def test_a_digest_is_of_names_contents_and_what_else_decides(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a")
    two.write_text("b")
    first = digest_of([one, two], "x")
    assert digest_of([two, one], "x") == first
    assert digest_of([one, two], "y") != first
    assert digest_of([one], "x") != first
    two.write_text("c")
    assert digest_of([one, two], "x") != first


# -- the outline of the course


def test_the_outline_says_what_the_course_declares() -> None:
    course, checks = load_course(), read_checks(load_course())
    for _time in range(2):  # made, and read back
        outlined, found = outline.load_outline()
        assert list(found) == list(checks)
        assert [one.spec for one in found.values()] == [one.spec for one in checks.values()]
        assert [one.sentence for one in found.values()] == [one.sentence for one in checks.values()]
        assert [(one.number, one.letter, one.titles) for one in outlined.steps] == [
            (one.number, one.letter, one.titles) for one in course.steps
        ]
        assert [(one.name, one.load, one.limits) for one in outlined.drills] == [
            (one.name, one.load, one.limits) for one in course.drills
        ]


def test_an_outline_does_nothing() -> None:
    outlined, _checks = outline.load_outline()
    with pytest.raises(RuntimeError, match="load_course"):
        outlined.steps[0].run()


def test_another_source_is_another_outline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("course", "checks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "course" / "__init__.py").touch()
    source = tmp_path / "checks" / "a.py"
    source.write_text("1")
    monkeypatch.setenv("LABKIT_COURSE", str(tmp_path))
    seen = []
    monkeypatch.setattr(
        outline, "remembered", lambda _name, digest, _make: seen.append(digest) or b""
    )
    for text in ("1", "2"):
        source.write_text(text)
        with pytest.raises(EOFError):
            outline.load_outline()
    assert seen[0] != seen[1]


def test_no_class_is_made_but_those_that_declare_a_course() -> None:
    evil = pickle.dumps(subprocess.Popen)
    with pytest.raises(pickle.UnpicklingError, match="declares nothing"):
        outline._Unpickler(io.BytesIO(evil)).load()


def test_a_course_with_classes_of_its_own_is_loaded_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = pickle.dumps(subprocess.Popen)
    monkeypatch.setattr(outline, "remembered", lambda _name, _digest, _make: foreign)
    course, checks = outline.load_outline()
    assert course.steps
    assert list(checks) == list(read_checks(course))
