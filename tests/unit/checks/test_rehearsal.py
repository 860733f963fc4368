"""The page tried out before an API that nobody knows, and HAProxy as its own socket tells it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from checks import rehearsal
from checks.rehearsal import Rehearsed, rehearse
from labkit.course import CannotTellError
from labkit.facts import slowness
from labkit.facts.compose.project import Service
from labkit.facts.docker import Container
from labkit.facts.haproxy.process import HAProxy
from labkit.remote import PlannedShell, Result, from_facts
from subject.balancer import haproxy_on
from subject.roles import Project, Stack

FORM = '<form method="METHOD" action="list.php"><button name="b" value="1">List</button></form>'
API, SITE = "172.18.0.2", "172.18.0.3"


def container(name: str, **more: Any) -> Container:
    raw: dict[str, Any] = {
        "Id": "0123456789abcdef", "Name": f"/{name}", "Image": f"sha256:{name}",
        "Path": "python", "Args": ["-u", "a b.py"],
        "Config": {"Env": ["A=1", "B=it's; reboot"], **more.pop("Config", {})},
        "HostConfig": more.pop("HostConfig", {}),
        "NetworkSettings": {"Networks": {"x": {"Aliases": ["back", "0123456789ab", name]}}},
    }  # fmt: skip
    return Container({**raw, **more})


def stack(website: Container | None = None, api: Container | None = None) -> Stack:
    services = {
        "site": Service("site", {"image": "php:apache"}),
        "back": Service("back", {"image": "student-age"}),
    }
    return Stack(
        Project("web1", "/srv/x/compose.yml", "x", services),
        website or container("x-site-1"),
        api or container("x-back-1"),
    )


def method_of(question: str) -> str:
    """By which a form was sent with curl."""
    return "post" if " -d " in question else "get"


class World:
    """A machine on which the two containers run; `shows` gives the page after the button."""

    def __init__(
        self, shows: Callable[[str], str], *, form: str = FORM.replace("METHOD", "post"),
        asleep: int = 0, starts: bool = True, log: str = "", reads: str = "",
    ) -> None:  # fmt: skip
        self.shows = shows
        self.form = form
        self.asleep = asleep
        self.starts = starts
        self.log = log  # of the second API
        self.reads = reads  # the one method by which the page lists, "" for both
        self.asked: list[str] = []
        self.shell = PlannedShell("web1", self.answer)

    @property
    def script(self) -> str:
        return self.asked[0]

    @property
    def students(self) -> dict[str, str]:
        found = re.search(r'\{"probe-[^}]*\}', self.script)
        assert found
        return dict(json.loads(found.group()))

    @property
    def page(self) -> str:
        """What is shown, in the place of STUDENT and AGE each of the two."""
        shown = self.shows("STUDENT")
        each = [shown.replace("STUDENT", name).replace("AGE", age)
                for name, age in self.students.items()]  # fmt: skip
        return " ".join(each) if "STUDENT" in shown else shown

    def answer(self, question: str) -> Result:
        """As the machine would."""
        self.asked.append(question)
        if question.startswith("set -e"):
            said = f"{API}\n{SITE}\n" if self.starts else "no such image"
            return Result(question, said, "", 0 if self.starts else 125)
        if f"{API}:5000" in question:
            self.asleep -= 1
            return Result(question, "\n000\n" if self.asleep >= 0 else "{}\n404\n", "", 0)
        if question.startswith("docker logs"):
            return Result(question, self.log, "", 0)
        if self.reads and "list.php" in question and self.reads != method_of(question):
            return Result(question, "<p>Press the button</p>\n200\n", "", 0)
        if "list.php" in question or "-d submit=" in question:
            return Result(question, f"{self.page}\n200\n", "", 0)
        if SITE in question:
            return Result(question, f"{self.form}\n200\n", "", 0)
        return Result(question, "", "", 0)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Time that passes by itself, so that nobody waits; and by what is added to it."""
    now = [0.0]

    def clock() -> float:
        now[0] += 0.2
        return now[0]

    quick = SimpleNamespace(monotonic=clock, sleep=lambda _seconds: None)
    for module in (rehearsal, slowness):
        monkeypatch.setattr(module, "time", quick)
    return now


