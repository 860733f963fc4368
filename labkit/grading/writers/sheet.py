"""Tables for spreadsheets: RFC 4180, and no cell that a spreadsheet would compute."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

# What a formula begins with, also in its full-width form, which some spreadsheets accept.
FORMULA = tuple("=+-@＝＋－＠")


def as_text(rows: Iterable[Iterable[str | float]], *, delimiter: str = ",") -> str:
    """Rows as a table with CRLF line ends; numbers have a dot whatever the language."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def guarded(value: str | float) -> str | float:
    """Text that would be taken for a formula gets an apostrophe; numbers stay numbers."""
    if isinstance(value, str) and value.lstrip().startswith(FORMULA):
        return "'" + value
    return value
