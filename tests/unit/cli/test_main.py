"""The command line as its user meets it: verbs, refusals as sentences, exit codes, a workspace."""

from __future__ import annotations

import os
import re
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from labkit.cli import main as command_line
from labkit.errors import (
    LabkitError,
    NothingToGradeError,
    NotReadyError,
    StepFailedError,
    UsageError,
)
from labkit.remote import CommandFailedError, Result
from tests import ROOT
from tests.fakes.command_line import Outcome, Run

STARTER = ROOT / "steps" / "starter"
JOURNEY = (  # the order in which one meets them (design.md, section 3)
    "init", "up", "status", "docs", "step", "check", "hint", "explain", "drill", "grade", "reset",
    "save", "restore", "ssh", "exec", "logs", "open", "down", "destroy", "doctor", "leftovers",
    "bundle",
)  # fmt: skip
NO_ENGINE = NotReadyError(
    "no Docker Engine answers on this computer", where="the engine's socket", then="make engine"
)


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder, a home of its own, plain English, no engine.

    No verb may ever reach a lab that somebody uses: its name is one that nobody has, too, and
    the engine's address one that nobody is at.
    """
    for name in [one for one in os.environ if one.startswith("LABKIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("LABKIT_LANG", "en")
    monkeypatch.setenv("LABKIT_LAB", "nobodys-lab")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for module in ("containers.provider", "leftovers", "doctor"):
        monkeypatch.setattr(f"labkit.lab.{module}.connect", no_engine)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def no_engine() -> None:
    raise NO_ENGINE


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path there."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


# -- verbs


def test_help_lists_the_verbs_in_the_order_in_which_one_meets_them(labkit: Run) -> None:
    code, out, err = labkit("--help")
    assert (code, err) == (0, "")
    listed = re.findall(r"^  ([a-z]+)  +\S", out.partition("Commands:")[2], re.MULTILINE)
    assert listed == list(command_line.VERBS)
    assert [verb for verb in listed if verb in JOURNEY] == list(JOURNEY)


def test_help_has_the_one_table_of_exit_codes(labkit: Run) -> None:
    text = " ".join(labkit("--help").out.split())
    assert "0 all passed, 1 something failed, 2 usage or interrupted, 3 grader error" in text
    assert "4 environment not ready, 5 nothing to grade" in text


@pytest.mark.parametrize("verb", command_line.VERBS)
def test_every_verb_says_what_it_does(labkit: Run, verb: str) -> None:
    code, out, err = labkit(verb, "--help")
    assert (code, err) == (0, "")
    assert re.match(rf"Usage: .*labkit {verb} ", out)
    assert re.search(r"^  [A-Z][^\n]{10,}", out, re.MULTILINE)


def test_the_version_is_told(labkit: Run) -> None:
    code, out, _err = labkit("--version")
    assert code == 0
    assert re.fullmatch(r"labkit, version \d+\.\d+\S*\n", out)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["frobnicate"], "No such command 'frobnicate'"),
        (["steps"], "No such command 'steps'"),
        (["main"], "No such command 'main'"),
        (["status", "--frobnicate"], "No such option"),
        (["up", "--provider", "cloud"], "'cloud' is not one of 'containers', 'vagrant'"),
        (["step"], "Missing argument"),
        (["step", "99"], "there is no step '99'"),
        (["reset", "99"], "there is no step '99'"),
        (["save"], "which name?"),
        (["restore"], "Missing argument"),
        (["--lab", "My Lab", "status"], "'My Lab' cannot be the name of a lab"),
    ],
)
def test_what_cannot_be_understood_ends_in_2_with_a_reason_on_stderr(
    labkit: Run, words: list[str], why: str
) -> None:
    code, out, err = labkit(*words)
    assert (code, out) == (2, "")
    assert why in err
    assert "Traceback" not in err


# -- no engine


@pytest.mark.parametrize(
    "words",
    [
        ["up"], ["status"], ["step", "1"], ["step", "3", "--plan"], ["check"], ["hint", "3"],
        ["drill", "stop"], ["grade"], ["reset", "3"], ["ssh", "web1"],
        ["save", "mine"], ["save", "--list"], ["save", "--remove", "mine"], ["restore", "mine"],
        ["exec", "web1", "--", "true"], ["open", "lb"], ["down"], ["destroy"],
    ],
    ids=lambda words: words[0],
)  # fmt: skip
def test_without_an_engine_a_verb_ends_in_4_with_the_sentence_on_stderr(
    labkit: Run, words: list[str]
) -> None:
    assert labkit(*words) == Outcome(
        4,
        "",
        "labkit: no Docker Engine answers on this computer\n"
        "  where  the engine's socket\n"
        "  next   make engine\n",
    )


def test_without_an_engine_the_doctor_says_so_in_its_table(labkit: Run) -> None:
    code, out, _err = labkit("doctor")
    assert code == 4
    assert re.search(r"NOT FIT +Docker Engine +no Docker Engine answers", out)
    assert "make engine" in out


# -- the lab's name


def test_the_lab_is_named_before_the_verb_after_it_or_in_the_environment(
    labkit: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands nearest wins. The names are bad ones, so that the refusal says which it was."""
    monkeypatch.setenv("LABKIT_LAB", "FROM-ENV")
    assert "'FROM-ENV' cannot be" in labkit("status").err
    assert "'BEFORE' cannot be" in labkit("--lab", "BEFORE", "status").err
    assert "'AFTER' cannot be" in labkit("--lab", "BEFORE", "status", "--lab", "AFTER").err


