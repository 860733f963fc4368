"""The way to the machines: whose engine is meant, what is tried, what is remembered."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from pathlib import Path
from types import SimpleNamespace

import pytest

from labkit.errors import NotReadyError, UsageError
from labkit.lab import reach as reaching
from labkit.lab.containers import engine as engines
from labkit.lab.containers import network as networks
from labkit.lab.containers.endpoint import USUAL, endpoint
from labkit.lab.reach import Reach, is_own, reach


class Engine:
    """An engine that counts how often it was connected to."""

    def __init__(self, name: str = "one") -> None:
        self.name = name
        self.connected = 0
        self.left: list[str] = []

    def info(self) -> dict[str, str]:
        return {"ID": self.name}


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    for name in ("LABKIT_REACH", "LABKIT_CONTROLLER", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
    monkeypatch.setenv("LABKIT_LANG", "en")
    made = Engine()

    def connect() -> Engine:
        made.connected += 1
        return made

    def make_network(_engine: Engine, lab: str) -> IPv4Network:
        made.left.append(lab)
        return IPv4Network("10.77.9.0/24")

    def find_network(_engine: Engine, lab: str) -> SimpleNamespace:
        return SimpleNamespace(remove=lambda: made.left.remove(lab))

    monkeypatch.setattr(engines, "connect", connect)
    monkeypatch.setattr(networks, "make_network", make_network)
    monkeypatch.setattr(networks, "find_network", find_network)
    return made


@pytest.mark.parametrize(("here", "way"), [(True, "direct"), (False, "controller")])
def test_a_bridge_that_is_here_leads_directly(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, here: bool, way: str
) -> None:
    asked = []
    monkeypatch.setattr(reaching, "is_own", lambda address: asked.append(address) or here)
    assert reach().way == way
    assert asked == ["10.77.9.1"], "the bridge has the first address"
    assert engine.left == [], "the trial's network is gone"


def test_what_was_tried_is_known_until_another_engine_answers(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaching, "is_own", lambda _address: False)
    assert reach().way == "controller"
    monkeypatch.setattr(reaching, "is_own", lambda _address: True)
    assert reach().way == "controller"
    assert engine.connected == 1, "nobody is asked for what is known"
    assert reach(asking=True).way == "controller"
    engine.name = "another"
    assert reach(asking=True).way == "direct"


def test_the_trials_network_goes_even_if_looking_fails(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_address: str) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(reaching, "is_own", broken)
    with pytest.raises(KeyboardInterrupt):
        reach()
    assert engine.left == []


def test_an_engine_that_does_not_answer_is_not_remembered(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise NotReadyError("no engine")

    monkeypatch.setattr(engines, "connect", away)
    assert reach() == Reach("direct", "no engine")
    assert not reaching._note().exists()
    del engine


@pytest.mark.parametrize("text", ["", "{}", '{"way": "by air", "engine": "one"}', "[1]"])
def test_a_note_that_says_nothing_is_made_anew(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(reaching, "is_own", lambda _address: True)
    reaching._note().parent.mkdir(parents=True)
    reaching._note().write_text(text)
    assert reach().way == "direct"
    assert json.loads(reaching._note().read_text()) == {"way": "direct", "engine": engine.name}


def test_a_wish_is_obeyed_and_asks_nobody(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_REACH", "controller")
    assert reach(asking=True) == Reach("controller", "LABKIT_REACH says so")
    monkeypatch.setenv("LABKIT_REACH", "by air")
    with pytest.raises(UsageError, match="by air"):
        reach()
    assert engine.connected == 0


def test_a_controller_knows_that_it_is_one(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_CONTROLLER", "because")
    monkeypatch.setenv("LABKIT_REACH", "direct")
    assert reach(asking=True) == Reach("controller", "because")
    assert engine.connected == 0


def test_loopback_is_own_and_a_documentation_address_is_not() -> None:
    assert is_own("127.0.0.1")
    assert not is_own("192.0.2.77")


@pytest.mark.parametrize(
    ("variables", "context", "meant"),
    [
        ({}, "", USUAL),
        ({}, "default", USUAL),
        ({}, "desktop-linux", "desktop-linux"),
        ({"DOCKER_CONTEXT": "colima"}, "desktop-linux", "colima"),
        ({"DOCKER_CONTEXT": "colima", "DOCKER_HOST": "ssh://lab"}, "", "ssh://lab"),
        ({"DOCKER_CONTEXT": "default"}, "desktop-linux", USUAL),
    ],
)
def test_the_engine_is_the_one_that_dockers_own_programs_take(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    context: str,
    meant: str,
) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": context}))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert endpoint() == meant


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_a_configuration_that_cannot_be_read_names_no_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(text)
    assert endpoint() == USUAL
