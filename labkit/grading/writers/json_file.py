"""`labkit/result/v1` on disk, whole at any instant."""

from __future__ import annotations

import json
from pathlib import Path

from labkit.grading.model import GradeResult
from labkit.grading.writers.safe import cleaned
from labkit.whole import write_whole


def as_json(result: GradeResult) -> str:
    """The result as JSON text, ended by a newline."""
    record = cleaned(result).to_json()
    return json.dumps(record, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def write_json(result: GradeResult, path: Path) -> None:
    """Write a result so that a reader, or a kill, never meets half a file."""
    write_whole(path, as_json(result))
