"""The proxies and the index of a computer, as a build is told of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from labkit.lab.mirror import building, debian
from labkit.lab.mirror.way_out import package_index, proxies

NAMES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "REQUEST_METHOD", "PIP_INDEX_URL")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


class Engine:
    """Notes with what it is asked to build."""

    def __init__(self) -> None:
        self.api = self
        self.told: dict[str, Any] = {}

    def build(self, **told: Any) -> Iterator[dict[str, str]]:
        self.told = told
        return iter(())


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy"])
def test_a_proxy_is_told_in_both_spellings_whichever_is_set(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "localhost")
    found = {"http_proxy": "http://proxy.example:3128", "no_proxy": "localhost"}
    assert proxies() == found | {key.upper(): value for key, value in found.items()}


def test_without_a_proxy_there_is_nothing_to_tell() -> None:
    assert proxies() == {}
    assert package_index() == {}


@pytest.mark.parametrize(("network", "told"), [("host", True), ("none", False)])
def test_only_a_build_that_fetches_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, network: Any, told: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    engine = Engine()
    building.build(
        cast("Any", engine), tmp_path, "x:1", args={"ROOT": "root"}, network=network
    )  # fmt: skip
    arguments = dict(engine.told["buildargs"])
    assert arguments.pop("ROOT") == "root"
    assert bool(arguments) is told
    assert arguments.get("https_proxy", "http://proxy.example:3128") == "http://proxy.example:3128"


def test_the_root_is_fetched_by_it_as_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """apt reads the lower case alone."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "mmdebstrap"
    program.write_text('#!/bin/sh\necho "$http_proxy" >"$(dirname "$0")/said"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    debian._bootstrap(tmp_path / "root.tar", debian.NEWEST)
    assert (tmp_path / "bin" / "said").read_text() == "http://proxy.example:3128\n"


@pytest.mark.parametrize(
    ("index", "told"),
    [("https://pypi.example/simple", True), ("https://user:word@pypi.example/simple", False)],
)
def test_an_index_with_a_password_stays_out_of_an_images_history(
    monkeypatch: pytest.MonkeyPatch, index: str, told: bool
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", index)
    assert package_index() == ({"PIP_INDEX_URL": index} if told else {})
