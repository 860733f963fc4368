"""What is right in the corpus, and the references, are not refused as harmful."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from labkit.classroom import read_folder
from labkit.facts import rsyslog
from labkit.facts.compose.folders import mount_folders
from labkit.facts.compose.harmless import asked_for
from labkit.facts.haproxy import harmless
from steps.recognition import recognise
from tests import ROOT

REFERENCE = ROOT / "steps" / "reference"
HOME = "/srv/student-list"
RIGHT = sorted(
    path
    for kind in ("accepted", "partial")
    for path in (ROOT / "tests" / "submissions" / kind).iterdir()
    if path.is_dir()
)


class _Loader(yaml.SafeLoader):
    """Compose's own tags (!override, !reset) say nothing here."""


_Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


def normal(text: bytes) -> dict[str, Any]:
    """A compose file about as Compose writes it; what it takes from others is left out."""
    document = yaml.load(text, _Loader) or {}
    for raw in document.get("services", {}).values():
        raw.pop("extends", None)
        raw["volumes"] = [mount(one) for one in raw.get("volumes") or []]
    document.pop("include", None)
    mount_folders(document)
    return {key: value for key, value in document.items() if not key.startswith("x-")}


def mount(given: Any) -> dict[str, Any]:
    if isinstance(given, dict):
        return given
    source, _colon, rest = given.replace("${PWD}", HOME).partition(":")
    target, _colon, modes = rest.partition(":")
    kind = "bind" if source[:1] in "./" else "volume"
    return {"type": kind, "source": source, "target": target, "read_only": "ro" in modes}


def compose_files() -> Iterator[Path]:
    for folder in RIGHT:
        for path in sorted(folder.rglob("*.y*ml")):
            if "compose" in path.name.lower():
                yield path
    yield from sorted(REFERENCE.glob("docker-compose*.yml"))


@pytest.mark.parametrize(
    "path", list(compose_files()), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_hostile_is_no_compose_file_of_a_right_answer(path: Path) -> None:
    try:
        document = normal(path.read_bytes())
    except yaml.YAMLError:
        pytest.skip("cannot be read")
    assert asked_for(document, HOME if "mise en" not in str(path) else f"{HOME}/x") == []


@pytest.mark.parametrize("folder", RIGHT, ids=lambda path: path.name)
def test_hostile_is_no_balancer_of_a_right_answer(folder: Path) -> None:
    submission = recognise(read_folder(folder).files, REFERENCE)
    for artefact, refused in (
        ("haproxy/haproxy.cfg", harmless.refused),
        ("haproxy/rsyslog-haproxy.conf", rsyslog.refused),
    ):
        source = submission.sources.get(artefact)
        assert not source or refused(submission.files[source].decode()) == []


@pytest.mark.parametrize("path", sorted((REFERENCE / "haproxy").iterdir()), ids=lambda p: p.name)
def test_hostile_is_no_reference(path: Path) -> None:
    read = harmless.refused if path.suffix == ".cfg" else rsyslog.refused
    assert list(read(path.read_text())) == []
