"""Dockerfiles and `build:` as texts: what is copied, and what a build is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# The argument that names the program by which BuildKit reads a Dockerfile, in its place.
READ_BY = "BUILDKIT_SYNTAX"
MOST_COPIED = 100  # sources of a Dockerfile's instructions that are looked at


def copied_sources(dockerfile: str) -> list[str]:
    """The sources of its COPY and ADD instructions, those from other stages apart."""
    found = []
    for line in re.sub(r"\\\n", " ", dockerfile).splitlines():
        words = re.sub(r'[\[\]",]', " ", line).split()
        if len(words) > 2 and words[0].upper() in ("COPY", "ADD") and "--from" not in line:
            found += [word.lstrip("/") for word in words[1:-1] if not word.startswith("--")]
    return found[:MOST_COPIED]


def base_images(dockerfile: str) -> list[str]:
    """The images that its FROM lines name, those of its own stages and of arguments apart."""
    lines = re.findall(
        r"^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*(\S+)(?:[ \t]+AS[ \t]+(\S+))?", dockerfile, re.M | re.I
    )
    stages = {stage.lower() for _image, stage in lines}
    names = [image for image, _stage in lines if "$" not in image and image.lower() not in stages]
    return list(dict.fromkeys(names))[:MOST_COPIED]


def build_options(build: Mapping[str, Any]) -> list[str]:
    """The options of `docker build` for what Compose's normal form of `build:` says beside.

    The engine's own frontend reads the Dockerfile, whichever is named.
    """
    options = ["--target", str(build["target"])] if build.get("target") else []
    for name, value in (build.get("args") or {}).items():
        if name != READ_BY:
            options += ["--build-arg", f"{name}={value}"]
    return options
