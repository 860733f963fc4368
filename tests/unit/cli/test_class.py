"""What the verbs of a class tell one to type next is about the same class, graded the same way."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from labkit.cli.class_session import ClassSession

CLASS = Path(__file__).parents[2] / "class" / "moodle.zip"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, ""),
        ({"no_drills": True, "forward": False, "steps": "1-2"},
         " --steps 1-2 --no-drills --no-carry-forward"),
    ],
)  # fmt: skip
def test_the_next_command_is_about_the_same_class(
    tmp_path: Path, options: dict[str, object], words: str
) -> None:
    folder = str(tmp_path / "a class")
    opened = ClassSession.opened(CLASS, folder, "", "", **options)  # type: ignore[arg-type]
    of_class = f"{shlex.quote(str(CLASS))} --report {shlex.quote(folder)}"
    assert opened.typed("regrade", "--accept") == (
        f"labkit class regrade {of_class}{words} --accept"
    )
