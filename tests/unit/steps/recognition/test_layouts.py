"""Folders as they are handed in: where things lie, line ends, what may be executed."""

from __future__ import annotations

import pytest

from steps.recognition import recognise
from tests.unit.steps.recognition.given import (
    BALANCER,
    BUILD,
    CFG,
    COMPOSE,
    DOCKERFILE,
    INDEX,
    REFERENCE,
    REGISTRY,
    STACK,
    STORE,
    seen,
)

# -- layouts


@pytest.mark.parametrize("name", ["simple_api/Dockerfile", "simple_api/dockerfile"])
def test_the_usual_layout(name: str) -> None:
    found = seen({name: BUILD, COMPOSE: STACK, INDEX: "<?php", REGISTRY: STORE, BALANCER: CFG})
    assert found.sources == {
        DOCKERFILE: name, COMPOSE: COMPOSE, INDEX: INDEX, REGISTRY: REGISTRY, BALANCER: BALANCER,
    }  # fmt: skip
    assert found.targets["simple_api/student_age.py"] == "simple_api/student_age.py"
    assert found.options["build: what"].endswith("simple_api")


def test_what_a_tool_keeps_for_itself_is_nobodys_stack() -> None:
    files = {
        ".devcontainer/docker-compose.yml": STACK,
        ".devcontainer/Dockerfile": BUILD,
        ".github/workflows/registry.yml": STORE,
        "tp/student-list/docker-compose.yml": STACK,
        "tp/student-list/api/Dockerfile": BUILD,
        "tp/infra/registry/compose.yaml": STORE,
        "README.md": "x",
    }
    assert seen(files).sources == {
        DOCKERFILE: "tp/student-list/api/Dockerfile",
        COMPOSE: "tp/student-list/docker-compose.yml",
        REGISTRY: "tp/infra/registry/compose.yaml",
    }
    only = {path: text for path, text in files.items() if path.startswith(".dev")}
    assert seen({**only, "README.md": "x"}).sources[COMPOSE] == ".devcontainer/docker-compose.yml"


def test_an_api_folder_of_another_name_takes_the_given_files_with_it() -> None:
    found = seen({"api/Dockerfile": BUILD, "html/index.php": "<?php"})
    assert found.sources == {DOCKERFILE: "api/Dockerfile", INDEX: "html/index.php"}
    assert found.options["build: what"] == "api"
    assert found.targets["simple_api/student_age.py"] == "api/student_age.py"
    assert found.targets["simple_api/student_age.json"] == "api/student_age.json"
    assert found.targets[DOCKERFILE] == "api/Dockerfile"
    assert found.targets[INDEX] == "html/index.php"
    assert found.targets[COMPOSE] == COMPOSE


@pytest.mark.parametrize(
    "copy",
    [
        "COPY simple_api/student_age.py /",
        "COPY ./simple_api /app",
        "add --chown=1:1 simple_api/student_age.py simple_api/requirements.txt /",
        'COPY ["simple_api/student_age.py", "/"]',
        "COPY \\\n  simple_api/student_age.py \\\n  /",
        "COPY simple_api/*.py simple_api/requirements*.txt /",
        "ARG SRC=simple_api\nCOPY ${SRC}/student_age.py /",
    ],
)
@pytest.mark.parametrize("place", ["Dockerfile", "simple_api/Dockerfile"])
def test_a_dockerfile_that_copies_from_the_root_is_built_there(place: str, copy: str) -> None:
    found = seen({place: f"FROM python\n{copy}\n"})
    words = found.options["build: what"].split()
    assert words[-1] == "."
    assert words[:-1] == ([] if place == "Dockerfile" else ["-f", place])
    assert found.targets["simple_api/student_age.py"] == "simple_api/student_age.py"


def test_a_flat_folder_is_built_at_its_root() -> None:
    files = {"Dockerfile": BUILD, "student_age.py": "import flask"}
    assert seen(files).options["build: what"] == "."


def test_what_comes_from_another_stage_is_not_looked_for() -> None:
    text = "FROM python AS one\nFROM python\nCOPY --from=one /venv /venv\nCOPY . /\n"
    assert seen({"simple_api/Dockerfile": text}).options["build: what"] == "simple_api"


