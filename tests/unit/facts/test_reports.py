"""Reports of Word, LibreOffice and saved pages, read as the lines that a person sees."""

from __future__ import annotations

import io
import time
import zipfile

import pytest

from labkit.facts.reports import LARGEST_TEXT, is_report, text_of_report

RUN = "docker run -d -p 5000:5000 registry:2"
WORD = (
    '<?xml version="1.0"?><w:document><w:body>'
    "<w:p><w:r><w:t>Le registre&amp;co</w:t></w:r></w:p>"
    "<w:p><w:r><w:t>docker run -d</w:t></w:r><w:r><w:t xml:space='preserve'> -p</w:t><w:tab/>"
    "<w:t>5000:5000 registry:2</w:t><w:br/><w:t>docker ps &e;</w:t></w:r></w:p></w:body>"
)
OPEN = (
    "<office:body><text:h>Registre</text:h><text:p>docker run -d<text:s text:c='3'/>-p 5000:5000 "
    "<text:span>registry:2</text:span><text:line-break/>docker ps</text:p></office:body>"
)
PAGE = """<html><head><style>p { docker run x }</style></head><body>
<p class=MsoNormal><span>docker run -d -p 5000:5000
registry:2</span></p><!-- docker run old --><p>docker&nbsp;ps<br>docker images</p>
<pre>docker pull php:apache
docker pull <b>registry:2</b></pre></body></html>
"""


def packed(name: str, text: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)  # no time of day
    return made.getvalue()


def lines(name: str, data: bytes) -> list[str]:
    return [line for line in text_of_report(name, data).split("\n") if line]


def test_words_paragraphs_are_lines() -> None:
    found = lines("Rapport TP.DOCX", packed("word/document.xml", WORD))
    assert found == ["Le registre&co", RUN, "docker ps &e;"]


def test_open_documents_paragraphs_are_lines() -> None:
    assert lines("a.odt", packed("content.xml", OPEN)) == ["Registre", RUN, "docker ps"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_a_saved_page_has_the_lines_that_are_seen(encoding: str) -> None:
    data = PAGE.replace("docker images", "docker images é").encode(encoding)
    assert lines("a.htm", data) == [
        RUN, "docker ps", "docker images é", "docker pull php:apache", "docker pull registry:2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        b"no zip",
        packed("other.xml", "x"),
        packed("word/document.xml", WORD)[:60],
    ],
)
def test_what_cannot_be_read_says_nothing(data: bytes) -> None:
    assert text_of_report("a.docx", data) == ""
    assert text_of_report("a.odt", data) == ""


def test_other_files_are_no_reports() -> None:
    assert text_of_report("a.md", b"docker ps") == ""
    names = ("a.docx", "b.ODT", "c.html", "d.pdf", "e.doc")
    assert [*filter(is_report, names)] == ["a.docx", "b.ODT", "c.html"]


HOSTILE = {
    "a bomb": "x" * 50_000_000,
    "open marks": "<" * 1_000_000,
    "an open comment": "<!--" * 200_000,
    "open scripts": "<script>" * 100_000,
    "open pre": "<pre>" * 100_000,
    "entities": "&amp" * 300_000,
    "blanks": " " * 1_000_000 + "<p>",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_report_that_is_made_to_be_slow_is_read_in_time(text: str) -> None:
    began = time.process_time()
    for name, part in (("a.docx", "word/document.xml"), ("a.odt", "content.xml")):
        assert len(text_of_report(name, packed(part, text))) <= LARGEST_TEXT
    assert len(text_of_report("a.html", text.encode())) <= LARGEST_TEXT
    assert time.process_time() - began < 20
