"""Work by hand that no checkpoint holds is not lost without a question."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import click
import pytest

from labkit.cli import session
from labkit.errors import UsageError
from labkit.lab import Lab, Provider, by_hand
from labkit.lab.model import Checkpoint

WORKED = datetime(2026, 1, 1, 12, tzinfo=UTC)


def lab_with(folder: Path, *made: datetime) -> Lab:
    """A lab with checkpoints of these times."""
    kept = [Checkpoint(f"step-{n}", when, automatic=True, bytes=0) for n, when in enumerate(made)]
    return Lab("a", cast("Provider", SimpleNamespace(checkpoints=lambda: kept)), folder)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A terminal, at which every question is answered with no; what was asked."""
    questions: list[str] = []

    def no(question: str, **_how: object) -> bool:
        questions.append(question)
        return False

    monkeypatch.setattr(session, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    monkeypatch.setattr(click, "confirm", no)
    return questions


def worked(lab: Lab) -> None:
    by_hand.note(lab)
    os.utime(lab.state / "by-hand", (WORKED.timestamp(), WORKED.timestamp()))


@pytest.mark.parametrize("made", [(), (WORKED - timedelta(hours=1),)])
def test_who_worked_since_the_last_checkpoint_is_asked(
    tmp_path: Path, asked: list[str], made: tuple[datetime, ...]
) -> None:
    lab = lab_with(tmp_path, *made)
    worked(lab)
    with pytest.raises(UsageError, match="nothing was changed"):
        session.may_be_lost(lab, yes=False)
    assert asked


@pytest.mark.parametrize(
    "what", ["nobody worked", "it is kept", "it is gone", "yes", "no terminal"]
)
def test_nobody_is_asked_for_nothing(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    lab = lab_with(tmp_path, *((WORKED + timedelta(seconds=1),) if what == "it is kept" else ()))
    if what != "nobody worked":
        worked(lab)
    if what == "it is gone":
        by_hand.gone(lab)
    if what == "no terminal":
        blind = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: False))
        monkeypatch.setattr(session, "sys", blind)
    session.may_be_lost(lab, yes=what == "yes")
    assert not asked