# -- errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StepFailedError("sentence", where="place", then="command"), 1),
        (UsageError("sentence", where="place", then="command"), 2),
        (LabkitError("sentence", where="place", then="command"), 3),
        (NotReadyError("sentence", where="place", then="command"), 4),
        (NothingToGradeError("sentence", where="place", then="command"), 5),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_error_says_what_where_and_next_and_ends_in_its_code(
    labkit: Run, monkeypatch: pytest.MonkeyPatch, error: LabkitError, code: int
) -> None:
    raising(monkeypatch, error)
    assert labkit("status") == Outcome(
        code, "", "labkit: sentence\n  where  place\n  next   command\n"
    )


def test_an_error_without_a_place_or_a_remedy_leaves_their_lines_out(
    labkit: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(monkeypatch, LabkitError("sentence"))
    assert labkit("status").err == "labkit: sentence\n"


def test_what_a_command_printed_is_shown_as_it_is(
    labkit: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither taken for markup nor broken at the terminal's width."""
    printed = "[bold]ERROR[/bold] [1/2] " + "long " * 60 + "end :smile:"
    result = Result("docker build [x]", "", printed, 17)
    raising(monkeypatch, CommandFailedError("web1", result))
    code, _out, err = labkit("status")
    assert code == 1
    assert err.splitlines()[:3] == [
        "labkit: exit code 17:",
        printed,
        "  where  web1 $ docker build [x]",
    ]


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), click.Abort()], ids=["ctrl-c", "abort"])
def test_an_interruption_ends_in_2_and_says_that_nothing_is_lost(
    labkit: Run, monkeypatch: pytest.MonkeyPatch, stop: BaseException
) -> None:
    raising(monkeypatch, stop)
    code, out, err = labkit("status")
    assert (code, out) == (2, "")
    assert err == "interrupted; nothing is lost: the same command resumes\n"


