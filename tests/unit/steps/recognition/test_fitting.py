"""References that take the place of what is missing; an application of a school's own."""

from __future__ import annotations

import pytest
import yaml

from labkit.course import ReadingRules
from steps.recognition import recognise
from tests.unit.steps.recognition.given import (
    BALANCER,
    BUILD,
    CFG,
    COMPOSE,
    COURSE,
    DOCKERFILE,
    INDEX,
    REFERENCE,
    RSYSLOG,
    STACK,
    seen,
    servers,
)

# -- references that fit


def test_the_page_is_fitted_to_the_name_of_the_service() -> None:
    page = seen({COMPOSE: STACK}).fitted[INDEX].decode()
    assert "'http://back:5000/pozos" in page
    assert "http://api:" not in page.replace("http://api:5000</", "")


def test_the_balancer_is_fitted_to_the_websites_port() -> None:
    fitted = seen({COMPOSE: STACK}).fitted
    for name in ("haproxy-11.cfg", "haproxy.cfg", "haproxy-hardened.cfg"):
        assert "server web1 web1:8080" in fitted[f"haproxy/{name}"].decode()
        assert "server web2 web2:8080" in fitted[f"haproxy/{name}"].decode()
    usual = STACK.replace("8080:80", "80:80")
    assert BALANCER not in seen({COMPOSE: usual}).fitted


def test_the_stack_is_fitted_to_the_port_that_the_balancer_asks() -> None:
    stack = yaml.safe_load(seen({BALANCER: servers("web1:8081", "web2:8081")}).fitted[COMPOSE])
    assert stack["services"]["website"]["ports"] == ["8081:80"]


def test_the_stack_is_fitted_to_the_name_that_the_page_asks() -> None:
    page = "<?php file_get_contents('http://flask.api:5000/pozos/api/v1.0/get_student_ages');"
    services = yaml.safe_load(seen({INDEX: page}).fitted[COMPOSE])["services"]
    assert set(services) == {"website", "flask.api"}
    assert services["website"]["depends_on"] == ["flask.api"]


@pytest.mark.parametrize("host", ["localhost", "api", "<api_ip_or_name"])
def test_a_page_that_asks_nobody_changes_no_name(host: str) -> None:
    page = f"<?php $x = 'http://{host}:5000/pozos/api/v1.0/get_student_ages';"
    assert set(yaml.safe_load(seen({INDEX: page}).fitted[COMPOSE])["services"]) == {
        "website", "api"
    }  # fmt: skip


@pytest.mark.parametrize(
    "line",
    ["log 127.0.0.1 local5", "log 127.0.0.1:514 local5 notice", "log /dev/log len 99 local5 info"],
)
def test_the_log_is_fitted_to_the_facility(line: str) -> None:
    fitted = seen({BALANCER: f"global\n  {line}\n{CFG}"}).fitted[RSYSLOG].decode()
    assert "local5.*" in fitted
    assert "local2" not in fitted


def test_nothing_is_fitted_where_nothing_is_filled() -> None:
    found = seen({COMPOSE: STACK}, fill=False)
    assert (found.fitted, found.fill) == ({}, False)


def test_the_reference_itself_is_recognised_as_it_is() -> None:
    files = {
        path.relative_to(REFERENCE).as_posix(): path.read_bytes()
        for path in REFERENCE.rglob("*")
        if path.is_file() and path.name not in ("haproxy-11.cfg", "haproxy-hardened.cfg")
    }
    found = recognise(files, REFERENCE)
    wanted = {one.path for step in COURSE.steps for one in step.artefacts}
    assert set(found.sources) == {*wanted, RSYSLOG}
    assert all(path == source for path, source in found.sources.items())
    assert found.notes == ()
    assert found.options == {"build: what": "simple_api", "registry: folder": "."}


def test_nothing_at_all_is_recognised_as_nothing() -> None:
    """An entry of the corpus may consist of its note alone."""
    assert recognise({}, REFERENCE).sources == {}


# -- an application of a school's own

OWN = """@auth.get_password
def password(username):
    if username == "root":
        return "geheim"

@app.route("/school/get_student_ages")
def get_student_ages(): ...
"""


@pytest.mark.parametrize("path", ["simple_api/student_age.py", "api/app.py"])
def test_a_schools_application_is_that_of_its_script(path: str) -> None:
    files = {path: OWN.encode(), DOCKERFILE: BUILD.encode()}
    assert "build: application" not in recognise(files, REFERENCE).options
    found = recognise(files, REFERENCE, ReadingRules(as_found=True))
    assert found.options["build: application"] == "/school/get_student_ages\nroot\ngeheim"
    assert found.notes[-1].startswith(f"the application is that of {path}: /school")
    assert b"/school/get_student_ages" in found.fitted[INDEX]
    assert b'USERNAME: "root"' in found.fitted[COMPOSE]
    assert b'PASSWORD: "geheim"' in found.fitted[COMPOSE]


def test_without_a_script_it_is_as_given() -> None:
    found = recognise({DOCKERFILE: BUILD.encode()}, REFERENCE, ReadingRules(as_found=True))
    assert "build: application" not in found.options
