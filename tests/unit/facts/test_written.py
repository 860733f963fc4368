"""A compose file as a person writes it, read without Compose."""

from __future__ import annotations

import time

import pytest

from labkit.facts.compose.project import Project
from labkit.facts.compose.written import as_yaml, dotenv, written

DOTENV = b"""\
# images
PHP_IMAGE=php:8.2-apache
export API = 'student-age'
TAG: "1.0"   # the first
WEB=./website # where the page is
EMPTY=
no variable at all
"""


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("${PHP_IMAGE}", "php:8.2-apache"),
        ("$PHP_IMAGE", "php:8.2-apache"),
        ("${API}:${TAG}", "student-age:1.0"),
        ("${OTHER:-registry}:2", "registry:2"),
        ("${EMPTY:-registry}:2", "registry:2"),
        ("${OTHER-registry}", "registry"),
        ("${API:?missing}", "student-age"),
        ("${API:+lb:5000/}x", "lb:5000/x"),
        ("${OTHER:+lb:5000/}x", "x"),
        ("${OTHER}x", "x"),
        ("${OTHER:-${MORE:-registry}}:2", "registry:2"),
        ("${OTHER:-${API}:${TAG}}", "student-age:1.0"),
        ("${API:?${OTHER} is missing}", "student-age"),
        ("a$$b", "a$b"),
    ],
)
def test_variables_are_those_of_compose(given: str, value: str) -> None:
    text = f"services: {{a: {{image: '{given}'}}}}".encode()
    assert written("x.yml", text, Project, dotenv(DOTENV)).services["a"].image == value


def test_the_folder_is_the_one_of_the_file() -> None:
    text = b"services: {a: {build: '${PWD}/api', volumes: ['$PWD/www:/var/www/html']}}"
    one = written("x.yml", text, Project).services["a"]
    assert one.build_context == "./api"
    assert one.mounts == {"/var/www/html": "./www"}


def test_a_published_port_may_be_a_variable() -> None:
    text = b"services: {a: {ports: ['${PORT:-8080}:80']}}"
    assert written("x.yml", text, Project).services["a"].published == {80: "8080"}


def test_of_a_range_of_ports_nobody_knows_which() -> None:
    text = b"services: {a: {ports: ['8080-8090:80']}, b: {ports: ['127.0.0.1:81:80/tcp']}}"
    found = written("x.yml", text, Project).services
    assert found["a"].published == {80: ""}
    assert found["b"].published == {80: "81"}


def test_a_volume_may_be_a_folder() -> None:
    text = b"""
services: {a: {volumes: ["page:/var/www/html", "data:/data"]}}
volumes:
  page: {driver: local, driver_opts: {type: none, o: bind, device: "${PWD}/website"}}
  data:
"""
    found = written("x.yml", text, Project).services["a"]
    assert found.mounts == {"/var/www/html": "./website", "/data": "data"}


def test_tags_of_compose_are_no_error() -> None:
    text = b"services: {a: {image: x, ports: !override ['8080:80'], environment: !reset null}}"
    found = written("x.yml", text, Project)
    assert not found.error
    assert found.services["a"].published == {80: "8080"}
    assert written("x.yml", b"services: {a: !mine {image: x}}", Project).error


def test_what_one_reader_changes_is_not_what_the_next_one_reads() -> None:
    text = b"services: {a: {ports: ['80:80']}}"
    as_yaml(text)["services"]["a"]["ports"].clear()
    assert as_yaml(text) == {"services": {"a": {"ports": ["80:80"]}}}


def test_variables_made_to_keep_a_reader_busy_are_read_in_good_time() -> None:
    before = time.process_time()
    written("x.yml", b"services: {a: {image: '" + b"${A-" * 10_000 + b"'}}", Project)
    dotenv(b"A=" + b"' " * 30_000)
    assert time.process_time() - before < 1.5
