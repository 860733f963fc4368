"""How soon HAProxy must notice, computed by hand from configurations and compared."""

from __future__ import annotations

import pytest

from labkit.facts.haproxy.file import sections
from labkit.facts.haproxy.process import HAProxy
from labkit.facts.haproxy.timings import Timings, read_timings, seconds, timings_of
from labkit.remote import PlannedShell, from_facts
from tests import ROOT

REFERENCE = ROOT / "steps" / "reference" / "haproxy"

# HAProxy's configuration manual, section 5.2: inter "If left unspecified, the delay defaults to
# 2000 ms", fall "defaults to 3 if unspecified", fastinter defaults to inter.
DOCUMENTED = Timings(inter=2.0, fastinter=None, fall=3, timeout_check=None)

PLAIN = """\
defaults
    timeout connect 5s
backend my-backend
    server web1 web1:80 check
"""


def read(text: str) -> Timings:
    return read_timings(sections(text), "my-backend")


def of(backend: str, *, before: str = "") -> Timings:
    """The timings of a backend with these lines."""
    return read(f"{before}\nbackend my-backend\n{backend}\n")


def reference(name: str) -> Timings:
    """A reference as it is read on the machine: through its shell, with its comments."""
    text = (REFERENCE / name).read_text(encoding="utf-8")
    return timings_of(HAProxy(PlannedShell("lb", from_facts({"haproxy.cfg": text}))))


def test_an_empty_configuration_has_the_documented_defaults() -> None:
    assert read("") == Timings() == DOCUMENTED


@pytest.mark.parametrize("name", ["haproxy-11.cfg", "haproxy.cfg"])
def test_the_reference_waits_twelve_seconds_for_silence_and_sees_no_hang(name: str) -> None:
    """Up to 2 s until a check begins; three of them, 2 s each; 2 s after the first two."""
    plain = reference(name)
    assert plain == Timings(timeout_connect=5.0)
    assert plain.silent == pytest.approx(2 + 3 * 2 + 2 * 2) == pytest.approx(12)
    assert plain.hung is None  # it only connects, and a hung website accepts connections
    assert plain.wrong is None


def test_the_hardened_reference_is_an_order_of_magnitude_faster() -> None:
    """Two checks; 500 ms until the first begins, 200 ms (fastinter) between them.

    A silent server fails at min(timeout connect, inter), 500 ms; one that accepts and says
    nothing at timeout check, 400 ms; one that answers wrongly at once.
    """
    hardened = reference("haproxy-hardened.cfg")
    assert hardened == Timings(0.5, 0.2, 2, 0.4, 0.5, asks_http=True)
    assert hardened.silent == pytest.approx(0.5 + 2 * 0.5 + 0.2) == pytest.approx(1.7)
    assert hardened.hung == pytest.approx(0.5 + 2 * 0.4 + 0.2) == pytest.approx(1.5)
    assert hardened.wrong == pytest.approx(0.5 + 2 * 0.1 + 0.2) == pytest.approx(0.9)


def test_without_a_time_out_of_its_own_a_check_may_take_the_whole_interval() -> None:
    """Section 4.2, timeout check: if it is not set, inter covers connection and answer."""
    asked = Timings(inter=1.0, fall=2, asks_http=True, timeout_connect=0.1)
    assert asked.silent == asked.hung == pytest.approx(1 + 2 * 1 + 1)


def test_with_one_the_connection_has_the_shorter_of_connect_and_inter() -> None:
    for connect, expected in ((0.3, 0.3), (5.0, 1.0), (None, 1.0)):
        limited = Timings(inter=1.0, fall=2, timeout_check=0.2, timeout_connect=connect)
        assert limited.silent == pytest.approx(1 + 2 * expected + 1)


def test_one_failure_that_suffices_waits_for_no_second_check() -> None:
    assert Timings(inter=1.0, fastinter=9.0, fall=1).silent == pytest.approx(2)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("2000", 2.0), ("500ms", 0.5), ("2s", 2.0), ("1m", 60.0), ("250us", 0.00025),
     ("1h", 3600.0), ("1d", 86400.0), ("0", 0.0)],
)  # fmt: skip
def test_a_time_without_a_unit_is_in_milliseconds(word: str, expected: float) -> None:
    assert seconds(word) == pytest.approx(expected)


@pytest.mark.parametrize("word", ["", "2 s", "2.5s", "-1s", "s", "2S", "2sec"])
def test_what_haproxy_does_not_take_for_a_time_is_none(word: str) -> None:
    with pytest.raises(ValueError, match="not a time"):
        seconds(word)


def test_a_servers_own_settings_outweigh_the_defaults_for_servers() -> None:
    both = of(
        "  default-server inter 4s fastinter 1s fall 5\n"
        "  server web1 web1:80 check inter 300 fall 2\n"
        "  server web2 web2:80 check inter 9s fall 9"
    )
    assert (both.inter, both.fastinter, both.fall) == (0.3, 1.0, 2)


