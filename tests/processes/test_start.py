"""Commands that only say something start at once: what they may import, not how long it takes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What is slow to import, and what a command that asks no machine has no use for.
HEAVY = (
    "_pytest", "babel", "bs4", "cryptography", "docker", "fabric", "gevent", "invoke", "jinja2",
    "locust", "mkdocs", "paramiko", "pytest", "requests", "urllib3", "vagrant", "yaml",
)  # fmt: skip
PEEK = """
import sys
sys.argv[0] = "labkit"
from labkit.cli.main import main
try:
    main()
finally:
    names = sorted({name.partition(".")[0] for name in sys.modules})
    print(*names, file=open(MODULES, "w"))
"""


def imported(folder: Path, *words: str) -> tuple[set[str], str]:
    """The top-level modules that a command has imported when it ends, and what it printed."""
    modules = folder / "modules"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LABKIT_")},
        "XDG_STATE_HOME": str(folder), "XDG_CACHE_HOME": str(folder), "LABKIT_LANG": "en",
        # Nobody's engine: a plain refusal would be answered by Docker's own library, in words.
        "DOCKER_HOST": f"unix://{folder}/engine.sock",
        # And it makes no networks: which way leads to its machines is said, as it else is known.
        "LABKIT_REACH": "direct",
    }  # fmt: skip
    code = PEEK.replace("MODULES", repr(str(modules)))
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return set(modules.read_text().split()), done.stdout + done.stderr


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Path]:
    """A folder with an engine's socket, which knows of no container."""
    script = (
        "import socket,sys\n"
        "listener = socket.socket(socket.AF_UNIX); listener.bind(sys.argv[1]); listener.listen()\n"
        "print('up', flush=True)\n"
        "while True:\n"
        "    asked, _address = listener.accept()\n"
        "    asked.recv(65536); asked.sendall(b'HTTP/1.0 200 OK\\r\\n\\r\\n[]'); asked.close()\n"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "engine.sock")], stdout=subprocess.PIPE
    )
    assert server.stdout is not None
    server.stdout.readline()
    yield tmp_path
    server.kill()
    server.wait()
    server.stdout.close()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--help",), "leftovers"),
        (("explain", "3"), "build.image"),
        (("explain", "failover.ready"), "failover.ready"),
        (("--lab", "nobodys", "status"), "nobodys"),
        (("--lab", "nobodys", "hint", "3"), "nobodys"),
        (("--lang", "fr", "explain", "3"), "build.image"),
    ],
    ids=["help", "explain", "explain a check", "status", "hint", "French"],
)
def test_nothing_slow_is_imported(engine: Path, words: tuple[str, ...], says: str) -> None:
    imported(engine, *words)  # what is kept in the cache is made
    modules, text = imported(engine, *words)
    assert says in text
    assert not modules.intersection(HEAVY)


def test_the_command_line_alone_imports_click_and_rich_and_nothing_else(tmp_path: Path) -> None:
    modules, _text = imported(tmp_path, "--help")
    foreign = {name for name in modules - sys.stdlib_module_names if not name.startswith("_")}
    assert foreign <= {"click", "rich", "labkit", "cython_runtime", "sitecustomize"}


@pytest.mark.parametrize(
    ("typed", "completed"),
    [("labkit st", {"status", "step"}), ("labkit --la", {"--lab", "--lang"}),
     ("labkit class re", {"regrade", "report"}), ("labkit grade --ev", {"--evidence"})],
)  # fmt: skip
def test_a_shell_can_complete_what_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, completed: set[str]
) -> None:
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split()) - 1))
    monkeypatch.setenv("_LABKIT_COMPLETE", "bash_complete")
    _modules, said = imported(tmp_path)
    assert {line.removeprefix("plain,") for line in said.split()} == completed


def test_no_course_is_imported_to_explain_it(engine: Path) -> None:
    first, _text = imported(engine, "explain", "3")
    again, _text = imported(engine, "explain", "3")
    assert {"course", "subject", "steps", "checks"} <= first
    assert not again & {"course", "subject", "steps", "checks"}


HIDE = """
import importlib
import tests.without_posix
from labkit.cli.main import VERBS
for verb in VERBS:
    importlib.import_module(f"labkit.cli.v_{verb}")
    print(verb)
import labkit.lab.vagrant.provider, labkit.cli.relay
import labkit.lab.controller.image, labkit.lab.controller.run
"""


def test_every_verb_can_be_imported_where_there_is_no_posix(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HIDE], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "grade" in done.stdout
