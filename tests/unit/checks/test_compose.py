"""Where a compose file takes the page from, in each of the ways that work."""

from __future__ import annotations

from typing import Any

import pytest

from checks import test_04_compose as of_compose
from labkit.course import NotMetError
from labkit.facts.compose.project import Service
from labkit.remote import PlannedShell, Result
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
