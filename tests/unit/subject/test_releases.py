"""Which release of Debian or Ubuntu a tag means."""

from __future__ import annotations

import pytest

from subject.releases import RELEASES, is_of_old, release_of


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("debian:9", "stretch"), ("debian:9.13", "stretch"), ("debian:buster-slim", "buster"),
        ("debian:12-20250101", "bookworm"), ("docker.io/library/debian:trixie", "trixie"),
        ("debian:oldstable-slim", "bullseye"), ("debian:oldoldstable", "buster"),
        ("ubuntu", "noble"), ("ubuntu:latest", "noble"), ("ubuntu:20.04", "focal"),
        ("ubuntu:jammy-20220101", "jammy"),
    ],
)  # fmt: skip
def test_a_tag_of_a_release_is_that_release(image: str, name: str) -> None:
    found = release_of(image)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    "image",
    ["debian", "debian:stable", "debian:sid", "debian:90", "debian:1", "ubuntu:20", "ubuntu:20x04",
     "ubuntu:rolling", "python:3.9-buster", "me/debian:9", "debian:oldstableish"],
)  # fmt: skip
def test_what_names_no_release_is_none(image: str) -> None:
    assert release_of(image) is None
    assert not is_of_old(image)


@pytest.mark.parametrize("system", RELEASES)
def test_releases_stand_in_order_of_time(system: str) -> None:
    """The last one of Debian is taken for the lab's; marks that came once have stayed."""
    releases = RELEASES[system]
    pythons = [tuple(map(int, one.python.split("."))) for one in releases]
    assert pythons == sorted(pythons)
    assert [one.keeps_pip_out for one in releases] == sorted(one.keeps_pip_out for one in releases)
