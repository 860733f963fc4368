"""The mirror's registry while it is filled: whoever is on the computer reaches it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import bcrypt
import pytest

from labkit.lab.mirror import content, server
from labkit.lab.mirror.building import RECIPE_LABEL
from labkit.lab.mirror.recipes import STAND_IN_LABEL, Recipe
from labkit.lab.mirror.registry import Manifest


def test_only_the_run_itself_is_let_in() -> None:
    archive = server._only_user("a password")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        (member,) = tar.getmembers()
        file = tar.extractfile(member)
        assert file is not None
        user, _colon, kept = file.read().decode().strip().partition(":")
    assert user == server.USER
    assert bcrypt.checkpw(b"a password", kept.encode())
    assert not bcrypt.checkpw(b"another", kept.encode())


class Store:
    """A registry that keeps what is pushed, and an engine that notes what is made and removed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.held: dict[str, Manifest] = {}
        self.made: list[tuple[str, str]] = []
        self.removed: list[str] = []
        self.engine = cast(
            "Any", SimpleNamespace(images=SimpleNamespace(remove=self.removed.append))
        )
        monkeypatch.setattr(content, "ensure_recipe_image", self.make)
        monkeypatch.setattr(content, "_push", self.push)

    def make(self, _engine: object, recipe: Recipe, _say: object, *, base: str = "") -> str:
        self.made.append((recipe.name, base))
        return recipe.local_reference

    def push(
        self, _engine: object, _store: object, local: str, _repository: str, tag: str
    ) -> Manifest:
        self.held[tag] = Manifest(local, "", b"", {"recipe": local.rpartition(":")[2]})
        return self.held[tag]

    def manifest(self, _repository: str, tag: str) -> Manifest | None:
        return self.held.get(tag)

    def labels(self, _repository: str, manifest: Manifest) -> dict[str, str]:
        return {STAND_IN_LABEL: "x", RECIPE_LABEL: manifest.body["recipe"]}

    def tag(self, _repository: str, tag: str, manifest: Manifest) -> None:
        self.held[tag] = manifest

    def fill(self, recipe: Recipe) -> None:
        content._publish(self.engine, cast("Any", self), recipe, lambda _line: None)


def recipe(name: str, tags: tuple[str, ...], made: str, forms: tuple[Recipe, ...] = ()) -> Recipe:
    return Recipe(name, Path(), "library/x", tags, "x", made, forms=forms)


def test_a_larger_form_is_made_of_the_image_and_both_answer_to_their_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Store(monkeypatch)
    full = recipe("x-full", ("3", "latest"), "2")
    slim = recipe("x", ("slim", "3-slim"), "1", (full,))
    store.fill(slim)
    assert ("x", "") in store.made
    assert ("x-full", "labkit/x:1") in store.made
    assert {tag: one.digest for tag, one in store.held.items()} == {
        "slim": "labkit/x:1", "3-slim": "labkit/x:1",
        "3": "labkit/x-full:2", "latest": "labkit/x-full:2",
    }  # fmt: skip
    assert sorted(store.removed) == ["labkit/x-full:2", "labkit/x:1"]
    store.made.clear()
    store.fill(slim)
    assert store.made == []
    del store.held["latest"]
    store.fill(slim)
    assert store.held["latest"].digest == "labkit/x-full:2"
