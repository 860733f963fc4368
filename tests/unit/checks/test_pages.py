"""Pages as people write them: who is shown with which age, and whether there is a button."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from checks import pages
from checks.pages import fetch, list_form, must_answer, must_list_when_pressed, pairs_of
from checks.students import students_of
from checks.test_06_index import is_asked_as_it_stands
from labkit.course import CannotTellError, NotMetError
from labkit.facts.docker import Container, age_s
from labkit.facts.http.browser import AGAIN_S, PATIENCE_S, Reply
from labkit.facts.http.pages import Page
from labkit.facts.slowness import ONE_LINE
from labkit.remote import PlannedShell, Result
from subject.roles import Project, Stack

STUDENTS = {"alice": "12", "bob": "13"}


def page(html: str) -> Page:
    return Page("http://web1/", 200, html)


def missing(html: str, students: Mapping[str, str] = STUDENTS) -> list[str]:
    return pairs_of(page(html), dict(students))


RIGHT = {
    "a list": "<ul><li>alice is 12 years old</li><li>bob is 13 years old</li></ul>",
    "the reference's": "<h2>These are the students</h2><li>alice is 12</li><li>bob is 13</li>",
    "a table": "<table><tr><td>alice</td><td>12</td></tr><tr><td>bob</td><td>13</td></tr></table>",
    "a table with a head": "<table><tr><th>Name</th><th>Age</th></tr>"
    "<tr><td>alice</td><td>12</td></tr><tr><td>bob</td><td>13</td></tr></table>",
    "a numbered table": "<tr><td>1</td><td>alice</td><td>12</td></tr>"
    "<tr><td>2</td><td>bob</td><td>13</td></tr>",
    "a definition list": "<dl><dt>alice</dt><dd>12</dd><dt>bob</dt><dd>13</dd></dl>",
    "the age before the name": "<p>12 : alice</p><p>13 : bob</p>",
    "a table, age first": "<tr><td>12</td><td>alice</td></tr><tr><td>13</td><td>bob</td></tr>",
    "breaks": "- alice is 12 years old<br>- bob is 13 years old<br>",
    "no breaks": "alice(12)bob(13)",
    "json": '<pre>{"alice": "12", "bob": "13"}</pre>',
    "json, escaped": "<pre>{&quot;alice&quot;:&quot;12&quot;,&quot;bob&quot;:13}</pre>",
    "print_r": "<pre>Array ( [alice] => 12 [bob] => 13 )</pre>",
    "var_dump": '<pre>array(2) { ["alice"]=> string(2) "12" ["bob"]=> string(2) "13" }</pre>',
    "spans": "<b>alice</b><i>12</i><b>bob</b><i>13</i>",
    "French": "<li>alice a 12 ans</li><li>bob a 13 ans</li>",
    "another order": "<li>bob: 13</li><li>alice: 12</li>",
    "a footer with numbers": "<li>alice: 12</li><li>bob: 13</li><footer>2024, 12 rue 13</footer>",
    "a title with numbers": "<h1>TP 13 - 12 machines</h1><li>alice: 12</li><li>bob: 13</li>",
    "named once more before": "<p>Welcome, alice and bob</p><li>alice: 12</li><li>bob: 13</li>",
    "named once more after": "<li>alice: 12</li><li>bob: 13</li><p>Thanks to alice and bob.</p>",
    "script and style": "<style>p{width:12px}</style><li>alice: 12</li><li>bob: 13</li>",
    "much white space": "<li>alice" + " " * 500 + "12</li><li>bob\n\n\n\t13</li>",
    "capitals": "<li>Alice : 12 ans</li><li>BOB : 13 ans</li>",
    "others between": "<li>alice 12</li><li>zoe 99</li><li>bob 13</li>",
}  # fmt: skip


@pytest.mark.parametrize("html", RIGHT.values(), ids=RIGHT)
def test_each_with_their_age(html: str) -> None:
    assert missing(html) == []


WRONG = {
    "nobody": ("", ["alice 12", "bob 13"]),
    "names alone": ("<li>alice</li><li>bob</li>", ["alice 12", "bob 13"]),
    "ages alone": ("<li>12</li><li>13</li>", ["alice 12", "bob 13"]),
    "one of two": ("<li>alice is 12</li>", ["bob 13"]),
    # Read backwards, one of them could be right.
    "ages mixed up": ("<li>alice is 13</li><li>bob is 12</li>", ["alice 12"]),
    "ages mixed up in a table": (
        "<tr><td>alice</td><td>13</td></tr><tr><td>bob</td><td>12</td></tr>",
        ["alice 12"],
    ),
    "the same age for all": ("<li>alice is 12</li><li>bob is 12</li>", ["bob 13"]),
    "names within names": ("<li>malice is 12</li><li>bobby is 13</li>", ["alice 12", "bob 13"]),
    "ages within numbers": ("<li>alice is 312</li><li>bob is 130</li>", ["alice 12", "bob 13"]),
    "an age with letters": ("<li>alice is 12px</li><li>bob is 13</li>", ["alice 12"]),
    "ages far away": (
        f"<li>alice</li>{'<p>far</p>' * 40}<li>12</li>{'<p>far</p>' * 40}<li>bob 13</li>",
        ["alice 12"],
    ),
    "in an attribute": ('<li title="alice 12 bob 13"></li>', ["alice 12", "bob 13"]),
    "in a comment": ("<!-- alice 12 bob 13 -->", ["alice 12", "bob 13"]),
    "all names, then all ages": ("<p>alice bob</p><p>12 13</p>", ["alice 12"]),
}


@pytest.mark.parametrize(("html", "who"), WRONG.values(), ids=WRONG)
def test_who_is_not_shown_with_their_age(html: str, who: list[str]) -> None:
    found = missing(html)
    if who == ["alice 12"] and "alice bob" in html:
        assert found  # one of the two at least
    else:
        assert found == who


def test_one_way_for_all() -> None:
    """Where one age stands before and another after, no reader could tell whose it is."""
    assert len(missing("<p>alice 12</p><p>x</p><p>13 bob</p>")) == 1


@pytest.mark.parametrize(
    "students",
    [
        {"Élodie": "20", "François": "21", "Zoë": "22"},
        {"Jean": "20", "Jean-Paul": "21", "Paul": "22"},
        {"Ann": "20", "Anna": "21", "Hanna": "22"},
        {"Sœur Anne": "30", "O'Brien": "41"},
        {"a.b": "1", "a+b": "2", "(x)": "3", "$1": "4"},
        {"李雷": "12", "Иван": "13"},
        {"12": "13", "14": "15"},
        {"probe-1a2b3c4d": "42"},
        {"bob": "7.5", "eve": "-1"},
    ],
)
def test_names_of_all_kinds(students: dict[str, str]) -> None:
    html = "".join(f"<li>{name} is {age} years old</li>" for name, age in students.items())
    assert missing(html, students) == []
    mixed = list(students.values())
    mixed = mixed[1:] + mixed[:1]
    if len(students) > 1:
        html = "".join(
            f"<li>{name} is {age} years old</li>" for name, age in zip(students, mixed, strict=True)
        )
        assert missing(html, students)


def test_accents_as_entities_are_the_same_names() -> None:
    assert missing("<li>&Eacute;lodie : 20</li>", {"Élodie": "20"}) == []


def test_capitals_that_tell_two_from_each_other_count() -> None:
    two = {"bob": "12", "Bob": "13"}
    assert missing("<li>bob 12</li><li>Bob 13</li>", two) == []
    assert missing("<li>Bob 12</li><li>Bob 13</li>", two)


@pytest.mark.parametrize(
    ("url", "stands"),
    [
        ("http://api:5000/pozos/api/v1.0/get_student_ages", True),
        ("http://toto:python@api:5000/pozos/api/v1.0/get_student_ages", False),
        ("http://$host:5000/pozos/api/v1.0/get_student_ages", False),
        ("http://{$host}:5000/pozos/api/v1.0/get_student_ages", False),
        ("http://api:5000/pozos/api/$version/get_student_ages", False),
        ("http://api:5000/other", False),
    ],
)
def test_an_address_is_asked_only_where_it_stands_whole(url: str, stands: bool) -> None:
    assert is_asked_as_it_stands(url) is stands


def test_nobody_to_show_is_nobody_missing() -> None:
    assert missing("", {}) == []


def test_a_page_without_a_form_says_what_is_expected() -> None:
    with pytest.raises(NotMetError, match="a form with a button"):
        list_form(page("<p>Hello</p>"))


def test_a_form_that_leads_elsewhere_is_named() -> None:
    with pytest.raises(NotMetError, match="sends its visitor to http://other/"):
        list_form(page('<form action="http://other/"><button>List</button></form>'))


def test_a_page_that_asks_by_a_script_cannot_be_told() -> None:
    with pytest.raises(CannotTellError, match="by a script"):
        list_form(page("<button id=b>List</button><script>b.onclick = () => fetch('x')</script>"))
    assert list_form(page("<form><button>List</button></form><script>fetch('x')</script>"))


# -- a balancer that sends its visitors to HTTPS

LB: Any = SimpleNamespace(prove_target=lambda _name: SimpleNamespace(address="192.0.2.9"))


def asked(
    monkeypatch: pytest.MonkeyPatch, link: str, *, to_https: bool = False
) -> list[tuple[int, str]]:
    """What is asked of lb when HTTP leads to a link and HTTPS to a page: port and path of each."""
    found: list[tuple[int, str]] = []

    def ask(_address: str, port: int, path: str, *, secure: bool, **_rest: object) -> Reply:
        found.append((port, path))
        return Reply(200, {}, b"<form>") if secure else Reply(301, {"location": link}, b"")

    monkeypatch.setattr(pages, "ask", ask)
    assert fetch(LB, "lb", 80, "/?x", to_https=to_https).status == 200
    return found


@pytest.mark.parametrize(
    ("link", "port"),
    [("https://192.0.2.9/?x", 443), ("https://lb/?x", 443), ("https://lb:8443/?x", 8443)],
)
def test_a_balancer_may_send_to_its_own_https(
    monkeypatch: pytest.MonkeyPatch, link: str, port: int
) -> None:
    assert asked(monkeypatch, link, to_https=True) == [(80, "/?x"), (port, "/?x")]
    with pytest.raises(NotMetError, match="it sends its visitor to"):
        asked(monkeypatch, link)


@pytest.mark.parametrize(
    "link",
    ["https://web1/", "https://192.0.2.8/", "https://u@lb/", "https://lb:x/", "https://lb.evil/",
     "https://["],
)  # fmt: skip
def test_a_hostile_balancer_sends_the_grader_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, link: str
) -> None:
    with pytest.raises(NotMetError, match="it sends its visitor to"):
        asked(monkeypatch, link, to_https=True)


@pytest.mark.parametrize(
    ("errors", "patience", "seen"),
    [
        ([TimeoutError()], [PATIENCE_S, AGAIN_S], ""),
        ([TimeoutError(), TimeoutError()], [PATIENCE_S, AGAIN_S], "none within 12 s"),
        ([TimeoutError(), ConnectionRefusedError()], [PATIENCE_S, AGAIN_S], "refused"),
        ([ConnectionRefusedError()], [PATIENCE_S], "refused"),
        ([ConnectionResetError()], [PATIENCE_S], "the connection fails"),
        ([ValueError()], [PATIENCE_S], "the connection fails"),
    ],
)
def test_a_page_that_does_not_come_in_time_is_asked_for_once_more(
    monkeypatch: pytest.MonkeyPatch, errors: list[Exception], patience: list[float], seen: str
) -> None:
    """A page that hangs fails all the same; a busy computer does not fail it."""
    left, given = list(errors), []

    def answer(*_where: object, patience_s: float, **_how: object) -> Reply:
        given.append(patience_s)
        if left:
            raise left.pop(0)
        return Reply(200, {}, b"<form><button>list</button></form>")

    monkeypatch.setattr(pages, "ask", answer)
    lab: Any = SimpleNamespace(prove_target=lambda _name: SimpleNamespace(address="10.0.0.2"))
    if seen:
        with pytest.raises(NotMetError) as caught:
            fetch(lab, "web1", 80)
        assert seen in caught.value.seen
    else:
        assert fetch(lab, "web1", 80).status == 200
    assert given == patience


@pytest.mark.parametrize(
    ("answers", "presses", "shown"),
    [
        ([(0.1, "alice 12, bob 13")], 1, True),
        ([(3.1, "alice 12, bob 13")], 1, True),
        ([(3.1, "the API does not answer"), (0.1, "alice 12, bob 13")], 2, True),
        ([(3.1, "the API does not answer"), (3.1, "the API does not answer")], 2, False),
        ([(0.1, "the API does not answer"), (0.1, "alice 12, bob 13")], 1, False),
    ],
)
def test_a_button_is_pressed_again_where_the_answer_took_long_and_is_none(
    monkeypatch: pytest.MonkeyPatch,
    answers: list[tuple[float, str]],
    presses: int,
    shown: bool,
) -> None:
    """The page's own patience is over on a busy computer, and on it alone the second time helps."""
    now, left = [0.0], list(answers)

    def press(*_where: object) -> Page:
        seconds, text = left.pop(0)
        now[0] += seconds
        return page(text)

    monkeypatch.setattr(pages, "press_button", press)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    lab: Any = None
    if shown:
        must_list_when_pressed(lab, "web1", 80, lambda: STUDENTS)
    else:
        with pytest.raises(NotMetError):
            must_list_when_pressed(lab, "web1", 80, lambda: STUDENTS)
    assert len(answers) - len(left) == presses


