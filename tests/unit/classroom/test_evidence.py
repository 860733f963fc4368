"""Evidence is signed once; every byte and figure changed afterwards is found and named."""

from __future__ import annotations

import base64
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from labkit.classroom import evidence
from labkit.classroom.evidence import (
    NeedsPassphraseError,
    NoEvidenceError,
    as_test_result,
    folder_files,
    laid_out,
    opened,
    private_key,
    public_line,
    signed,
    statement,
)
from labkit.classroom.recomputed import contradictions
from labkit.course import Course, load_course
from labkit.course.model import Load
from labkit.errors import UsageError
from labkit.load.availability import Fault
from labkit.load.judging import Run, record
from labkit.load.kept import keep_instants, keep_readings, kept_run
from labkit.load.plan import LoadPlan, plan_load
from labkit.load.readings import Reading, Watched
from labkit.load.rows import End, Row, Start, encode
from labkit.load.run import LoadRun

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
STARTED = 1000.0


def result(**changes: Any) -> dict[str, Any]:
    checks = [
        {"id": "a.one", "verdict": "passed", "points": 1, "points_max": 1},
        {"id": "a.two", "verdict": "failed", "points": 0, "points_max": 2},
        {"id": "a.three", "verdict": "inconclusive", "points": 0, "points_max": 1},
        {"id": "a.four", "verdict": "blocked", "points": 0, "points_max": 1},
    ]
    found = {"student": "Ada", "score": None, "score_low": 1, "score_high": 2, "score_max": 5,
             "steps": [{"slug": "a", "points": 1, "checks": checks}], "drills": []}  # fmt: skip
    return found | changes


def whole() -> bytes:
    files = {"result.json": json.dumps(result()).encode(), "drills/rows": b"1\n2\n"}
    return signed(statement(files, {"course": "ab", "labkit": "1"}), KEY)


def test_what_was_signed_comes_back() -> None:
    found = opened(whole())
    assert found.files["drills/rows"] == b"1\n2\n"
    assert found.result == result()
    assert found.predicate == {"course": "ab", "labkit": "1"}
    assert found.signer == public_line(KEY.public_key())


def test_every_byte_that_is_changed_is_found() -> None:
    data, dice = whole(), random.Random(7)
    places = {*dice.sample(range(len(data)), 100), *range(80), *range(len(data) - 200, len(data))}
    for place in places:
        broken = bytearray(data)
        broken[place] ^= dice.choice((1, 2, 32))
        with pytest.raises(NoEvidenceError):
            opened(bytes(broken))


def test_a_file_that_is_changed_is_named() -> None:
    found = json.loads(whole())
    told = json.loads(base64.b64decode(found["payload"]))
    told["subject"][0]["digest"]["sha256"] = "0" * 64
    found["payload"] = base64.b64encode(
        json.dumps(told, ensure_ascii=False, sort_keys=True).encode()
    ).decode()
    with pytest.raises(NoEvidenceError, match="drills/rows"):
        opened(evidence._written(found))


def test_who_signs_a_contradiction_is_not_believed() -> None:
    payload = json.loads(statement({"a": b"1", "b": b"2"}, {}))
    payload["subject"][1]["name"] = "c"
    with pytest.raises(NoEvidenceError, match="b, c"):
        opened(signed(json.dumps(payload).encode(), KEY))


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "LARGEST", 1000)
    with pytest.raises(NoEvidenceError, match="big"):
        opened(signed(statement({"big": b"0" * 2000}, {}), KEY))


def test_a_name_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    for name in ("../x", "/x", "a/../../x"):
        with pytest.raises(NoEvidenceError):
            laid_out({name: b""}, tmp_path / "in")
    laid_out({"a/b": b"1"}, tmp_path / "in")
    assert folder_files(tmp_path / "in") == {"a/b": b"1"}


def test_a_key_is_read_with_its_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with pytest.raises(UsageError, match="no key"):
        private_key(path)
    secret = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(1).build(b"word")
    path.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, secret))
    with pytest.raises(NeedsPassphraseError):
        private_key(path)
    with pytest.raises(NeedsPassphraseError):
        private_key(path, "other")
    assert private_key(path, "word").public_key() == KEY.public_key()
    path.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    assert private_key(path).public_key() == KEY.public_key()
    path.write_text("no key")
    with pytest.raises(UsageError, match="not an SSH key"):
        private_key(path)


