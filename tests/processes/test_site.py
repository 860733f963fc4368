"""`labkit docs`: the page that is meant, a site built once, served to this computer alone."""

from __future__ import annotations

import http.client
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from labkit.course import PARTS, Course, load_course
from labkit.errors import LabkitError, NotReadyError, UsageError
from labkit.tutorial import site


@pytest.fixture(scope="module")
def course() -> Course:
    return load_course()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A course that is nothing but a tutorial of one page."""
    folder = tmp_path / "course"
    for name in ("docs", "course", "steps", "checks"):
        (folder / name).mkdir(parents=True)
    (folder / "docs" / "index.md").write_text("# Hello\n")
    (folder / "mkdocs.yml").write_text("site_name: small\n")
    return folder


@pytest.mark.parametrize(
    ("wanted", "page"),
    [("", ""), ("4", "04-compose"), ("d", "04-compose"), ("compose", "04-compose"),
     ("index", "06-index"), ("hardening", "hardening"), ("reference/checks", "reference/checks")],
)  # fmt: skip
def test_a_page_is_found(course: Course, wanted: str, page: str) -> None:
    assert site.page_of(course, "fr", wanted) == page


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [("hardning", "labkit docs hardening"), ("99", "labkit docs"), ("../../mkdocs", "labkit docs")],
)
def test_a_page_that_is_not_there_is_refused(course: Course, wanted: str, meant: str) -> None:
    with pytest.raises(UsageError) as caught:
        site.page_of(course, "en", wanted)
    assert caught.value.then.startswith(meant)


def test_a_course_without_a_tutorial_is_refused(course: Course, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no tutorial"):
        site.page_of(SimpleNamespace(root=tmp_path, step=course.step), "en", "")  # type: ignore[arg-type]


def test_the_language_without_a_folder_is_the_default(tmp_path: Path) -> None:
    for place in ("", "04-compose", "fr", "fr/04-compose"):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / place / "index.html").touch()
    assert site.address(tmp_path, "en", "") == ""
    assert site.address(tmp_path, "en", "04-compose") == "04-compose/"
    assert site.address(tmp_path, "fr", "") == "fr/"
    assert site.address(tmp_path, "fr", "04-compose") == "fr/04-compose/"


def test_a_site_is_built_once_and_anew_after_a_change(root: Path) -> None:
    said: list[str] = []
    folder = site.build(root, said.append)
    assert "Hello" in (folder / "index.html").read_text(encoding="utf-8")
    site.build(root, said.append)
    assert len(said) == 1
    (root / "docs" / "index.md").write_text("# Hello again\n")
    site.build(root, said.append)
    assert len(said) == 2
    assert "Hello again" in (folder / "index.html").read_text(encoding="utf-8")


def test_a_site_that_was_not_finished_is_built_anew(root: Path) -> None:
    (site.build(root, lambda _line: None) / site.STAMP).unlink()
    said: list[str] = []
    site.build(root, said.append)
    assert said


def test_what_cannot_be_built_says_why(root: Path) -> None:
    (root / "mkdocs.yml").write_text("site_name: small\ntheme: nosuch\n")
    with pytest.raises(LabkitError) as caught:
        site.build(root, lambda _line: None)
    assert caught.value.then == f"cd {root} && mkdocs build"


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "index.html").write_text("a page")
    (tmp_path / "secret").write_text("beside the site")
    with site.server(tmp_path / "a", 0) as server:
        assert server.server_address[0] == "127.0.0.1"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_pages_are_served_and_nothing_beside_them(listening: int) -> None:
    assert get(listening, "/") == (200, b"a page")
    assert get(listening, "/../secret")[0] == 404
    assert get(listening, "/%2e%2e/secret")[0] == 404


def test_a_port_that_is_taken_is_a_sentence(listening: int, tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match=f"port {listening} .* taken") as caught:
        site.server(tmp_path, listening)
    assert caught.value.then == "labkit docs --port 0"


def test_the_verb_serves_until_it_is_interrupted(root: Path, tmp_path: Path) -> None:
    """The whole verb, as a process: it prints the address, answers, and ends well."""
    for name in PARTS:
        shutil.copytree(load_course().root / name, root / name, dirs_exist_ok=True)
    (root / "docs" / "en").mkdir()
    (root / "docs" / "en" / "index.md").write_text("# Hello\n")
    environment = {
        "PATH": "", "HOME": str(tmp_path), "LABKIT_COURSE": str(root), "LABKIT_LANG": "en",
        "XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONPATH": ":".join(sys.path),
        "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-m", "labkit.cli.main", "docs", "--port", "0"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        url = process.stdout.readline().strip()
        port = int(url.rpartition(":")[2].strip("/").partition("/")[0])
        assert url == f"http://127.0.0.1:{port}/en/"
        assert get(port, "/en/")[0] == 200
        process.terminate()  # no matter how far it has come since
        _out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Ctrl-C ends it" in err
