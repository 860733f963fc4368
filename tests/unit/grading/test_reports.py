"""Each report against the rules of whoever reads it, with the worst that a student can print."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from labkit.course import Course, Origin
from labkit.errors import UsageError
from labkit.grading.model import CheckResult, GradeResult
from labkit.grading.writers import WRITERS, as_moodle_table, write_html, write_json
from labkit.grading.writers.csv import COLUMNS
from labkit.reporting import CheckBegan, CheckEnded
from tests import ROOT
from tests.fakes.every_verdict import every_verdict, run
from tests.fakes.results import ALL, B, F, I, P, Page, a_range, graded, killed, problems
from tests.fakes.told import Told


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Course]:
    """Of one step, whose checks end in every way there is."""
    yield from every_verdict(tmp_path)


WORST = {
    "controls": "".join(map(chr, range(32))) + "\x7f\x85\x9b31m",
    "colours": "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b]8;;http://192.0.2.1/\x1b\\link\x1b]8;;\x1b\\",
    "CDATA": "a ]]> b <![CDATA[ c ]]>",
    "markup": "</failure></testcase><!-- &lt; & &#0; &bogus; <script>alert('x')</script>",
    "attribute": "\" onload='x' \n\t\r\n style=\"",
    "astral": "\U0001f600 \U0010fffd 𝟘",
    "halves": "\ud800 \udfff \udc80 \ufffe \uffff",
    "bidi": "\u202egnp.exe\u2066",
    "formula": "=cmd|' /C calc'!A0",
    "spaced formula": "  \t+1+1",
    "attachment": "[[ATTACHMENT|/etc/passwd]]",
    "template": "{{ result }} {% raw %} ${jndi:x} {0} %s",
    "quotes": '"",;\r\n"\n,"',
    "megabyte": "x" * 2**20,
    "lines": "y\n" * 2**14,
}
UNWANTED = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_LANG", "en")


def worst(text: str) -> GradeResult:
    """A result in which everything that can be a student's is this text."""
    result = graded()
    result.learner = f"alice {text}"
    result.lab = {"name": text, "kernel": text}
    for check in result.checks:
        check.message, check.title = text, f"{check.title} {text}"
    failed = result.checks[1]
    failed.expected = failed.seen = failed.where = text
    failed.hints = (text, text, text)
    result.steps[1].checks.append(CheckResult("verify.doubt", "?", 0.5, I, text, where=text))
    result.drills[0]["message"] = text
    result.drills[0]["samples"]["states"] = {text: text}
    result.submission = {
        "files": 2,
        "skipped": [{"path": text, "why": text}],
        "notes": [text],
        "filled": ["haproxy/haproxy.cfg"],
    }
    return result


def with_gaps() -> GradeResult:
    """A submission without a Dockerfile: its step is failed and blocked, the reference stood in."""
    result = graded()
    step = result.steps[0]
    step.artefacts = [
        replace(artefact, origin=Origin.MISSING, sha256="") for artefact in step.artefacts
    ]
    for check in step.checks:
        check.verdict, check.because, check.credit = B, step.checks[0].id, 0.0
        check.expected = check.seen = check.where = ""
        check.hints = ()
    step.checks[0].verdict, step.checks[0].because = F, ""
    step.checks[0].message = "it is missing from the submission: simple_api/Dockerfile"
    result.submission = {
        "files": 3,
        "skipped": [{"path": "disk.img", "why": "it is too large"}],
        "notes": ["the backends' addresses are the lab's"],
        "filled": ["simple_api/Dockerfile"],
    }
    return result


EVERY: list[Callable[[], GradeResult]] = [*ALL, with_gaps]


# All of them -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(WRITERS))
@pytest.mark.parametrize("text", WORST.values(), ids=WORST)
def test_nothing_that_a_student_prints_breaks_a_report(name: str, text: str) -> None:
    made = WRITERS[name](worst(text))
    assert not UNWANTED.search(made)
    assert not re.search(r"\\u(00[01]|d[89a-f])", made)  # nor hidden in an escape of JSON's
    assert len(made.encode("utf-8")) < 200_000


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_a_writer_leaves_the_records_as_they_are(name: str) -> None:
    result = worst(WORST["colours"])
    WRITERS[name](result)
    assert result == worst(WORST["colours"])


