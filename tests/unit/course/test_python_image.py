"""What the lab's image of Python does to pip: wheels of their time, unless pins say otherwise."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

from tests import ROOT

IMAGE = ROOT / "course" / "images" / "python"
BOUNDED = "/usr/share/labkit/wheels-of-their-time"
PLAIN = "/usr/share/labkit/wheels"


def links_after(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    """Where pip looks for wheels, once it has begun with these words."""
    table = re.search(r"^BOUNDS = (\(.*?^\))$", (IMAGE / "of_its_time.py").read_text(), re.M | re.S)
    assert table
    scope: dict[str, object] = {}
    exec(f"bounds = {table[1]}", scope)
    (folder / "bounds.json").write_text(json.dumps(scope["bounds"]))
    monkeypatch.setenv("PIP_FIND_LINKS", f"{PLAIN} {folder}")
    monkeypatch.setattr(sys, "argv", ["pip", *words])
    exec((IMAGE / "as_pinned.py").read_text().replace(BOUNDED, str(folder)), {})
    return os.environ["PIP_FIND_LINKS"].replace(str(folder), BOUNDED).split()


@pytest.mark.parametrize(
    "pins",
    ["Flask==1.1.2 Werkzeug==2.3.8", "flask==2.2.2 werkzeug==3.0.1", "Flask==1.1.2 Jinja2==3.1.2",
     "flask_httpauth==4.1.0 Werkzeug[watchdog] == 2.1.0", "Flask==1.0 itsdangerous==2.1.2"],
)  # fmt: skip
@pytest.mark.parametrize("in_a_file", [True, False])
def test_pins_that_never_fitted_are_installed_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pins: str, in_a_file: bool
) -> None:
    words = pins.replace(" == ", "==").split()
    if in_a_file:
        (tmp_path / "r.txt").write_text("# x\n" + "\n".join(words))
        words = ["-r", str(tmp_path / "r.txt")]
    assert links_after(tmp_path, monkeypatch, "install", *words) == [PLAIN]


@pytest.mark.parametrize(
    "words",
    ["install flask==1.1.2 flask_httpauth==4.1.0", "install Flask==1.1.2 Werkzeug==1.0.1",
     "install flask==2.2.2 werkzeug==2.2.3", "install flask==3.0.3 werkzeug==3.0.6",
     "install -r gone.txt", "install werkzeug==2.3.8", "download flask==1.1.2 werkzeug==2.3.8"],
)  # fmt: skip
def test_others_get_what_fitted_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    assert links_after(tmp_path, monkeypatch, *words.split()) == [PLAIN, BOUNDED]
