"""What stands in the folder where labkit is started decides nothing of what runs."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from labkit import child
from labkit.cli import main as command_line
from labkit.cli.main import VERBS
from labkit.errors import LabkitError
from labkit.lab import Lab
from labkit.lab.faults import Power
from labkit.lab.store import key_pair
from labkit.load import run as load_run

CANARY = Path(__file__).parents[1] / "hostile" / "canary"
LABKIT = Path(sys.executable).with_name("labkit")  # as it is installed; -m would be asking for it


@pytest.fixture
def canary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """We stand in the hostile folder; the file that is there as soon as something of it runs.

    Nothing is written into the folder itself, either.
    """
    before = set(CANARY.rglob("*"))
    monkeypatch.chdir(CANARY)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    yield tmp_path / "labkit-canary"
    assert set(CANARY.rglob("*")) == before


def test_the_canary_sings(canary: Path) -> None:
    """Started carelessly, each of them would be seen."""
    for module in ("labkit.lab.faults.power", "locust", "mkdocs"):
        subprocess.run([sys.executable, "-m", module], capture_output=True, check=False)
        assert canary.exists(), module
        canary.unlink()


def test_pytest_does_not_look_for_tests_among_what_is_graded(
    canary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`pytest tests -k NAME` looks into each folder; here there is none but the hostile one."""
    monkeypatch.chdir(CANARY.parents[2])
    words = ["--collect-only", "-q", "-p", "no:cacheprovider", "tests/hostile"]
    done = subprocess.run([sys.executable, "-m", "pytest", *words], capture_output=True, text=True)
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout + done.stderr
    assert not canary.exists()


class NoEngine:
    """A provider that no process can open: the waker ends at once."""

    name = "nothing"


def test_who_gives_the_power_back_is_ours(canary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CANARY))
    lab = Lab("demo", cast("Any", NoEngine()), CANARY)
    monkeypatch.setattr(Lab, "prove_target", lambda *_arguments: None)
    with pytest.raises(LabkitError):
        Power(lab).cut("web1", heal_after=1)
    assert not canary.exists()


def test_the_load_generator_is_ours(canary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", str(CANARY)]))
    scenario = Path(load_run.__file__).parents[2] / "checks" / "load" / "website.py"
    subprocess.run(
        [*load_run._command(scenario)[:4], "--version"],
        env=load_run._environment(CANARY / "plan.json", scenario),
        check=True,
        capture_output=True,
    )
    assert not canary.exists()


@pytest.mark.parametrize("module", ["labkit.cli.main", "mkdocs", "labkit.load.generator"])
def test_a_module_is_found_where_labkit_is_installed(canary: Path, module: str) -> None:
    subprocess.run(
        child.python(module, "--version"),
        env=child.environment(), check=True, capture_output=True,
    )  # fmt: skip
    assert not canary.exists()


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ("docs", "bundle")])
def test_no_verb_runs_anything_of_the_folder(canary: Path, tmp_path: Path, verb: str) -> None:
    """Without an engine: what a verb does before it needs one, and what it says then."""
    arguments = {"step": ["1"], "hint": ["1"], "reset": ["1"], "ssh": ["web1"], "exec": ["web1",
                 "true"], "logs": ["web1"], "open": ["site"], "init": [str(tmp_path / "mine")],
                 "explain": ["1"], "grade": ["--submission", "."]}.get(verb, [])  # fmt: skip
    environment = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none", "HOME": str(CANARY),
                   "XDG_STATE_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path),
                   "PATH": f".::{os.environ['PATH']}"}  # fmt: skip
    if verb == "verify":
        arguments = ["--help"]
    subprocess.run([LABKIT, verb, *arguments], env=environment, check=False, timeout=60,
                   stdin=subprocess.DEVNULL, capture_output=True)  # fmt: skip
    assert not canary.exists(), canary.read_text()


def test_only_whole_paths_are_searched_for_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", ":.:/usr/bin:bin:/bin:")
    assert child.search_path() == "/usr/bin:/bin"


def test_two_that_make_a_key_at_once_have_the_same(tmp_path: Path) -> None:
    for attempt in range(10):
        start = threading.Barrier(8)

        def make(path: Path = tmp_path / f"key{attempt}", start: Any = start) -> bytes:
            start.wait()
            return key_pair(path).private

        with ThreadPoolExecutor(8) as pool:
            keys = {made.result() for made in [pool.submit(make) for _one in range(8)]}
        assert keys == {(tmp_path / f"key{attempt}").read_bytes()}
    assert {path.name for path in tmp_path.iterdir()} == {f"key{one}" for one in range(10)}


def run(*words: str, **environment: str) -> tuple[int, str]:
    """How labkit ends, and what it says."""
    ended = subprocess.run([LABKIT, *words], env={**os.environ, **environment}, check=False,
                           capture_output=True, text=True, timeout=60)  # fmt: skip
    return ended.returncode, ended.stderr


def test_a_report_inside_of_the_submission_is_refused(tmp_path: Path) -> None:
    for report in (CANARY, CANARY / "report"):
        code, said = run("--lang", "en", "grade", "--submission", str(CANARY),
                         "--report", str(report), XDG_STATE_HOME=str(tmp_path))  # fmt: skip
        assert code == 2
        assert "into the submission itself" in said
    assert not (CANARY / "report").exists()


@pytest.mark.parametrize(
    "words", [["grade", "--reference-credit", "nan"], ["logs", "-n", "0", "transcript"]]
)
def test_what_is_no_number_of_its_kind_is_refused(tmp_path: Path, words: list[str]) -> None:
    assert run(*words, XDG_STATE_HOME=str(tmp_path))[0] == 2


@pytest.mark.parametrize("utf8", ["1", "0"], ids=["as Python sets it there", "ASCII alone"])
@pytest.mark.parametrize(
    ("words", "code"), [(["explain", "3"], 0), (["hint", "3"], 4)], ids=["results", "an error"]
)
def test_french_is_said_in_a_locale_without_accents(
    tmp_path: Path, words: list[str], code: int, utf8: str
) -> None:
    locale = {"LC_ALL": "C", "PYTHONUTF8": utf8, "PYTHONCOERCECLOCALE": "0"}
    folders = {"XDG_STATE_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    command = [str(LABKIT), "--lang", "fr", "--lab", "nobodys-lab", *words]
    ended = subprocess.run(command, env={**os.environ, **locale, **folders}, check=False,
                           capture_output=True, timeout=60)  # fmt: skip
    said = ended.stdout + ended.stderr
    assert ended.returncode == code, said
    assert said.isascii() is (utf8 == "0")
    assert not (tmp_path / "labkit" / "_crashes").exists(), said


def test_a_mistake_of_ours_is_no_failure_of_a_students(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(**_options: object) -> None:
        raise RuntimeError("never thought of")

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["labkit", "explain"])
    monkeypatch.setattr(command_line.labkit, "main", breaks)
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 3
    (left,) = (tmp_path / "labkit" / "_crashes").iterdir()
    assert "never thought of" in left.read_text()
    assert str(left) in capsys.readouterr().err
