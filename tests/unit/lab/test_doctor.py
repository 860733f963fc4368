"""What the doctor says of a limit of the kernel, and what it is for."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import MagicMock

import pytest

from labkit.lab import doctor
from labkit.lab.reach import Reach


@pytest.mark.parametrize(
    ("limit", "fit", "labs"), [("128", True, "4 labs"), ("27", True, "1 labs"), ("26", False, "0")]
)
def test_file_watchers_decide_how_many_labs_there_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, fit: bool, labs: str
) -> None:
    file = tmp_path / "max_user_instances"
    file.write_text(f"{limit}\n")
    monkeypatch.setattr(doctor, "INOTIFY", file)
    found = doctor._inotify(3)
    assert found.fit is fit
    assert labs in found.seen
    assert "sysctl" in found.fix


def test_a_kernel_without_the_limit_is_not_blamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "INOTIFY", tmp_path / "none")
    assert doctor._inotify(3).fit


def test_more_machines_are_fewer_labs_and_more_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "max_user_instances"
    file.write_text("128\n")
    monkeypatch.setattr(doctor, "INOTIFY", file)
    assert "3 labs" in doctor._inotify(4).seen
    assert "2 GiB" in doctor._memory(3).fix
    assert "11 GiB" in doctor._memory(16).fix


@pytest.mark.parametrize(
    ("driver", "fit", "seen"), [("none", False, "none: the engine is rootless"),
                                ("systemd", True, "version 2")],
)  # fmt: skip
def test_an_engine_without_control_groups_is_not_fit(
    monkeypatch: pytest.MonkeyPatch, driver: str, fit: bool, seen: str
) -> None:
    info = {"ServerVersion": "26.1.5", "CgroupDriver": driver, "CgroupVersion": "2"}
    monkeypatch.setattr(doctor, "connect", lambda: MagicMock(**{"info.return_value": info}))
    monkeypatch.setattr(doctor, "reach", lambda *, asking: Reach("controller", str(asking)))
    (found,) = (one for one in doctor.examine(3) if one.what == "control groups")
    assert (found.fit, found.seen) == (fit, seen)
