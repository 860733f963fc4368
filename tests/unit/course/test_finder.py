"""Where a course is found: in a folder, among what is installed, or beside the engine."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from labkit.course import course_root, find_blueprint, load_course
from labkit.course.finder import GROUP
from labkit.errors import UsageError
from tests import ROOT


def offer(monkeypatch: pytest.MonkeyPatch, **courses: str) -> None:
    """Let installed packages offer these courses."""
    points = EntryPoints(EntryPoint(name, place, GROUP) for name, place in courses.items())
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points.select(group=group))


def test_without_a_name_it_is_the_one_that_labkit_came_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LABKIT_COURSE", raising=False)
    assert course_root() == load_course().root == ROOT


def test_a_course_that_is_installed_is_found_by_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)  # where no folder has this name
    offer(monkeypatch, mine="course:COURSE", other="nowhere:COURSE")
    monkeypatch.setenv("LABKIT_COURSE", "mine")
    assert load_course().name == "haproxy-student-list"
    assert course_root() == ROOT
    assert find_blueprint() == load_course().blueprint


def test_a_name_that_nobody_offers_is_refused_with_those_that_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offer(monkeypatch, mine="course:COURSE", other="nowhere:COURSE")
    monkeypatch.setenv("LABKIT_COURSE", "nobodys")
    for find in (load_course, course_root, find_blueprint):
        with pytest.raises(UsageError, match="no course 'nobodys'") as caught:
            find()
        assert caught.value.where == "mine, other"


def test_a_folder_without_a_course_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LABKIT_COURSE", str(tmp_path))
    for find in (load_course, course_root, find_blueprint):
        with pytest.raises(UsageError, match="course/ is missing"):
            find()
