"""Submissions on labs of their own: right ones, wrong ones, and such as are meant to do harm.

Each is graded by the command line as a teacher has it. Whatever is submitted: it ends in time, the
result is valid, nothing of it runs or writes on this computer, nothing that is shown steers a
terminal, and no machine is left.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from labkit.grading.schema import published
from tests.integration.conftest import Cli

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests" / "submissions"
REFERENCE = ROOT / "steps" / "reference"
LABKIT = Path(sys.executable).with_name("labkit")
LAB = re.compile(r"\bsub-[0-9a-f]{8}\b")  # of one submission
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# Terminal: title, clear, colour, link, backspaces, direction; text that looks like a verdict.
NOISE = (
    r"\033]0;owned\007\033[2J\033[31mPASSED\033[0m\033]8;;http://x\007\b\b\b\r\302\233\342\200\256"
)

LARGEST = 16 * 2**20  # bytes of any file of a report
# No submission holds a grader for longer, beside two other labs on a slow computer. How long one of
# them takes on a quiet one is told by benchmarks/hostile.py.
BOUND_S = 900
EVIDENCE: dict[str, set[str]] = {}  # file of evidence -> what in it would steer a terminal


@dataclass(frozen=True)
class Graded:
    """What came of grading a submission."""

    code: int
    said: str  # both outputs
    result: dict[str, Any]
    out: Path

    @property
    def checks(self) -> dict[str, dict[str, Any]]:
        """Every check of the result, by its id."""
        return checks_of(self.result)

    @property
    def verdicts(self) -> dict[str, str]:
        """The verdict of each check."""
        return {name: one["verdict"] for name, one in self.checks.items()}


def checks_of(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every check of a result, by its id."""
    return {check["id"]: check for step in result["steps"] for check in step["checks"]}


Grade = Callable[..., Graded]


