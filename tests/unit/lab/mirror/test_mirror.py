"""The mirror's pure parts: names, recipes, authorities, and what the registry's answers mean."""

from __future__ import annotations

import re
from pathlib import Path

import certifi
import pytest

from labkit.course import find_blueprint
from labkit.errors import NotReadyError, UsageError
from labkit.lab.mirror import debian
from labkit.lab.mirror.names import public_name, split_public_name
from labkit.lab.mirror.recipes import load_recipes, recipe, recipes_hash
from labkit.lab.mirror.registry import Manifest
from labkit.lab.mirror.trust import host_authorities

IMAGES = find_blueprint().images
RECIPES = {one.name: one for recipe in load_recipes(IMAGES) for one in (recipe, *recipe.forms)}


@pytest.mark.parametrize(
    ("name", "repository", "tag"),
    [
        ("httpd", "library/httpd", "latest"),
        ("httpd:2", "library/httpd", "2"),
        ("library/httpd:2", "library/httpd", "2"),
        ("docker.io/library/httpd:2", "library/httpd", "2"),
        ("grafana/grafana:11", "grafana/grafana", "11"),
        ("joxit/docker-registry-ui", "joxit/docker-registry-ui", "latest"),
        ("a__b/c.d-e:1.0_x-Y", "a__b/c.d-e", "1.0_x-Y"),
    ],
)
def test_public_names(name: str, repository: str, tag: str) -> None:
    assert split_public_name(name) == (repository, tag)
    assert split_public_name(public_name(repository, tag)) == (repository, tag)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "HTTPD",
        "httpd:",
        "httpd:.x",
        "httpd:a b",
        "-httpd",
        "a//b",
        "/a",
        "httpd@sha256:00",
        "ghcr.io/owner/image:1",
        "localhost/image",
        "localhost:5000/image:1",
        "lb:5000/student-age",
        "x" * 256,
        "a:" + "t" * 129,
        "../../etc:1",
    ],
)
def test_names_that_no_engine_would_ask_for(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        split_public_name(name)
    assert repr(name) in caught.value.what


@pytest.mark.parametrize(
    "name",
    [
        "python:3.8-slim",
        "python:3.12",
        "python:3.14-slim-bookworm",
        "python:3.9-bookworm",
        "python:3-slim",
        "python",
        "php:apache",
        "php:7.4-apache",
        "php:8.3-apache",
        "registry:2",
        "registry:2.8.3",
        "joxit/docker-registry-ui:latest",
        "joxit/docker-registry-ui:2.5.7",
        "debian:trixie-slim",
    ],
)
def test_the_names_that_students_write_are_there(name: str) -> None:
    repository, tag = split_public_name(name)
    assert any(r.repository == repository and tag in r.tags for r in RECIPES.values())


def test_every_recipe_can_be_named_and_tells_what_it_is() -> None:
    for each in RECIPES.values():
        assert (each.folder / each.dockerfile).is_file()
        assert each.stand_in
        assert len(set(each.tags)) == len(each.tags)
        for tag in each.tags:
            assert split_public_name(public_name(each.repository, tag)) == (each.repository, tag)


def test_a_larger_form_has_names_a_hash_and_a_file_of_its_own() -> None:
    slim, full = RECIPES["python"], RECIPES["python-full"]
    assert slim.forms == (full,)
    assert full.repository == slim.repository
    assert not set(full.tags) & set(slim.tags)
    assert full.hash != slim.hash
    assert (full.dockerfile, slim.dockerfile) == ("full.Dockerfile", "Dockerfile")


def test_the_hash_over_all_recipes_names_each_one() -> None:
    everything = load_recipes(IMAGES)
    assert recipes_hash(everything) == recipes_hash(load_recipes(IMAGES))
    assert recipes_hash(everything) != recipes_hash(everything[1:])
    assert recipe("registry").local_reference == f"labkit/registry:{recipe('registry').hash}"


def test_the_engine_has_no_image_of_its_own_but_a_system_and_the_mirror() -> None:
    assert [each.name for each in load_recipes(None)] == ["debian", "registry"]


LOCKS = sorted((IMAGES / "python" / "wheels").glob("*.lock"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_wheel_is_pinned_and_hashed(lock: Path) -> None:
    blocks = [block for block in re.split(r"\n(?=\S)", lock.read_text()) if "==" in block]
    assert all("--hash=sha256:" in block for block in blocks)
    pinned = {re.split(r"[ ;]", block)[0] for block in blocks}
    asked = [line for line in lock.with_suffix(".in").read_text().splitlines() if line]
    names = {pin.partition("==")[0] for pin in pinned}
    assert {line for line in asked if not line.startswith("#")} <= pinned | names


def test_only_authorities_that_the_world_does_not_know_travel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Path(certifi.where()).read_text()
    own = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
    bundle = tmp_path / "bundle.crt"
    bundle.write_text(f"{known}\n# the campus\n{own}\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setattr("labkit.lab.mirror.trust._LOCAL", tmp_path / "none")
    files = host_authorities()
    assert files.pop("authorities/README")
    assert files == {"authorities/host-0.crt": own.encode() + b"\n"}


def test_a_manifest_knows_its_size_and_its_children() -> None:
    image = Manifest("sha256:1", "m", b"", {"config": {"size": 5}, "layers": [{"size": 7}]})
    index = Manifest("sha256:2", "i", b"", {"manifests": [{"digest": "sha256:1"}]})
    assert (image.size, image.children) == (12, [])
    assert (index.size, index.children) == (0, ["sha256:1"])


def test_each_release_has_a_root_of_its_own() -> None:
    commands = [debian.bootstrap_command(Path("root.tar"), release) for release in ("12", "13")]
    assert [command[-2] for command in commands] == ["bookworm", "trixie"]
    assert debian.root_reference("12").startswith("labkit/debian:12-")
    assert debian.root_reference() == debian.root_reference("13") != debian.root_reference("12")


def test_without_mmdebstrap_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "has_image", lambda _engine, _reference: False)
    monkeypatch.setattr("shutil.which", lambda _name: None)
    with pytest.raises(NotReadyError) as caught:
        debian.ensure_root(None, print)  # type: ignore[arg-type]
    assert caught.value.then == "apt-get install mmdebstrap"
