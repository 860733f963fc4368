"""Which image of the lab serves a tag that nobody has, and which images a project asks for."""

from __future__ import annotations

import pytest

from labkit.facts.dockerfile import base_images
from steps.project import stand_in


@pytest.mark.parametrize(
    ("image", "nearest"),
    [
        ("python:3.8-buster", "python:3"),
        ("python:2.7-slim", "python:3"),
        ("docker.io/library/python:3.7-alpine", "python:3"),
        ("php:7.2-apache-stretch", "php:apache"),
        ("registry:2.8.1", "registry:2"),
        ("joxit/docker-registry-ui:1.5-static", "joxit/docker-registry-ui:latest"),
    ],
)
def test_another_tag_is_served_by_the_nearest_one(image: str, nearest: str) -> None:
    assert stand_in(image) == nearest


@pytest.mark.parametrize(
    "image",
    ["python", "php:apache", "php:8-fpm", "node:20", "me/python:3.8", "python@sha256:00",
     "python:3@sha256:00", "lb:5000/registry:2", "student-age:1.0", ""],
)  # fmt: skip
def test_nothing_else_is(image: str) -> None:
    assert stand_in(image) == ""


def test_bases_are_those_that_have_to_come_from_somewhere() -> None:
    dockerfile = (
        "ARG VERSION=3\nFROM --platform=linux/amd64 python:3.8-slim AS Built\n"
        "  from built AS tested\nFROM python:${VERSION}\nFROM php:7.4-apache\nFROM php:7.4-apache\n"
    )
    assert base_images(dockerfile) == ["python:3.8-slim", "php:7.4-apache"]
