"""Evidence is also believed by OpenSSH alone, and by it no more than by labkit."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from labkit.classroom import Folder, GradeOptions
from labkit.cli import v_evidence
from labkit.cli.main import labkit
from labkit.course import load_course
from labkit.errors import EXIT_FAILED, EXIT_PASSED

RESULT = (
    '{"student": "Ada", "score": 0, "score_low": 0, "score_high": 0, "score_max": 20,'
    ' "steps": [], "drills": []}'
)


def by_openssh(file: Path, signers: Path) -> int:
    command = ["ssh-keygen", "-Y", "verify", "-f", signers, "-I", "teacher",
               "-n", "labkit-evidence", "-s", f"{file}.sig"]  # fmt: skip
    with file.open("rb") as data:
        return subprocess.run(command, stdin=data, capture_output=True, check=False).returncode


def by_labkit(file: Path, key: Path) -> tuple[int, str]:
    words = ["evidence", "verify", str(file), "--key", str(key)]
    done = CliRunner().invoke(labkit, words, standalone_mode=False)
    return done.return_value or EXIT_PASSED, done.output


def test_openssh_and_labkit_agree(tmp_path: Path) -> None:
    key, report, file = tmp_path / "key", tmp_path / "report", tmp_path / "e.json"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    signers = tmp_path / "signers"
    public = tmp_path / "key.pub"
    signers.write_text(f"teacher {public.read_text()}")
    report.mkdir()
    (report / "result.json").write_text(RESULT)
    folder = Folder("ada", {"Dockerfile": b"FROM x\n"}, [])
    v_evidence.keep(file, v_evidence.signing_key(str(key)), load_course(), report,
                    folder=folder, options=GradeOptions(frozenset({1})))  # fmt: skip

    assert by_openssh(file, signers) == 0
    code, said = by_labkit(file, public)
    assert code == EXIT_PASSED, said
    assert "Ada" in said

    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert by_openssh(file, signers) != 0
    assert by_labkit(file, public)[0] == EXIT_FAILED


def test_another_key_is_not_the_teachers(tmp_path: Path) -> None:
    for name in ("student", "teacher"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name],
                       check=True)  # fmt: skip
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "result.json").write_text(RESULT)
    file = tmp_path / "e.json"
    v_evidence.keep(file, v_evidence.signing_key(str(tmp_path / "student")), load_course(),
                    tmp_path / "report")  # fmt: skip
    code, said = by_labkit(file, tmp_path / "teacher.pub")
    assert code == EXIT_FAILED
    assert "another key" in said


@pytest.mark.parametrize("verb", ["replay", "export"])
def test_broken_evidence_is_used_for_nothing(tmp_path: Path, verb: str) -> None:
    file = tmp_path / "e.json"
    file.write_text("{}")
    done = CliRunner().invoke(labkit, ["evidence", verb, str(file)], standalone_mode=False)
    assert type(done.exception).__name__ == "UsageError"
