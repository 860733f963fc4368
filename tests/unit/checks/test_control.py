"""A build that lacks something: the student's mistake, or what the lab lacks."""

from __future__ import annotations

import pytest

from checks.builds import Build
from checks.control import brings, must_not_lack
from labkit.course import CannotTellError, NotMetError
from labkit.remote import PlannedShell, from_facts

BUILD = Build("/srv/student-list/simple_api/Dockerfile", "/srv/student-list/simple_api")
NO_PACKAGE = "#9 3.1 E: Unable to locate package libldap2-devel\n"
NO_CANDIDATE = "#9 3.1 E: Package 'python-dev' has no installation candidate\n"
NO_VERSION = "2.197 E: Version '2.5.*' for 'libldap2-dev' was not found\n"
NO_DISTRIBUTION = "#8 ERROR: No matching distribution found for flaskk\n"
NO_APK = "#5 0.1 /bin/sh: 1: apk: not found\n"
NO_COMPILER = "#8 9.1 error: command 'gcc' failed: No such file or directory\n"
NO_PPIP = "#5 0.1 /bin/sh: 1: ppip: not found\n"
ADDUSER = "The command '/bin/sh -c adduser -D me' returned a non-zero code: 1\n"
ADDUSER_BUILDKIT = (
    'ERROR: process "/bin/sh -c adduser -D me" did not complete successfully: exit code: 2\n'
)
STAND_IN = "Debian 13's Python 3.13 stands in for every version"


def web(image: str, *, control: int, label: str = STAND_IN) -> PlannedShell:
    """A machine on which the question to the index ends with `control`."""
    read = f"cat {BUILD.dockerfile}"
    facts = {read: f"FROM {image}\n", "image inspect": label, "docker run": control}
    return PlannedShell("web1", from_facts(facts))


@pytest.mark.parametrize("said", [NO_PACKAGE, NO_CANDIDATE, NO_DISTRIBUTION])
@pytest.mark.parametrize("image", ["python:3", "python:3.12-slim", "python"])
def test_what_no_index_has_is_a_mistake(image: str, said: str) -> None:
    with pytest.raises(NotMetError) as caught:
        must_not_lack(web(image, control=1), BUILD, said)
    assert caught.value.seen.partition(":")[0] in said


@pytest.mark.parametrize("said", [NO_PACKAGE, NO_CANDIDATE, NO_DISTRIBUTION, NO_VERSION])
@pytest.mark.parametrize(
    ("image", "control"),
    [
        ("python:3", 0),  # it has it: the version was not there, or the build's moment was bad
        ("python:3", 9),  # no index answers
        ("python:2.7-buster", 1), ("python:3.9", 1), ("python:3.12-bookworm", 1), ("ubuntu", 1),
    ],
)  # fmt: skip
def test_otherwise_nobody_can_tell(image: str, control: int, said: str) -> None:
    with pytest.raises(CannotTellError):
        must_not_lack(web(image, control=control), BUILD, said)


@pytest.mark.parametrize("said", [NO_APK, NO_COMPILER])
def test_a_command_that_the_stand_in_lacks_is_nobodys_mistake(said: str) -> None:
    with pytest.raises(CannotTellError) as caught:
        must_not_lack(web("python:3.8-alpine", control=1), BUILD, said)
    assert caught.value.settle == "labkit bundle --add python:3.8-alpine"


@pytest.mark.parametrize("said", [ADDUSER_BUILDKIT, ADDUSER])
def test_a_command_that_ends_otherwise_on_debian_is_nobodys_mistake(said: str) -> None:
    with pytest.raises(CannotTellError):
        must_not_lack(web("python:3.12-alpine", control=1), BUILD, said)
    must_not_lack(web("python:3.12-slim", control=1), BUILD, said)
    must_not_lack(web("python:3.12-alpine", control=1, label=""), BUILD, said)


def test_alpine_has_no_apt() -> None:
    said = (
        "#7 0.2 /bin/sh: 1: apt-get: not found\n"
        'ERROR: process "/bin/sh -c apt-get update" did not complete successfully: exit code: 127\n'
    )
    must_not_lack(web("python:3.12-alpine", control=1), BUILD, said)


def test_a_command_that_nobody_has_and_a_genuine_image_are_judged() -> None:
    must_not_lack(web("python:3.8-alpine", control=1), BUILD, NO_PPIP)
    must_not_lack(web("python:3.8-slim", control=1, label=""), BUILD, NO_APK)
    must_not_lack(web("python:3", control=1), BUILD, 'failed to solve: "/x.py": not found')


@pytest.mark.parametrize(
    ("image", "command", "brought"),
    [
        ("python:3.8", "git", True), ("python", "curl", True), ("python:3.8-buster", "gcc", True),
        ("python:3.8-slim", "git", False), ("python:slim-buster", "curl", False),
        ("python:3.8-alpine", "apk", True), ("python:3.8-alpine3.12", "git", False),
        ("python:3.8", "apk", False), ("python:3.8", "yum", False), ("python:3.8", "dnf", False),
        ("php:8-apache", "docker-php-ext-install", True), ("php:apache", "apk", False),
        ("registry:2", "apk", True), ("registry:2", "htpasswd", False),
    ],
)  # fmt: skip
def test_an_image_brings_what_its_own_recipe_installs(
    image: str, command: str, brought: bool
) -> None:
    assert brings(image, command) is brought


@pytest.mark.parametrize(
    "said",
    ["/bin/bash: line 1: curl: command not found", "/bin/sh: 1: curl: not found",
     "/bin/ash: curl: not found", "bash: curl: command not found"],
)  # fmt: skip
def test_every_shell_says_that_a_command_is_missing(said: str) -> None:
    with pytest.raises(CannotTellError):
        must_not_lack(web("python:3.12", control=1), BUILD, said)
    must_not_lack(web("python:3.12-slim", control=1), BUILD, said)  # it has none there, either