def test_a_page_that_asks_the_api_shows_the_student() -> None:
    world = World(lambda student: f"<li>{student} is AGE</li>")
    assert rehearse(world.shell, stack()) == Rehearsed(
        True, " ".join(f"{name} is {age}" for name, age in world.students.items()), reached=True
    )
    assert len(world.asked) == 5


def test_it_is_a_visitor_that_keeps_its_cookies_and_follows_where_it_is_sent() -> None:
    world = World(lambda student: f"<li>{student} is AGE</li>")
    rehearse(world.shell, stack())
    visits = [one for one in world.asked if SITE in one and not one.startswith("set -e")]
    jars = {found for one in visits for found in re.findall(r"-b (\S+) -c (\S+)", one)}
    assert len(visits) == 2
    ((sent, kept),) = jars
    assert sent == kept
    assert all(" -L " in one for one in visits)
    assert f" {kept}" in world.asked[-1].partition("rm -f")[2]


@pytest.mark.parametrize(
    "shown", ["<li>alice is 12</li>", "<p>{}</p>", "<p>{} is 12</p>", "x", "<p>{}0 is AGE</p>"]
)
def test_a_page_with_a_list_of_its_own_does_not(shown: str) -> None:
    assert not rehearse(World(shown.format).shell, stack()).shown


def test_an_api_that_wakes_late_is_waited_for() -> None:
    world = World(lambda student: f"{student} AGE", asleep=5)
    assert rehearse(world.shell, stack()).shown


def test_an_api_that_never_wakes_ends_it() -> None:
    world = World(lambda _student: "The API cannot be reached", asleep=10**6)
    assert rehearse(world.shell, stack()).shown is False


@pytest.mark.parametrize(("seconds", "presses", "shown"), [(3.0, 2, True), (0.5, 1, False)])
def test_a_page_that_lost_patience_with_the_api_is_asked_once_more(
    now: list[float], seconds: float, presses: int, shown: bool
) -> None:
    """On a busy computer; one that answers at once means what it says."""
    said = []

    def shows(student: str) -> str:
        said.append(student)
        now[0] += seconds
        return f"{student} is AGE" if len(said) > 1 else "The API cannot be reached"

    assert rehearse(World(shows, reads="post").shell, stack()).shown is shown
    assert len(said) == presses


def test_a_page_that_is_slow_and_wrong_is_wrong(now: list[float]) -> None:
    said = []

    def shows(student: str) -> str:
        said.append(student)
        now[0] += 2.1
        return "The API cannot be reached"

    assert rehearse(World(shows, reads="post").shell, stack()).shown is False
    assert len(said) == 2


def test_a_page_without_a_form_ends_it_with_what_it_says() -> None:
    world = World(lambda _student: "<h1>It works</h1>", form="<h1>It works</h1>")
    assert rehearse(world.shell, stack()) == Rehearsed(False, "It works")


def test_a_page_whose_button_is_missing_is_asked_for_its_list_all_the_same() -> None:
    """The button is another check's: one mistake costs one mistake."""
    world = World(lambda student: f"{student} AGE", form="<h1>Students</h1>")
    assert rehearse(world.shell, stack()).shown


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_button_is_pressed_as_its_form_says(method: str) -> None:
    world = World(lambda student: f"{student} AGE", form=FORM.replace("METHOD", method))
    rehearse(world.shell, stack())
    pressed = next(one for one in world.asked if "list.php" in one)
    assert ("list.php?b=1" in pressed) is (method == "get")
    assert ("-d b=1" in pressed) is (method == "post")


LIST = "GET /pozos/api/v1.0/get_student_ages"


