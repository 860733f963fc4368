"""Strangers' folders against what is expected of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import wild


@pytest.mark.parametrize("only", ["", "nobody"])
def test_where_there_is_no_folder_nothing_is_as_expected(tmp_path: Path, only: str) -> None:
    """A wrong path once ended well: 0 of 0."""
    if only:
        (tmp_path / "one").mkdir()
        (tmp_path / "one" / "expected.toml").write_text('why = "x"')
    said: list[str] = []
    assert not wild.main(tmp_path, only, "wild", said.append)
    assert said == [f"{tmp_path}: no folder with an expected.toml in it, and {only!r} in its name"]
