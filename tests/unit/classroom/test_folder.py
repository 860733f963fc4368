"""A submission is read without trusting it: bounded, nothing followed, what is left out is said."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from labkit.classroom import Folder, folder, read_folder
from labkit.errors import NothingToGradeError, UsageError


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with one good file."""
    made = tmp_path / "alice"
    made.mkdir()
    (made / "docker-compose.yml").write_bytes(b"services:\r\n")
    return made


def why(read: Folder) -> dict[str, str]:
    return dict(read.skipped)


# -- what is read


def test_files_are_read_as_they_are_with_their_paths(place: Path) -> None:
    (place / "website").mkdir()
    (place / "website" / "index.php").write_bytes(b"<?php\xff\0")
    (place / "é ü (1).txt").write_text("")
    read = read_folder(place)
    assert read.name == "alice"
    assert read.files == {
        "docker-compose.yml": b"services:\r\n",
        "website/index.php": b"<?php\xff\0",
        "é ü (1).txt": b"",
    }
    assert list(read.files) == sorted(read.files)
    assert read.skipped == []


def test_the_folder_itself_may_be_a_link_or_have_dots(place: Path) -> None:
    """Whoever grades has named it."""
    (place.parent / "link").symlink_to(place)
    assert read_folder(place.parent / "link").files.keys() == {"docker-compose.yml"}
    assert read_folder(place / ".." / "alice").name == "alice"


@pytest.mark.parametrize(
    "name", [".git", ".vagrant", ".venv", "venv", "node_modules", "__pycache__"]
)
def test_what_tools_leave_is_passed_over_in_silence_at_any_depth(place: Path, name: str) -> None:
    for parent in (place, place / "website"):
        (parent / name / "deep").mkdir(parents=True)
        (parent / name / "deep" / "haproxy.cfg").write_text("x")
    (place / "website" / "index.php").write_text("x")
    read = read_folder(place)
    assert read.files.keys() == {"docker-compose.yml", "website/index.php"}
    assert read.skipped == []


def test_the_corpus_own_note_is_no_file_of_a_students(place: Path) -> None:
    (place / "expected.toml").write_text("why = ''")
    assert "expected.toml" not in read_folder(place).files


def test_hidden_files_are_files(place: Path) -> None:
    (place / ".env").write_text("A=1")
    assert read_folder(place).files[".env"] == b"A=1"


# -- what is left out


@pytest.mark.parametrize(
    "target",
    ["/etc/passwd", "../secret", "../alice/docker-compose.yml", "nowhere", ".", "/", "link"],
)
def test_links_are_not_followed_wherever_they_lead(place: Path, target: str) -> None:
    (place.parent / "secret").write_text("secret")
    (place / "link").symlink_to(target)
    read = read_folder(place)
    assert read.files.keys() == {"docker-compose.yml"}
    assert why(read) == {"link": "a symbolic link is not followed"}


def test_a_link_to_another_file_of_the_folder_is_a_copy_of_it(place: Path) -> None:
    """By its text alone: nothing is looked up, and a link to a link is none."""
    (place / "prod").mkdir()
    (place / "prod" / "compose.yml").write_text("prod")
    (place / "prod" / "up").symlink_to("../docker-compose.yml")
    (place / "compose.yml").symlink_to("./prod/../prod/compose.yml")
    (place / "now").symlink_to("prod")
    (place / "again").symlink_to("compose.yml")
    read = read_folder(place)
    here = (place / "docker-compose.yml").read_bytes()
    assert read.files == {
        "docker-compose.yml": here, "prod/compose.yml": b"prod", "prod/up": here,
        "compose.yml": b"prod", "now/compose.yml": b"prod",
    }  # fmt: skip
    assert why(read) == {"again": "a symbolic link is not followed"}


def test_links_to_a_large_folder_are_copies_up_to_the_limit() -> None:
    files = {f"big/{name}": b"x" * folder.LARGEST_FILE for name in range(4)}
    skipped = folder.copy_links(files, {"a": "big", "b": "big"})
    assert len(files) == 8
    assert [name for name, _why in skipped] == ["b"]


