"""The folder of a run as bytes, on its way from one computer to another."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path


def packed(folder: Path) -> bytes:
    """The files of a folder."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return whole.getvalue()


def unpack(files: bytes, folder: Path) -> None:
    """Files of `packed` in a folder; never beside it, as the library sees to."""
    with zipfile.ZipFile(io.BytesIO(files)) as archive:
        archive.extractall(folder)
