"""What the corpus' own entries are taken for."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from labkit.classroom import read_folder
from labkit.course import select
from labkit.errors import NothingToGradeError
from steps.recognition import recognise
from tests import ROOT
from tests.unit.steps.recognition.given import (
    COURSE,
    REFERENCE,
    quickly,
)

ENTRIES = sorted(path.parent for path in (ROOT / "tests" / "submissions").glob("*/*/expected.toml"))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda one: f"{one.parent.name}-{one.name}")
def test_every_entry_of_the_corpus_is_recognised(entry: Path) -> None:
    try:
        files = read_folder(entry).files
    except NothingToGradeError:
        assert entry.parent.name != "accepted"
        return
    with quickly():
        found = recognise(files, REFERENCE)
    assert set(found.sources.values()) <= set(found.files)
    assert not any(path.startswith(("/", "..")) for path in found.targets.values())
    if entry.parent.name == "accepted":
        steps = select(COURSE, str(tomllib.loads((entry / "expected.toml").read_text())["steps"]))
        assert set().union(*(COURSE.artefacts_of(step) for step in steps)) & set(found.sources)