@pytest.mark.parametrize(
    ("log", "reached"),
    [
        (f'172.17.0.3 - - [01/Jan/2026 10:00:00] "{LIST} HTTP/1.1" 200 -', True),
        (f'172.17.0.3 - - [01/Jan/2026:10:00:00 +0000] "{LIST} HTTP/1.0" 200 61 "-" "-"', True),
        (f"[pid: 7] 172.17.0.3 () {{28 vars}} {LIST} => generated 61 bytes (HTTP/1.1 200)", True),
        (f'172.17.0.3 - - [01/Jan/2026 10:00:00] "{LIST} HTTP/1.1" 401 -', False),
        (f'172.17.0.3 - - [01/Jan/2026 10:00:00] "{LIST} HTTP/1.1" 2000 -', False),
        ('172.17.0.3 - - [01/Jan/2026 10:00:00] "GET / HTTP/1.1" 200 -', False),
        (f'"{LIST} HTTP/1.1" 404 -\n"GET /health HTTP/1.1" 200 -', False),
        ("", False),
    ],
)
def test_a_page_that_was_given_the_list_and_does_not_show_it_has_reached_the_api(
    log: str, reached: bool
) -> None:
    world = World(lambda _student: "<p>No students</p>", log=log)
    assert rehearse(world.shell, stack()) == Rehearsed(False, "No students", reached)


@pytest.mark.parametrize(("sent", "reads"), [("get", "post"), ("post", "get")])
def test_a_form_that_is_sent_the_wrong_way_has_no_wrong_address(sent: str, reads: str) -> None:
    world = World(lambda student: f"{student} AGE", form=FORM.replace("METHOD", sent), reads=reads)
    assert rehearse(world.shell, stack()) == Rehearsed(False, "Press the button", reached=True)
    right = World(lambda student: f"{student} AGE", form=FORM.replace("METHOD", sent), reads=sent)
    assert rehearse(right.shell, stack()).shown


def test_an_api_that_has_ended_at_once_is_looked_for_nowhere() -> None:
    world = World(str)
    rehearse(world.shell, stack())
    assert "at=${api:-127.0.0.1}" in world.script


@pytest.mark.parametrize("starts", [True, False])
def test_nothing_of_it_stays(starts: bool) -> None:
    world = World(str, starts=starts)
    if starts:
        rehearse(world.shell, stack())
    else:
        with pytest.raises(CannotTellError, match="cannot be tried out"):
            rehearse(world.shell, stack())
    name = re.search(r"labkit-rehearsal-\w+", world.script)
    assert name
    last = world.asked[-1]
    assert last.startswith(f"docker rm -fv {name[0]}-site {name[0]}-api; ")
    assert f"rm -f /tmp/labkit-{name[0].rpartition('-')[2]}.json" in last


def test_without_both_there_is_nothing_to_try_out() -> None:
    world = World(str)
    for one in (
        Stack(stack().project, None, container("a")),
        Stack(stack().project, container("a"), None),
    ):
        with pytest.raises(CannotTellError):
            rehearse(world.shell, one)
    assert world.asked == []


def test_the_second_ones_are_like_the_first() -> None:
    site = container(
        "x-site-1",
        Config={"User": "www-data"},
        HostConfig={"ReadonlyRootfs": True, "Tmpfs": {"/tmp": "", "/run": "size=1m"},
                    "CapDrop": ["ALL"], "CapAdd": ["CHOWN"]},
    )  # fmt: skip
    world = World(str)
    rehearse(world.shell, stack(site))
    api_line, site_line = [one for one in world.script.splitlines() if "docker run" in one]
    whole = world.script.replace("\n", " ")
    for name in ("back", "x-back-1"):
        assert f"--add-host {name}:$at " in site_line
    assert "--add-host 0123456789ab" not in world.script
    assert "-e 'B=it'\"'\"'s; reboot'" in api_line
    assert "--entrypoint python sha256:x-back-1 -u 'a b.py'" in whole
    assert "--volumes-from 0123456789ab:ro" in whole
    for option in ("--user www-data", "--read-only", "--tmpfs /tmp", "--tmpfs /run:size=1m",
                   "--cap-drop ALL", "--cap-add CHOWN", "--memory 256m"):  # fmt: skip
        assert option in site_line
        assert option in api_line or option != "--memory 256m"
    assert "-p " not in world.script  # nothing that visitors use is touched


