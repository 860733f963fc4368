"""The French of the pages and of the messages, read by a speller and a grammar checker.

Grammalecte knows neither our trade nor our markup. So code, English in italics or « quotations »
and the names of other sites become `STAND_IN`, a noun that it knows; a word that the English
text has as well is a name or a term of the trade; and `NOT_ASKED` are the rules that do not fit.
Messages are full of commands without a mark: of them the spelling alone is read.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po

from tests.tutorial.reading import FENCE

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "fr").glob("*.md"))
CATALOGUES = (ROOT / "labkit/locale/fr/labkit.po", ROOT / "checks/locale/fr.po")
STAND_IN = "Docker"
NOT_ASKED = (
    "majuscule_début_paragraphe",  # cells of tables, and lists, go on in the middle of a sentence
    "typo_guillemets_typographiques",  # HTML; tests/unit/test_docs.py asks for « » in prose
    "unit_nbsp_avant_unités",  # tests/unit/test_docs.py has our own rule
    "num_grand_nombre_soudé",  # counts of requests, as the programs print them
    "typo_écriture_invariable",  # requêtes/s
    "gv1__imp_verbe_groupe2_groupe3_t",  # what a verb is told of, without its subject: a table
)
# A message of Grammalecte's that is wrong here, by the words that it is about.
RIGHT = {
    "socket": "a feminine in the French of Unix",
    "fichier Compose": "a name",
    "être justes": "an adjective",
    "POST": "requests are many, and the word has no plural",
}

_UNSEEN = re.compile(r"<!--.*?-->|<svg.*?</svg>", re.S)
_EXTENSION = re.compile(r"\{ [#.:][^}\n]*\}|^-+8<-+.*$", re.M)
_FOREIGN = re.compile(
    r"(`+)[^\n]+?\1|(?<!\*)\*[^*\n]+\*(?!\*)|«[^»\n]*»|\[[^\]]*\]\(https?://[^)]*\)|https?://\S+|<[^>]+>"
)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARK = re.compile(r'^(?:#+|[-*]|\d+\.|>|\?{3}\+?|!{3}|={3})\s+(?:[a-z]+ (?="))?')


def page_lines(path: Path) -> Iterator[str]:
    """The prose of a page, a paragraph or a cell of a table each."""
    text = _UNSEEN.sub("", FENCE.sub("", path.read_text(encoding="utf-8")))
    text = _EXTENSION.sub("", _FOREIGN.sub(STAND_IN, text))
    text = _LINK.sub(r"\1", text).replace("**", "")
    text = re.sub(r"(?<=\S)\n *(?![-*#|>?!=\d\s])", " ", text)  # a paragraph is one line
    for line in text.splitlines():
        if not line.lstrip().startswith("|"):
            yield _MARK.sub("", line.strip()).strip('"')
            continue
        cells = [cell.strip() for cell in line.strip(" |").split("|")]
        if path.name == "glossary.md":
            del cells[1:2]  # the English term
        yield from cells


def read(lines: list[str], folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each line to which Grammalecte objects, and what it says of it."""
    file = folder / "text"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = subprocess.run(
        ["grammalecte-cli", "-f", str(file), "-j", "-owe", "-off", "apos", "nbsp"],
        stdout=subprocess.PIPE, text=True, check=True,
    ).stdout  # fmt: skip
    for paragraph in json.loads(found)["data"]:
        yield lines[paragraph["iParagraph"] - 1], paragraph


def misspelt(lines: list[str], english: str, folder: Path) -> list[str]:
    """Words that nobody knows, and that are not in the English text."""
    known = {*re.findall(r"[^\W_]+", english), *re.findall(r"[^\W_]+(?:-[^\W_]+)+", english)}
    return [
        f"{error['sValue']} … {line}"
        for line, said in read(lines, folder)
        for error in said["lSpellingErrors"]
        if error["sValue"] not in known
    ]


def ungrammatical(lines: list[str], folder: Path) -> list[str]:
    """What offends against grammar or typography, less what is declared above."""
    found = []
    for line, said in read(lines, folder):
        for error in said["lGrammarErrors"]:
            about = line[max(0, error["nStart"] - 10) : error["nEnd"] + 10] + error["sMessage"]
            declared = error["sRuleId"].startswith(NOT_ASKED) or any(one in about for one in RIGHT)
            if not declared and STAND_IN not in about:
                found.append(f"{error['sMessage']} [{error['sRuleId']}] … {line}")
    return found


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_pages_are_written_in_french(path: Path, tmp_path: Path) -> None:
    lines = list(page_lines(path))
    english = (ROOT / "docs" / "en" / path.name).read_text(encoding="utf-8")
    assert misspelt(lines, english, tmp_path) == []
    assert ungrammatical(lines, tmp_path) == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_messages_are_spelt_right(path: Path, tmp_path: Path) -> None:
    with path.open("rb") as file:
        messages = [one for one in read_po(file) if one.id]
    forms = [re.sub(r"\{[^}]*\}", STAND_IN, text) for one in messages for text in said(one.string)]
    lines = [line for text in forms for line in text.splitlines()]
    english = "\n".join(text for one in messages for text in said(one.id))
    assert misspelt(lines, english, tmp_path) == []


def said(text: str | tuple[str, ...]) -> tuple[str, ...]:
    """A message, or its forms for one and for many."""
    return text if isinstance(text, tuple) else (text,)


def test_faults_are_found(tmp_path: Path) -> None:
    assert misspelt(["Un repartiteur de charge."], "", tmp_path)
    assert ungrammatical(["Les serveur répondent."], tmp_path)
    assert ungrammatical(["Il faut que vous faites vite."], tmp_path)
