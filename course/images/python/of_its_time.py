"""Wheels of old releases, each asking for what it fitted together with.

Flask 1.1.2 asks for any Jinja2 from 2.10.1 on, and has not worked with one since 3.1. Whoever
pinned it years ago had a build that ran. The release stays what it was; only what it asks for is
bounded, and a build number puts it before the same release of an index.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

# Distribution, the first release that needs no bound, what the ones before it are bound to.
BOUNDS = (
    ("flask", (2, 0), ("jinja2<3.1", "itsdangerous<2.1", "werkzeug<2.1")),
    ("flask", (2, 3), ("werkzeug<3",)),
    ("flask_httpauth", (4, 2), ("werkzeug<2.1",)),
)
NAME = re.compile(r"(?P<name>.+?)-(?P<release>\d+(\.\d+)+)-[^-]+-[^-]+-[^-]+\.whl")


def bound(wheel: Path, out: Path) -> None:
    """Write the wheel with its bounds to `out`, if its release needs any."""
    named = NAME.fullmatch(wheel.name)
    if not named:
        return
    release = tuple(map(int, named["release"].split(".")))
    lines = [
        f"\nRequires-Dist: {one}"
        for name, first, bounds in BOUNDS
        if named["name"].lower().replace("-", "_") == name and release < first
        for one in bounds
    ]
    if not lines:
        return
    folder = out / "unpacked"
    run = [sys.executable, "-m", "wheel"]
    subprocess.run([*run, "unpack", "--dest", folder, wheel], check=True)
    (metadata,) = folder.glob("*/*.dist-info/METADATA")
    head, blank, rest = metadata.read_text(encoding="utf-8").partition("\n\n")
    metadata.write_text(head + "".join(lines) + blank + rest, encoding="utf-8")
    (unpacked,) = folder.iterdir()
    subprocess.run([*run, "pack", "--build-number", "1", "--dest-dir", out, unpacked], check=True)
    shutil.rmtree(folder)


given, wanted = map(Path, sys.argv[1:])
wanted.mkdir()
(wanted / "bounds.json").write_text(json.dumps(BOUNDS), encoding="utf-8")
for path in sorted(given.glob("*.whl")):
    bound(path, wanted)
