"""`labkit/result/v1` on disk, whole at any instant."""

from __future__ import annotations

import json
import os
from pathlib import Path

from labkit.grading.model import GradeResult


def as_json(result: GradeResult) -> str:
    """The result as JSON text, ended by a newline."""
    return json.dumps(result.to_json(), ensure_ascii=False, indent=2) + "\n"


def write_json(result: GradeResult, path: Path) -> None:
    """Write a result so that a reader, or a kill, never meets half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".json.new")
    with new.open("w", encoding="utf-8") as file:
        file.write(as_json(result))
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
