"""Builds moodle.zip, a small "download all submissions", of the corpus: tests/class/build.py

The same bytes each time: times are fixed and names sorted. What goes wrong in real exports is in
it: an archive in the archive, a nested top folder, desktop litter, one that is broken.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
SUBMISSIONS = HERE.parent / "submissions"
WHEN = (2026, 1, 15, 18, 0, 0)


def files(entry: str) -> dict[str, bytes]:
    """A submission of the corpus, without the corpus' own note."""
    root = SUBMISSIONS / entry
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.name != "expected.toml"
    }


def zipped(content: dict[str, bytes]) -> bytes:
    """A ZIP with fixed times."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in sorted(content.items()):
            info = zipfile.ZipInfo(name, WHEN)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return made.getvalue()


def moodle() -> bytes:
    """Five students, as Moodle packs them."""
    ada = {f"tp/{path}": data for path, data in files("accepted/whole-flat-folder").items()}
    ada |= {"__MACOSX/._tp": b"x", "tp/.DS_Store": b"x"}
    content = {"Ada Lovelace_1001_assignsubmission_file_/tp.zip": zipped(ada)}
    for student, entry in (
        ("Grace Hopper_1002", "partial/whole-project-with-slips"),
        ("Zoé Lefèvre_1003", "partial/dockerfile-bare"),
    ):
        for path, data in files(entry).items():
            content[f"{student}_assignsubmission_file_/{path}"] = data
    content["Alan Turing_1004_assignsubmission_file_/rendu.zip"] = b"PK\x03\x04 cut off"
    content["Edsger Dijkstra_1005_assignsubmission_file_/holiday.txt"] = b"not this practical\n"
    return zipped(content)


if __name__ == "__main__":
    (HERE / "moodle.zip").write_bytes(moodle())
