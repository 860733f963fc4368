"""The stand-ins of the mirror as data: a folder NAME/ holds a Dockerfile and a recipe.toml.

What a repository has in a larger form as well is a table of the same file: `[full]` is what
full.Dockerfile makes of the image, and the names that it answers to.

Two are the engine's own, in `recipes/`: a bare system, and the registry that the mirror is. All
others are what a course's learners build on, in the course's folder of images.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.lab.mirror.building import recipe_hash
from labkit.lab.mirror.debian import root_reference

FOLDER = Path(__file__).with_name("recipes")
RECIPES = "*/recipe.toml"
# What an image is in truth, for whoever inspects it; an image from Docker Hub has no such label.
STAND_IN_LABEL = "org.labkit.stand-in"
REGISTRY = "registry"


@dataclass(frozen=True)
class Recipe:
    """One image of the mirror and every name that it answers to."""

    name: str
    folder: Path
    repository: str  # as Docker Hub spells it, "library/" included
    tags: tuple[str, ...]  # the first one is pushed, the others name the same manifest
    stand_in: str  # one sentence: what stands in for what
    hash: str
    dockerfile: str = "Dockerfile"
    forms: tuple[Recipe, ...] = ()  # made from this one's image

    @property
    def local_reference(self) -> str:
        """The name on the local engine, for example "labkit/registry:1f0c…"."""
        return f"labkit/{self.name}:{self.hash}"


def load_recipes(images: Path | None) -> list[Recipe]:
    """The engine's own recipes and those in the course's folder of images, sorted by name."""
    found = [path.parent for folder in (FOLDER, images) if folder for path in folder.glob(RECIPES)]
    return [_load(folder) for folder in sorted(found, key=lambda folder: folder.name)]


def recipe(name: str) -> Recipe:
    """A recipe of the engine's own."""
    return _load(FOLDER / name)


def recipes_hash(recipes: list[Recipe]) -> str:
    """Changes when any of `recipes` does."""
    return recipe_hash(extra=" ".join(recipe.local_reference for recipe in recipes))


def _load(folder: Path) -> Recipe:
    data = tomllib.loads((folder / "recipe.toml").read_text(encoding="utf-8"))
    made = recipe_hash(folder, extra=root_reference())
    forms = [
        Recipe(
            name=f"{folder.name}-{form}",
            folder=folder,
            repository=data["repository"],
            tags=_tags(about),
            stand_in=data["stand_in"],
            hash=recipe_hash(extra=f"{made} {form}"),
            dockerfile=f"{form}.Dockerfile",
        )
        for form, about in data.items()
        if isinstance(about, dict)
    ]
    return Recipe(
        name=folder.name,
        folder=folder,
        repository=data["repository"],
        tags=_tags(data),
        stand_in=data["stand_in"],
        hash=made,
        forms=tuple(forms),
    )


def _tags(data: dict[str, Any]) -> tuple[str, ...]:
    """Each version with each ending, then the others."""
    products = [
        version + ending for version in data.get("versions", []) for ending in data["endings"]
    ]
    return tuple(dict.fromkeys([*products, *data["tags"]]))
