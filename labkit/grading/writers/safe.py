"""What every writer does first: no text that steers a reader.

Titles and hints are the course's, but messages, what was seen, names of servers and of files are
partly a learner's. Each writer works on a cleaned copy of the records and only has to escape what
its own format needs.
"""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, cast

from labkit.grading.model import GradeResult
from labkit.text import clean

TEXT = 2000  # characters of one text in a report; the whole of it is in the evidence


def cleaned(result: GradeResult) -> GradeResult:
    """A copy whose texts can be shown and encoded; its numbers are all finite or none."""
    return cast("GradeResult", _clean(result))


def _clean(value: Any) -> Any:
    match value:
        case Enum():  # a verdict is a text, too
            return value
        case str():
            return clean(value, TEXT)
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {_clean(key): _clean(inner) for key, inner in value.items()}
        case list() | tuple():
            return type(value)(_clean(inner) for inner in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{field.name: _clean(getattr(value, field.name)) for field in fields(value)}
        )
    return value