def test_ages_that_are_shown_with_other_names_are_not_shown() -> None:
    """As by a page that sorts names and ages each for themselves."""
    world = World(lambda student: f"{student} AGE")

    class Sorting(World):
        @property
        def page(self) -> str:
            ages = sorted(self.students.values())
            return " ".join(
                f"{name} {age}" for name, age in zip(sorted(self.students), ages, strict=True)
            )

    assert rehearse(world.shell, stack()).shown
    assert not rehearse(Sorting(str).shell, stack()).shown


def test_each_time_other_students() -> None:
    seen = set()
    for _time in range(5):
        world = World(str)
        rehearse(world.shell, stack())
        seen |= {*world.students}
    assert len(seen) == 10


# -- HAProxy

STATE = """\
1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_check_state srv_port
3 my-backend 1 web1 10.0.0.1 2 0 CHECK 80
3 my-backend 2 web2 10.0.0.2 OP 0 6 8080
4 other 1 web9 10.0.0.9 2 0 6 80
"""
STAT = """\
# pxname,svname,status,stot,wretr
website,FRONTEND,OPEN,9,
my-backend,web1,STATUS,4,0
my-backend,web2,UP,8,3
my-backend,BACKEND,UP,9,3
"""


def haproxy(*, check: int = 6, status: str = "UP", op: int = 2, **more: str | int) -> HAProxy:
    answers: dict[str, str | int] = {
        **more,
        "test -S": 0,
        "show stat;show servers state": STAT.replace("STATUS", status)
        + "\n"
        + STATE.replace("CHECK", str(check)).replace("OP", str(op)),
        "show stat": STAT.replace("STATUS", status),
    }
    return haproxy_on(PlannedShell("lb", from_facts(answers)))


@pytest.mark.parametrize(
    ("check", "checked"),
    [(0, False), (2, True), (6, True), (7, True), (10, True), (14, True), (8, False), (4, False)],
)
def test_a_check_that_is_configured_is_one_also_while_it_is_paused(
    check: int, checked: bool
) -> None:
    """1 in progress, 2 configured, 4 enabled, 8 paused."""
    assert haproxy(check=check).servers()[0].checked is checked


@pytest.mark.parametrize(
    ("status", "check", "up"),
    [
        ("UP", 6, True), ("UP 1/3", 6, True), ("DOWN", 6, False), ("DOWN 1/2", 6, False),
        ("no check", 0, True), ("MAINT", 14, False), ("MAINT", 0, False), ("DRAIN", 6, False),
        ("MAINT (via b/s)", 0, False), ("MAINT (resolution)", 2, False), ("NOLB", 6, False),
    ],
)  # fmt: skip
def test_a_server_that_is_in_rotation(status: str, check: int, up: bool) -> None:
    assert haproxy(status=status, check=check).servers()[0].is_up is up


def test_a_server_that_tracks_another_is_checked_with_it() -> None:
    stat = STAT.replace("wretr\n", "wretr,tracked\n")
    stat = stat.replace("my-backend,web1,STATUS,4,0", "my-backend,web1,UP,4,0,health/web1")
    state = STATE.replace("CHECK", "0").replace("OP", "2")
    said = {"test -S": 0, "show stat;show servers state": f"{stat}\n{state}"}
    one = haproxy_on(PlannedShell("lb", from_facts(said)))
    assert [server.checked for server in one.servers()] == [True, True]
    assert haproxy(check=0).servers()[0].checked is False


