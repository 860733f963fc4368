"""The image of a machine: its name follows its recipe, and its family what can be had."""

from __future__ import annotations

import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import cast, get_args

import docker
import pytest
import requests

from labkit.course import Blueprint
from labkit.lab.containers import images
from labkit.lab.containers.images import (
    RECIPE,
    ROCKY_ROOT,
    Family,
    choose_family,
    ensure_node_image,
    node_reference,
    registry_answers,
)
from labkit.lab.mirror.building import context, not_ready, recipe_hash
from labkit.lab.mirror.debian import root_reference
from tests.fakes.engine import FakeEngine, engine

BLUEPRINT = Blueprint((), {"debian": ("haproxy", "rsyslog"), "redhat": ("haproxy",)})


def folder(parent: Path, **files: str) -> Path:
    parent.mkdir(exist_ok=True)
    for name, text in files.items():
        (parent / name).write_text(text)
    return parent


def test_the_hash_follows_names_contents_and_modes(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", a="1", b="2")
    first = recipe_hash(one)
    assert first == recipe_hash(folder(tmp_path / "two", a="1", b="2"))
    assert len(first) == 12
    assert first != recipe_hash(folder(tmp_path / "three", a="1", c="2"))
    assert first != recipe_hash(folder(tmp_path / "four", a="12", b=""))
    assert first != recipe_hash(one, extra="other base")
    (one / "a").chmod(0o755)
    assert first != recipe_hash(one)


def test_the_hash_does_not_follow_what_is_no_recipe(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", a="1")
    before = recipe_hash(one)
    folder(one / "__pycache__", x="compiled")
    folder(one, **{"a~": "an editor's copy"})
    (one / "a").chmod(0o640)
    assert recipe_hash(one) == before


def test_the_context_is_the_same_for_everybody(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", a="1")
    with tarfile.open(fileobj=context(one, {"authorities/x.crt": b"PEM"})) as tar:
        members = {member.name: member for member in tar.getmembers()}
    assert set(members) == {"a", "authorities/x.crt"}
    assert {(m.uid, m.gid, m.mtime, m.mode) for m in members.values()} == {(0, 0, 0, 0o644)}


def test_the_families_have_different_images() -> None:
    references = {family: node_reference(family, BLUEPRINT) for family in get_args(Family)}
    for family, reference in references.items():
        assert reference.startswith(f"labkit/node:{family}-")
    assert len({one.rpartition("-")[2] for one in references.values()}) == len(references)


def test_a_family_of_debian_starts_from_its_own_release(monkeypatch: pytest.MonkeyPatch) -> None:
    built: dict[str, object] = {}

    def build(_engine: object, _folder: Path, tag: str, args: object, **_how: object) -> None:
        built[tag] = args

    monkeypatch.setattr(images, "build", build)
    held = [root_reference("12"), root_reference("13")]
    client = cast("docker.DockerClient", engine(held))
    ensure_node_image(client, lambda _line: None, BLUEPRINT, "debian12")
    base, machine = built.values()
    assert base == {"PACKAGES": "haproxy rsyslog", "ROOT": held[0]}
    assert machine == {"BASE": next(iter(built)), "USER_NAME": BLUEPRINT.user}


@pytest.mark.parametrize("family", ["rocky9", "debian13", "debian12"])
def test_each_family_has_its_packages(family: str) -> None:
    text = (RECIPE / f"{family}.Dockerfile").read_text()
    for package in ("openssh-server", "firewalld", "sudo", "curl", "${PACKAGES}"):
        assert f" {package} \\\n" in text


@pytest.mark.parametrize("family", get_args(Family))
def test_a_course_with_other_packages_has_other_images(family: Family) -> None:
    more = {name: (*words, "keepalived") for name, words in BLUEPRINT.packages.items()}
    assert node_reference(family, replace(BLUEPRINT, packages=more)) != node_reference(
        family, BLUEPRINT
    )


@pytest.mark.parametrize("family", get_args(Family))
def test_a_course_with_another_user_has_other_images_of_the_same_packages(family: Family) -> None:
    other = replace(BLUEPRINT, user="ada")
    assert node_reference(family, other) != node_reference(family, BLUEPRINT)


def test_auto_takes_what_was_built_and_asks_nobody() -> None:
    held = engine([node_reference("debian13", BLUEPRINT)], registry=200)
    assert choose_family(held, BLUEPRINT) == "debian13"
    assert held.asked == []


def test_auto_never_takes_what_is_chosen_by_name() -> None:
    held = [node_reference(family, BLUEPRINT) for family in ("debian12", "rehearsal-el9")]
    assert choose_family(engine(held), BLUEPRINT) == "debian13"


def test_auto_prefers_rocky_when_it_is_here_or_can_be_had() -> None:
    assert choose_family(engine([ROCKY_ROOT]), BLUEPRINT) == "rocky9"
    assert choose_family(engine(registry=200), BLUEPRINT) == "rocky9"


@pytest.mark.parametrize(
    "registry", [404, 500, requests.ReadTimeout(), requests.ConnectionError()], ids=repr
)
def test_auto_falls_back_to_debian(registry: int | Exception) -> None:
    assert choose_family(engine(registry=registry), BLUEPRINT) == "debian13"


def test_the_registry_is_asked_through_the_engine_with_a_limit() -> None:
    asked = engine(registry=200)
    assert registry_answers(asked, "a/b:1", 10)
    assert asked.asked == ["http+docker://x/v1.41/distribution/a/b:1/json within 10 s"]


def test_an_image_that_is_there_is_not_built() -> None:
    reference = node_reference("rocky9", BLUEPRINT)
    said: list[str] = []
    assert ensure_node_image(engine([reference]), said.append, BLUEPRINT, "rocky9") == reference
    assert said == []


def test_labs_that_begin_together_make_one_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second waits for the first, says so, and finds what that one made."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    held = FakeEngine()
    reference = node_reference("debian13", BLUEPRINT)
    begun, made = threading.Event(), []

    def build(_engine: object, _folder: Path, tag: str, **_how: object) -> None:
        made.append(tag)
        begun.set()
        assert waits.wait(10)
        held.held.add(tag)

    waits = threading.Event()
    said: list[str] = []

    def tell(line: str) -> None:
        said.append(line)
        waits.set()

    monkeypatch.setattr(images, "build", build)
    monkeypatch.setattr(images, "_ensure_base", lambda *_all: "base")
    client = cast("docker.DockerClient", held)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ensure_node_image, client, lambda _line: None, BLUEPRINT, "debian13")
        assert begun.wait(10)
        second = pool.submit(ensure_node_image, client, tell, BLUEPRINT, "debian13")
        assert first.result() == second.result() == reference
    assert made == [reference]
    assert len(said) == 1


@pytest.mark.parametrize(
    ("detail", "then"),
    [
        ("write /x: no space left on device", "df -h"),
        ("Temporary failure resolving 'archive'", "apt-get update"),
        ("something else", "labkit doctor"),
    ],
)
def test_a_failed_build_says_what_to_type_next(detail: str, then: str) -> None:
    error = not_ready("the image x could not be built", detail)
    assert then in error.then
    assert detail in error.what