@pytest.fixture(scope="module")
def environment(cli: Cli) -> dict[str, str]:
    """The tests' own state folder, in English, and no name of a lab."""
    return {name: value for name, value in cli.environment.items() if name != "LABKIT_LAB"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a student's files lie, empty."""
    made = tmp_path / "student"
    made.mkdir()
    return made


def labs_on_engine() -> set[str]:
    """Labs of which a container, a volume or a network is left, of whoever grades just now."""
    found: set[str] = set()
    for kind in ("container ls -a", "volume ls", "network ls"):
        command = f"docker {kind} --filter label=io.labkit.lab".split()
        labels = [*command, "--format", '{{.Label "io.labkit.lab"}}']
        listed = subprocess.run(labels, capture_output=True, text=True, check=True)
        found.update(listed.stdout.split())
    return found


def labs_with_keys(environment: dict[str, str]) -> set[str]:
    """Labs of submissions in these tests' own state folder."""
    state = Path(environment["XDG_STATE_HOME"]) / "labkit"
    return {path.name for path in state.glob("sub-*")}


@pytest.fixture
def grade(environment: dict[str, str], tmp_path: Path) -> Iterator[Grade]:
    """`labkit grade --submission FOLDER --no-drills`, typed in that very folder."""
    before = labs_with_keys(environment)
    used: set[str] = set()

    def run(folder: Path, steps: str, *words: str) -> Graded:
        out = tmp_path / "report"
        files = _everything(folder)
        started = time.monotonic()
        done = subprocess.run(
            [LABKIT, "grade", "--submission", str(folder), "--no-drills", "-o", "json",
             "--report", str(out), "--steps", steps, *words],
            cwd=folder, env=environment, capture_output=True, timeout=BOUND_S,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        seconds = time.monotonic() - started
        said = (done.stdout + done.stderr).decode()
        used.update(LAB.findall(said))
        assert used, said[-3000:]
        assert "Traceback" not in said, said[-3000:]
        assert (out / "result.json").exists(), said[-3000:]
        result = json.loads((out / "result.json").read_text())
        graded = Graded(done.returncode, said, result, out)
        print(f"{seconds:.1f} s, exit {done.returncode}", said[-6000:])
        must_be_sound(graded)
        assert json.loads(done.stdout) == result, "what is printed is what is kept"
        assert _everything(folder) == files, "nothing was written beside what was submitted"
        return graded

    yield run
    assert not used & labs_on_engine(), "its machines are gone"
    assert labs_with_keys(environment) == before, "and their keys"


def _everything(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Each path below a folder, links not followed, with what would tell a change."""
    found = {}
    for path in sorted(folder.rglob("*")):
        kind = path.lstat()
        found[str(path)] = (kind.st_mode, kind.st_size, kind.st_mtime_ns)
    return found


def must_be_sound(graded: Graded) -> None:
    """What holds of every report, whatever was submitted."""
    Draft202012Validator(published()).validate(graded.result)
    assert not CONTROL.findall(graded.said), CONTROL.findall(graded.said)[:9]
    for path in graded.out.rglob("*"):
        if path.is_file():
            assert path.stat().st_size < LARGEST, path
            found = set(CONTROL.findall(path.read_bytes().decode("utf-8")))
            if path.parent.name == "evidence":
                EVIDENCE[f"{graded.out.parent.name}/{path.name}"] = found
            else:
                assert not found, (path, found)
    for text in _texts(graded.result):
        assert not CONTROL.search(text), ascii(text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def write(folder: Path, files: dict[str, str]) -> None:
    """Some files, by their paths."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def reference(name: str, *changes: tuple[str, str]) -> str:
    """A reference artefact with some words replaced, each of which must be there."""
    text = (REFERENCE / name).read_text()
    for old, new in changes:
        assert old in text, (name, old)
        text = text.replace(old, new, 1)
    return text


def whole(**changed: str) -> dict[str, str]:
    """All files of a stack that works, of which some are changed: `page` or `stack`."""
    return {
        "simple_api/Dockerfile": reference("simple_api/Dockerfile"),
        "website/index.php": changed.get("page", reference("website/index.php")),
        "docker-compose.yml": changed.get("stack", reference("docker-compose.yml")),
    }


# -- meant to do harm


def test_a_build_that_floods_and_files_that_imitate_the_graders(
    folder: Path, grade: Grade, tmp_path: Path
) -> None:
    """Gigabytes of output and a terminal's commands; every file that might be run or believed."""
    canary = tmp_path / "canary"
    harm = f"open({str(canary)!r}, 'a').write(__name__)\n"
    flood = f"yes \"$(printf '{NOISE}')\" | head -c 2000000000"
    run_by_others = ("conftest.py", "sitecustomize.py", "usercustomize.py", "pytest.py", "yaml.py",
                     "labkit/__init__.py", "checks/__init__.py", "checks/conftest.py",
                     "checks/test_02_dockerfile.py", "steps/__init__.py", "steps/s03_build.py",
                     "tests/conftest.py", "fabfile.py", ".git/hooks/post-checkout")  # fmt: skip
    options = f"addopts = -p sitecustomize --junitxml={canary}\n"
    write(
        folder,
        {
            "simple_api/Dockerfile": "FROM python:3.12-slim\n"
            f"RUN {flood}; printf '{NOISE} no such thing\\n' >&2; exit 7\n",
            "result.json": json.dumps({"schema": "labkit/result/v1", "score": 20.0}),
            "report.html": "<h1>20/20</h1>",
            **dict.fromkeys(run_by_others, harm),
            "pytest.ini": f"[pytest]\n{options}",
            "tox.ini": f"[pytest]\n{options}",
            "pyproject.toml": f'[tool.pytest.ini_options]\naddopts = "--junitxml={canary}"\n',
            ".env": "LABKIT_LANG=fr\nLABKIT_PROVIDER=nobody\nLABKIT_SUBNET=192.0.2.0/24\n",
            "fabric.yml": "connect_kwargs: {key_filename: /etc/shadow}\nuser: root\n",
        },
    )
    graded = grade(folder, "2-3")
    assert graded.code == 1
    assert graded.verdicts["dockerfile.present"] == "passed"
    assert graded.verdicts["dockerfile.builds"] == "failed"
    assert "exit code: 7" in graded.checks["dockerfile.builds"]["message"]
    assert graded.result["score"] == 0.5
    assert not canary.exists()


def test_a_folder_of_traps(folder: Path, grade: Grade) -> None:
    """Links out of it, names that are paths or commands, a pipe, a file of 3 GiB: all left out."""
    write(
        folder,
        {
            "simple_api/Dockerfile": reference("simple_api/Dockerfile"),
            "docker-compose.yml": "\0" * 2048,
            "..\\..\\x": "x",
            "title\033]0;owned\007\n$(reboot)": "x",
            "\u202etxt.cod": "x",
            "-rf": "x",
        },
    )
    (folder / "shadow").symlink_to("/etc/shadow")
    (folder / "up").symlink_to("..")
    (folder / "loop").symlink_to(".")
    (folder / "simple_api" / "student_age.py").symlink_to("/etc/hostname")
    os.mkfifo(folder / "haproxy.cfg")
    with (folder / "big.tar").open("wb") as file:
        file.truncate(3 * 2**30)
    graded = grade(folder, "2-3")
    assert graded.code == 0, "what is right was graded"
    assert set(graded.verdicts.values()) == {"passed"}
    left_out = {one["path"] for one in graded.result["submission"]["skipped"]}
    traps = {"shadow", "up", "loop", "simple_api/student_age.py", "haproxy.cfg", "big.tar"}
    assert traps < left_out
    assert len(left_out) == len(traps) + 3


def test_a_page_without_end_and_a_log_of_gigabytes(folder: Path, grade: Grade) -> None:
    """The button's answer never ends; the API prints as fast as it can, and terminals' commands."""
    endless = """<?php
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    echo "\\033]0;owned\\007\\033[2J alice 12 bob 13 ";
    while (true) { echo str_repeat("\\033[31mx\\202 ", 10000); flush(); }
}
?>
"""
    flood = "head -c 3000000000 /dev/zero | tr '\\\\0' '\\\\033'"
    command = f'    command: sh -c "{flood} & exec python -u student_age.py"\n'
    stack = reference("docker-compose.yml", ("  api:\n", f"  api:\n{command}"))
    write(folder, whole(page=endless + reference("website/index.php"), stack=stack))
    graded = grade(folder, "5-7")
    assert graded.code == 1
    assert graded.verdicts["deploy.running"] == "passed"
    assert graded.verdicts["verify.list"] in ("failed", "blocked")


def test_a_page_that_drips(folder: Path, grade: Grade) -> None:
    """A byte every second, of a gigabyte that is announced: nobody waits for that."""
    drips = """<?php
header('Content-Length: 1073741824');
while (true) { echo ' '; flush(); sleep(1); }
?>
"""
    write(folder, whole(page=drips + reference("website/index.php")))
    graded = grade(folder, "5")
    assert graded.code == 1
    assert graded.verdicts["deploy.running"] == "failed"
    assert "none within" in graded.checks["deploy.running"]["message"]


def test_an_api_that_is_a_fork_bomb(folder: Path, grade: Grade) -> None:
    """The machine has no process left for anybody, and is lost to the grader; the computer is not.

    This bomb rests when it can grow no more: another one only takes its machine's share of time.
    """
    bomb = "import os, time\\nwhile True:\\n try: os.fork()\\n except OSError: time.sleep(1000)\\n"
    command = f'    command: ["python", "-c", "{bomb}"]\n'
    stack = reference("docker-compose.yml", ("  api:\n", f"  api:\n{command}"))
    write(folder, whole(stack=stack))
    graded = grade(folder, "4-7")
    assert graded.code in (1, 3)
    assert graded.verdicts["deploy.running"] == "inconclusive"
    seen = graded.checks["verify.list"]  # a machine that was made anew has the reference's stack
    assert seen["verdict"] != "passed" or seen["carried_forward"]


def test_ports_of_the_machine_are_taken(folder: Path, grade: Grade) -> None:
    """22, 80 and 2375 of lb for a registry."""
    taken = "".join(f'      - "{port}:5000"\n' for port in (22, 2375, 80))
    changed = reference("docker-compose-registry.yml", ("    ports:\n", f"    ports:\n{taken}"))
    balancer = {
        name: reference(name) for name in ("haproxy/haproxy.cfg", "haproxy/rsyslog-haproxy.conf")
    }
    write(folder, {"docker-compose-registry.yml": changed, **balancer})
    graded = grade(folder, "8-11")
    assert graded.code == 1
    assert graded.verdicts["registry.answers"] == "failed"
    assert "address already in use" in " ".join(graded.result["submission"]["notes"])
    assert graded.verdicts["haproxy.runs"] == "passed", "lb can still be reached"


def test_commands_in_a_readme_that_take_the_machine(folder: Path, grade: Grade) -> None:
    """Not typed, and the report says so."""
    typed = "docker run -d --privileged -v /:/host -p 5000:5000 --name registry registry:2"
    write(folder, {"README.md": f"    {typed}\n"})
    graded = grade(folder, "8")
    assert graded.code == 1
    assert graded.verdicts["registry.answers"] == "failed"
    assert "is not started" in " ".join(graded.result["submission"]["notes"])


def test_evidence_holds_no_commands_for_a_terminal() -> None:
    """Of all reports before: `cat` on a file of evidence shows it, and does nothing else."""
    assert EVIDENCE, "there is evidence"
    assert not {name: found for name, found in EVIDENCE.items() if found}


# -- the proofs of an honest grade


def test_an_accepted_submission_has_full_marks_for_what_it_contains(grade: Grade) -> None:
    graded = grade(CORPUS / "accepted" / "compose-long-syntax", "4-5")
    assert set(graded.verdicts.values()) <= {"passed", "skipped"}
    assert graded.code in (0, 3)


def test_a_wrong_one_fails_the_intended_check_with_its_reason(grade: Grade) -> None:
    graded = grade(CORPUS / "wrong" / "dockerfile-from-misspelt", "2")
    assert graded.code == 1
    assert graded.verdicts["dockerfile.builds"] == "failed"
    assert "FORM" in graded.checks["dockerfile.builds"]["message"]


def test_a_base_image_that_nobody_has_is_inconclusive(folder: Path, grade: Grade) -> None:
    """Not the student's mistake: a range, and the image named."""
    dockerfile = reference("simple_api/Dockerfile", ("python:3.12-slim", "pypy:3.10-slim"))
    write(folder, {"simple_api/Dockerfile": dockerfile})
    graded = grade(folder, "2-3")
    assert graded.code == 3
    assert graded.verdicts["dockerfile.builds"] == "inconclusive"
    assert "pypy:3.10-slim" in graded.checks["dockerfile.builds"]["message"]
    assert graded.result["score"] is None
    assert graded.result["score_low"] < graded.result["score_high"]


def test_an_empty_folder_is_nothing_to_grade(folder: Path, environment: dict[str, str]) -> None:
    """Exit code 5, at once, and no machine is made."""
    done = subprocess.run([LABKIT, "grade", "--submission", str(folder)], env=environment,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 5
    assert "holds no file" in done.stderr
    assert "next" in done.stderr


@dataclass
class Running:
    """A run that is under way."""

    process: subprocess.Popen[str]
    out: Path
    lab: str


@pytest.fixture
def running(environment: dict[str, str], tmp_path: Path) -> Iterator[Running]:
    """A submission whose second check has begun."""
    before = labs_with_keys(environment)
    out = tmp_path / "report"
    process = subprocess.Popen(
        [LABKIT, "grade", "--submission", str(CORPUS / "accepted" / "compose-long-syntax"),
         "--no-drills", "--steps", "1-5", "--report", str(out)],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if "dockerfile.builds" in line:
            break
    (lab,) = labs_with_keys(environment) - before
    yield Running(process, out, lab)
    process.kill()
    process.communicate(timeout=240)
    if lab in labs_on_engine():
        subprocess.run([LABKIT, "--lab", lab, "destroy"], env=environment, check=True)
    assert lab not in labs_on_engine()


def test_kill_9_in_the_middle_leaves_a_valid_result(
    running: Running, environment: dict[str, str]
) -> None:
    """The result file says what was not evaluated; the lab that stays is named."""
    running.process.send_signal(signal.SIGKILL)
    running.process.wait(timeout=240)
    result = json.loads((running.out / "result.json").read_text())
    Draft202012Validator(published()).validate(result)
    assert result["complete"] is False
    assert result["score"] is None
    verdicts = {name: one["verdict"] for name, one in checks_of(result).items()}
    assert verdicts["machines.docker_web1"] == "passed"
    assert verdicts["deploy.running"] == "inconclusive"
    assert checks_of(result)["deploy.running"]["message"] == "not run yet"
    left = subprocess.run([LABKIT, "leftovers"], env=environment, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert running.lab in left.stdout


def test_ctrl_c_removes_the_lab(running: Running, environment: dict[str, str]) -> None:
    """Exit code 2, a valid result, and nothing left."""
    running.process.send_signal(signal.SIGINT)
    running.process.communicate(timeout=240)
    assert running.process.returncode == 2
    assert running.lab not in labs_on_engine() | labs_with_keys(environment)
    result = json.loads((running.out / "result.json").read_text())
    Draft202012Validator(published()).validate(result)
    assert result["complete"] is False