def test_a_full_disk_is_a_sentence_with_the_files_name(
    labkit: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(monkeypatch, OSError(28, "No space left on device", "/srv/report.json"))
    code, _out, err = labkit("status")
    assert code == 3
    assert err.startswith("labkit: No space left on device\n  where  /srv/report.json\n  next   df")


def test_a_mistake_of_ours_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bug is the grader's error, code 3: where it is stands in a file that one can send us."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    raising(monkeypatch, ZeroDivisionError())
    monkeypatch.setattr("sys.argv", ["labkit", "status"])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 3
    (kept,) = (tmp_path / "labkit" / "_crashes").glob("*.txt")
    assert "ZeroDivisionError" in kept.read_text(encoding="utf-8")
    assert str(kept) in "".join(capsys.readouterr().err.split())


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make every verb end in this error."""

    def main(**_options: object) -> None:
        raise error

    monkeypatch.setattr(command_line.labkit, "main", main)


# -- init


def test_init_gives_the_starter_byte_for_byte(labkit: Run) -> None:
    code, out, err = labkit("init", "mine")
    assert (code, out) == (0, "")
    assert files_in(Path("mine")) == files_in(STARTER)
    assert "simple_api/Dockerfile" in files_in(Path("mine"))
    assert err == "your workspace is mine.   next: cd mine && labkit up\n"


def test_init_gives_files_that_their_owner_may_write(labkit: Run) -> None:
    labkit("init", "mine")
    for path in (path for path in Path("mine").rglob("*") if path.is_file()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_init_fills_an_existing_folder_and_leaves_what_else_is_there(labkit: Run) -> None:
    Path("mine/website").mkdir(parents=True)
    Path("mine/website/style.css").write_text("body {}")
    assert labkit("init", "mine").code == 0
    assert files_in(Path("mine")) == {**files_in(STARTER), "website/style.css": b"body {}"}


@pytest.mark.parametrize("path", ["docker-compose.yml", "simple_api/Dockerfile", "README.md"])
def test_init_refuses_a_project_that_exists_and_changes_nothing(labkit: Run, path: str) -> None:
    (Path("mine") / path).parent.mkdir(parents=True)
    (Path("mine") / path).write_text("weeks of work")
    code, out, err = labkit("init", "mine")
    assert (code, out) == (2, "")
    assert err == (
        "labkit: mine already holds a project; nothing was changed\n"
        f"  where  mine/{path}\n"
        "  next   labkit init another-folder\n"
    )
    assert files_in(Path("mine")) == {path: b"weeks of work"}


def test_init_twice_refuses_the_second_time(labkit: Run) -> None:
    labkit("init", "mine")
    Path("mine/simple_api/Dockerfile").write_text("FROM mine\n")
    before = files_in(Path("mine"))
    assert labkit("init", "mine").code == 2
    assert files_in(Path("mine")) == before


def test_init_in_a_place_where_a_file_lies_is_a_sentence(labkit: Run) -> None:
    Path("mine").write_text("a file")
    code, _out, err = labkit("init", "mine")
    assert code in (2, 3)
    assert err.startswith("labkit: ")
    assert Path("mine").read_text() == "a file"


def test_init_needs_to_know_where(labkit: Run) -> None:
    code, _out, err = labkit("init")
    assert code == 2
    assert "Missing argument 'FOLDER'" in err
    assert list(Path().iterdir()) == []


def test_what_init_makes_is_found_as_the_workspace(labkit: Run) -> None:
    """`--workspace` need not be given in it, nor in a folder of it."""
    from labkit.course import find_workspace, load_course

    labkit("init", "mine")
    assert find_workspace("", Path.cwd() / "mine" / "website", load_course()) == Path.cwd() / "mine"


# -- bundle


@pytest.fixture
def mirrored(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What was put into a mirror that there is not: (image of the engine, public name)."""
    added: list[tuple[str, str]] = []

    def add_image(_engine: object, local: str, public: str, _say: object) -> str:
        added.append((local, public))
        return f"sha256:{len(added)}"

    monkeypatch.setattr("labkit.cli.v_bundle.connect", lambda: None)
    monkeypatch.setattr("labkit.cli.v_bundle.ensure_mirror", lambda _engine, _say, _images: None)
    monkeypatch.setattr("labkit.cli.v_bundle.add_image", add_image)
    return added


def test_bundle_adds_every_image_that_it_is_given(
    labkit: Run, mirrored: list[tuple[str, str]]
) -> None:
    outcome = labkit("bundle", "--add", "a:1", "--add", "b:2")
    assert (outcome.code, mirrored) == (0, [("a:1", "a:1"), ("b:2", "b:2")])
    assert outcome.out.splitlines() == ["a:1 sha256:1", "b:2 sha256:2"]


def test_bundle_gives_a_public_name_to_one_image_alone(
    labkit: Run, mirrored: list[tuple[str, str]]
) -> None:
    assert labkit("bundle", "--add", "a:1", "--as", "python:3").code == 0
    assert labkit("bundle", "--add", "a:1", "--add", "b:2", "--as", "python:3").code == 2
    assert mirrored == [("a:1", "python:3")]
