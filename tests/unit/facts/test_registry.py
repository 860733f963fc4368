"""What a registry is asked, and how its answer names an image in either store of an engine."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import ClassVar

import pytest

from labkit.facts.docker import Container
from labkit.facts.http.curl import Answer
from labkit.facts.registry import Registry, find_registry, is_registry, settings
from labkit.remote import PlannedShell, Result

CONFIG = "sha256:" + "c" * 64
MANIFEST = json.dumps({"schemaVersion": 2, "config": {"digest": CONFIG}})
INDEX = json.dumps({"schemaVersion": 2, "manifests": [{"digest": "sha256:" + "d" * 64}]})


@dataclass(frozen=True)
class Holds(Registry):
    """A registry that answers for one image with a given manifest."""

    manifest: str

    def ask(self, path: str) -> Answer:
        bodies = {
            "/v2/_catalog": '{"repositories": ["student-age"]}',
            "/v2/student-age/tags/list": '{"tags": ["1.0"]}',
            "/v2/student-age/manifests/1.0": self.manifest,
        }
        return Answer(200, bodies[path], path, "lb")


def pushed(manifest: str) -> set[str]:
    registry = Holds("lb", 5000, "https", "lb:5000", None, None, None, manifest)  # type: ignore[arg-type]
    return registry.pushed(lambda name: name == "student-age")["student-age:1.0"]


def sha256(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def test_the_id_of_the_classic_store_is_the_configurations_digest() -> None:
    assert CONFIG in pushed(MANIFEST)


def test_the_id_of_containerds_store_is_the_digest_of_what_the_tag_leads_to() -> None:
    assert sha256(MANIFEST) in pushed(MANIFEST)
    assert sha256(INDEX) in pushed(INDEX)


def test_what_an_index_lists_is_the_same_image() -> None:
    assert "sha256:" + "d" * 64 in pushed(INDEX)


class Stalls(Registry):
    """A registry that names fifty tags, and tells of the first alone."""

    asked: ClassVar[list[str]] = []

    def ask(self, path: str) -> Answer:
        self.asked.append(path)
        tags = [f"1.{number}" for number in range(50)]
        if path == "/v2/_catalog":
            return Answer(200, '{"repositories": ["student-age"]}', path, "lb")
        if path.endswith("/tags/list"):
            return Answer(200, json.dumps({"tags": tags}), path, "lb")
        told = path.endswith("/1.0")
        return Answer(200 if told else 0, MANIFEST if told else "", path, "lb")


def test_who_says_nothing_any_more_is_not_waited_for_at_each_tag() -> None:
    """And what it did not tell is not taken for an image."""
    registry = Stalls("lb", 5000, "https", "lb:5000", None, None, None)  # type: ignore[arg-type]
    assert registry.pushed(lambda _name: True).keys() == {"student-age:1.0"}
    assert len(Stalls.asked) == 4


def container(image: str, published: dict[str, int]) -> dict[str, object]:
    ports = {f"{inside}/tcp": [{"HostPort": str(outside)}] for inside, outside in published.items()}
    return {
        "Id": image,
        "Name": f"/{image}",
        "Image": f"sha256:{image}",
        "Mounts": [],
        "Config": {"Image": image},
        "State": {"Status": "running", "Running": True, "ExitCode": 0, "Pid": 7},
        "HostConfig": {"RestartPolicy": {"Name": "always"}},
        "NetworkSettings": {"Ports": ports, "Networks": {}},
    }


@pytest.mark.parametrize(
    ("hosts", "for_itself"),
    [
        (["127.0.0.1"], True), (["127.0.0.1", "::1"], True), (["0.0.0.0", "::"], False),
        (["127.0.0.1", "10.0.0.1"], False), ([""], False), ([], False),
    ],
)  # fmt: skip
def test_a_container_that_is_published_for_its_machine_alone(
    hosts: list[str], for_itself: bool
) -> None:
    raw = container("registry:2", {})
    bindings = [{"HostIp": host, "HostPort": "5000"} for host in hosts]
    raw["NetworkSettings"] = {"Ports": {"5000/tcp": bindings or None}, "Networks": {}}
    assert Container(raw).is_for_itself is for_itself


@pytest.mark.parametrize(
    ("registry_port", "answers", "expected"),
    [
        ({}, 8080, 8080),
        ({"80": 5000}, 8080, None),
        ({"5000": 5000}, 5000, 5000),
    ],
    ids=["published by its page alone", "published where it does not listen", "by itself"],
)
def test_what_passes_a_registry_on_counts_if_it_is_published_nowhere_itself(
    registry_port: dict[str, int], answers: int, expected: int | None
) -> None:
    both = [container("registry:2", registry_port), container("page:1", {"80": 8080})]

    def answer(command: str) -> Result:
        if "docker inspect" in command:
            return Result(command, json.dumps(both), "", 0)
        if f"://localhost:{answers}/v2/" in command:
            return Result(command, "Docker-Distribution-Api-Version: registry/2.0\n", "", 0)
        return Result(command, "", "", 1)

    host, client = PlannedShell("lb", answer, address="10.77.0.10"), PlannedShell("web1", answer)
    found = find_registry(host, client, lambda _name: True)
    assert (found.port if found else None) == expected


@pytest.mark.parametrize(
    ("config", "found"),
    [
        (
            "auth:\n  htpasswd:\n    realm: x\n    path: /auth/users\nhttp:\n  addr: :5000\n",
            {"REGISTRY_AUTH_HTPASSWD_REALM": "x", "REGISTRY_AUTH_HTPASSWD_PATH": "/auth/users",
             "REGISTRY_HTTP_ADDR": ":5000"},
        ),
        ("http:\n  tls:\n    certificate: /c.crt\n", {"REGISTRY_HTTP_TLS_CERTIFICATE": "/c.crt"}),
        ("version: 0.1\nstorage: [x]\n", {}),
        ("auth: {htpasswd: {path: null}}\n", {}),
        ("auth: [\n", {}), ("", {}), ("- 1\n", {}), ("&a {a: *a}\n", {}),
    ],
)  # fmt: skip
def test_a_configuration_file_says_what_variables_would(config: str, found: dict[str, str]) -> None:
    assert settings(config) == found


def test_a_configuration_file_without_end_is_followed_a_few_levels() -> None:
    deep = "".join(f"{' ' * level}a:\n" for level in range(300)) + " " * 300 + "b: c\n"
    assert settings(deep + "log:\n  level: info\n") == {"REGISTRY_LOG_LEVEL": "info"}


@pytest.mark.parametrize(
    "image",
    ["registry", "registry:2.8.1", "docker.io/library/registry:3", "registry@sha256:0",
     "ghcr.io/distribution/distribution:edge"],
)  # fmt: skip
def test_a_registry_is_known_by_its_image(image: str) -> None:
    assert is_registry(image)


@pytest.mark.parametrize("image", ["joxit/docker-registry-ui", "registry-ui:2", "lb:5000/app", ""])
def test_a_page_for_a_registry_is_none(image: str) -> None:
    assert not is_registry(image)
