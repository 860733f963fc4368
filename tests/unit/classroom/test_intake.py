"""Archives and exports of a class: whatever is in them is read with bounds, or named, never run."""

from __future__ import annotations

import importlib.util
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from labkit.classroom import archive, folder, intake
from labkit.classroom.intake import Entry, read_class, read_submission
from labkit.classroom.roster import Person, matched, read_roster
from labkit.errors import LabkitError, NothingToGradeError, UsageError
from tests import ROOT

COMPOSE = b"services: {}\n"
TREE = {"docker-compose.yml": COMPOSE, "website/index.php": b"<?php"}
MOODLE = "{name}_{number}_assignsubmission_file_"


def zipped(files: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in files.items():
            out.writestr(name, data)
    return made.getvalue()


def tarred(files: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as out:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
    return made.getvalue()


def raw_name(data: bytes, old: bytes, new: bytes) -> bytes:
    """A name of the same length in other bytes, as no library of today writes it."""
    assert len(old) == len(new)
    return data.replace(old, new)


def lay(root: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def read(tmp_path: Path, data: bytes, name: str = "alice.zip") -> folder.Folder:
    path = tmp_path / name
    path.write_bytes(data)
    return read_submission(path)


# -- one archive


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_every_kind_of_tar_is_read(tmp_path: Path, mode: str) -> None:
    found = read(tmp_path, tarred(TREE, mode), "alice.tar" + mode[1:].replace(":", "."))
    assert (found.name, found.files, found.skipped) == ("alice", TREE, [])


def test_a_zip_is_read_without_what_desktops_leave(tmp_path: Path) -> None:
    litter = {"__MACOSX/._x": b"1", ".DS_Store": b"1", "website/._index.php": b"1", ".git/x": b"1"}
    found = read(tmp_path, zipped({**TREE, **litter}))
    assert (found.name, found.files, found.skipped) == ("alice", TREE, [])


def test_an_archive_in_an_archive_is_opened_once(tmp_path: Path) -> None:
    inner = zipped(TREE)
    assert read(tmp_path, zipped({"tp.zip": inner})).files == TREE
    twice = read(tmp_path, zipped({"a.zip": zipped({"b.zip": inner, "c": b"1"})}))
    assert twice.files == {"c": b"1"}
    assert "is not opened" in dict(twice.skipped)["b.zip"]


def test_an_archive_beside_a_report_is_opened(tmp_path: Path) -> None:
    inner = zipped({"docker-compose.yml": COMPOSE, "tp/x.bin": os.urandom(folder.LARGEST_FILE - 9)})
    assert len(inner) > folder.LARGEST_FILE
    pictures = {"rapport.pdf": b"%PDF", "TP/student-list.zip": inner, "old.rar": b"Rar!\x1a\x07"}
    found = read_submission(lay(tmp_path / "alice", pictures))
    assert set(found.files) == {"rapport.pdf", "TP/student-list/docker-compose.yml",
                                "TP/student-list/tp/x.bin"}  # fmt: skip
    assert found.name == "alice"
    assert "kind that cannot be read" in found.skipped[0][1]
    lay(tmp_path / "alice", {"large.bin": bytes(folder.LARGEST_FILE + 1)})
    again = read_submission(tmp_path / "alice")
    assert ("large.bin" in again.files, len(again.skipped)) == (False, 2)


def test_names_in_any_code_page_and_backslashes(tmp_path: Path) -> None:
    data = zipped({"prXnom/cle.txt": b"1", "d\\e.txt": b"2"})
    assert set(read(tmp_path, raw_name(data, b"prXnom", b"pr\x82nom")).files) == {
        "prénom/cle.txt", "d/e.txt",
    }  # fmt: skip
    assert "prénom/cle.txt" in read(tmp_path, raw_name(data, b"prXnom", b"pr\xe9nom")).files
    two = zipped({"prXXnom/cle.txt": b"1"})
    assert "prénom/cle.txt" in read(tmp_path, raw_name(two, b"XX", "é".encode())).files


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        *((name, pack) for name in ("../x", "a/../../x", "/etc/x", "C:/x")
          for pack in (zipped, tarred)),
        ("..\\x", zipped),
    ],
)  # fmt: skip
def test_a_path_that_leads_out_is_left_out_and_named(
    tmp_path: Path, name: str, pack: Callable[[Mapping[str, bytes]], bytes]
) -> None:
    before = sorted(tmp_path.parent.rglob("x"))
    found = read(tmp_path, pack({name: b"1", **TREE}))
    assert found.files == TREE
    assert [why for _path, why in found.skipped] == ["its path leads out of the folder"]
    assert sorted(tmp_path.parent.rglob("x")) == before


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE,
                                  tarfile.FIFOTYPE])  # fmt: skip
