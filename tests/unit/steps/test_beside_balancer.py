"""Certificates that nobody can hand in, error pages that come along: where HAProxy looks."""

from __future__ import annotations

import pytest

from labkit.facts.haproxy.harmless import OWN_FILE
from labkit.remote import PlannedShell, Result
from steps.beside_balancer import end_of, moved, place_of, provide

SITE = "frontend f\n bind :443 ssl crt {}\n"
PAGE = "defaults\n errorfile 503 {}\n"


def planned(there: bool = False) -> PlannedShell:
    return PlannedShell("lb", lambda question: Result(question, "", "", 0 if there else 1))


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("/etc/haproxy/certs/site.pem", "/etc/haproxy/certs/site.pem"),
        ("/etc/ssl/private/site.pem", "/etc/ssl/private/site.pem"),
        ("/etc/haproxy/certs/", "/etc/haproxy/certs/lb.pem"),
    ],
)
def test_a_certificate_is_made_where_it_is_looked_for(path: str, file: str) -> None:
    shell = planned()
    provide(shell, SITE.format(path), {"certs/site.pem": b"another machine's"})
    assert len(shell.plan) == 1
    assert f"| sudo tee {file} >/dev/null" in shell.plan[0]
    assert "subjectAltName=DNS:lb" in shell.plan[0]


def test_a_certificate_that_is_there_stays() -> None:
    shell = planned(there=True)
    provide(shell, SITE.format("/etc/haproxy/site.pem"), {})
    assert shell.plan == []


HANDED_IN = "/etc/haproxy/submitted/haproxy-errors-503.http"


def test_an_error_page_that_was_handed_in_comes_along() -> None:
    shell = planned()
    files = {"503.http": b"old", "haproxy/errors/503.http": b"HTTP/1.0 503 x\r\n"}
    provide(shell, PAGE.format(HANDED_IN), files)
    assert shell.files == {HANDED_IN: b"HTTP/1.0 503 x\r\n"}


@pytest.mark.parametrize(
    ("page", "theirs"),
    [("/usr/share/haproxy/503.http", "/etc/haproxy/errors/503.http"),
     ("/etc/haproxy/errors/400.http", "/usr/share/haproxy/400.http")],
)  # fmt: skip
def test_a_page_of_the_other_familys_package_is_there(page: str, theirs: str) -> None:
    shell = planned()
    provide(shell, PAGE.format(page), {})
    assert shell.plan == [f"lb $ sudo install -D -m 644 {theirs} {page}"]
    shell = planned(there=True)
    provide(shell, PAGE.format(page), {})
    assert shell.plan == []


@pytest.mark.parametrize(
    "path", ["/etc/ssl/openssl.cnf", "/etc/haproxy/haproxy.cfg", "/etc/haproxy/errors/x.http"]
)
def test_hostile_files_are_not_put_among_the_machines_own(path: str) -> None:
    shell = planned()
    provide(shell, PAGE.format(path), {path.rpartition("/")[2]: b"x"})
    assert (shell.plan, shell.files) == ([], {})


def test_paths_of_the_students_own_machine_are_those_of_this_one() -> None:
    text = (SITE + PAGE).replace("{}", "/home/me/tp/{}").format("site.pem", "errors/503.http")
    assert moved(text, ["haproxy/errors/503.http"]) == {
        "/home/me/tp/site.pem": "/etc/haproxy/site.pem",
        "/home/me/tp/errors/503.http": HANDED_IN,
    }
    assert moved(PAGE.format("/root/.ssh/id_rsa"), ["x"]) == {}
    assert moved(PAGE.format("/etc/haproxy/errors/503.http"), ["404.http"]) == {}
    assert moved(SITE.format("/etc/ssl/private/site.pem"), ["site.pem"]) == {}


@pytest.mark.parametrize(
    ("path", "here"),
    [("/var/run/api.sock", "/var/lib/haproxy/api.sock"),
     ("/etc/haproxy/haproxysock", "/var/lib/haproxy/haproxysock"),
     ("/run/docker.sock", "/var/lib/haproxy/docker.sock"),
     ("/run/haproxy/admin.sock", None), ("/var/lib/haproxy/stats", None), ("ipv4@*:9999", None),
     ("/tmp/x y", None)],
)  # fmt: skip
@pytest.mark.parametrize("family", ["", "unix@"])
def test_a_socket_for_the_administrator_is_opened_where_haproxy_may(
    path: str, here: str | None, family: str
) -> None:
    text = f'global\n stats socket "{family}{path}" mode 660 level admin\n'
    assert moved(text, []) == ({path: here} if here else {})


@pytest.mark.parametrize("file", [".x/é 503.http", "a/../503.http", "-f"])
def test_what_a_file_is_called_gives_a_name_that_haproxy_may_read(file: str) -> None:
    assert OWN_FILE.fullmatch(place_of(file))


def test_of_several_files_of_a_name_the_one_of_the_same_folder() -> None:
    files = ["503.http", "a/503.http", "b/errors/503.http"]
    assert end_of("/etc/haproxy/errors/503.http", files) == "b/errors/503.http"
    assert end_of("/etc/a/503.http", files) == "a/503.http"
    assert end_of("/etc/haproxy/404.http", files) == ""
