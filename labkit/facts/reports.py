"""Reports of word processors, and saved web pages, as the lines of text that a person sees.

What is read of them: paragraphs, line breaks, tabs and blanks. Word's: ECMA-376, 17.3;
OpenDocument: ODF 1.3, 6.1; pages: WHATWG HTML, 4. Marks are cut out of a text, each character
looked at once or twice; nothing is parsed as XML, whose entities a stranger could define.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath

LARGEST_TEXT = 2 * 2**20  # bytes of a report's text with its marks
# Where the text of a report lies in its archive.
PARTS = {".docx": "word/document.xml", ".odt": "content.xml"}
PAGES = (".htm", ".html")
LINE_ENDS = re.compile(
    r"</(?:w:p|text:[ph]|p|li|tr|div|pre|h[1-6])>|<(?:w:br|text:line-break|br)\b[^<>]*>", re.I
)
BLANKS = re.compile(r"<(?:w:tab|text:tab|text:s)\b[^<>]*>")
# Elements whose text is not shown, or is shown as it stands, and what ends each.
APART = re.compile(r"<(?:(script|style|pre)\b[^<>]*>|!--)", re.I)
MARK = re.compile(r"<[^<>]*>")
UNREADABLE = (zipfile.BadZipFile, zlib.error, KeyError, RuntimeError, NotImplementedError, OSError,
              EOFError, ValueError)  # fmt: skip


def is_report(name: str) -> bool:
    """Whether a file is called as what can be read here."""
    return PurePosixPath(name).suffix.lower() in (*PARTS, *PAGES)


def text_of_report(name: str, data: bytes) -> str:
    """The lines of a report; "" for what is none, or cannot be read."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in PARTS:
        return _plain(_part(data, PARTS[suffix]))
    if suffix not in PAGES:
        return ""
    try:
        page = data[:LARGEST_TEXT].decode("utf-8")
    except UnicodeDecodeError:
        page = data[:LARGEST_TEXT].decode("cp1252", "replace")
    return _plain("".join(_flowing(page)))


def _flowing(page: str) -> Iterator[str]:
    """A page in pieces, without what it does not show.

    A line of the source ends where its writer liked, but for what is preformatted. What an element
    holds that does not end is left out.
    """
    at = 0
    while begun := APART.search(page, at):
        yield re.sub(r"\s+", " ", page[at : begun.start()])
        name = (begun[1] or "").lower()
        ends = re.compile(rf"</{name}\s*>" if name else "-->", re.I).search(page, begun.end())
        if not ends:
            return
        if name == "pre":
            yield page[begun.start() : ends.end()]
        at = ends.end()
    yield re.sub(r"\s+", " ", page[at:])


def _part(data: bytes, name: str) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(name) as part:
            return part.read(LARGEST_TEXT).decode("utf-8", "replace")
    except UNREADABLE:
        return ""


def _plain(marked: str) -> str:
    text = MARK.sub("", BLANKS.sub(" ", LINE_ENDS.sub("\n", marked)))
    lines = html.unescape(text).replace("\u00a0", " ").split("\n")
    return "\n".join(line.strip() for line in lines)
