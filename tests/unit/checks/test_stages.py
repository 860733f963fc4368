"""The drills of the first steps: when an answer is untrue, and where the statistics page is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from checks.drills.stages import (
    STAGES,
    another_content,
    claimed,
    let_in,
    shown_in_vain,
    untold,
)
from checks.load.words import ANOTHER, CATALOGUE, LET_IN, UNTOLD
from labkit.course import CannotTellError, NotMetError
from labkit.facts.haproxy.page import Login, StatsPage, find_stats
from labkit.facts.haproxy.passwords import HASHES
from labkit.facts.http.pages import Page
from labkit.load.availability import Fault
from labkit.load.readings import Reading
from labkit.load.rows import Row
from labkit.remote import PlannedShell, from_facts
from subject.balancer import haproxy_on

FAULT = Fault(called=100.0, at=100.0, healed=104.0)
NOBODY: tuple[Reading, ...] = ()


def row(
    scheduled: float, *, took: float = 0.1, method: str = "POST", error: str = "", server: str = ""
) -> Row:
    return Row(
        scheduled, scheduled, scheduled + took, method, 200, server, 9, error, "", not error
    )  # fmt: skip


@pytest.mark.parametrize(("judge", "word"), [(let_in, LET_IN), (another_content, ANOTHER)])
def test_what_should_never_happen_is_counted_whenever_it_does(
    judge: Callable[..., int], word: str
) -> None:
    rows = [row(99, error=word), row(101, error=word), row(110, error=word, method="GET")]
    others = [row(101), row(101, error="refused"), row(101, error=UNTOLD)]
    assert judge([*rows, *others], NOBODY, FAULT) == 3
    assert judge(others, NOBODY, FAULT) == judge([], NOBODY, FAULT) == 0


def test_a_list_is_stale_only_while_the_api_was_certainly_away() -> None:
    """A request that was on its way when the API went or came may have been answered by it."""
    stale = [row(100.6), row(102.0), row(103.8)]
    honest = [
        row(99.0),  # before
        row(100.5),  # too soon after
        row(103.95),  # answered after the API was started again
        row(103.0, took=1.5),
        row(105.0),  # afterwards
        row(102.0, method="GET"),  # the page without a list
        row(102.0, error="status 502"),  # it says what is wrong
        row(102.0, error="an error in the page"),
    ]
    assert claimed(honest, NOBODY, FAULT) == 0
    assert claimed([*honest, *stale], NOBODY, FAULT) == 3


def test_what_was_armed_early_ends_early() -> None:
    """The end is armed before the fault strikes, which takes a while on a busy computer."""
    late = Fault(called=100.0, at=100.8, healed=104.8)
    assert late.sure_until == 104.0
    assert claimed([row(103.0), row(103.95), row(104.4)], NOBODY, late) == 1


def test_a_fault_that_struck_too_late_proves_nothing() -> None:
    late = Fault(called=100.0, at=103.9, healed=107.9)
    with pytest.raises(CannotTellError, match="nothing was asked"):
        claimed([row(99.0), row(104.5), row(106.0)], NOBODY, late)


def test_a_page_that_shows_neither_a_list_nor_an_error_is_untrue_at_any_time() -> None:
    assert claimed([row(90, error=UNTOLD), row(102, error=UNTOLD)], NOBODY, FAULT) == 2


def test_a_catalogue_without_a_registry_is_shown_in_vain() -> None:
    vain = [row(101.0, server=CATALOGUE), row(103.0, server=CATALOGUE)]
    honest = [
        row(99.0, server=CATALOGUE),
        row(100.4, server=CATALOGUE),
        row(103.95, server=CATALOGUE),
        row(105.0, server=CATALOGUE),
        row(101.0),  # the page itself, which opens without a registry
        row(101.0, server=CATALOGUE, error="the image is not in it"),
        row(101.0, error="status 502"),
    ]
    assert shown_in_vain(honest, NOBODY, FAULT) == 0
    assert shown_in_vain([*honest, *vain], NOBODY, FAULT) == 2


# -- what the statistics page says of a server


def watched(*states: tuple[float, str, str]) -> list[Reading]:
    """Readings as (time, web1's state, web2's state)."""
    return [Reading(at, {"web1": one, "web2": two}) for at, one, two in states]


def said(seen: Sequence[Reading], *answers: tuple[float, str]) -> int:
    """How many answers, given as (time, what the page says of web1), were untrue."""
    rows = [row(at - 0.1, method="GET", server=f"web1 {state}") for at, state in answers]
    return untold(rows, seen, FAULT)


STOPPED = watched(
    (99.5, "UP", "UP"), (100.0, "UP", "UP"), (105.0, "DOWN", "UP"), (105.5, "DOWN", "UP"),
    (106.0, "DOWN", "UP"), (106.5, "DOWN", "UP"), (107.0, "DOWN", "UP"),
)  # fmt: skip


def test_a_page_that_says_what_haproxy_knows_is_true() -> None:
    assert said(STOPPED, (100.0, "UP"), (105.2, "DOWN"), (106.5, "DOWN")) == 0
    # Around a change both are true for a second: the page was made before it was read.
    change = watched((99.9, "UP", "UP"), (100.2, "DOWN", "UP"))
    assert said(change, (100.1, "UP"), (100.1, "DOWN")) == 0


def test_a_page_that_says_what_nobody_knew_is_not() -> None:
    assert said(STOPPED, (100.0, "DOWN")) == 1  # HAProxy knows of no such thing yet
    assert said(STOPPED, (106.5, "MAINT"), (106.6, "")) == 2


def test_a_page_that_never_changes_is_found_out_although_another_server_is_up() -> None:
    """What is true of web2 is no excuse for what is said of web1."""
    assert said(STOPPED, (105.0, "UP"), (106.4, "UP"), (106.9, "UP")) == 3


def test_where_the_watcher_saw_nothing_or_the_page_was_lost_nothing_is_untrue() -> None:
    assert said(NOBODY, (100.0, "DOWN")) == 0
    assert said(STOPPED, (102.0, "DOWN")) == 0  # no reading within a second
    lost = [row(100.0, method="GET", server="web1 DOWN", error="status 503")]
    assert untold(lost, STOPPED, FAULT) == 0


def test_every_stage_asks_for_the_truth_that_fits_its_scenario() -> None:
    found = {drill.load.scenario: drill.judge for drill in STAGES if drill.judge}
    assert found == {
        "api": let_in, "website": claimed, "registry": another_content,
        "registry_page": shown_in_vain, "stats_page": untold,
    }  # fmt: skip


# -- where the statistics page is

SS = 'LISTEN 0 4096 0.0.0.0:{port} 0.0.0.0:* users:(("haproxy",pid=9,fd=5))\n'


class Ports:
    """HAProxy with pages on its ports: (port, path) -> text. The others refuse."""

    def __init__(self, pages: dict[tuple[int, str], str], config: str = "", *more: int) -> None:
        self.pages = pages
        self.asked: list[tuple[int, str, Login]] = []
        open_ports = sorted({port for port, _path in pages} | set(more))
        listing = "".join(SS.format(port=port) for port in open_ports)
        facts = {"ss -Hltnp": listing, "haproxy.cfg": config}
        self.haproxy = haproxy_on(PlannedShell("lb", from_facts(facts)))

    def find(self) -> tuple[StatsPage | None, str]:
        def ask(port: int, path: str, user: Login) -> Page:
            self.asked.append((port, path, user))
            if port not in {one for one, _path in self.pages}:
                raise NotMetError(expected="an answer", seen="the connection is refused")
            text = self.pages.get((port, path))
            return Page(f"http://lb:{port}{path}", 404 if text is None else 200, text or "")

        return find_stats(self.haproxy, ask)


REPORT = "<h1>HAProxy version 2.4</h1><h2>Statistics Report for pid 9</h2>"


def test_the_page_of_the_practical_is_found_at_its_own_port_first() -> None:
    lb = Ports({(80, "/"): "<form>", (8404, "/"): REPORT}, "listen stats\n  stats uri /\n")
    assert lb.find() == (StatsPage(8404, "/", None), "")
    assert lb.asked == [(8404, "/", None)]  # visitors' port last: asking it is a visit


def test_the_page_is_found_where_its_file_puts_it_and_its_password_is_used() -> None:
    config = "listen stats\n  stats uri /own\n  stats auth admin:s3cret:x\n"
    lb = Ports({(9000, "/own"): REPORT}, config)
    page, seen = lb.find()
    assert (page, seen) == (StatsPage(9000, "/own", ("admin", "s3cret:x")), "")
    assert page is not None
    assert page.csv == "/own;csv"


@pytest.mark.parametrize(
    ("users", "login"),
    [("user a insecure-password b", ("a", "b")),
     (f"user a password {HASHES['6']}", ("a", "labkit")),
     ("user a password $6$x$y", None)],
)  # fmt: skip
def test_who_may_see_the_page_is_known_by_a_userlist(users: str, login: Login) -> None:
    lb = Ports({(9000, "/"): REPORT}, f"userlist x\n {users}\nlisten s\n stats uri /\n")
    assert lb.find() == (StatsPage(9000, "/", login), "")


def test_each_user_is_tried_until_one_is_let_in() -> None:
    config = "userlist x\n user a insecure-password b\n user c insecure-password d\n"
    lb = Ports({(9000, "/"): REPORT}, config)
    tried = []

    def ask(_port: int, _path: str, user: Login) -> Page:
        tried.append(user)
        return Page("", 200, REPORT) if user == ("c", "d") else Page("", 401, "")

    assert find_stats(lb.haproxy, ask) == (StatsPage(9000, "/haproxy?stats", ("c", "d")), "")
    assert tried == [("a", "b"), ("c", "d")]


@pytest.mark.parametrize("path", ["/haproxy?stats", "/stats", "/"])
def test_the_page_is_found_at_usual_places_on_the_visitors_port_too(path: str) -> None:
    lb = Ports({(80, path): REPORT})
    assert lb.find() == (StatsPage(80, path, None), "")


def test_what_is_commented_out_is_no_address() -> None:
    lb = Ports({(8404, "/hidden"): REPORT}, "listen stats\n  # stats uri /hidden\n")
    assert lb.find() == (None, "")
    assert "/hidden" not in {path for _port, path, _user in lb.asked}


def test_a_port_that_refuses_is_asked_once_and_the_next_one_is_asked() -> None:
    lb = Ports({(80, "/stats"): REPORT}, "", 8404)
    assert lb.find() == (StatsPage(80, "/stats", None), "")
    assert [port for port, _path, _user in lb.asked].count(8404) == 1


def test_without_a_page_the_last_refusal_is_told() -> None:
    assert Ports({}, "", 8404).find() == (None, "lb:8404: the connection is refused")
    assert Ports({(80, "/"): "<form>"}).find() == (None, "")
    assert Ports({}).find() == (None, "")


def test_the_ports_of_these_tests_are_read_as_ss_prints_them() -> None:
    """Else the tests above would find no port, and some would pass in vain."""
    assert Ports({(80, "/"): "", (8404, "/"): ""}).haproxy.ports == [80, 8404]
    assert Ports({}).haproxy.ports == []
