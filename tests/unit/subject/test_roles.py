"""Which service of a compose file is the website and which the API, whatever stands beside them."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.facts.compose.project import Service
from labkit.remote import PlannedShell, from_facts
from subject import roles as roles_of
from subject.roles import Project

API: dict[str, Any] = {"image": "student-age:1.0"}
PAGE: dict[str, Any] = {"image": "php:apache"}
BUILT_PAGE: dict[str, Any] = {
    "build": {"context": "/p/site"},
    "ports": [{"target": 80, "published": "80"}],
}
BUILT_API: dict[str, Any] = {
    "build": {"context": "/p/api"},
    "volumes": [{"type": "bind", "source": "/p/d", "target": "/data"}],
}
ONE_SHOT = {"depends_on": {"seed": {"condition": "service_completed_successfully"}}}


def roles(**services: dict[str, Any]) -> tuple[str, str]:
    """The names of the website and of the API."""
    made = {name: Service(name, raw) for name, raw in services.items()}
    project = Project("web1", "/p/docker-compose.yml", "p", made)
    found = (project.website, project.api)
    return tuple(one.name if one else "" for one in found)  # type: ignore[return-value]


@pytest.mark.parametrize(
    "beside",
    [
        "mysql:8",
        "mariadb",
        "postgres:16",
        "adminer",
        "phpmyadmin",
        "phpmyadmin/phpmyadmin:5",
        "redis:7",
        "nginx:alpine",
        "portainer/portainer-ce",
        "docker.io/library/traefik:v3",
    ],
)
def test_what_nobody_asked_for_has_no_part(beside: str) -> None:
    assert roles(a={"image": beside}, api=BUILT_API, web=PAGE) == ("web", "api")
    keeps = {"image": beside, "volumes": [{"type": "volume", "source": "v", "target": "/data/db"}]}
    assert roles(a=keeps, api=BUILT_API, web=PAGE) == ("web", "api")


@pytest.mark.parametrize("name", ["student-mysql-age", "me/redisearch-api"])
def test_an_image_of_ones_own_may_have_part_of_such_a_name(name: str) -> None:
    own = {"image": name, "volumes": BUILT_API["volumes"]}
    assert roles(web=PAGE, mine=own)[1] == "mine"


def test_a_website_may_be_an_image_of_its_own() -> None:
    assert roles(front=BUILT_PAGE, back=BUILT_API) == ("front", "back")
    named = {"build": {"context": "/p/site"}, "environment": {"USERNAME": "toto"}}
    assert roles(front=named, back=API) == ("front", "back")


def test_what_does_something_once_and_ends_is_not_the_api() -> None:
    seed = {"image": "student-age:1.0", "command": ["python", "seed.py"]}
    assert roles(seed=seed, api={**API, **ONE_SHOT}, web=PAGE) == ("web", "api")


@pytest.mark.parametrize("how", [["seed"], {"seed": {"condition": "service_started"}}, None])
def test_one_that_is_only_waited_for_may_be_the_api(how: Any) -> None:
    assert roles(seed=API, web={**PAGE, "depends_on": how}) == ("web", "seed")


def test_of_several_pages_the_one_that_has_visitors() -> None:
    """`extends` within a file leaves the service that it extends among the others."""
    served = {**PAGE, "ports": [{"target": 80, "published": "80"}]}
    assert roles(base=PAGE, site=served, api=BUILT_API) == ("site", "api")
    asks = {**PAGE, "environment": {"USERNAME": "toto"}}
    assert roles(a=served, site=asks, api=BUILT_API) == ("site", "api")


def test_a_website_may_be_an_image_that_was_built_by_hand() -> None:
    asks = {"image": "tp/site:1", "environment": {"USERNAME": "toto", "PASSWORD": "python"}}
    api = {"image": "tp/api:1", "volumes": BUILT_API["volumes"]}
    assert roles(site=asks, api=api) == ("site", "api")
    assert roles(ui={"image": "tp/ui:1", "ports": [{"target": 80}]}) == ("", "")


def test_of_several_that_are_built_each_is_told_by_what_it_does() -> None:
    balancer = {"build": {"context": "/p/haproxy"}, "ports": [{"target": 80, "published": "81"}]}
    bare = {"build": {"context": "/p/simple_api"}}
    assert roles(balancer=balancer, flask=BUILT_API, web=PAGE) == ("web", "flask")
    assert roles(balancer=balancer, flask=bare, web=PAGE) == ("web", "flask")
    assert roles(a=balancer, b=bare, web=PAGE) == ("web", "b")
    served = {"build": {"context": "/p/x"}, "ports": [{"target": 5000, "published": "4000"}]}
    assert roles(balancer=balancer, x=served, web=PAGE) == ("web", "x")
    front = {**BUILT_PAGE, "build": {"context": "/p/website"}}
    assert roles(balancer=balancer, front=front, back=BUILT_API) == ("front", "back")


@pytest.mark.parametrize(
    ("stood_in", "wanted"),
    [(True, ["registry:2", "nginx:1"]), (False, ["registry:2.8.1", "nginx:1"])],
)
def test_of_a_submission_the_labs_own_image_must_be_there(
    monkeypatch: pytest.MonkeyPatch, stood_in: bool, wanted: list[str]
) -> None:
    """A file that may not be started has brought none of the tags that it names."""
    services = {
        "r": Service("r", {"image": "registry:2.8.1"}),
        "n": Service("n", {"image": "nginx:1"}),
    }
    asked: list[str] = []
    monkeypatch.setattr(
        roles_of, "find_projects", lambda *_: [Project("lb", "/srv/r.yml", "r", services)]
    )
    monkeypatch.setattr(roles_of, "must_have_images", lambda _shell, images: asked.extend(images))
    roles_of.must_have_other_images(PlannedShell("lb", from_facts({})), stood_in=stood_in)
    assert asked == wanted


def test_an_api_whose_end_is_waited_for_is_still_the_api() -> None:
    waits = {"depends_on": {"age": {"condition": "service_completed_successfully"}}}
    assert roles(web={**PAGE, **waits}, age=API) == ("web", "age")
    assert roles(web=PAGE, seed=API, age={**API, **ONE_SHOT}) == ("web", "age")


def test_beside_the_api_its_image_may_do_something_else() -> None:
    keeps = {**API, "command": ["sh", "-c", "cp /data/x /backup"]}
    assert roles(backup=keeps, age=API, web=PAGE) == ("web", "age")
    assert roles(age={**API, "entrypoint": ["python"]}, web=PAGE) == ("web", "age")


@pytest.mark.parametrize(
    ("judged", "found"), [(True, "/p/compose.yml"), (False, "/p/api/compose.yml")]
)
def test_of_a_submission_the_file_that_is_started_counts(
    monkeypatch: pytest.MonkeyPatch, judged: bool, found: str
) -> None:
    """Also where Compose cannot read it, and could read a part of it."""
    broken = Project("web1", "/p/compose.yml", "", {}, "conflicts", judged=judged)
    part = Project("web1", "/p/api/compose.yml", "", {"api": Service("api", API)})
    monkeypatch.setattr(roles_of, "find_projects", lambda *_asked: [part, broken])
    project = roles_of.find_project(PlannedShell("web1", from_facts({})))
    assert project is not None
    assert project.file == found
