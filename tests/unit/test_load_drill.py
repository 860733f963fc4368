"""The sequence of a drill, on loopback: a small site that can be broken, and a watcher of it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.course.model import Drill, Limits, Load, Verdict
from labkit.errors import NotReadyError, UsageError
from labkit.lab.model import Lab, Machine
from labkit.load import drill as drills
from labkit.load import watch
from labkit.load.drill import Progress, find_watcher, run_drill
from labkit.load.record import DrillResult

COURSE = Path(__file__).parents[2]


class Site:
    """Two servers behind a balancer, in one object; also the shell that a watcher runs on."""

    name = "lb"

    def __init__(self) -> None:
        self.broken = False
        self.state = "UP"
        self.failed = 0
        self.turn = 0
        self.lock = threading.Lock()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status = site.answer()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self) -> int:
        with self.lock:
            self.turn += 1
            if self.broken and self.state == "UP" and self.turn % 2:
                self.failed += 1
                return 503
            return 200

    def start(self, command: str, *, stdin: str = "") -> SimpleNamespace:
        assert "python3" in command
        assert "show stat" in stdin
        over = threading.Event()

        def lines() -> Iterator[str]:
            while not over.is_set():
                counters = {"failed": self.failed, "served.web1": self.turn // 2}
                states = {"web1": self.state, "web2": "UP"}
                yield json.dumps({"t": time.time(), "states": states, "counters": counters})
                over.wait(0.02)

        return SimpleNamespace(lines=lines, stop=over.set)

    def kill(self, shells: Any, *, heal_after: float) -> int:
        """web1 refuses at once, is DOWN half a second later, and heals by itself."""
        assert shells["lb"] is self
        self.broken = True
        threading.Timer(0.5, self._set, ("DOWN", True)).start()
        threading.Timer(heal_after, self._set, ("UP", False)).start()
        return 1

    def _set(self, state: str, broken: bool) -> None:
        with self.lock:
            self.state, self.broken = state, broken


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "HOLD_S", 0.2)


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.server.shutdown()
    made.server.server_close()


def lab(tmp_path: Path, *, running: bool = True) -> Lab:
    machine = Machine("lb", "127.0.0.1", "nobody", tmp_path, tmp_path, running)
    return Lab("test", SimpleNamespace(machines=lambda: [machine]), tmp_path)  # type: ignore[arg-type]


def drill(fault: Callable[..., Any]) -> Drill:
    return Drill(
        name="kill",
        titles={"en": "kill"},
        load=Load("website", rate=100, patience_s=1.0),
        fault=fault,
        limits={"course": Limits(lost=60, detect_s=2.0, recover_s=1.0, flaps=0),
                "hardened": Limits(lost_get=0, lost_post=2)},
        fault_at_s=0.5,
        heal_after_s=1.2,
        duration_s=2.4,
    )  # fmt: skip


def run(site: Site, tmp_path: Path, one: Drill, **more: Any) -> DrillResult:
    settings: dict[str, Any] = {
        "bar": "course", "course_root": COURSE, "out": tmp_path / "out", "seed": 5,
        "say": lambda _: None, "port": site.server.server_port,
    }  # fmt: skip
    return run_drill(one, lab(tmp_path), {"lb": site}, **(settings | more))


def test_a_drill_is_measured_judged_and_kept(site: Site, tmp_path: Path) -> None:
    shown: list[Progress] = []
    result = run(site, tmp_path, drill(site.kill), live=shown.append)
    assert result.verdict is Verdict.PASSED, result.message
    assert (result.scheduled, result.seed, result.flaps) == (240, 5, 0)
    lost = (result.failed_get or 0) + (result.failed_post or 0)
    assert lost == site.failed
    assert lost == pytest.approx(25, abs=6)  # half of 100/s for 0.5 s
    assert result.detect_s == pytest.approx(0.5, abs=0.15)
    assert result.recover_s == pytest.approx(0.0, abs=0.15)
    assert result.samples is not None
    assert [change[1:] for change in result.samples.changes] == [("web1", "DOWN"), ("web1", "UP")]
    assert {one.phase for one in shown} >= {"steady", "baseline", "fault", "healed"}
    out = tmp_path / "out"
    assert (out / "drill-kill.jsonl").read_text().count('"request"') == 240
    assert json.loads((out / "drill-kill.json").read_text()) == result.to_json()
    assert (out / "drill-kill.watch.jsonl").stat().st_size > 0


def test_the_same_run_fails_a_bar_that_it_does_not_reach(site: Site, tmp_path: Path) -> None:
    result = run(site, tmp_path, drill(site.kill), bar="hardened")
    assert result.verdict is Verdict.FAILED
    assert "GET requests lost" in result.message
    assert result.runs == 1  # a failure is an answer: it is not repeated


def test_without_steady_state_nothing_is_sent(site: Site, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(drills, "STEADY_TIMEOUT_S", 0.3)
    site.state = "DOWN"
    result = run(site, tmp_path, drill(site.kill))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "web1 is DOWN" in result.message
    assert (site.turn, result.scheduled, result.samples) == (0, None, None)


def test_failures_before_the_fault_are_repeated_and_then_inconclusive(
    site: Site, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(drills, "RUNS", 2)
    site.broken = True
    said: list[str] = []
    one = replace(drill(lambda _shells, heal_after: int(heal_after * 0)), duration_s=0.8,
                  heal_after_s=0.1)  # fmt: skip
    result = run(site, tmp_path, one, say=said.append)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "before the fault" in result.message
    assert (result.runs, result.seed) == (2, 6)
    assert (tmp_path / "out" / "drill-kill.run1.jsonl").exists()
    assert (tmp_path / "out" / "drill-kill.jsonl").exists()


def test_a_fault_that_cannot_be_made_is_inconclusive(
    site: Site, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(drills, "RUNS", 1)

    def refuse(_shells: Any, *, heal_after: float) -> None:
        raise NotReadyError(f"web1 does not answer ({heal_after:g})")

    result = run(site, tmp_path, drill(refuse))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "web1 does not answer" in result.message


def test_without_a_running_machine_there_is_no_drill(site: Site, tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="lb is not running"):
        run_drill(
            drill(site.kill), lab(tmp_path, running=False), {"lb": site}, bar="course",
            course_root=COURSE, out=tmp_path, say=print,
        )  # fmt: skip
    assert site.turn == 0


def test_an_unknown_bar_names_the_known_ones(site: Site, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="course, hardened"):
        run(site, tmp_path, drill(site.kill), bar="golden")


def test_a_course_has_one_watcher(tmp_path: Path) -> None:
    assert find_watcher(COURSE / "checks" / "load").name == "watch_haproxy.py"
    with pytest.raises(UsageError, match="found none"):
        find_watcher(tmp_path)