@pytest.mark.parametrize(
    ("started", "line_s", "deaf_s", "answers"),
    [
        (0.0, 0.5, 0.0, True),
        (0.0, 0.5, 4.0, True),
        (0.0, 0.5, 9.0, False),
        (0.0, 3.0, 9.0, True),  # a build of one line takes twice as long as it may
        (-3600.0, 60.0, 1.0, False),  # it has run for an hour
        (-4.0, 0.5, 3.0, False),
    ],
)
def test_a_website_that_was_just_started_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, started: float, line_s: float, deaf_s: float, answers: bool
) -> None:
    """One that has long been there and refuses is not."""
    now = [0.0]
    machine_s = 1_800_000_000

    def answer(command: str) -> Result:
        if command == ONE_LINE:
            now[0] += line_s
        return Result(command, f"{machine_s + int(now[0])}\n", "", 0)

    def look(*_where: object) -> Page:
        if now[0] < deaf_s:
            raise NotMetError(expected="an answer", seen="refused", where="web1")
        return page("")

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(pages, "fetch", look)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", sleep)
    at = datetime.fromtimestamp(machine_s + started, UTC).strftime("%Y-%m-%dT%H:%M:%S.123456789Z")
    website = Container({"State": {"StartedAt": at}})
    lab: Any = None
    if answers:
        must_answer(lab, PlannedShell("web1", answer), website, 80)
    else:
        with pytest.raises(NotMetError):
            must_answer(lab, PlannedShell("web1", answer), website, 80)


@pytest.mark.parametrize("started", [None, "", "0001-01-01T00:00:00Z", "yesterday"])
def test_a_container_that_does_not_say_when_it_was_started_has_long_run(
    started: str | None,
) -> None:
    shell = PlannedShell("web1", lambda command: Result(command, "1800000000", "", 0))
    assert age_s(shell, Container({"State": {"StartedAt": started}})) > 10**9


def given_by(status: int, body: str) -> dict[str, str]:
    """The students that an API on web2 gives, which answers so."""
    api = Container({"Id": "1", "Name": "/a", "NetworkSettings": {"Networks": {
        "x": {"IPAddress": "172.18.0.2"}}}})  # fmt: skip
    shell = PlannedShell("web2", lambda asked: Result(asked, f"{body}\n{status}\n", "", 0))
    return students_of(shell, Stack(Project("web2", "/p/c.yml", "p", {}), None, api))


def test_an_api_that_answers_with_an_error_fails_and_one_that_is_silent_decides_nothing() -> None:
    assert given_by(200, '{"student_ages": {"alice": "12"}}') == {"alice": "12"}
    with pytest.raises(NotMetError, match="status 500"):
        given_by(500, "no such file")
    with pytest.raises(CannotTellError):
        given_by(0, "")