# JSON ------------------------------------------------------------------------------------------


def test_a_submission_is_as_published() -> None:
    data = json.loads(WRITERS["json"](with_gaps()))
    assert problems(data) == []
    assert data["submission"]["filled"] == ["simple_api/Dockerfile"]
    assert "submission" not in json.loads(WRITERS["json"](graded()))


@pytest.mark.parametrize("text", WORST.values(), ids=WORST)
def test_json_is_as_published_whatever_was_printed(text: str) -> None:
    assert problems(json.loads(WRITERS["json"](worst(text)))) == []


@pytest.mark.parametrize(
    ("place", "value"),
    [("files", -1), ("files", "3"), ("skipped", ["a"]), ("skipped", [{"path": "a"}]),
     ("notes", "a"), ("filled", [1]), ("extra", 1)],
)  # fmt: skip
def test_the_schema_refuses_what_no_submission_leaves(place: str, value: object) -> None:
    data = json.loads(WRITERS["json"](with_gaps()))
    data["submission"][place] = value
    assert problems(data)


def test_a_range_has_its_ends_and_no_mark() -> None:
    for make in (a_range, killed):
        data = json.loads(WRITERS["json"](make()))
        assert problems(data) == []
        assert (data["score"], data["score_low"], data["score_high"]) == (None, 1.0, 5.0)


def test_a_number_that_json_has_not_is_none() -> None:
    result = graded()
    result.drills[0]["samples"]["facts"] = {"share": float("nan"), "bound": float("inf")}
    data = json.loads(WRITERS["json"](result), parse_constant=lambda name: pytest.fail(name))
    assert problems(data) == []
    assert data["drills"][0]["samples"]["facts"] == {"share": None, "bound": None}


def test_the_file_is_as_published_after_every_check(course: Any, tmp_path: Path) -> None:
    """What a kill between any two checks leaves: nothing of it reads as a zero."""
    seen = []

    def look(_event: object) -> None:
        data = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
        assert problems(data) == []
        assert not data["complete"]
        open_checks = [
            check for check in data["steps"][0]["checks"] if check["verdict"] == "inconclusive"
        ]
        assert data["score_high"] == data["score_low"] + sum(
            check["points_max"] for check in open_checks
        )
        seen.append(len(open_checks))

    run(course, tmp_path, reporter=Told(CheckBegan, CheckEnded, look=look))
    assert seen[0] == 9
    assert len(seen) == 18
    data = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert data["complete"]
    assert problems(data) == []


