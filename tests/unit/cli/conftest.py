"""The command line, typed within this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.cli import main as command_line
from tests.fakes.command_line import Outcome, Run


@pytest.fixture
def labkit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Type a command: `labkit("step", "3")`."""

    def run(*words: str | Path) -> Outcome:
        monkeypatch.setattr("sys.argv", ["labkit", *map(str, words)])
        with pytest.raises(SystemExit) as caught:
            command_line.main()
        captured = capsys.readouterr()
        assert isinstance(caught.value.code, int)
        return Outcome(caught.value.code, captured.out, captured.err)

    return run