def test_links_and_devices_of_a_tar_are_left_out(tmp_path: Path, kind: bytes) -> None:
    made = io.BytesIO(tarred(TREE, "w"))
    with tarfile.open(fileobj=made, mode="a") as out:
        info = tarfile.TarInfo("secret")
        info.type, info.linkname = kind, "/etc/passwd"
        out.addfile(info)
    found = read(tmp_path, made.getvalue(), "a.tar")
    assert found.files == TREE
    assert list(dict(found.skipped)) == ["secret"]


def test_a_link_of_a_zip_is_left_out_and_a_program_stays_one(tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        for name, mode in (("link", stat.S_IFLNK | 0o777), ("run.sh", stat.S_IFREG | 0o755)):
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, mode << 16
            out.writestr(info, b"/etc/passwd")
    found = read(tmp_path, made.getvalue())
    assert (set(found.files), found.executable) == ({"run.sh"}, {"run.sh"})
    assert dict(found.skipped) == {"link": "a symbolic link is not followed"}


def test_a_link_within_an_archive_is_a_copy(tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        out.writestr("tp/prod/compose.yml", b"prod")
        info = zipfile.ZipInfo("tp/compose.yml")
        info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        out.writestr(info, b"prod/compose.yml")
    wanted = {"tp/prod/compose.yml": b"prod", "tp/compose.yml": b"prod"}
    assert read(tmp_path, made.getvalue()).files == wanted
    made = io.BytesIO(tarred({"tp/prod/compose.yml": b"prod"}, "w"))
    with tarfile.open(fileobj=made, mode="a") as tar:
        link = tarfile.TarInfo("tp/compose.yml")
        link.type, link.linkname = tarfile.SYMTYPE, "prod/compose.yml"
        tar.addfile(link)
    assert read(tmp_path, made.getvalue(), "a.tar").files == wanted


def test_an_encrypted_member_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    data = bytearray(zipped({"secret": b"1", **TREE}))
    data[6] |= 1  # the flag in the member's own header, and in the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    found = read(tmp_path, bytes(data))
    assert (found.files, dict(found.skipped)) == (TREE, {"secret": "it is encrypted"})


def test_a_damaged_member_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    data = bytearray(zipped({"bad": os.urandom(500), **TREE}))
    data[200] ^= 0xFF
    found = read(tmp_path, bytes(data))
    assert (found.files, dict(found.skipped)) == (TREE, {"bad": "it is damaged"})


def test_a_tar_that_is_cut_off_gives_what_came_before(tmp_path: Path) -> None:
    data = tarred({"a": b"1", "b": os.urandom(5000)}, "w")
    found = read(tmp_path, data[:2000], "a.tar")
    assert found.files == {"a": b"1"}
    assert "cannot be read to its end" in found.skipped[-1][1]


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04 no zip", b"\x1f\x8b no gzip",
                                  b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c"])  # fmt: skip
def test_what_is_no_archive_is_refused_with_a_reason(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(LabkitError) as caught:
        read(tmp_path, data)
    assert "alice.zip" in str(caught.value)


def test_bombs_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (archive, folder, intake):
        monkeypatch.setattr(module, "LARGEST_FILE", 1000, raising=False)
        monkeypatch.setattr(module, "LARGEST_FOLDER", 3000, raising=False)
    found = read(tmp_path, zipped({"bomb": bytes(10**6), "a": b"1"}))
    assert (found.files, list(dict(found.skipped))) == ({"a": b"1"}, ["bomb"])
    many = read(tmp_path, zipped({f"f{n}": bytes(900) for n in range(50)}))
    assert sum(map(len, many.files.values())) <= 3000
    assert "too large" in many.skipped[0][1]
    monkeypatch.setattr(archive, "LARGEST_STREAM", 10**5)
    found = read(tmp_path, tarred({"a": b"1", "bomb": bytes(10**6), "z": b"1"}), "a.tgz")
    assert set(found.files) == {"a"}
    lying = bytearray(zipped({"bomb": bytes(10**5), "a": b"1"}))
    at = lying.index(b"PK\x01\x02") + 24
    lying[at : at + 4] = (10).to_bytes(4, "little")  # the directory says ten bytes
    assert "bomb" not in read(tmp_path, bytes(lying)).files


# -- a class


def names(entries: list[Entry]) -> dict[str, list[str]]:
    return {one.name: sorted(one.folder.files) if one.folder else [one.why] for one in entries}


def both(tmp_path: Path, files: Mapping[str, bytes]) -> list[dict[str, list[str]]]:
    """What is found in a folder, and in an archive of it."""
    path = tmp_path / "class.zip"
    path.write_bytes(zipped(files))
    return [names(read_class(lay(tmp_path / "class", files))), names(read_class(path))]


def test_moodle_with_folders_archives_and_online_text(tmp_path: Path) -> None:
    ada, bob = MOODLE.format(name="Ada Lovelace", number=12), MOODLE.format(name="Bob", number=7)
    files = {f"{ada}/{name}": data for name, data in TREE.items()}
    files[f"{ada.replace('file', 'onlinetext')}/onlinetext.html"] = b"hello"
    files[f"{bob}/tp.zip"] = zipped(TREE)
    for found in both(tmp_path, files):
        assert found == {
            "Ada Lovelace": sorted([*TREE, "onlinetext.html"]),
            "Bob": sorted(TREE),
        }
    (first, second) = read_class(tmp_path / "class")
    assert (first.key, first.number, second.key) == ("ada-lovelace-12", "12", "bob-7")


def test_moodle_without_folders(tmp_path: Path) -> None:
    ada, bob = MOODLE.format(name="Ada", number=12), MOODLE.format(name="Bob", number=7)
    files = {
        f"{ada}docker-compose.yml": b"1",
        f"{ada}haproxy.cfg": b"2",
        f"{bob}a.zip": zipped(TREE),
    }
    for found in both(tmp_path, files):
        assert found == {"Ada": ["docker-compose.yml", "haproxy.cfg"], "Bob": sorted(TREE)}


def test_gradescope_and_classroom_stand_in_a_folder_of_their_own(tmp_path: Path) -> None:
    export = {"assignment_1_export/submission_metadata.yml": b"x"}
    for one in (4, 5):
        export |= {f"assignment_1_export/submission_{one}/{path}": b"1" for path in TREE}
    (tmp_path / "a").mkdir()
    path = tmp_path / "a" / "g.zip"
    path.write_bytes(zipped(export))
    assert names(read_class(path)) == {f"submission_{one}": sorted(TREE) for one in (4, 5)}
    clones = {f"tp-submissions/tp-{who}/{path}": b"1" for who in ("ada", "bob") for path in TREE}
    clones["tp-submissions/tp-ada/.git/config"] = b"x"
    for found in both(tmp_path, clones):
        assert found == {"tp-ada": sorted(TREE), "tp-bob": sorted(TREE)}


def test_one_broken_entry_is_named_and_stops_nobody(tmp_path: Path) -> None:
    files = {"ada.zip": b"PK broken", "bob.rar": b"Rar!....", "eve/x.txt": b"1"}
    for found in both(tmp_path, files):
        assert found["eve"] == ["x.txt"]
        assert "cannot be read" in found["ada"][0]
        assert "cannot be read" in found["bob"][0]


def test_the_digest_is_of_the_files_however_they_are_packed(tmp_path: Path) -> None:
    lay(tmp_path / "a" / "ada", TREE)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "ada.tar.gz").write_bytes(tarred(TREE))
    (one,), (other,) = read_class(tmp_path / "a"), read_class(tmp_path / "b")
    assert one.digest == other.digest
    lay(tmp_path / "a" / "ada", {"website/index.php": b"<?"})
    assert read_class(tmp_path / "a")[0].digest != one.digest


def test_two_of_one_name_are_two_entries(tmp_path: Path) -> None:
    lay(tmp_path, {"José/a": b"1", "Jose/a": b"2", "李/a": b"3"})
    keys = [one.key for one in read_class(tmp_path)]
    assert len(set(keys)) == 3
    assert all(key.isascii() and "/" not in key for key in keys)


def test_nothing_to_grade_and_nothing_there_are_said(tmp_path: Path) -> None:
    with pytest.raises(NothingToGradeError):
        read_class(tmp_path)
    with pytest.raises(UsageError, match="there is no"):
        read_class(tmp_path / "none")


# -- the list of the class


def roster(tmp_path: Path, data: bytes) -> list[Person]:
    (tmp_path / "roster.csv").write_bytes(data)
    return read_roster(tmp_path / "roster.csv")


ADA = Person("Ada Lovelace", "12", "ada@example.org", "A", "", excused=False)


@pytest.mark.parametrize(
    "data",
    [
        b"name,number,email,group,late,excused\nAda Lovelace,12,ada@example.org,A,,no\n",
        "\ufeffNom complet;Numéro;Courriel;Groupe;Retard;Dispensé\r\n"
        "Ada Lovelace;12;ada@example.org;A;non;\r\n".encode(),
        "Prénom;Nom;Numéro d’identification;Adresse de courriel;Groupe\n"
        "Ada;Lovelace;12;ada@example.org;A\n".encode("cp1252"),
        "First name\tLast name\tID number\tEmail address\tGroup\n"
        "Ada\tLovelace\t12\tada@example.org\tA\n".encode("utf-16"),
    ],
)
def test_a_list_is_read_as_spreadsheets_write_it(tmp_path: Path, data: bytes) -> None:
    assert roster(tmp_path, data) == [ADA]


def test_a_list_that_cannot_be_used_says_the_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no column for names"):
        roster(tmp_path, b"a,b\n1,2\n")
    with pytest.raises(UsageError, match=r"roster\.csv:3"):
        roster(tmp_path, b"name,number\nAda,1\n,2\n")
    with pytest.raises(UsageError, match="is empty"):
        roster(tmp_path, b"")


def test_entries_are_matched_and_who_handed_in_nothing_is_told() -> None:
    bob, eve = Person("Bob B", email="bob1@x.org"), Person("Ève", excused=True)
    entries = [Entry("a", "LOVELACE Ada"), Entry("b", "tp-bob1"), Entry("c", "stranger")]
    found, absent = matched([ADA, bob, eve], entries)
    assert found == {"a": ADA, "b": bob}
    assert absent == [eve]
    twins = [Person("Al", "1"), Person("Al", "2")]
    assert matched(twins, [Entry("al", "Al")]) == ({}, twins)


def test_the_class_that_is_kept_for_trying_is_read_and_is_what_its_script_builds() -> None:
    place = ROOT / "tests" / "class"
    spec = importlib.util.spec_from_file_location("build", place / "build.py")
    assert spec
    assert spec.loader
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    kept, built = place / "moodle.zip", io.BytesIO(build.moodle())
    with zipfile.ZipFile(kept) as one, zipfile.ZipFile(built) as other:
        assert {name: one.read(name) for name in one.namelist()} == {
            name: other.read(name) for name in other.namelist()
        }
    entries = read_class(kept)
    assert {one.name: one.folder is not None for one in entries} == {
        "Ada Lovelace": True,
        "Alan Turing": False,
        "Edsger Dijkstra": True,
        "Grace Hopper": True,
        "Zoé Lefèvre": True,
    }
    found, absent = matched(read_roster(place / "roster.csv"), entries)
    assert len(found) == 5
    assert [(one.name, one.excused) for one in absent] == [
        ("Barbara Liskov", False),
        ("Donald Knuth", True),
    ]