# Whole files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [write_json, write_html])
def test_a_kill_before_the_rename_leaves_what_was_there(
    write: Callable[[GradeResult, Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new" / "report"
    write(graded(), path)
    before = path.read_bytes()

    def killed_here(new: Path, _target: Path) -> None:
        assert new.parent == path.parent  # the same file system: the rename is one act
        assert new.stat().st_size > 0
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed_here)
        with pytest.raises(KeyboardInterrupt):
            write(replace(graded(), learner="bob"), path)
    assert path.read_bytes() == before
    write(replace(graded(), learner="bob"), path)
    assert b"bob" in path.read_bytes()
    assert [one.name for one in path.parent.iterdir()] == ["report"]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "result.json"
    write_json(graded(), path)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_json(replace(graded(), learner="bob"), path)
    assert json.loads(path.read_text(encoding="utf-8"))["student"] == "alice"


WRITES = """
import sys
from pathlib import Path
from tests.fakes.results import graded
from labkit.grading.writers import write_json
result, path = graded(), Path(sys.argv[1])
result.checks[0].message = "x" * 1500
while True:
    write_json(result, path)
"""


def test_a_reader_never_meets_half_a_file_nor_does_a_kill_leave_one(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    chance = random.Random(4)
    writer = subprocess.Popen([sys.executable, "-c", WRITES, str(path)], cwd=ROOT)
    try:
        until = time.monotonic() + 30
        while not path.exists() and time.monotonic() < until:
            time.sleep(0.05)
        for _reading in range(50):
            assert problems(json.loads(path.read_text(encoding="utf-8"))) == []
        time.sleep(chance.random() / 10)
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert problems(json.loads(path.read_text(encoding="utf-8"))) == []


# JUnit -----------------------------------------------------------------------------------------

COUNTS = {"tests", "failures", "errors", "skipped", "time"}
SAID = ({"message", "type"}, set[str]())
SHAPE = {  # element: its attributes, its children
    "testsuites": ({"name", *COUNTS}, {"testsuite"}),
    "testsuite": ({"name", "timestamp", "hostname", *COUNTS}, {"properties", "testcase"}),
    "properties": (set[str](), {"property"}),
    "property": ({"name", "value"}, set[str]()),
    "testcase": ({"classname", "name", "time"}, {"failure", "error", "skipped", "system-out"}),
    "failure": SAID,
    "error": SAID,
    "skipped": SAID,
    "system-out": (set[str](), set[str]()),
}
XML_CHARACTERS = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
SECONDS = re.compile(r"\d+\.\d+")


def junit_problems(text: str) -> list[str]:
    """What a strict reader of JUnit XML would refuse."""
    found = [] if XML_CHARACTERS.fullmatch(text) else ["characters that XML 1.0 does not allow"]
    root = ElementTree.fromstring(text)
    for element in root.iter():
        attributes, children = SHAPE[element.tag]
        if set(element.keys()) != attributes:
            found.append(f"{element.tag} has {sorted(element.keys())}")
        found += [f"{one.tag} in {element.tag}" for one in element if one.tag not in children]
        if not SECONDS.fullmatch(element.get("time", "0.0")):
            found.append(f"time {element.get('time')}")
        if element.tag == "testsuite" and [one.tag for one in element].index("properties"):
            found.append("properties are not first")
        if element.tag == "testcase" and len(element) > 1:
            found.append("a case with two ends")
        if element.tag in ("testsuites", "testsuite"):
            found += _miscounted(element)
    return found


def _miscounted(element: ElementTree.Element) -> list[str]:
    kinds = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
    return [
        f"{attribute} is {element.get(attribute)}"
        for attribute, tag in kinds.items()
        if element.get(attribute) != str(len(list(element.iter(tag))))
    ]


@pytest.mark.parametrize("make", EVERY)
def test_junit_is_as_its_readers_want_it(make: Callable[[], GradeResult]) -> None:
    assert junit_problems(WRITERS["junit"](make())) == []


@pytest.mark.parametrize("text", WORST.values(), ids=WORST)
def test_junit_is_well_formed_whatever_was_printed(text: str) -> None:
    made = WRITERS["junit"](worst(text))
    assert junit_problems(made) == []
    cases = list(ElementTree.fromstring(made).iter("testcase"))
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == 5


def test_junit_readers_are_told_what_was_printed_in_the_body_and_in_the_message() -> None:
    result = graded()
    failed = result.checks[1]
    failed.seen = "a ]]> b & <c> \U0001f600"
    failed.message = f"expected an answer; seen {failed.seen}"
    case = ElementTree.fromstring(WRITERS["junit"](result)).find(".//failure")
    assert case is not None
    assert failed.seen in (case.text or "")
    assert failed.seen in case.get("message", "")


def test_junit_maps_each_verdict() -> None:
    result = graded()
    result.steps[1].checks[0].verdict = I
    root = ElementTree.fromstring(WRITERS["junit"](result))
    ends = {
        (case.get("name") or "").rpartition(" ")[2]: [(one.tag, one.get("type")) for one in case]
        for case in root.iter("testcase")
    }
    assert ends == {
        "(build.image)": [("system-out", None)],
        "(build.runs)": [("failure", "failed")],
        "(build.auth)": [("skipped", "blocked")],
        "(verify.page)": [("error", "inconclusive")],
    }


def test_junit_offers_no_file_that_a_student_names() -> None:
    assert "[[ATTACHMENT" not in "".join(
        one.text or ""
        for one in ElementTree.fromstring(WRITERS["junit"](worst(WORST["attachment"]))).iter(
            "system-out"
        )
    )


def test_a_check_without_a_word_still_has_one() -> None:
    result = graded()
    for check in result.checks:
        check.verdict, check.message, check.expected, check.seen, check.where = I, "", "", "", ""
    root = ElementTree.fromstring(WRITERS["junit"](result))
    assert {one.text for one in root.iter("error")} == {"inconclusive"}


# CSV -------------------------------------------------------------------------------------------

FIELD = r'(?:"(?:[^"]|"")*"|[^",\r\n]*)'
RECORD = re.compile(rf"{FIELD}(?:,{FIELD})*\r\n")


def csv_rows(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))


@pytest.mark.parametrize("name", ["csv", "moodle"])
@pytest.mark.parametrize("text", ["plain", *WORST.values()], ids=["plain", *WORST])
def test_tables_are_as_rfc_4180_says(name: str, text: str) -> None:
    made = WRITERS[name](worst(text))
    records = RECORD.findall(made)
    assert "".join(records) == made
    rows = list(csv.reader(io.StringIO(made, newline=""), strict=True))
    assert len(rows) == len(records) == {"csv": 6, "moodle": 2}[name]
    assert len({len(row) for row in rows}) == 1


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", " =", "\t=", "\r=", "\n=", "\x00=", "＝"])
def test_no_cell_is_a_formula_and_numbers_stay_numbers(sign: str) -> None:
    for row in csv_rows(WRITERS["csv"](replace(worst(f"{sign}1+1"), learner=f"{sign}1+1"))):
        for name, cell in row.items():
            if name in ("step", "points", "points_max", "seconds"):
                float(cell)
            else:
                assert not cell.strip().startswith(tuple("=+-@＝"))
        assert row["message"].startswith("'")


def test_csv_has_its_header_and_nothing_else_where_nothing_ran() -> None:
    result = graded()
    result.steps = []
    assert WRITERS["csv"](result) == ",".join(COLUMNS) + "\r\n"


# Gradescope ------------------------------------------------------------------------------------

FORMATS = {"text", "html", "simple_format", "md", "ansi"}
TOP = {
    "score", "execution_time", "output", "output_format", "test_output_format", "test_name_format",
    "visibility", "extra_data", "tests",
}  # fmt: skip
TEST = {
    "score", "max_score", "status", "name", "number", "output", "tags", "visibility", "extra_data",
}  # fmt: skip


def gradescope_problems(text: str) -> list[str]:
    """What Gradescope would refuse or show otherwise than it is meant."""
    data = json.loads(text)
    found = [] if set(data) == TOP else [f"keys {sorted(set(data) ^ TOP)}"]
    found += [key for key in data if key.endswith("_format") and data[key] not in FORMATS]
    found += [
        key for key in ("score", "execution_time")
        if isinstance(data[key], bool) or not isinstance(data[key], int | float) or data[key] < 0
    ]  # fmt: skip
    for test in data["tests"]:
        right = (
            set(test) == TEST
            and 0 <= test["score"] <= test["max_score"]
            and test["status"] in ("passed", "failed")
            and test["visibility"] == data["visibility"] == "visible"
            and all(isinstance(test[key], str) for key in ("name", "number", "output"))
            and all(isinstance(tag, str) for tag in test["tags"])
        )
        found += [] if right else [str(test)]
    if abs(data["score"] - sum(test["score"] for test in data["tests"])) > 0.005:
        found.append("the score is not the sum")
    numbers = [test["number"] for test in data["tests"]]
    return found if len(set(numbers)) == len(numbers) else [*found, "numbers twice"]


@pytest.mark.parametrize("make", EVERY)
def test_gradescope_gets_what_it_reads(make: Callable[[], GradeResult]) -> None:
    assert gradescope_problems(WRITERS["gradescope"](make())) == []


@pytest.mark.parametrize("text", WORST.values(), ids=WORST)
def test_gradescope_gets_what_it_reads_whatever_was_printed(text: str) -> None:
    assert gradescope_problems(WRITERS["gradescope"](worst(text))) == []


@pytest.mark.parametrize("make", [a_range, killed])
def test_what_could_not_be_told_is_no_silent_zero(make: Callable[[], GradeResult]) -> None:
    result = make()
    data = json.loads(WRITERS["gradescope"](result))
    for check, test in zip(result.checks, data["tests"], strict=True):
        if check.verdict is I:
            assert test["output"].startswith("INCONCLUSIVE")
            assert f"points kept open: {check.points_max:g}" in test["output"]
            assert "inconclusive" in test["tags"]
    assert "1 – 5 / 20" in data["output"]
    assert "the score here is what is certain: 1" in data["output"]
    assert data["extra_data"]["score"] is None
    assert "certain" not in json.loads(WRITERS["gradescope"](graded()))["output"]


def test_half_a_credit_is_no_more_than_the_maximum() -> None:
    result = graded()
    for check in result.checks:
        check.verdict, check.credit = P, 0.1
    assert gradescope_problems(WRITERS["gradescope"](result)) == []


def test_gradescope_is_told_of_the_submission() -> None:
    output = json.loads(WRITERS["gradescope"](with_gaps()))["output"].splitlines()
    assert output[-6:] == [
        "left out:",
        "- disk.img: it is too large",
        "missing, done with the course's reference:",
        "- simple_api/Dockerfile",
        "noted:",
        "- the backends' addresses are the lab's",
    ]


# Moodle ----------------------------------------------------------------------------------------

GRADE = "labkit student-list (/20)"


def test_moodle_reads_feedback_as_html_and_users_as_they_are() -> None:
    result = replace(graded(), learner="a-lice_1+x@uni.example")
    result.checks[1].message = "seen <VirtualHost> & =1"
    (row,) = csv_rows(WRITERS["moodle"](result))
    assert {row[name] for name in ("username", "idnumber", "email")} == {result.learner}
    assert "seen &lt;VirtualHost&gt; &amp; =1" in row["feedback"]
    assert re.fullmatch(r"\d+(\.\d+)?", row[GRADE])


@pytest.mark.parametrize("student", ["-alice", "+33", "@alice", "alice"])
def test_a_name_that_moodle_has_to_find_is_not_changed(student: str) -> None:
    (row,) = csv_rows(WRITERS["moodle"](replace(graded(), learner=student)))
    assert row["username"] == student


def test_a_name_that_is_a_formula_is_none() -> None:
    (row,) = csv_rows(WRITERS["moodle"](replace(graded(), learner="=HYPERLINK(A1)")))
    assert row["username"] == "'=HYPERLINK(A1)"


@pytest.mark.parametrize("student", ["", "  ", "\x1b[0m", "\n"])
def test_no_user_cell_is_blank(student: str) -> None:
    with pytest.raises(UsageError, match="learner"):
        WRITERS["moodle"](replace(graded(), learner=student))


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_moodle_takes_the_delimiter_that_its_form_names(
    delimiter: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_LANG", language)
    text = as_moodle_table([graded(), a_range()], delimiter=delimiter)
    assert text.splitlines()[0].split(delimiter) == [
        "username", "idnumber", "email", GRADE, "feedback"
    ]  # fmt: skip
    assert [row[GRADE] for row in csv_rows(text, delimiter)] == ["2.5", "-"]


def test_moodle_is_told_why_there_is_no_grade() -> None:
    (row,) = csv_rows(WRITERS["moodle"](a_range()))
    assert row[GRADE] == "-"
    assert row["feedback"].startswith("1 – 5 / 20.")
    assert "could not be determined: web1 is off (labkit up)." in row["feedback"]


# The page --------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", WORST.values(), ids=WORST)
def test_the_page_shows_what_was_printed_and_obeys_none_of_it(text: str) -> None:
    made = WRITERS["html"](worst(text))
    page, plain = Page(made), Page(WRITERS["html"](worst("plain")))
    assert set(page.tags) == set(plain.tags)
    assert page.ids == plain.ids
    assert page.references == plain.references
    assert page.language == "en"
    assert "default-src 'none'" in made


def test_the_page_tells_of_the_submission() -> None:
    made = WRITERS["html"](with_gaps())
    told = Page(made.split("<h2>The submission</h2>")[1].split("<h2>")[0]).text
    for part in (
        "files read: 3",
        "disk.img: it is too large",
        "simple_api/Dockerfile",
        "the lab's",
    ):
        assert part in told
    assert "The submission" not in WRITERS["html"](graded())


def test_the_page_gives_the_mark_as_a_range() -> None:
    made = WRITERS["html"](a_range())
    assert re.search(r"<title>[^<]*1 – 5 / 20</title>", made)
    assert '<div class="mark range">' in made
