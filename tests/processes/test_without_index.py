"""What a stand-in's pip does before it asks anybody: is there an index, and by which way?"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "course/images/python/without_index.py"
SAY = '\nimport json, os; print(json.dumps({k: v for k, v in os.environ.items() if "PIP_" in k}))\n'


@pytest.fixture
def there() -> Iterator[str]:
    """An address where somebody answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def nowhere() -> str:
    """An address where nobody does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def chosen(folder: Path, conf: str, **variables: str) -> dict[str, str]:
    """The variables of pip that stand after it, with this pip.conf."""
    (folder / "pip.conf").write_text(conf)
    text = SCRIPT.read_text().replace("/etc/pip.conf", str(folder / "pip.conf")) + SAY
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    done = subprocess.run(
        [sys.executable, "-c", text], env=bare | variables, capture_output=True, check=True
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_the_proxy_of_the_maker_is_used_while_it_answers(tmp_path: Path, there: str) -> None:
    conf = f"[global]\nindex-url = http://index.invalid/\n[labkit]\nproxy = {there}\n"
    assert chosen(tmp_path, conf) == {"PIP_PROXY": there}


def test_elsewhere_the_index_is_asked_directly(tmp_path: Path, there: str, nowhere: str) -> None:
    conf = f"[global]\nindex-url = {there}/simple\n[labkit]\nproxy = {nowhere}\n"
    assert chosen(tmp_path, conf) == {}


def test_where_nothing_answers_pip_does_without(tmp_path: Path, nowhere: str) -> None:
    conf = f"[global]\nindex-url = {nowhere}/simple\n[labkit]\nproxy = {nowhere}\n"
    assert chosen(tmp_path, conf) == {"PIP_NO_INDEX": "1"}


def test_what_a_learner_says_counts_more(tmp_path: Path, there: str, nowhere: str) -> None:
    conf = f"[global]\nindex-url = {there}\n"
    assert chosen(tmp_path, conf, PIP_INDEX_URL=nowhere) == {
        "PIP_INDEX_URL": nowhere, "PIP_NO_INDEX": "1"
    }  # fmt: skip
    ours = f"{conf}[labkit]\nproxy = {there}\n"
    assert chosen(tmp_path, ours, PIP_PROXY="http://own") == {"PIP_PROXY": "http://own"}