def test_defaults_are_inherited_by_the_backend() -> None:
    inherited = of(
        "  timeout check 300ms\n  server web1 web1:80 check",
        before="defaults\n  timeout check 9s\n  timeout connect 1s\n  option httpchk\n"
        "  default-server inter 500ms",
    )
    assert inherited == Timings(0.5, timeout_check=0.3, timeout_connect=1.0, asks_http=True)


def test_a_backend_can_take_an_option_of_the_defaults_away() -> None:
    before = "defaults\n  option httpchk GET /"
    assert of("  server web1 web1:80 check", before=before).wrong is not None
    taken = of("  no option httpchk\n  server web1 web1:80 check", before=before)
    assert (taken.asks_http, taken.hung, taken.wrong) == (False, None, None)


def test_other_sections_have_no_say() -> None:
    around = read(
        "global\n  timeout check 9s\nfrontend website\n  timeout check 9s\n"
        + PLAIN
        + "backend other\n  option httpchk\n  timeout check 9s\n  default-server inter 9s\n"
        "listen stats\n  option httpchk\n  timeout connect 9s\n"
    )
    assert around == Timings(timeout_connect=5.0)


def test_a_listen_section_is_a_backend_too() -> None:
    text = "listen my-backend\n  bind *:80\n  option httpchk\n  server web1 web1:80 check inter 1s"
    assert read(text) == Timings(inter=1.0, asks_http=True)


def test_what_is_commented_out_is_not_set() -> None:
    text = PLAIN + "    # option httpchk\n    server web2 web2:80 check # inter 100ms\n"
    text = text.replace("web1:80 check", "web1:80 check # inter 100ms fall 1")
    shell = PlannedShell("lb", from_facts({"haproxy.cfg": text}))
    assert timings_of(HAProxy(shell)) == Timings(timeout_connect=5.0)


def test_the_settings_of_checks_are_told_from_a_servers_other_words() -> None:
    """`rise` and `downinter` bring a server back; they do not take it away."""
    many = of("  server fall web1:80 check weight 10 rise 7 downinter 9s maxconn 100 fall 4")
    assert many == Timings(fall=4)


def test_defaults_for_servers_are_for_those_that_follow() -> None:
    late = "server web1 web1:80 check\ndefault-server inter 500ms\nserver web2 web2:80 check"
    assert of(late).inter == 2.0


def test_another_kind_of_check_takes_the_question_for_a_page_back() -> None:
    asked = of("option tcp-check\nserver web1 web1:80 check", before="defaults\noption httpchk")
    assert not asked.asks_http


def test_a_time_may_stand_in_quotes() -> None:
    assert of('server web1 web1:80 check inter "500ms"').inter == 0.5


@pytest.mark.parametrize(
    "line",
    [
        "server web1 web1:80 check inter ${INTER}",
        'server web1 web1:80 check inter "${INTER}"',
        ".if defined(FAST)\n default-server inter 1s\n.endif",
    ],
)
def test_what_cannot_be_read_promises_nothing(line: str) -> None:
    text = f"backend my-backend\n    {line}\n"
    assert timings_of(HAProxy(PlannedShell("lb", from_facts({"haproxy.cfg": text})))) is None


def test_only_the_defaults_that_it_inherits_have_a_say() -> None:
    fast = "defaults fast\n default-server inter 1s\ndefaults\n timeout connect 3s\n"
    own = "\n server web1 web1:80 check\n"
    assert read(f"{fast}backend my-backend{own}") == Timings(timeout_connect=3.0)
    assert read(f"{fast}backend my-backend from fast{own}") == Timings(inter=1.0)
    chained = f"{fast}defaults more from fast\n timeout check 2s\nbackend my-backend from more{own}"
    assert read(chained) == Timings(inter=1.0, timeout_check=2.0)


def test_who_tracks_another_server_lives_by_the_checks_of_that_one() -> None:
    health = "backend health\n option httpchk\n server a web1:80 check inter 9s\n"
    fast = f"{health} server b web2:80 check inter 1s fall 2\n"
    assert read(f"{fast}backend my-backend\n server web1 web1:80 track health/a\n") == Timings(
        inter=9.0, asks_http=True
    )
    assert read(f"{fast}backend my-backend\n server web1 web1:80 track health/b\n") == Timings(
        inter=1.0, fall=2, asks_http=True
    )
    beside = "backend my-backend\n server one web1:80 track two\n server two web2:80 check fall 9\n"
    assert read(beside) == Timings(fall=9)
    circle = "backend my-backend\n server one web1:80 track two\n server two web2:80 track one\n"
    assert read(circle) == Timings()  # HAProxy does not start with it
