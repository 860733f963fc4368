"""The sequence of a drill, on loopback: a small site that can be broken, and a watcher of it."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.course.model import Aim, Drill, Limits, Load, PowerCut
from labkit.course.outcome import CannotTellError, NotMetError
from labkit.course.verdict import Verdict
from labkit.errors import LabkitError, NotReadyError, UsageError
from labkit.lab.model import Lab, Machine
from labkit.load import drill as drills
from labkit.load import watch
from labkit.load.clock import CLOCK
from labkit.load.drill import find_watcher, run_drill
from labkit.load.judging import record
from labkit.load.kept import kept_run
from labkit.load.record import DrillResult
from labkit.load.watch import Unwatched
from labkit.reporting import SILENT, DrillBegan, DrillEnded, DrillProgress, Event
from tests.fakes.told import Told

COURSE = Path(__file__).parents[2]


class Server(ThreadingHTTPServer):
    """With a queue as long as a busy computer needs: what does not fit waits for a second."""

    request_queue_size = 1024
    daemon_threads = True


class Site:
    """Two servers behind a balancer, in one object; also the shell that a watcher runs on."""

    name = "lb"

    def __init__(self) -> None:
        self.broken = False
        self.silent = False
        self.state = "UP"
        self.failed = 0
        self.turn = 0
        self.aimed: list[str] = []  # what became of the aims: "open", "closed"
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

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self) -> int:
        with self.lock:
            self.turn += 1
            late = self.silent and self.turn % 2
            if self.broken and self.state == "UP" and self.turn % 2:
                self.failed += 1
                return 503
        if late:
            time.sleep(1.0)
        return 200

    def start(self, command: str, *, stdin: str = "") -> SimpleNamespace:
        assert "python3" in command
        assert "show stat" in stdin
        over = threading.Event()

        def lines() -> Iterator[str]:
            while not over.is_set():
                counters = {"failed": self.failed, "served.web1": self.turn // 2}
                states = {"web1": self.state, "web2": "UP"}
                yield json.dumps({"t": time.monotonic(), "states": states, "counters": counters})
                over.wait(0.02)

        return SimpleNamespace(lines=lines, stop=over.set)

    def kill(self, shells: Any, *, heal_after: float) -> int:
        """web1 refuses at once, is DOWN half a second later, and heals by itself."""
        assert shells["lb"] is self
        self.broken = True
        threading.Timer(0.5, self._set, ("DOWN", True)).start()
        threading.Timer(heal_after, self._set, ("UP", False)).start()
        return 1

    @contextmanager
    def aim(self, shells: Any) -> Iterator[Aim]:
        """This site on its own port."""
        assert shells["lb"] is self
        self.aimed.append("open")
        try:
            yield Aim(port=self.server.server_port)
        finally:
            self.aimed.append("closed")

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
        step="failover",
        entry="lb",
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
        "reporter": SILENT,
    }  # fmt: skip
    aimed = one if one.aim else replace(one, aim=site.aim)
    return run_drill(aimed, lab(tmp_path), {"lb": site}, **(settings | more))


def test_a_drill_is_measured_judged_and_kept(site: Site, tmp_path: Path) -> None:
    told = Told()
    result = run(site, tmp_path, drill(site.kill), reporter=told)
    assert told.events[0] == DrillBegan("kill", "course")
    assert told.events[-1] == DrillEnded("kill", "passed")
    assert result.verdict is Verdict.PASSED, result.message
    assert (result.scheduled, result.seed, result.flaps) == (240, 5, 0)
    lost = (result.failed_get or 0) + (result.failed_post or 0)
    assert lost == site.failed
    assert lost == pytest.approx(25, abs=6)  # half of 100/s for 0.5 s
    assert result.detect_s == pytest.approx(0.5, abs=0.15)
    assert result.recover_s == pytest.approx(0.0, abs=0.15)
    assert result.bars == {"course": "passed", "hardened": "failed"}
    assert result.samples is not None
    assert result.samples.facts["restored"] is True
    assert [change[1:] for change in result.samples.changes] == [("web1", "DOWN"), ("web1", "UP")]
    phases = {one.phase for one in told.events if isinstance(one, DrillProgress)}
    assert phases >= {"steady", "baseline", "fault", "healed"}
    out = tmp_path / "out"
    assert (out / "drill-kill.jsonl").read_text().count('"request"') == 240
    assert json.loads((out / "drill-kill.json").read_text()) == result.to_json()
    assert (out / "drill-kill.watch.jsonl").stat().st_size > 0
    again = record(drill(site.kill), "course", kept_run(out, "drill-kill"), result.runs)
    assert again == result


def test_a_clock_that_is_set_back_does_not_move_the_fault_behind_the_load(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = time.time

    def set_back(event: Event) -> None:
        if isinstance(event, DrillProgress) and event.phase == "baseline":
            monkeypatch.setattr(time, "time", lambda: said() - 60.0)

    result = run(site, tmp_path, drill(site.kill), reporter=Told(look=set_back))
    assert result.verdict is Verdict.PASSED, result.message
    assert result.detect_s == pytest.approx(0.5, abs=0.15)
    assert (result.failed_get or 0) + (result.failed_post or 0) == site.failed > 0


def test_the_same_run_fails_a_bar_that_it_does_not_reach(site: Site, tmp_path: Path) -> None:
    result = run(site, tmp_path, drill(site.kill), bar="hardened")
    assert result.verdict is Verdict.FAILED
    assert "GET requests lost" in result.message
    assert (result.bar, result.bars) == ("hardened", {"course": "passed", "hardened": "failed"})
    assert result.runs == 1  # a failure is an answer: it is not repeated


def test_without_steady_state_nothing_is_sent(site: Site, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(drills, "STEADY_TIMEOUT_S", 0.3)
    site.state = "DOWN"
    result = run(site, tmp_path, drill(site.kill))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "web1 is DOWN" in result.message
    assert (site.turn, result.scheduled, result.samples) == (0, None, None)
    assert result.bars == {}
    assert site.aimed == ["open", "closed"]


def test_hostile_answers_before_the_fault_fail_at_once(site: Site, tmp_path: Path) -> None:
    site.broken = True
    one = replace(drill(lambda _shells, heal_after: int(heal_after * 0)), duration_s=0.8,
                  heal_after_s=0.1)  # fmt: skip
    result = run(site, tmp_path, one)
    assert (result.verdict, result.runs) == (Verdict.FAILED, 1)
    assert "requests lost before the fault: " in result.message


def test_silence_before_the_fault_is_repeated_and_then_inconclusive(
    site: Site, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(drills, "RUNS", 2)
    site.silent = True
    one = replace(drill(lambda _shells, heal_after: int(heal_after * 0)), duration_s=0.8,
                  heal_after_s=0.1, load=Load("website", rate=100, patience_s=0.2))  # fmt: skip
    result = run(site, tmp_path, one)
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
            course_root=COURSE, out=tmp_path, reporter=SILENT,
        )  # fmt: skip
    assert site.turn == 0


def test_an_unknown_bar_names_the_known_ones(site: Site, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="course, hardened"):
        run(site, tmp_path, drill(site.kill), bar="golden")


# -- where the load goes, and whether the service is whole


def short(fault: Callable[..., Any], **changes: Any) -> Drill:
    """A run of less than a second, in which nothing may be lost."""
    limits = {"course": Limits(lost=0), "hardened": Limits(lost_get=0)}
    times = {"fault_at_s": 0.2, "heal_after_s": 0.2, "duration_s": 0.6}
    return replace(drill(fault), **{**times, "limits": limits, **changes})


def nothing(_shells: Any, *, heal_after: float) -> int:
    """A fault that takes no server away."""
    return int(heal_after * 0)


def aimed(
    site: Site, unready: Callable[[], str] = lambda: "", **details: Any
) -> Callable[..., AbstractContextManager[Aim]]:
    """An aim at the site's port."""

    @contextmanager
    def aim(_shells: Any) -> Iterator[Aim]:
        yield Aim(port=site.server.server_port, unready=unready, **details)

    return aim


