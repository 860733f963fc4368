"""The list of a class, a CSV file as spreadsheets and learning platforms write it.

The first line names the columns, in English or French, as Moodle's, Gradescope's and a teacher's
own lists do; the delimiter is a comma, a semicolon or a tab, the encoding UTF-8 (with or without a
byte order mark), UTF-16 or CP1252.
"""

from __future__ import annotations

import codecs
import csv
import io
import tomllib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labkit.classroom.intake import Entry
from labkit.errors import UsageError
from labkit.locale import LANGUAGES, _

# Column -> what lists call it.
COLUMNS: dict[str, list[str]] = tomllib.loads(
    Path(__file__).with_name("heads.toml").read_text(encoding="utf-8")
)
NO = ("", "0", "no", "non", "false", "faux", "-")
LARGEST_ROSTER = 4 * 2**20  # bytes


@dataclass(frozen=True)
class Person:
    """A line of the list."""

    name: str
    number: str = ""
    email: str = ""
    group: str = ""
    late: str = ""  # as it stands there: a word, hours, days
    excused: bool = False
    language: str = ""  # of the report, where it is one that labkit speaks

    @property
    def user(self) -> str:
        """What a learning platform knows the person by."""
        return self.email or self.number or self.name


def read_roster(path: Path) -> list[Person]:
    """The people of a class. UsageError, with the line, if they cannot be read."""
    rows = list(csv.reader(io.StringIO(text := _text(path)), delimiter=_delimiter(text)))
    if not rows:
        raise UsageError(_("the list {path} is empty", path=path), then=_example())
    places = _places(rows[0])
    if not {"name", "last"} & set(places):
        raise UsageError(
            _("the list {path} has no column for names", path=path),
            where=f"{path}:1: {', '.join(rows[0])[:200]}",
            then=_example(),
        )
    people = []
    for line, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        cells = {column: row[at].strip() if at < len(row) else "" for column, at in places.items()}
        name = cells.get("name") or f"{cells.get('first', '')} {cells.get('last', '')}".strip()
        if not name:
            raise UsageError(_("a line of the list has no name"), where=f"{path}:{line}")
        people.append(
            Person(
                name=" ".join(name.split()),
                number=cells.get("number", ""),
                email=cells.get("email", ""),
                group=cells.get("group", ""),
                late="" if plain(cells.get("late", "")) in NO else cells["late"],
                excused=plain(cells.get("excused", "")) not in NO,
                language=_language(cells.get("language", "")),
            )
        )
    return people


def matched(
    people: Sequence[Person], entries: Sequence[Entry]
) -> tuple[dict[str, Person], list[Person]]:
    """Key of an entry -> who it is; and those who have submitted nothing.

    By number, by the whole name in any order, by the first part of the address, which is often a
    login. What would fit several people fits nobody.
    """
    found: dict[str, Person] = {}
    for entry in entries:
        fits = [one for one in people if _is(one, entry)]
        if len(fits) == 1 and fits[0] not in found.values():
            found[entry.key] = fits[0]
    return found, [one for one in people if one not in found.values()]


def plain(text: str) -> str:
    """Small letters without accents, one space between words: for comparing."""
    apart = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    return " ".join("".join(one for one in apart if not unicodedata.combining(one)).split())


def _is(person: Person, entry: Entry) -> bool:
    if person.number and person.number in (entry.number, entry.name):
        return True
    words = plain(entry.name).replace("-", " ").replace(".", " ").replace("_", " ").split()
    names = plain(person.name).replace("-", " ").split()
    login = plain(person.email.partition("@")[0])
    return sorted(words) == sorted(names) or bool(login and plain(entry.name).endswith(login))


def _places(header: Sequence[str]) -> dict[str, int]:
    """Column -> where it stands. A French list may have `nom` alone, and that is the name."""
    titles = [plain(title) for title in header]
    return {
        column: next(at for at, title in enumerate(titles) if title in names)
        for column, names in COLUMNS.items()
        if any(title in names for title in titles)
    }


def _language(cell: str) -> str:
    """`fr`, `FR`, `fr_FR`, `français`, `French` are one; another language is left to the class."""
    code = plain(cell)[:2]
    return code if code in LANGUAGES else ""


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_ROSTER)
    except OSError as error:
        raise UsageError(
            _("the list {path} cannot be read", path=path), where=error.strerror or str(error)
        ) from error
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _example() -> str:
    return _("a first line such as: name;number;email;group;late;excused")