def test_pipes_and_sockets_are_neither_read_nor_waited_for(place: Path) -> None:
    os.mkfifo(place / "pipe")
    here = Path.cwd()
    with socket.socket(socket.AF_UNIX) as one:
        os.chdir(place)  # the path of a socket is short
        try:
            one.bind("socket")
        finally:
            os.chdir(here)
        read = read_folder(place)
    assert why(read) == dict.fromkeys(("pipe", "socket"), "it is not a regular file")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_devices_are_not_read(place: Path) -> None:
    try:
        os.mknod(place / "zero", 0o020666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("devices cannot be made here")
    assert why(read_folder(place)) == {"zero": "it is not a regular file"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"a\nb", r"a\nb"),
        (b"\x1b[31mred", r"\x1b[31mred"),
        (b"C:\\b", r"C:\\b"),
        (b"\\b", r"\\b"),
        (b"..\\..\\evil", r"..\\..\\evil"),
        (b"latin-\xe9", "latin-?"),
        ("right\u202eleft".encode(), r"right\u202eleft"),
        (b"tab\there", r"tab\there"),
    ],
)
def test_names_that_are_no_plain_text_are_left_out_and_shown_as_plain_text(
    place: Path, name: bytes, shown: str
) -> None:
    for at in (b"", b"sub/"):
        path = os.path.join(os.fsencode(place), at + name)  # noqa: PTH118
        Path(os.fsdecode(path)).parent.mkdir(exist_ok=True)
        Path(os.fsdecode(path)).write_text("x")
    read = read_folder(place)
    assert read.files.keys() == {"docker-compose.yml"}
    assert why(read) == dict.fromkeys((shown, f"sub/{shown}"), "its name is not plain text")


def test_folders_that_an_archive_of_windows_wrote_into_names_are_folders(place: Path) -> None:
    (place / "simple_api\\Dockerfile").write_text("FROM python")
    (place / "haproxy").mkdir()
    (place / "haproxy" / "haproxy.cfg").write_text("one")
    (place / "haproxy\\haproxy.cfg").write_text("another")
    read = read_folder(place)
    assert read.files["simple_api/Dockerfile"] == b"FROM python"
    assert read.files["haproxy/haproxy.cfg"] in (b"one", b"another")
    assert len(why(read)) == 1


def test_a_folder_whose_name_is_no_text_hides_nothing(place: Path) -> None:
    (place / "a\nb").mkdir()
    (place / "a\nb" / "file").write_text("x")
    assert list(why(read_folder(place))) == [r"a\nb/file"]


def test_a_long_name_is_cut_where_it_is_shown(place: Path) -> None:
    (place / ("\x01" * 200)).write_text("x")
    assert all(len(name) <= 200 for name in why(read_folder(place)))


def test_what_is_too_large_is_left_out_and_what_is_just_not_is_read(place: Path) -> None:
    (place / "large").write_bytes(b"x" * folder.LARGEST_FILE)
    with (place / "larger").open("wb") as file:
        file.truncate(folder.LARGEST_FILE + 1)
    read = read_folder(place)
    assert len(read.files["large"]) == folder.LARGEST_FILE
    assert why(read) == {"larger": f"it is too large ({folder.LARGEST_FILE + 1} bytes)"}


def test_all_together_have_a_limit_and_small_ones_still_fit(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "LARGEST_FOLDER", 30)
    for name in ("f1", "f2"):
        (place / name).write_bytes(b"x" * 15)
    (place / "f3").write_bytes(b"x")
    read = read_folder(place)
    assert read.files.keys() == {"docker-compose.yml", "f1", "f3"}
    assert why(read) == {"f2": "the folder is too large; this file is beyond its limit"}


