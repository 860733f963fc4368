"""Which verbs go to a controller, and what goes along."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

from labkit.cli import relay
from labkit.cli.main import labkit
from labkit.errors import NotReadyError, UsageError
from labkit.lab.reach import Reach


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Calls of a controller, which is never made."""
    calls: list[tuple[Any, ...]] = []
    monkeypatch.delenv("LABKIT_CONTROLLER", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "labkit.lab.reach.reach", lambda *, asking: Reach("controller", f"asked {asking}")
    )

    def run(_engine: object, _image: str, words: Sequence[str], **more: Any) -> int:
        calls.append((list(words), more))
        return 7

    engine = SimpleNamespace(info=lambda: {"CgroupDriver": "systemd"})
    monkeypatch.setattr("labkit.lab.containers.engine.connect", lambda: engine)
    monkeypatch.setattr(
        "labkit.lab.controller.image.ensure_controller_image", lambda *_all: "image"
    )
    monkeypatch.setattr("labkit.lab.controller.run.run", run)
    return calls


@pytest.mark.parametrize(
    "words",
    ["init x", "docs", "explain 3", "open lb", "leftovers", "class watch x", "evidence verify x"],
)
def test_what_needs_no_machine_stays_here(away: list[Any], words: str) -> None:
    assert relay.relayed(labkit, words.split()) is None
    assert away == []


@pytest.mark.parametrize("option", ["--for-class", "--from", "--verify"])
def test_a_bundle_stays_here_and_the_mirror_is_filled_there(away: list[Any], option: str) -> None:
    """The bundle brings the controller's own image, and is larger than what goes along."""
    assert relay.relayed(labkit, ["bundle", option, "stick"]) is None
    assert away == []
    assert relay.relayed(labkit, ["bundle", "--list"]) == 7


def test_a_verb_goes_with_its_words_its_lab_and_its_exit_code(away: list[Any]) -> None:
    assert relay.relayed(labkit, ["--lab", "tp", "exec", "web1", "--", "ls", "-l"]) == 7
    words, more = away[0]
    assert words == ["--lab", "tp", "exec", "web1", "--", "ls", "-l"]
    assert more["reads_input"]
    assert more["why"] == "asked False"


def test_up_asks_the_engine_whether_it_is_the_known_one(away: list[Any]) -> None:
    relay.relayed(labkit, ["up"])
    assert away[0][1]["why"] == "asked True"


def test_nothing_goes_where_no_machine_starts(
    away: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said before a controller is made, which takes minutes the first time."""
    engine = SimpleNamespace(info=lambda: {"CgroupDriver": "none"})
    monkeypatch.setattr("labkit.lab.containers.engine.connect", lambda: engine)
    with pytest.raises(NotReadyError, match="no machine starts on it"):
        relay.relayed(labkit, ["up"])
    assert away == []


def test_the_workspace_and_the_files_of_options_go_along(away: list[Any], tmp_path: Path) -> None:
    (tmp_path / "simple_api").mkdir()
    relay.relayed(labkit, ["grade", "--submission", "theirs.zip", "--report", "out"])
    words, more = away[0]
    assert words[:4] == ["--lab", "default", "--workspace", str(tmp_path)]
    assert more["inputs"] == [tmp_path, tmp_path / "out", tmp_path / "theirs.zip"]
    assert more["outputs"] == [tmp_path / "out"]


def test_a_private_key_never_goes(away: list[Any]) -> None:
    with pytest.raises(UsageError, match="key"):
        relay.relayed(labkit, ["grade", "--evidence", "marks.json"])
    assert away == []


def test_mistakes_and_help_are_answered_here(away: list[Any]) -> None:
    with pytest.raises(click.UsageError):
        relay.relayed(labkit, ["grade", "--no-such-option"])
    with pytest.raises(click.exceptions.Exit):
        relay.relayed(labkit, ["grade", "--help"])
    assert away == []


def test_virtual_machines_are_reached_from_here(away: list[Any], tmp_path: Path) -> None:
    assert relay.relayed(labkit, ["up", "--provider", "vagrant"]) is None
    (tmp_path / "labkit/vm/vagrant/.vagrant/machines/web1/libvirt").mkdir(parents=True)
    (tmp_path / "labkit/vm/vagrant/.vagrant/machines/web1/libvirt/id").touch()
    assert relay.relayed(labkit, ["--lab", "vm", "status"]) is None
    assert away == []


def test_a_controller_does_the_work_itself(
    away: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_CONTROLLER", "why")
    assert relay.relayed(labkit, ["status"]) is None
    assert away == []
