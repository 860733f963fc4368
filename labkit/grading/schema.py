"""The published JSON Schema of the result file, for whoever reads it with another program."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, cast

FILE = "result-v1.schema.json"


def published() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `labkit/result/v1`, a new copy at each call."""
    text = resources.files("labkit.grading").joinpath(FILE).read_text(encoding="utf-8")
    return cast("dict[str, Any]", json.loads(text))