def test_other_tools_are_told_no_more_than_was_found() -> None:
    told = as_test_result(opened(whole()))
    assert told["predicate"]["result"] == "FAILED"
    assert told["predicate"]["warnedTests"] == ["a.three", "a.four"]
    assert told["predicate"]["passedTests"] == ["a.one"]


@pytest.fixture(scope="module")
def course() -> Course:
    return load_course()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({}, ""),
        ({"score_low": 2}, "score_low"),
        ({"score_high": 4}, "score_high"),
        ({"score": 1}, "score"),
        ({"steps": [{"slug": "a", "points": 3, "checks": result()["steps"][0]["checks"]}]}, "a:"),
        ({"steps": [{"slug": "a", "points": 1, "checks": [
            {"id": "a.two", "verdict": "failed", "points": 1, "points_max": 1}]}]}, "a.two"),
    ],
)  # fmt: skip
def test_marks_follow_from_verdicts(
    change: dict[str, Any], named: str, course: Course, tmp_path: Path
) -> None:
    found = list(contradictions(result(**change), course, tmp_path))
    assert bool(found) == bool(named)
    assert any(one.startswith(named) for one in found) or not named


def drilled(folder: Path) -> Run:
    """A made run of ten seconds with one server lost for two, in the files of a real one."""
    name = "drill-kill"
    plan: LoadPlan = plan_load(
        Load("x", rate=10, post_share=0.1), base_url="http://x", duration_s=10.0, seed=3,
        run="r", rows=folder / f"{name}.jsonl",
    )  # fmt: skip
    plan.write(folder / f"{name}.plan.json")
    rows = []
    for number, arrival in enumerate(plan.arrivals()):
        at = STARTED + arrival.offset_s
        lost = 4 <= arrival.offset_s < 6 and number % 2 == 0
        rows.append(
            Row(at, at + 0.01, at + 0.05, arrival.method, 503 if lost else 200, "", 9,
                "no" if lost else "", arrival.post_id, not lost)
        )  # fmt: skip
    lines = [Start(STARTED), *rows, End(STARTED + 10, 0.01, 0)]
    (folder / f"{name}.jsonl").write_text("".join(map(encode, lines)))
    up, down = {"web1": "UP", "web2": "UP"}, {"web1": "DOWN", "web2": "UP"}
    failed = sum(not row.ok for row in rows)
    watched = Watched(
        [Reading(STARTED, up, {"failed": 0}),
         Reading(STARTED + 6.1, down, {"failed": failed}, 0.02),
         Reading(STARTED + 8.5, up, {"failed": failed})]
    )  # fmt: skip
    run = Run(
        LoadRun(plan, STARTED, tuple(rows), 0.01, 0, True), watched,
        Fault(STARTED + 3.9, STARTED + 4.0, STARTED + 8.0, 1), "", STARTED + 8.6,
        [row.post_id for row in rows if row.ok and row.post_id], 12.0,
    )  # fmt: skip
    keep_readings(folder, name, watched)
    keep_instants(folder, name, run)
    return run


def test_a_drill_is_judged_again_from_its_rows(course: Course, tmp_path: Path) -> None:
    run = drilled(tmp_path)
    drill = next(one for one in course.drills if one.name == "kill")
    claimed = json.loads(json.dumps(record(drill, "course", run, 1).to_json()))
    assert claimed["failed_get"] == 10
    assert replace(kept_run(tmp_path, "drill-kill").load, plan=run.load.plan) == run.load

    def wrong(**changes: Any) -> list[str]:
        return list(contradictions(result(drills=[claimed | changes]), course, tmp_path))

    assert wrong() == []
    for figure, value in (("failed_get", 1), ("detect_s", 0.1), ("verdict", "inconclusive"),
                          ("limits", []), ("flaps", 3), ("duplicates", 1)):  # fmt: skip
        (sentence,) = wrong(**{figure: value})
        assert sentence.startswith(f"kill.{figure}:")
    rows = tmp_path / "drill-kill.jsonl"
    rows.write_text(rows.read_text().replace('"ok":false', '"ok":true', 1))
    assert {one.partition(":")[0] for one in wrong()} >= {"kill.samples", "kill.limits"}
    rows.unlink()
    assert "cannot be read" in wrong()[0]
    assert wrong(samples=None) == ["kill: passed is claimed, None follows"]
