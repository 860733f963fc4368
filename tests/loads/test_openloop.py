"""The generator against servers of our own on loopback: what stock Locust gets wrong is right."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest

from checks.load.words import UNTOLD
from labkit.course.model import Load
from labkit.errors import LabkitError, UsageError
from labkit.lab.model import Machine
from labkit.load.availability import MAX_LATENESS_S
from labkit.load.plan import LoadPlan
from labkit.load.rows import End, Line, Row, Start, encode
from labkit.load.run import START_TIMEOUT_S, Generator, LoadRun, make_plan, run_against
from labkit.load.visitor import browser
from tests.fakes.loaded import SCENARIOS, Site


def run(
    site_url: str,
    out: Path,
    *,
    seconds: float,
    options: dict[str, str] | None = None,
    rate: float = 100.0,
    patience: float = 1.0,
    workers: int = 1,
    name: str = "load",
) -> LoadRun:
    load = Load("website", rate=rate, patience_s=patience, workers=workers)
    return run_against(
        site_url, load, duration_s=seconds, scenario_dir=SCENARIOS, out=out, seed=7,
        options=options or {"must_contain": "alice"}, name=name,
    )  # fmt: skip


def stopped_plan(url: str, out: Path) -> LoadPlan:
    """A plan of 1000 requests that nobody carries out."""
    return make_plan(
        Load("website"), url, duration_s=10, out=out, seed=1, options={}, name="plan"
    )  # fmt: skip


def two_workers(url: str, out: Path, name: str) -> Generator:
    """20 s of load by two workers, to be entered."""
    plan = make_plan(
        Load("website", workers=2), url, duration_s=20, out=out, seed=1, options={}, name=name
    )  # fmt: skip
    return Generator(plan, SCENARIOS / "website.py", out / f"{name}.log")


def living(session: int) -> list[int]:
    """The processes of a session, without those that have ended and wait to be reaped."""
    said = subprocess.run(
        ["ps", "-o", "pid=,stat=", "--sid", str(session)], capture_output=True, text=True
    )
    lines = (line.split() for line in said.stdout.splitlines())
    return [int(pid) for pid, state in lines if not state.startswith("Z")]


def gone(session: int) -> bool:
    """Do all processes of a session end within a second? (SIGKILL takes a moment.)"""
    deadline = time.monotonic() + 1.0
    while living(session) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not living(session)


def test_500_requests_per_second_are_all_sent_and_counted_exactly(tmp_path: Path) -> None:
    """How late they start is for `benchmarks/load.py` to say, on a computer left alone."""
    with Site() as site:
        done = run(site.url, tmp_path, seconds=2.0, rate=500.0)
    assert done.complete
    assert (len(done.rows), len(site.requests), done.unsent) == (1000, 1000, 0)
    assert all(row.ok and row.server == "web1" for row in done.rows)
    late = max(row.started - row.scheduled for row in done.rows)
    assert done.worst_lateness_s == pytest.approx(late, abs=0.01)


def test_a_hung_half_is_a_lost_half(tmp_path: Path) -> None:
    """Stock Locust reports 0 % here: its users end up waiting and stop sending."""
    with Site(every_second="hangs") as site:
        done = run(site.url, tmp_path, seconds=1.0)
    assert len(site.requests) == 100
    failed = [row for row in done.rows if not row.ok]
    assert len(failed) == 50
    assert {row.error for row in failed} == {"timeout"}
    assert all(row.ended - row.started == pytest.approx(1.0, abs=0.3) for row in failed)
    assert done.worst_lateness_s < MAX_LATENESS_S


def test_a_connection_closed_without_an_answer_is_lost_and_not_sent_again(tmp_path: Path) -> None:
    """geventhttpclient, and so Locust's FastHttpUser, would repeat these GETs silently."""
    with Site(every_second="closes") as site:
        done = run(site.url, tmp_path, seconds=0.5)
    assert len(site.requests) == 50
    assert [row.error for row in done.rows if not row.ok] == ["closed without an answer"] * 25


