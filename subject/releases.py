"""Debian's and Ubuntu's releases, by the tags that images have of them, and the Python of each."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """A release of a system: `python` is its own Python 3 (packages.debian.org, .ubuntu.com)."""

    version: str
    name: str
    python: str

    @property
    def _python(self) -> tuple[int, ...]:
        return tuple(map(int, self.python.split(".")))

    @property
    def has_python_2(self) -> bool:
        """Whether Python 2 is among its packages, for everyday use."""
        return self._python < (3, 10)

    @property
    def keeps_pip_out(self) -> bool:
        """Whether its Python bears the mark by which pip installs nothing into it (PEP 668)."""
        return self._python >= (3, 11)


# In order of time; the last one of Debian is the lab's.
DEBIAN = (
    Release("6", "squeeze", "3.1"), Release("7", "wheezy", "3.2"),
    Release("8", "jessie", "3.4"), Release("9", "stretch", "3.5"),
    Release("10", "buster", "3.7"), Release("11", "bullseye", "3.9"),
    Release("12", "bookworm", "3.11"), Release("13", "trixie", "3.13"),
)  # fmt: skip
UBUNTU = (
    Release("10.04", "lucid", "3.1"), Release("12.04", "precise", "3.2"),
    Release("14.04", "trusty", "3.4"), Release("16.04", "xenial", "3.5"),
    Release("18.04", "bionic", "3.6"), Release("20.04", "focal", "3.8"),
    Release("21.04", "hirsute", "3.9"), Release("21.10", "impish", "3.9"),
    Release("22.04", "jammy", "3.10"), Release("22.10", "kinetic", "3.10"),
    Release("23.04", "lunar", "3.11"), Release("23.10", "mantic", "3.11"),
    Release("24.04", "noble", "3.12"), Release("24.10", "oracular", "3.12"),
    Release("25.04", "plucky", "3.13"), Release("25.10", "questing", "3.13"),
    Release("26.04", "resolute", "3.14"),
)  # fmt: skip
RELEASES = {"debian": DEBIAN, "ubuntu": UBUNTU}
# Tags that move on: what they meant when most of the folders were written that name them.
MOVING = {"debian": {"oldstable": "11", "oldoldstable": "10"}, "ubuntu": {"latest": "24.04"}}

# Versions of Python from when Debian still had Python 2, and old releases of Flask fitted with
# whatever they asked for: how a tag begins.
OLD_PYTHON = r"(?:2|3\.\d|3\.10)(?!\d)"


def repository_and_tag(image: str) -> tuple[str, str]:
    """The two parts of a name, as Docker Hub shows them: `python` of `docker.io/library/python`."""
    name = image.removeprefix("docker.io/").removeprefix("library/")
    repository, _colon, tag = name.partition(":")
    return repository, tag


def release_of(image: str) -> Release | None:
    """The release that an image of a bare system is, by its tag; None if it cannot be told."""
    system, tag = repository_and_tag(image)
    tag = tag or "latest"
    for moving, version in MOVING.get(system, {}).items():
        tag = re.sub(rf"\A{moving}(?=-|\Z)", version, tag)
    for one in RELEASES.get(system, ()):
        if re.fullmatch(rf"(?:{re.escape(one.version)}|{one.name})(?:[.-].*)?", tag):
            return one
    return None


def names(releases: tuple[Release, ...]) -> str:
    """A pattern for their names, as they stand in the tags of other images."""
    return "|".join(one.name for one in releases)


def is_of_old(image: str) -> bool:
    """Whether pip may install into a bare system, by its tag: not where that cannot be told."""
    found = release_of(image)
    return found is not None and not found.keeps_pip_out