def test_so_many_files_are_read_and_no_more(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MOST_FILES", 3)
    for number in range(5):
        (place / f"f{number}").write_text("x")
    read = read_folder(place)
    assert list(read.files) == ["docker-compose.yml", "f0", "f1"]
    assert list(why(read)) == ["f2", "f3", "f4"]


def test_looking_has_an_end_too(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MOST_FILES", 1)
    for number in range(10):
        (place / f"d{number}").mkdir()
        for name in "abcde":
            (place / f"d{number}" / name).write_text("x")
    read = read_folder(place)
    assert len(read.files) + len(read.skipped) < 30
    assert why(read)["."] == "the folder is too large; what comes later is not looked at"


def test_what_cannot_be_read_is_said(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "locked").write_text("x")
    honest = os.open

    def refusing(path: str | Path, *rest: int) -> int:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied")
        return honest(path, *rest)

    monkeypatch.setattr(os, "open", refusing)
    assert why(read_folder(place)) == {"locked": "it cannot be read"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root enters every folder")
def test_a_folder_that_cannot_be_entered_is_said(place: Path) -> None:
    (place / "locked").mkdir()
    (place / "locked").chmod(0)
    try:
        assert why(read_folder(place)) == {"locked": "Permission denied"}
    finally:
        (place / "locked").chmod(0o700)


def test_a_file_that_becomes_a_link_after_the_look_is_not_followed(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place.parent / "secret").write_text("secret")
    (place / "file").write_text("harmless")
    look = folder._unwanted

    def looked(path: Path, name: str, limit: int) -> str:
        found = look(path, name, limit)
        if name == "file":
            path.unlink()
            path.symlink_to("../secret")
        return found

    monkeypatch.setattr(folder, "_unwanted", looked)
    read = read_folder(place)
    assert "file" not in read.files
    assert why(read) == {"file": "it cannot be read"}


@pytest.mark.parametrize("when", ["after the walk", "after the look"])
def test_a_file_that_vanishes_is_said(
    place: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    (place / "file").write_text("harmless")
    look = folder._unwanted

    def looked(path: Path, name: str, limit: int) -> str:
        if name == "file" and when == "after the walk":
            path.unlink()
        found = look(path, name, limit)
        if name == "file":
            path.unlink()
        return found

    monkeypatch.setattr(folder, "_unwanted", looked)
    assert why(read_folder(place)) == {"file": "it cannot be read"}


def test_who_may_be_executed_is_remembered(place: Path) -> None:
    (place / "run").write_text("x")
    (place / "run").chmod(0o744)
    assert read_folder(place).executable == {"run"}


def test_a_file_that_becomes_a_pipe_after_the_look_is_not_waited_for(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "file").write_text("harmless")
    look = folder._unwanted

    def looked(path: Path, name: str, limit: int) -> str:
        found = look(path, name, limit)
        if name == "file":
            path.unlink()
            os.mkfifo(path)
        return found

    monkeypatch.setattr(folder, "_unwanted", looked)
    assert read_folder(place).files.get("file", b"") == b""


def test_a_file_that_grows_after_the_look_is_cut(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "LARGEST_FILE", 20)
    look = folder._unwanted

    def looked(path: Path, name: str, limit: int) -> str:
        found = look(path, name, limit)
        path.write_bytes(b"x" * 1000)
        return found

    monkeypatch.setattr(folder, "_unwanted", looked)
    assert len(read_folder(place).files["docker-compose.yml"]) == 20


# -- what is no submission


def test_what_is_no_folder_is_a_usage_error_that_says_what_to_do(place: Path) -> None:
    for path in (place / "docker-compose.yml", place / "nowhere"):
        with pytest.raises(UsageError, match="is not a folder") as caught:
            read_folder(path)
        assert ".zip" in caught.value.then


@pytest.mark.parametrize("names", [(), (".git/config",), ("expected.toml",), ("sub/",)])
def test_an_empty_folder_is_nothing_to_grade(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        if name.endswith("/"):
            (tmp_path / name).mkdir()
        else:
            (tmp_path / name).write_text("x")
    with pytest.raises(NothingToGradeError) as caught:
        read_folder(tmp_path)
    assert caught.value.where == ""


def test_a_folder_of_links_alone_is_nothing_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "haproxy.cfg").symlink_to("/etc/passwd")
    with pytest.raises(NothingToGradeError) as caught:
        read_folder(tmp_path)
    assert caught.value.where == "haproxy.cfg: a symbolic link is not followed"


def test_pictures_do_not_take_the_room_of_artefacts(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "LARGEST_FOLDER", 100)
    (place / "captures").mkdir()
    (place / "captures" / "one.png").write_bytes(b"x" * 95)
    assert list(read_folder(place).files) == ["docker-compose.yml"]


def test_what_macos_and_virtual_environments_leave_is_passed_over(place: Path) -> None:
    for name in (
        "__MACOSX/._a.yml",
        "._docker-compose.yml",
        ".DS_Store",
        "env/pyvenv.cfg",
        "env/x",
    ):
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text("x")
    read = read_folder(place)
    assert (list(read.files), read.skipped) == (["docker-compose.yml"], [])
