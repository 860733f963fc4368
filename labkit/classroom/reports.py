"""What is written of a class beside its ledger, for the teacher, the learners and platforms.

    _class/class.html             the class on one page
    _class/class.csv, .jsonl      a row, an object a learner
    _class/moodle.csv             Moodle: Grades, Import, CSV file
    _class/moodle-feedback.zip    Moodle: the assignment's "Upload multiple feedback files in a zip"
    _class/feedback/KEY.html      a page for each learner, in their language
    _class/gradescope/KEY.json    Gradescope's results.json of each submission

No entry's folder in the ledger has such a name. All of it is made anew from the ledger at any time.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from labkit.classroom.belonging import Belonging
from labkit.classroom.intake import Entry
from labkit.classroom.ledger import Ledger
from labkit.classroom.marking import Marking
from labkit.classroom.overview import Learner, as_page
from labkit.classroom.table import Row, as_csv, as_json_lines, as_moodle
from labkit.course import Course
from labkit.grading.model import GradeResult
from labkit.grading.writers.gradescope import as_gradescope
from labkit.grading.writers.html import as_html
from labkit.locale import language
from labkit.whole import write_whole

FOLDER = "_class"
# Files of a ZIP have a date; with this one the same marks make the same file.
NO_DATE = (1980, 1, 1, 0, 0, 0)


def write_reports(
    ledger: Ledger,
    entries: Sequence[Entry],
    rows: Sequence[Row],
    marking: Marking,
    course: Course,
    languages: Mapping[str, str],
    *,
    command: str,
    belongings: Mapping[str, Belonging] | None = None,
) -> Path:
    """Write all of it; the page of the class. OSError if it cannot be written.

    `rows` are those of the table, the entries' first and in their order. `languages` are of the
    reports by key of the entry, `belongings` whose variants they have; `command` is what grades
    the class.
    """
    out, for_moodle = ledger.root / FOLDER, {}
    for entry, row in zip(entries, rows, strict=False):
        raw = _result(ledger, entry, row)
        if raw is None:
            continue
        with _spoken(languages.get(entry.key) or language()):
            result, note = marking.marked(raw), marking.note(raw, late=row.late)
            page = as_html(result, title=course.titles.get(language(), ""), note=note)
            gradescope = as_gradescope(result, score=row.score_low, note=note)
        write_whole(out / _page(entry), page)
        write_whole(out / "gradescope" / f"{entry.key}.json", gradescope)
        if entry.number.isdigit():
            for_moodle[moodle_name(entry)] = page
    whole = class_page(ledger, entries, rows, marking, course, command=command, link=_page,
                       belongings=belongings)  # fmt: skip
    for name, text in (
        ("class.html", whole),
        ("class.csv", as_csv(rows)),
        ("class.jsonl", as_json_lines(rows)),
        ("moodle.csv", as_moodle(rows)),
        ("moodle-feedback.zip", _zipped(for_moodle)),
    ):
        write_whole(out / name, text)
    return out / "class.html"


def class_page(
    ledger: Ledger,
    entries: Sequence[Entry],
    rows: Sequence[Row],
    marking: Marking,
    course: Course,
    *,
    command: str,
    link: Callable[[Entry], str] = lambda _entry: "",
    refresh_s: int = 0,
    belongings: Mapping[str, Belonging] | None = None,
) -> str:
    """The class on one page; `link` gives the address of a learner's own page, "" for none."""
    learners = []
    for entry, row in zip(entries, rows, strict=False):
        raw = _result(ledger, entry, row)
        found = Learner(row, marking.marked(raw), link(entry)) if raw else Learner(row)
        learners.append(replace(found, belonging=(belongings or {}).get(entry.key)))
    learners += [Learner(row) for row in rows[len(entries) :]]
    title = course.titles.get(language(), course.name)
    return as_page(learners, title=title, command=command, refresh_s=refresh_s)


def _page(entry: Entry) -> str:
    return f"feedback/{entry.key}.html"


def _result(ledger: Ledger, entry: Entry, row: Row) -> GradeResult | None:
    """What the lab found, under the name that the list has for the learner."""
    found = ledger.result(entry.key) if row.report else None
    if found is None:
        return None
    result = GradeResult.from_json(found)
    result.learner = row.name
    return result


def moodle_name(entry: Entry) -> str:
    """A feedback file as Moodle's import knows whose it is: by the number after the name.

    The parts stand between underscores (Moodle's assignfeedback_file), so that the name
    itself has none; it is looked at by people alone.
    """
    name = "".join(one if one.isalnum() or one in " -'." else " " for one in entry.name)
    plain = " ".join(name.split()).lstrip(".~") or "learner"
    return f"{plain}_{entry.number}_assignfeedback_file_feedback.html"


def _zipped(files: Mapping[str, str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, NO_DATE), text, zipfile.ZIP_DEFLATED)
    return data.getvalue()


@contextmanager
def _spoken(code: str) -> Iterator[None]:
    """Messages in this language for a while."""
    before = os.environ.get("LABKIT_LANG")
    os.environ["LABKIT_LANG"] = code
    try:
        yield
    finally:
        if before is None:
            del os.environ["LABKIT_LANG"]
        else:
            os.environ["LABKIT_LANG"] = before
