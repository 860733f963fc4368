"""Which folder is the learner's."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.course import course_root, find_workspace, load_course
from labkit.errors import UsageError

COURSE = load_course()


def test_the_workspace_is_the_nearest_folder_with_the_project(tmp_path: Path) -> None:
    deep = tmp_path / "mine" / "website" / "css"
    deep.mkdir(parents=True)
    assert find_workspace("", deep, COURSE) is None
    (tmp_path / "mine" / "simple_api").mkdir()
    assert find_workspace("", deep, COURSE) == tmp_path / "mine"
    assert find_workspace("", tmp_path / "mine", COURSE) == tmp_path / "mine"
    assert find_workspace("", tmp_path, COURSE) is None


def test_the_courses_own_folders_are_nobodys_workspace() -> None:
    for name in ("starter", "reference"):
        assert find_workspace("", course_root() / "steps" / name / "simple_api", COURSE) is None


def test_a_workspace_may_lie_in_a_folder_called_steps(tmp_path: Path) -> None:
    (tmp_path / "steps" / "mine" / "simple_api").mkdir(parents=True)
    assert find_workspace("", tmp_path / "steps" / "mine", COURSE) == tmp_path / "steps" / "mine"


def test_a_given_workspace_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "near" / "simple_api").mkdir(parents=True)
    (tmp_path / "far").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_workspace("far", tmp_path / "near", COURSE) == tmp_path / "far"


def test_a_given_workspace_must_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("file", "nothing"):
        with pytest.raises(UsageError, match=f"{name} is not a folder") as caught:
            find_workspace(str(tmp_path / name), tmp_path, COURSE)
        assert caught.value.then == f"labkit init {tmp_path / name}"