ASKED = """\
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_check_state srv_port srv_check_addr
3 my-backend 1 web1 10.77.0.11 2 6 80 -
3 my-backend 2 web2 10.77.0.12 2 CHECK 80 OTHER
4 health 1 w2 10.77.0.12 2 6 80 -
4 health 2 w1 10.77.0.11 2 6 80 -
"""


@pytest.mark.parametrize(
    ("other", "tracked", "asked"),
    [
        ("-", "", "10.77.0.12"),
        ("10.77.0.12", "", "10.77.0.12"),
        ("10.77.0.11", "", "10.77.0.11"),
        ("-", "health/w2", "10.77.0.12"),
        ("-", "health/w1", "10.77.0.11"),
        ("-", "my-backend/web1", "10.77.0.11"),
    ],
)
def test_whom_the_check_of_a_server_asks(other: str, tracked: str, asked: str) -> None:
    stat = (
        "# pxname,svname,status,stot,wretr,tracked\n"
        f"my-backend,web1,UP,4,0,\nmy-backend,web2,UP,4,0,{tracked}\n"
    )
    state = ASKED.replace("OTHER", other).replace("CHECK", "0" if tracked else "6")
    said = {"test -S": 0, "show stat;show servers state": f"{stat}\n{state}"}
    one = haproxy_on(PlannedShell("lb", from_facts(said)))
    assert [server.checked for server in one.servers()] == [True, True]
    assert [server.asked for server in one.servers()] == ["10.77.0.11", asked]


def test_servers_are_those_of_the_backend_with_what_they_served() -> None:
    one, two = haproxy(op=1).servers()
    assert (one.name, one.address, one.port, one.sessions, one.warming) == (
        "web1", "10.0.0.1", 80, 4, False
    )  # fmt: skip
    assert (two.name, two.port, two.sessions, two.warming) == ("web2", 8080, 5, True)
    backend = haproxy().backend()
    assert backend is not None
    assert backend["stot"] == "9"


@pytest.mark.parametrize(
    ("state", "pgrep", "running"),
    [
        ("active", 0, True), ("activating", 0, False), ("failed", 0, False),
        ("inactive", 0, True), ("inactive", 1, False), ("active", 1, False), ("", 0, True),
        ("reloading", 0, True),
    ],
)  # fmt: skip
def test_what_dies_and_is_started_again_does_not_run(state: str, pgrep: int, running: bool) -> None:
    facts: dict[str, str | int] = {"systemctl is-active": f"{state}\n", "pgrep": pgrep}
    assert haproxy_on(PlannedShell("lb", from_facts(facts))).is_running is running


def test_without_a_socket_nobody_can_tell_and_the_line_to_add_is_said() -> None:
    with pytest.raises(CannotTellError, match="no admin socket") as caught:
        haproxy_on(PlannedShell("lb", from_facts({}))).servers()
    assert "stats socket" in caught.value.settle


def test_a_socket_that_does_not_answer_is_said() -> None:
    one = haproxy_on(PlannedShell("lb", from_facts({"test -S": 0})))
    with pytest.raises(CannotTellError, match="does not answer"):
        one.servers()


def test_comments_are_no_configuration() -> None:
    text = "global # x\n  stats socket /a.sock # stats socket /c\n# stats socket /b.sock\n"
    one = haproxy_on(PlannedShell("lb", from_facts({"cat /etc/haproxy": text, "/a.sock": 0})))
    assert one.socket == "/a.sock"


@pytest.mark.parametrize(
    "links",
    [
        {"HostConfig": {"Links": ["/x-back-1:/x-site-1/backend"]}},
        {"NetworkSettings": {"Networks": {"x": {"Links": ["x-back-1:backend", "x-db-1:db"]}}}},
    ],
)
def test_a_name_that_the_website_alone_has_is_the_second_apis_as_well(
    links: dict[str, Any],
) -> None:
    world = World(lambda student: f"{student} AGE")
    rehearse(world.shell, stack(website=container("x-site-1", **links)))
    assert "--add-host backend:$at " in world.script
    assert "--add-host db" not in world.script
