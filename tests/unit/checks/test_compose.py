"""Where a compose file takes the page and its credentials from, in each of the ways that work."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checks import test_04_compose as of_compose
from checks.trial import RunningImage
from labkit.course import NotMetError
from labkit.facts.compose.project import Service
from labkit.remote import PlannedShell, Result
from subject.contract import Application
from subject.roles import Project

API = Service("api", {"image": "student-age", "volumes": [
    {"type": "bind", "source": "/p/age.json", "target": "/data/student_age.json"}]})  # fmt: skip
THERE = ("test -f /p/website/index.php", "test -f /p/age.json", "find /p/website ")


def volumes(*mounts: tuple[str, str], **website: Any) -> None:
    """Judge a website with these mounts, on a machine that has what is THERE."""
    made = [{"type": "bind", "source": source, "target": target} for source, target in mounts]
    page = Service("web", {"image": "php:apache", "volumes": made, **website})
    project = Project("web1", "/p/compose.yml", "p", {"web": page, "api": API})
    shell = PlannedShell(
        "web1", lambda asked: Result(asked, "", "", int(not any(one in asked for one in THERE)))
    )
    of_compose.test_volumes(shell, project)


BUILT = {"context": "/p/website"}


def test_a_page_is_in_its_folder_a_file_or_part_of_the_image() -> None:
    volumes(("/p/website", "/var/www/html"))
    volumes(("/p/website/index.php", "/var/www/html/index.php"))
    volumes(("/p/gone", "/var/www/html"), ("/p/website/index.php", "/var/www/html/index.php"))
    volumes(build=BUILT)
    volumes(("page", "/var/www/html"), build=BUILT)  # a volume, which the image fills


@pytest.mark.parametrize(
    ("mounts", "website"),
    [
        ([], {}),
        ([("/p/gone", "/var/www/html")], {}),
        ([("/p/gone", "/var/www/html")], {"build": BUILT}),
        ([("/p/website/gone.php", "/var/www/html/index.php")], {}),
        ([("page", "/var/www/html")], {}),
        ([("/p/website/index.php", "/var/www/index.php")], {}),
    ],
)
def test_what_is_not_there_is_no_page(
    mounts: list[tuple[str, str]], website: dict[str, Any]
) -> None:
    with pytest.raises(NotMetError):
        volumes(*mounts, **website)


def credentials(
    in_file: dict[str, str], in_image: list[str], in_process: dict[str, str], *,
    by_engine: list[str] | None = None, built: bool = False,
) -> None:  # fmt: skip
    """Judge a website with these variables; the API accepts toto, python alone."""
    own: dict[str, Any] = {"build": BUILT} if built else {"image": "site:1"}
    own["ports"] = [{"target": 80, "published": "80"}]
    page = Service("website", {**own, "environment": in_file})
    project = Project("web1", "/p/compose.yml", "p", {"web": page, "api": API})
    image = {"Id": "sha256:1", "RepoTags": ["p-website:latest" if built else "site:1"],
             "Config": {"Env": in_image}}  # fmt: skip
    container = {
        "Id": "0123456789abcdef", "Name": "/p-web-1", "Image": "sha256:1",
        "State": {"Running": True, "Pid": 7, "Status": "running", "ExitCode": 0},
        "HostConfig": {"RestartPolicy": {"Name": "no"}}, "NetworkSettings": {"Networks": {}},
        "Config": {"Image": "site:1", "Env": [*(by_engine or in_image)], "Labels": {
            "com.docker.compose.project.working_dir": "/p",
            "com.docker.compose.service": "website"}},
    }  # fmt: skip

    def answer(asked: str) -> Result:
        if "docker image inspect" in asked:
            return Result(asked, json.dumps([image]), "", 0)
        if "docker inspect" in asked:
            return Result(asked, json.dumps([container]), "", 0)
        if "/proc/1/environ" in asked:
            given = {**dict(one.split("=", 1) for one in by_engine or in_image), **in_process}
            return Result(asked, "".join(f"{k}={v}\0" for k, v in given.items()), "", 0)
        status = "200" if "toto:python" in asked else "401"
        return Result(asked, f"\n{status}\n", "", 0)

    shell = PlannedShell("web1", answer)
    api = RunningImage(shell, "student-age", "172.17.0.2", "probe")
    of_compose.test_credentials(shell, project, api, Application())


USER, PASSWORD = "USERNAME=toto", "PASSWORD=python"


def test_credentials_come_from_the_file_the_image_or_the_command() -> None:
    credentials({"USERNAME": "toto", "PASSWORD": "python"}, [], {})
    credentials({}, [USER, PASSWORD], {})
    credentials({}, [USER, PASSWORD], {}, built=True)
    credentials({"USERNAME": "toto"}, [], {"PASSWORD": "python"})
    credentials({"PASSWORD": "python"}, [USER, "PASSWORD=changed"], {})  # the file's counts


@pytest.mark.parametrize(
    ("in_file", "in_image", "by_engine"),
    [
        ({}, [], None),
        ({}, [USER], None),
        ({}, [USER, "PASSWORD=wrong"], None),
        ({"PASSWORD": "wrong"}, [USER, PASSWORD], None),
        ({}, [], [USER, PASSWORD]),  # of a container made before the file was changed
    ],
)
def test_credentials_that_nobody_gives_or_that_are_wrong_fail(
    in_file: dict[str, str], in_image: list[str], by_engine: list[str] | None
) -> None:
    with pytest.raises(NotMetError, match=r"USERNAME and PASSWORD|credentials"):
        credentials(in_file, in_image, {}, by_engine=by_engine)
