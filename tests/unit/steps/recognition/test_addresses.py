"""Paths and addresses of a student's own machine."""

from __future__ import annotations

import pytest

from tests.unit.steps.recognition.given import (
    BUILD,
    COMPOSE,
    DOCKERFILE,
    INDEX,
    STACK,
    seen,
)

ELSEWHERE = """\
services:
  site:
    image: php:apache
    volumes: ["/home/me/tp/website:/var/www/html"]
  back:
    build: /home/me/tp/simple_api
    volumes:
      - /home/me/tp/simple_api/student_age.json:/data/student_age.json
      - type: bind
        source: "/home/me/tp/website"
        target: /website
"""


@pytest.mark.parametrize(("folder", "up"), [("", "./"), ("stack/", "./../")])
def test_a_folder_of_another_machine_is_that_which_came_along(folder: str, up: str) -> None:
    found = seen({f"{folder}compose.yml": ELSEWHERE, INDEX: "<?php", DOCKERFILE: BUILD})
    text = found.files[f"{folder}compose.yml"].decode()
    assert text == ELSEWHERE.replace("/home/me/tp/", up)
    assert f"{folder}compose.yml: /home/me/tp/website stands for {up}website" in found.notes


@pytest.mark.parametrize("path", ["C:\\Users\\me\\tp\\website", "d:/tp/website"])
def test_a_folder_on_a_drive_of_windows_is_too(path: str) -> None:
    found = seen({COMPOSE: STACK.replace('"./website:/var/www/html"', f"'{path}:/var/www/html'"),
                  INDEX: "<?php"})  # fmt: skip
    assert (
        found.files[COMPOSE]
        == STACK.replace('"./website', "'./website").replace('html"', "html'").encode()
    )


@pytest.mark.parametrize("path", ["./Website", ".\\website", "./WEBSITE", "../TP/website"])
def test_a_folder_by_a_name_that_windows_finds_is_found(path: str) -> None:
    stack = STACK.replace('"./website:', f"'{path}:").replace('html"', "html'")
    found = seen({"tp/compose.yml": stack, "tp/website/index.php": "<?php", "x": "y"})
    assert found.files["tp/compose.yml"].decode() == stack.replace(path, "./website")
    assert found.sources[INDEX] == "tp/website/index.php"
    both = {"tp/Website/index.php": "<?php", "tp/compose.yml": stack, "tp/website/index.php": "?"}
    assert seen({**both, "x": "y"}).files["tp/compose.yml"] == stack.encode()


@pytest.mark.parametrize(
    "path", ["/website", "/home/me/other", "./website", "~/tp/website", "${PWD}/tp/website"]
)
def test_other_paths_stay_what_they_are(path: str) -> None:
    text = STACK.replace("./website", path)
    assert seen({COMPOSE: text, INDEX: "<?php"}).files[COMPOSE] == text.encode()


def test_a_path_that_is_also_one_in_a_container_stays() -> None:
    text = STACK + '    volumes: ["/x/website:/x/website"]\n'
    assert seen({COMPOSE: text, INDEX: "<?php"}).files[COMPOSE] == text.encode()


def test_the_api_that_is_tried_out_beside_is_no_part_of_the_registry() -> None:
    notes = """docker network create tp
docker run -d --network tp -v ${PWD}/student_age.json:/data/student_age.json -p 4000:5000 api:1
docker run -d -p 5000:5000 --name store --network tp registry:2
docker run -d --network tp -p 82:80 -e REGISTRY_URL=http://store:5000 joxit/docker-registry-ui:1.5
"""
    commands = seen({"README.md": notes}).options["registry: commands"].splitlines()
    assert [line.split()[-1] for line in commands] == [
        "tp", "registry:2", "joxit/docker-registry-ui:1.5",
    ]  # fmt: skip
