"""The pages of the tutorial that benchmarks write their figures into."""

from __future__ import annotations

import re
from pathlib import Path


def write(text: str, page: Path, name: str) -> None:
    """Put a text between the marks of this name, or at the end of a page that has none."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    old = page.read_text(encoding="utf-8")
    block = f"{begin}\n\n{text}\n\n{end}"
    if begin in old:
        new = re.sub(f"{begin}.*{end}", lambda _found: block, old, flags=re.DOTALL)
    else:
        new = f"{old.rstrip()}\n\n{block}\n"
    page.write_text(new, encoding="utf-8")
