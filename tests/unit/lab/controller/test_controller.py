"""What goes along to a controller, what comes back, what a command is told."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace
from typing import Any, cast

import pytest

from labkit.errors import UsageError
from labkit.lab.controller import files
from labkit.lab.controller.files import collected, packed, there, unpacked
from labkit.lab.controller.image import _needs
from labkit.lab.controller.run import USUAL_SOCKET, _container, _zone, environment


def archive(members: Mapping[str, bytes]) -> io.BytesIO:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    made.seek(0)
    return made


def test_a_drive_becomes_a_folder() -> None:
    assert there(PureWindowsPath(r"C:\Users\ana\tp")) == "/c/Users/ana/tp"
    assert there(Path("/home/ana/tp")) == "/home/ana/tp"


def test_links_stay_links_on_the_way_in(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "secret").symlink_to("/etc/shadow")
    (tmp_path / "in" / "file").write_text("text")
    file = io.BytesIO()
    packed([tmp_path / "in", tmp_path / "missing"], file)
    file.seek(0)
    with tarfile.open(fileobj=file) as tar:
        members = {Path(member.name).name: member for member in tar}
    assert members["secret"].issym()
    assert members["file"].isfile()


def test_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST", 3)
    (tmp_path / "file").write_text("four")
    with pytest.raises(UsageError, match="MiB"):
        packed([tmp_path], io.BytesIO())


def test_what_was_written_comes_back_and_nothing_older_or_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "labkit"
    report = state / "default" / "reports" / "one"
    report.mkdir(parents=True)
    (state / "default" / "id_ed25519").write_text("PRIVATE")
    page = tmp_path / "page.md"
    for path in (report / "old", report / "new", page):
        path.write_text("text")
    since = (report / "old").stat().st_ctime
    monkeypatch.setattr(files, "OUT", str(tmp_path / "out.tar"))
    collected(since + 3600, state, [str(page)])
    with tarfile.open(tmp_path / "out.tar") as tar:
        assert tar.getnames() == []
    collected(since, state, [str(page)])
    with tarfile.open(tmp_path / "out.tar") as tar:
        assert {Path(name).name for name in tar.getnames()} == {"old", "new", "page.md"}


def test_nothing_is_written_beside_what_was_asked_for(tmp_path: Path) -> None:
    state, out = tmp_path / "labkit", tmp_path / "out"
    inner = str(tmp_path).lstrip("/")
    members = {
        f"{inner}/labkit/lab/reports/one/result.json": b"result",
        f"{inner}/out/report.html": b"report",
        f"{inner}/.bashrc": b"evil",
        f"{inner}/labkit/../.profile": b"evil",
        "etc/passwd": b"evil",
    }
    unpacked(archive(members), state, [out])
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    assert written == {"labkit/lab/reports/one/result.json", "out/report.html"}
    assert (out / "report.html").read_bytes() == b"report"


def test_a_command_is_told_of_the_terminal_and_not_of_the_course(tmp_path: Path) -> None:
    ours = {
        "LANG": "fr_FR.UTF-8", "LABKIT_SUBNET": "10.88.0.0/24", "LABKIT_COURSE": "/mine",
        "LABKIT_REACH": "controller", "SECRET": "x", "LC_ALL": "C", "NO_COLOR": "1",
    }  # fmt: skip
    told = environment(ours, "why", tmp_path / "labkit", [tmp_path / "out"], terminal=False)
    assert {"LANG", "LABKIT_SUBNET", "LC_ALL", "NO_COLOR", "COLUMNS"} <= set(told)
    assert not {"LABKIT_COURSE", "LABKIT_REACH", "SECRET"} & set(told)
    assert told["XDG_STATE_HOME"] == str(tmp_path)
    assert told["LABKIT_OUTPUTS"] == f'["{tmp_path}/out"]'
    assert "COLUMNS" not in environment(ours, "why", tmp_path, [], terminal=True)


@pytest.mark.parametrize(
    ("offset", "zone"), [("+0200", "<+0200>-02:00"), ("-0430", "<-0430>+04:30")]
)
def test_the_time_zone_is_told_as_posix_writes_it(
    monkeypatch: pytest.MonkeyPatch, offset: str, zone: str
) -> None:
    monkeypatch.setattr("time.strftime", lambda _form: offset)
    assert _zone() == zone


def test_the_controllers_libraries_are_those_that_are_installed_here() -> None:
    wanted, versions = _needs()
    names = {line.split("==")[0] for line in versions.splitlines()}
    assert {"click", "docker", "fabric", "locust"} <= names
    assert "labkit" not in names
    assert "fabric" in wanted
    assert "extra ==" not in wanted


@pytest.mark.parametrize(
    ("options", "processes", "socket"),
    [
        (["name=seccomp,profile=default"], "host", USUAL_SOCKET),
        (["name=rootless"], None, "/run/user/1001/docker.sock"),
    ],
)
def test_a_rootless_engine_is_asked_for_nothing_of_its_computer(
    monkeypatch: pytest.MonkeyPatch, options: list[str], processes: str | None, socket: str
) -> None:
    """It may not give the computer's processes, and its socket is its user's."""
    made: dict[str, Any] = {}

    def create(*_words: object, **told: object) -> SimpleNamespace:
        made.update(told)
        return SimpleNamespace(remove=lambda **_how: None)

    said = {"SecurityOptions": options}
    engine = SimpleNamespace(info=lambda: said, containers=SimpleNamespace(create=create))
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/user/1001/docker.sock")
    with _container(cast("Any", engine), "an image", [], why="", outputs=[], terminal=False):
        assert made["pid_mode"] == processes
        assert socket in made["volumes"]
