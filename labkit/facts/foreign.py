"""Texts of others, read: whatever stands in them gives a value or none, and never an exception.

Answers of a learner's API, of a registry, of an engine whose labels are a learner's. What cannot
be read is for the caller to name; a check that breaks on it would be the grader's failure.
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any

LARGEST_TEXT = 4 * 2**20  # characters; as much as is kept of a command's output
DEEPEST = 100  # lists and mappings within each other; docker inspect has some eight
LONGEST_NUMBER = 18  # digits


def as_json(text: str) -> Any:
    """The value, or None if the text is no JSON, or too much of it."""
    if len(text) > LARGEST_TEXT:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return None if _is_deep(value) else value


def _is_deep(value: Any) -> bool:
    level = [value]
    for _depth in range(DEEPEST):
        below = [node for node in level if isinstance(node, list | dict) and node]
        if not below:
            return False
        level = [
            part for node in below for part in (node.values() if isinstance(node, dict) else node)
        ]
    return True


def within(value: Any, *keys: str) -> Any:
    """What lies in mappings of mappings; None where there is nothing, or another thing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def texts(value: Any) -> list[str]:
    """The texts of a list; none of what is no list."""
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def number(text: str | None) -> int:
    """A number of ASCII digits; 0 for anything else."""
    text = (text or "").strip()
    plain = text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
    return int(text) if plain else 0


def table(text: str, *needed: str) -> list[dict[str, str]]:
    """The rows of a CSV table with a header, those apart that lack a needed column."""
    try:
        rows = list(csv.DictReader(io.StringIO(text[:LARGEST_TEXT])))
    except csv.Error:
        return []
    whole = ({str(key): str(value or "") for key, value in row.items()} for row in rows)
    return [row for row in whole if all(row.get(name) for name in needed)]


def is_readable(record: object) -> bool:
    """Whether each property of a record finds what it looks for in what others have written."""
    try:
        for name, kind in vars(type(record)).items():
            if isinstance(kind, property):
                getattr(record, name)
    except (LookupError, TypeError, ValueError, AttributeError):
        return False
    return True