def test_refused_connections_are_lost_at_once(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound, not listening: refuses, and nobody else can have it
        done = run(f"http://127.0.0.1:{free.getsockname()[1]}", tmp_path, seconds=0.5)
    assert {row.error for row in done.rows} == {"refused"}
    assert len(done.rows) == 50


def test_a_hostile_page_loses_no_row(tmp_path: Path) -> None:
    """An address that no request can have as it is, an answer that is long and slow to read."""
    options = {"action": "/?x=€ \n", "form": "€=\ud800", "must_contain": "alice"}
    with Site(body=b"<style " * 150_000) as site:
        done = run(site.url, tmp_path, seconds=0.5, options=options, rate=40, patience=5)
    assert len(done.rows) == 20
    assert {row.error for row in done.rows if row.method == "POST"} == {UNTOLD}
    assert {row.error for row in done.rows if row.method == "GET"} == {""}
    assert max(row.bytes for row in done.rows) < 500_000
    assert any(b"POST /?x=%E2%82%AC%20%0A&labkit_post=" in one for one in site.requests)


def test_a_hostile_answer_loses_no_row_whatever_breaks(tmp_path: Path) -> None:
    """Of a scenario that fails at a request, at an answer, and at who gave it: each has a row."""
    scenario = tmp_path / "course" / "checks" / "load" / "website.py"
    scenario.parent.mkdir(parents=True)
    scenario.write_text(BREAKS)
    load = Load("website", rate=40.0, patience_s=2.0)
    with Site() as site:
        done = run_against(site.url, load, duration_s=0.5, scenario_dir=scenario.parent,
                           out=tmp_path, seed=7)  # fmt: skip
    assert len(done.rows) == done.plan.count
    assert {(row.method, row.error) for row in done.rows} == {
        ("GET", "an answer that cannot be read"), ("POST", "generator: KeyError"),
    }  # fmt: skip


BREAKS = """
from labkit.load.openloop import OpenLoopUser

class Breaks(OpenLoopUser):
    def post(self, post_id):
        raise KeyError(post_id)

    def server(self, answer):
        raise RecursionError
"""


def test_who_asks_is_a_browser_and_another_in_each_run(tmp_path: Path) -> None:
    names = {browser(f"run {number}") for number in range(50)}
    assert len(names) > 10
    with Site() as site:
        done = run(site.url, tmp_path, seconds=0.2, rate=20)
    assert all(f"User-Agent: {browser(done.plan.run)}\r".encode() in one for one in site.requests)
    assert not any("labkit" in name.lower() for name in names)


def test_every_post_of_the_plan_reaches_the_server_once_with_its_id(tmp_path: Path) -> None:
    with Site() as site:
        done = run(site.url, tmp_path, seconds=0.5)
    planned = [arrival.post_id for arrival in done.plan.arrivals() if arrival.post_id]
    assert planned
    for post_id in planned:
        assert sum(b"X-Labkit-Post: %s\r" % post_id.encode() in one for one in site.requests) == 1


def test_the_mix_follows_the_seed_and_ids_differ_between_runs(tmp_path: Path) -> None:
    first = stopped_plan("http://127.0.0.1", tmp_path)
    again = replace(first, run="another")
    other = replace(first, seed=2)
    mixes = [[arrival.method for arrival in plan.arrivals()] for plan in (first, again, other)]
    assert mixes[0] == mixes[1] != mixes[2]
    assert 0.05 < mixes[0].count("POST") / len(mixes[0]) < 0.15
    ids = [arrival.post_id for plan in (first, again) for arrival in plan.arrivals()]
    assert len(set(filter(None, ids))) == 2 * mixes[0].count("POST")


def test_a_page_without_the_list_is_lost_only_where_a_list_was_asked_for(tmp_path: Path) -> None:
    with Site(body=b"<h1>Student list</h1>") as site:
        done = run(site.url, tmp_path, seconds=0.5)
    assert all(row.ok for row in done.rows if row.method == "GET")
    errors = {row.error for row in done.rows if row.method == "POST"}
    assert errors == {UNTOLD}


def test_a_page_that_shows_a_php_error_is_lost(tmp_path: Path) -> None:
    with Site(body=b"<b>Warning</b>:  file_get_contents(): failed") as site:
        done = run(site.url, tmp_path, seconds=0.2, options={"path": "/"})
    assert {row.error for row in done.rows} == {"a PHP error in the page"}


@pytest.mark.parametrize("url", ["http://192.0.2.1", "http://example.org", "http://localhost"])
def test_nothing_but_loopback_is_loaded_without_a_proven_machine(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="will not be loaded"):
        run(url, tmp_path, seconds=0.5)


def test_a_proven_machine_opens_its_own_address_only(tmp_path: Path) -> None:
    machine = Machine("lb", "192.0.2.7", "vagrant", tmp_path, tmp_path, running=True)
    plan = stopped_plan("http://192.0.2.8", tmp_path)
    with pytest.raises(UsageError, match="will not be loaded"):
        Generator(plan, SCENARIOS / "website.py", tmp_path / "log", machine=machine)


@pytest.mark.parametrize(
    ("rate", "seconds", "patience", "named"),
    [(501, 1, 1, "rate"), (100, 121, 1, "duration"), (0, 1, 1, "rate"), (10, 1, 11, "patience"),
     (float("nan"), 1, 1, "rate")],
)  # fmt: skip
def test_a_load_out_of_bounds_is_refused(
    rate: float, seconds: float, patience: float, named: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=named):
        run("http://127.0.0.1:9", tmp_path, seconds=seconds, rate=rate, patience=patience)


@pytest.mark.parametrize(
    ("rate", "workers", "named"),
    [(1001, 2, "at most 1000"), (2001, 4, "at most 2000"), (2001, 8, "at most 2000"),
     (100, 0, "number of workers"), (100, 9, "number of workers")],
)  # fmt: skip
def test_workers_out_of_bounds_are_refused(
    rate: float, workers: int, named: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=named):
        run("http://127.0.0.1:9", tmp_path, seconds=1, rate=rate, workers=workers)


def test_the_shares_of_the_workers_are_the_schedule(tmp_path: Path) -> None:
    plan = replace(stopped_plan("http://127.0.0.1", tmp_path), workers=3)
    shares = [list(plan.share(worker)) for worker in range(3)]
    assert [len(share) for share in shares] == [plan.share_count(worker) for worker in range(3)]
    together = sorted(chain.from_iterable(shares), key=lambda one: one.offset_s)
    assert together == list(plan.arrivals())


@pytest.mark.parametrize("ended", [1, 2])
def test_a_run_is_as_good_as_the_worst_of_its_workers(ended: int, tmp_path: Path) -> None:
    plan = replace(stopped_plan("http://127.0.0.1", tmp_path), workers=2, count=6)
    ends = [End(9.0, worst_lateness_s=0.1, unsent=2), End(9.0, worst_lateness_s=0.3, unsent=1)]
    for worker, end in enumerate(ends):
        due = 1.0 + worker / plan.rate
        row = Row(due, due + 0.2, due + 0.4, "GET", 200, "web1", 2, "", "", ok=True)
        lines: list[Line] = [Start(1.0), row, *([end] if worker < ended else [])]
        plan.rows_of(worker).write_text("".join(map(encode, lines)))
    done = Generator(plan, SCENARIOS / "website.py", tmp_path / "log").finish()
    assert (done.started, len(done.rows), done.complete) == (1.0, 2, ended == 2)
    # Of a worker that did not say how it went, the rows tell: at least so late, so many unsent.
    late, unsent = (0.3, 3) if ended == 2 else (0.2, 4)
    assert done.worst_lateness_s == pytest.approx(late)
    assert done.unsent == unsent


def test_workers_begin_together_and_runs_side_by_side_do_not_meet(tmp_path: Path) -> None:
    (tmp_path / "a.w7.jsonl").write_text("an older run had more workers\n")
    with Site() as site, ThreadPoolExecutor() as pool:
        runs = [
            pool.submit(run, site.url, tmp_path, seconds=1.0, rate=150.0, workers=2, name=name)
            for name in ("a", "b")
        ]
        done = [one.result() for one in runs]
    assert len(site.requests) == 300
    for one in done:
        assert (one.complete, one.unsent, len(one.rows)) == (True, 0, 150)
        assert all(row.ok for row in one.rows)
        # One grid of instants: the shares are not shifted against each other.
        due = [one.started + index / 150 for index in range(150)]
        assert [row.scheduled for row in one.rows] == pytest.approx(due, abs=1e-5)
        for arrival in filter(lambda arrival: arrival.post_id, one.plan.arrivals()):
            mark = b"X-Labkit-Post: %s\r" % arrival.post_id.encode()
            assert sum(mark in request for request in site.requests) == 1
    written = {path.name for path in tmp_path.glob("*.w*.jsonl")}
    assert written == {"a.w0.jsonl", "a.w1.jsonl", "b.w0.jsonl", "b.w1.jsonl"}


@pytest.mark.parametrize("killed", ["nobody", "leader"])
def test_no_worker_outlives_an_interrupted_run(killed: str, tmp_path: Path) -> None:
    with Site() as site:
        with two_workers(site.url, tmp_path, "cut") as generator:
            generator.wait_started()
            assert generator._process is not None
            session = generator._process.pid
            assert len(living(session)) == 3  # a master and two workers
            if killed == "leader":
                os.kill(session, signal.SIGKILL)
        assert gone(session)


@pytest.mark.parametrize("workers", [1, 2])
def test_who_is_ready_sends_nothing_unasked_and_ends_with_us(workers: int, tmp_path: Path) -> None:
    with Site() as site:
        plan = make_plan(
            Load("website", workers=workers), site.url, duration_s=20, out=tmp_path, seed=1,
            options={}, name="held",
        )  # fmt: skip
        with Generator(plan, SCENARIOS / "website.py", tmp_path / "log") as generator:
            process = generator._process
            assert process is not None
            assert process.stdin is not None
            deadline = time.monotonic() + START_TIMEOUT_S
            while not all(plan.rows_of(worker).exists() for worker in range(workers)):
                assert time.monotonic() < deadline
                time.sleep(0.1)
            time.sleep(1.0)
            assert len(living(process.pid)) == (1 if workers == 1 else 1 + workers)
            assert generator.poll() == []
            process.stdin.close()  # as when we are killed
            process.wait(timeout=10)
            assert gone(process.pid)
        assert site.requests == []


def test_a_run_that_loses_a_worker_is_not_complete(tmp_path: Path) -> None:
    with Site() as site, two_workers(site.url, tmp_path, "lame") as generator:
        generator.wait_started()
        assert generator._process is not None
        session = generator._process.pid
        os.kill(max(living(session)), signal.SIGKILL)
        while len(generator.rows) < 50:
            generator.poll()
        generator.kill()
        done = generator.finish()
    assert not done.complete
    assert done.unsent == done.plan.count - len(done.rows) > 0
    assert gone(session)


def test_a_scenario_that_cannot_be_imported_says_why(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import no_such_module_at_all\n")
    with pytest.raises(LabkitError, match="no_such_module_at_all"):
        run_against(
            "http://127.0.0.1:9", Load("broken"), duration_s=1, scenario_dir=tmp_path,
            out=tmp_path / "out",
        )  # fmt: skip


def test_an_interrupted_run_leaves_no_process_and_keeps_its_rows(tmp_path: Path) -> None:
    pid = 0

    def interrupted(url: str) -> Iterator[None]:
        nonlocal pid
        plan = make_plan(
            Load("website"), url, duration_s=20, out=tmp_path, seed=1, options={}, name="cut"
        )
        with Generator(plan, SCENARIOS / "website.py", tmp_path / "log") as generator:
            generator.wait_started()
            while len(generator.rows) < 20:
                generator.poll()
            assert generator._process is not None
            pid = generator._process.pid
            raise KeyboardInterrupt
        yield

    with Site() as site, pytest.raises(KeyboardInterrupt):
        next(interrupted(site.url))
    with pytest.raises(ProcessLookupError):
        os.killpg(pid, 0)
    assert (tmp_path / "cut.jsonl").read_text().count('"request"') >= 20