def test_the_websites_dockerfile_is_not_the_apis() -> None:
    found = seen({"website/Dockerfile": "FROM php:apache\n", "x/y/Dockerfile": BUILD})
    assert found.sources[DOCKERFILE] == "x/y/Dockerfile"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("front/Dockerfile", "FROM ubuntu\nRUN apt install apache2\nCOPY *.php /var/www/html/\n"),
        ("front/Dockerfile", "FROM debian:12\nADD ./html /var/www/html\n"),
        ("haproxy/Dockerfile", "FROM haproxy:2.8\nCOPY haproxy.cfg /usr/local/etc/haproxy/\n"),
        ("a/Dockerfile", "FROM docker.io/library/nginx:alpine\nCOPY default.conf /etc/nginx/\n"),
        ("a/Dockerfile", "FROM docker:27\nRUN apk add git\n"),
        ("Dockerfile.dockerignore", "*.pyc\n"), ("Dockerfile.png", "PNG"), ("Dockerfile~", BUILD),
        ("Dockerfile.md", "# How it is made\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("own", ["student/Dockerfile", "student/Containerfile", "x/api.dockerfile"])
def test_what_is_beside_is_not_the_apis_dockerfile(own: str, path: str, text: str) -> None:
    assert seen({own: BUILD, path: text, "x.txt": ""}).sources[DOCKERFILE] == own


def test_a_dockerfile_of_other_software_alone_is_none() -> None:
    found = seen({"lb/Dockerfile": "FROM haproxy:2.8\n", COMPOSE: STACK})
    assert DOCKERFILE not in found.sources
    # an API that lives where pages do
    own = "FROM alpine\nRUN apk add py3-pip\nCOPY . /var/www/html\nCMD python3 student_age.py\n"
    assert seen({"x/Dockerfile": own, "y": ""}).sources == {DOCKERFILE: "x/Dockerfile"}


def test_a_dockerfile_of_another_name_is_named_to_the_build() -> None:
    found = seen({"simple_api/Dockerfile.api": BUILD})
    assert found.options["build: what"] == "-f simple_api/Dockerfile.api simple_api"


def test_an_empty_file_is_a_missing_one() -> None:
    found = seen({DOCKERFILE: "\n", COMPOSE: "", INDEX: " ", BALANCER: "\n\n"})
    assert found.sources == {}


def test_one_folder_around_everything_is_taken_off() -> None:
    found = seen({"tp-ha/simple_api/Dockerfile": BUILD, "tp-ha/docker-compose.yml": STACK})
    assert found.sources == {DOCKERFILE: DOCKERFILE, COMPOSE: COMPOSE}
    assert set(found.files) == {DOCKERFILE, COMPOSE}


@pytest.mark.parametrize("path", [DOCKERFILE, BALANCER, INDEX, "api/Dockerfile"])
def test_a_folder_of_the_practical_is_none_around_everything(path: str) -> None:
    assert set(seen({path: "FROM x\nbackend b\n"}).files) == {path}


def test_a_file_beside_the_folder_keeps_it() -> None:
    assert "tp/docker-compose.yml" in seen({"tp/docker-compose.yml": STACK, "a.txt": ""}).files


# -- line ends


def test_line_ends_of_windows_are_changed_said_and_kept() -> None:
    windows = BUILD.replace("\n", "\r\n")
    found = seen({DOCKERFILE: windows, "logo.png": b"\x89PNG\r\n\0"})
    assert found.files == {DOCKERFILE: BUILD.encode(), "logo.png": b"\x89PNG\r\n\0"}
    assert found.original == {DOCKERFILE: windows.encode()}
    assert found.notes == ("Windows line endings were converted to those of Linux",)
    assert seen({DOCKERFILE: BUILD}).notes == ()


@pytest.mark.parametrize(
    "line",
    ["# syntax=docker/dockerfile:1", "#syntax = docker.io/docker/dockerfile:1.4  ",
     "# syntax=docker/dockerfile:1-labs", "# Syntax=127.0.0.1:5000/frontend", "// syntax=x",
     "# syntax=", "# syntax=x@sha256:0 and more"],
)  # fmt: skip
@pytest.mark.parametrize("before", ["", "#!/usr/bin/x\n", "# check=skip=all\n", "\n# Mine.\n\n"])
def test_a_hostile_frontend_and_any_other_is_the_engines_own(line: str, before: str) -> None:
    """It is on the machines already, and no other is fetched; lines keep their numbers."""
    api, page = f"{before}{line}\n{BUILD}", f"{before}{line}\nFROM php\n"
    found = seen({DOCKERFILE: api, "website/Dockerfile": page})
    assert found.files[DOCKERFILE] == f"{before}#\n{BUILD}".encode()
    assert found.files["website/Dockerfile"] == f"{before}#\nFROM php\n".encode()
    assert found.original[DOCKERFILE] == api.encode()
    assert found.notes == tuple(
        f"{path}: the engine's own frontend reads it (# syntax=)"
        for path in (DOCKERFILE, "website/Dockerfile")
    )


@pytest.mark.parametrize("before", ["", "#!/usr/bin/x\n", "\n\t "])
def test_a_hostile_frontend_that_json_names_is_none(before: str) -> None:
    """BuildKit reads a whole Dockerfile as JSON as well; a comment before it ends that."""
    named = f'{before}{{"syntax": "127.0.0.1:5000/frontend"}}\n'
    found = seen({DOCKERFILE: named})
    assert found.files[DOCKERFILE] == f"#\n{named}".encode()
    assert len(found.notes) == 1


@pytest.mark.parametrize(
    "line", ["RUN echo '# syntax=docker/dockerfile:1'", "FROM x\n# syntax=docker/dockerfile:1",
             "# the syntax=is this"],
)  # fmt: skip
def test_a_line_that_names_no_frontend_is_left_as_it_was_written(line: str) -> None:
    found = seen({DOCKERFILE: f"{line}\n{BUILD}"})
    assert found.files[DOCKERFILE] == f"{line}\n{BUILD}".encode()
    assert found.notes == ()


# -- what may be executed


def test_what_may_be_executed_is_told_by_its_mode_or_its_first_line() -> None:
    files = {"tp/a.sh": b"#!/bin/sh\n", "tp/b": b"\x7fELF\0", "tp/c.txt": b"x"}
    assert recognise(files, REFERENCE, executable=["tp/b"]).executable == {"a.sh", "b"}