def test_without_an_aim_the_page_on_port_80_is_asked(
    site: Site, tmp_path: Path, monkeypatch: Any
) -> None:
    asked: list[str] = []

    def refuse(_load: Load, url: str, **_details: Any) -> None:
        asked.append(url)
        raise LabkitError("not really")

    monkeypatch.setattr(drills, "make_plan", refuse)
    monkeypatch.setattr(drills, "RUNS", 1)
    result = run_drill(
        short(nothing), lab(tmp_path), {"lb": site}, bar="course", course_root=COURSE,
        out=tmp_path, reporter=SILENT,
    )  # fmt: skip
    assert (asked, result.message) == (["http://127.0.0.1"], "not really")


def test_an_aim_that_is_not_found_makes_the_drill_inconclusive(
    site: Site, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(drills, "RUNS", 1)

    @contextmanager
    def nowhere(_shells: Any) -> Iterator[Aim]:
        raise CannotTellError("there is no website at lb to load")
        yield

    result = run(site, tmp_path, short(nothing, aim=nowhere))
    assert (result.verdict, result.bars) == (Verdict.INCONCLUSIVE, {})
    assert result.message == "there is no website at lb to load"
    assert site.turn == 0


def test_work_that_a_drill_cannot_be_carried_out_with_fails_it(site: Site, tmp_path: Path) -> None:
    """As an image that ends as soon as it is started: a failure, once, and nothing sent."""

    @contextmanager
    def ended(_shells: Any) -> Iterator[Aim]:
        raise NotMetError(expected="a container that runs", seen="it ended")
        yield

    result = run(site, tmp_path, short(nothing, aim=ended))
    assert (result.verdict, result.scheduled) == (Verdict.FAILED, None)
    assert "expected a container that runs; seen it ended" in result.message
    assert site.turn == 0


def test_a_service_that_is_not_whole_is_not_loaded(
    site: Site, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(drills, "STEADY_TIMEOUT_S", 0.3)
    result = run(site, tmp_path, short(nothing, aim=aimed(site, lambda: "its list is empty")))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "its list is empty" in result.message
    assert (site.turn, result.scheduled, result.bars) == (0, None, {})


def test_a_service_that_does_not_come_back_fails_at_every_bar(site: Site, tmp_path: Path) -> None:
    """However little was lost; and before the fault it was whole."""
    gone: list[str] = []

    def crash(_shells: Any, *, heal_after: float) -> int:
        gone.append("its list is empty")
        return int(heal_after * 0)

    aim = aimed(site, lambda: "".join(gone))
    result = run(site, tmp_path, short(crash, aim=aim, restore_s=0.2))
    assert (result.failed_get, result.failed_post) == (0, 0)
    assert result.verdict is Verdict.FAILED
    assert "still not healthy: its list is empty" in result.message
    assert result.bars == {"course": "failed", "hardened": "failed"}
    assert result.samples is not None
    assert result.samples.facts["restored"] is False


def test_an_outage_lasts_until_the_service_is_seen_to_be_whole(site: Site, tmp_path: Path) -> None:
    """No request of the load saw its end, for the load was over before."""
    answers = iter(["", *["it still fails"] * 5, ""])  # before the load, and after it
    asked: list[float] = []

    def unready() -> str:
        asked.append(CLOCK.now())
        return next(answers)

    def break_it(_shells: Any, **_when: float) -> None:
        site.answer = lambda: 503  # type: ignore[method-assign]

    limits = {"course": Limits(outage_s=9.0), "hardened": Limits(outage_s=0.5)}
    one = short(break_it, aim=aimed(site, unready), watched=False, limits=limits)
    result = run(site, tmp_path, one)
    assert result.bars == {"course": "passed", "hardened": "failed"}, result.message
    assert result.samples is not None
    start = json.loads((tmp_path / "out" / "drill-kill.jsonl").read_text().splitlines()[0])
    fault = start["at"] + (result.samples.fault_s or 0.0)
    outage = result.samples.facts["outage_s"]
    assert (start["kind"], len(asked)) == ("start", 7)
    rounded_s = 0.05
    assert asked[-2] - rounded_s < fault + outage < asked[-1] + rounded_s


def booting(*answers: str | None) -> Callable[[], str]:
    """Answers of a service, the last one for good; None: its machine cannot even be asked."""
    left = list(answers)

    def unready() -> str:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if answer is None:
            raise NotReadyError("web1 does not answer over SSH")
        return answer

    return unready


def test_a_machine_that_boots_cannot_be_asked_yet_and_is_waited_for(
    site: Site, tmp_path: Path
) -> None:
    unready = booting("", None, None, "its website answers with status 0", "")
    result = run(site, tmp_path, short(nothing, aim=aimed(site, unready)))
    assert result.verdict is Verdict.PASSED, result.message
    assert result.runs == 1


def test_a_machine_that_never_answers_again_is_no_fault_of_the_service(
    site: Site, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(drills, "RUNS", 1)
    one = short(nothing, aim=aimed(site, booting("", None)), restore_s=0.2)
    result = run(site, tmp_path, one)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.message == "web1 does not answer over SSH"


# -- an address that moves between machines


def held(site: Site, address: str) -> None:
    """The site's machine says that it holds this address, and no other."""

    def ask(command: str) -> SimpleNamespace:
        wanted = command.split()[-1]
        return SimpleNamespace(stdout=f"2: eth0 inet {address}/24" if wanted == address else "")

    site.ask = ask  # type: ignore[attr-defined]


def test_an_address_that_a_machine_of_the_lab_holds_is_loaded(site: Site, tmp_path: Path) -> None:
    held(site, "127.0.0.2")
    other = Server(("127.0.0.2", site.server.server_port), site.server.RequestHandlerClass)
    threading.Thread(target=other.serve_forever, args=(0.05,), daemon=True).start()
    site.server.shutdown()  # the machine's own address answers nobody
    site.server.server_close()
    try:
        result = run(site, tmp_path, short(nothing, aim=aimed(site, address="127.0.0.2")))
    finally:
        other.shutdown()
        other.server_close()
    assert result.verdict is Verdict.PASSED, result.message
    assert site.turn == 60


@pytest.mark.parametrize(
    ("address", "holds"),
    [("127.0.0.2", "127.0.0.3"), ("192.0.2.1", "192.0.2.1")],
    ids=["nobody's", "of another network"],
)
def test_an_address_of_anybody_else_is_not_loaded(
    site: Site, tmp_path: Path, address: str, holds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drills, "RUNS", 1)
    held(site, holds)
    result = run(site, tmp_path, short(nothing, aim=aimed(site, address=address)))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.message == f"no machine of this lab holds the address {address}"
    assert site.turn == 0


# -- where nobody watches


def test_without_a_watcher_a_drill_is_judged_by_its_visitors_alone(
    site: Site, tmp_path: Path
) -> None:
    def no_start(command: str, *, stdin: str = "") -> None:
        raise AssertionError(f"{command} was started ({len(stdin)})")

    site.start = no_start  # type: ignore[method-assign, assignment]
    told = Told(DrillProgress)
    limits = Limits(lost=60, detect_s=2.0, flaps=0, uneven=1)
    one = short(site.kill, watched=False, limits={"course": limits})
    result = run(site, tmp_path, one, reporter=told, watcher=tmp_path / "no watcher is needed")
    lost = (result.failed_get or 0) + (result.failed_post or 0)
    assert lost == site.failed > 0
    assert (result.detect_s, result.recover_s, result.flaps) == (None, None, None)
    held = {one.name: one.held for one in result.limits}
    assert held == {"lost": True, "detect_s": False, "flaps": None, "uneven": None, "early": True}
    assert result.samples is not None
    assert (result.samples.states, result.samples.changes) == ({}, ())
    assert [one for one in told.events if isinstance(one, DrillProgress) and one.states] == []
    assert told.events
    assert (tmp_path / "out" / "drill-kill.watch.jsonl").read_text() == ""


def test_nobody_who_watches_is_waited_for() -> None:
    with Unwatched() as nobody:
        assert nobody.wait_steady(60.0) == ""
        assert nobody.latest is None
        assert nobody.watched().readings == ()


# -- what a fault is given, and what is restored after it


def test_a_service_is_waited_for_then_broken_then_waited_for_and_restored_last(
    site: Site, tmp_path: Path
) -> None:
    answers = itertools.cycle(["starting", "starting", "", "starting again", ""])
    told: list[str] = []

    def unready() -> str:
        told.append(next(answers) or "whole")
        return "" if told[-1] == "whole" else told[-1]

    def fault(_shells: Any, *, heal_after: float) -> int:
        told.append(f"broken for {heal_after:g} s")
        return 0

    def restore(shells: Any) -> None:
        assert shells == {"lb": site}
        told.append("restored")

    result = run(site, tmp_path, short(fault, aim=aimed(site, unready), restore=restore))
    assert result.verdict is Verdict.PASSED, result.message
    assert result.scheduled == 60
    once = [
        "starting", "starting", "whole", "broken for 0.2 s", "starting again", "whole", "restored",
    ]  # fmt: skip
    # On a busy computer the generator may be late: no measurement then, and another run.
    assert (told, site.turn) in ((once, 60), (once * 2, 120))


def test_a_power_cut_is_made_by_the_lab_and_the_machine_logged_in_to_again(
    site: Site, tmp_path: Path, monkeypatch: Any
) -> None:
    """No fault on a machine can give its power back: the drill names the machine, no more."""
    told: list[str] = []

    class Switch:
        def __init__(self, lab: Any) -> None:
            assert lab.name == "test"

        def cut(self, machine: str, *, heal_after: float) -> None:
            told.append(f"{machine} off for {heal_after:g} s")

    monkeypatch.setattr(drills, "Power", Switch)
    monkeypatch.setattr(site, "renew_login", lambda: told.append("a new login"), raising=False)
    result = run(site, tmp_path, short(PowerCut("lb", servers=0)))
    assert result.verdict is Verdict.PASSED, result.message
    assert told == ["lb off for 0.2 s", "a new login"]


def test_what_a_fault_left_behind_is_mended_although_it_failed(
    site: Site, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(drills, "RUNS", 2)
    restored: list[Any] = []

    def refuse(_shells: Any, *, heal_after: float) -> None:
        raise NotReadyError(f"web1 does not answer ({heal_after:g})")

    result = run(site, tmp_path, short(refuse, restore=restored.append))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "web1 does not answer" in result.message
    assert restored == [{"lb": site}] * 2  # after each run
    assert site.aimed == ["open", "closed"] * 2


def test_what_the_course_finds_on_the_machines_reaches_the_load_and_its_judgement(
    site: Site, tmp_path: Path, monkeypatch: Any
) -> None:
    """The options of the aim, the ids of the POSTs carried out, the promise of the settings."""
    monkeypatch.setattr(drills, "RUNS", 1)
    asked: list[Any] = []

    def promise(shells: Any) -> float:
        asked.append(shells)
        return 0.2

    def executed(shells: Any, word: str) -> list[str]:
        asked.append(shells)
        return [f"{word}-{index}" for index in range(60)] + [f"{word}-7"]

    one = short(
        nothing, aim=aimed(site, options={"must_contain": "alice"}), promise=promise,
        executed=executed, limits={"course": Limits(lost=100)},
        load=Load("website", rate=100, post_share=1.0, patience_s=1.0),
    )  # fmt: skip
    listed = run(site, tmp_path, replace(one, aim=aimed(site)))
    assert (listed.failed_post, listed.duplicates, listed.ghosts) == (0, 1, 0)
    # 0.2 s are promised, and a second more is granted: half of 100/s for 1.2 s, and 5 %.
    assert [(limit.name, limit.limit) for limit in listed.limits] == [("lost", 63), ("early", 0)]
    assert listed.samples is not None
    assert listed.samples.facts["promised_detect_s"] == 0.2
    assert run(site, tmp_path, one).failed_post == 60  # the site's pages list nobody
    assert asked == [{"lb": site}] * 4


def test_a_course_has_one_watcher(tmp_path: Path) -> None:
    assert find_watcher(COURSE / "checks" / "load").name == "watch_haproxy.py"
    with pytest.raises(UsageError, match="found none"):
        find_watcher(tmp_path)
