"""Dockerfiles and `build:` as texts: what is copied, and what a build is told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

# The argument that names the program by which BuildKit reads a Dockerfile, in its place.
READ_BY = "BUILDKIT_SYNTAX"
MOST_COPIED = 100  # sources of a Dockerfile's instructions that are looked at


ESCAPE = re.compile(r"\A(?:[ \t]*#[^\n]*\n)*?[ \t]*#[ \t]*escape[ \t]*=[ \t]*`", re.I)
HERE_DOCUMENT = re.compile(r"<<-?[\"']?([A-Za-z_]\w*)")
ARGUMENT = re.compile(r"\$(?:\{(\w+)(?::?-([^{}]*))?\}|(\w+))")


def instructions(dockerfile: str) -> Iterator[list[str]]:
    """The instructions as words, continued lines joined; comments and here-documents are left out.

    Dockerfile reference: parser directives (escape), here-documents.
    """
    sign = "`" if ESCAPE.match(dockerfile) else "\\"
    whole, until = "", list[str]()
    for line in dockerfile.splitlines():
        if until:
            until = until[1:] if line.strip("\t") == until[0] else until
        elif line.lstrip().startswith("#") or (whole and not line.strip()):
            continue
        elif line.rstrip().endswith(sign):
            whole += line.rstrip()[:-1] + " "
        else:
            words = (whole + line).split()
            whole = ""
            if words and words[0].upper() in ("ADD", "COPY", "RUN"):
                until = HERE_DOCUMENT.findall(" ".join(words))
            if words:
                yield words
    if words := whole.split():
        yield words


def copied_sources(dockerfile: str) -> list[str]:
    """The sources of its COPY and ADD instructions that lie in the context."""
    found = []
    for line in instructions(dockerfile):
        words = re.sub(r'[\[\]",]', " ", " ".join(line)).split()
        is_own = not any(word.startswith("--from") for word in words)
        if len(words) > 2 and words[0].upper() in ("COPY", "ADD") and is_own:
            found += [word.lstrip("/") for word in words[1:-1] if not word.startswith("--")]
    elsewhere = ("<<", "http://", "https://", "git@")
    return [one for one in found if not one.startswith(elsewhere)][:MOST_COPIED]


def base_images(dockerfile: str, given: Mapping[str, str] | None = None) -> list[str]:
    """The images that its FROM lines name, and those that it copies from, its own stages apart.

    Arguments before the first FROM have the value that is `given` to the build, else their own;
    an image with one that has neither is left out.
    """
    known: dict[str, str] = {}
    names: list[str] = []
    stages: set[str] = set()
    for word, *rest in instructions(dockerfile):
        if word.upper() == "ARG" and not stages and not names:
            pairs = (one.partition("=") for one in rest)
            known |= {name: value.strip("\"'") for name, _equals, value in pairs}
            known |= {name: value for name, value in (given or {}).items() if name in known}
        elif word.upper() == "FROM":
            images = [one for one in rest if not one.startswith("--")]
            names += images[:1] if images[:1] and images[0].lower() not in stages else []
            if len(images) > 2 and images[1].upper() == "AS":
                stages.add(images[2].lower())
        elif word.upper() == "COPY":
            sources = [one.removeprefix("--from=") for one in rest if one.startswith("--from=")]
            names += [one for one in sources if not one.isdigit() and one.lower() not in stages]

    def value(match: re.Match[str]) -> str:
        return known.get(match[1] or match[3], "") or match[2] or "$"

    named = (ARGUMENT.sub(value, name) for name in names)
    return list(dict.fromkeys(one for one in named if "$" not in one))[:MOST_COPIED]


def build_arguments(options: Iterable[str]) -> dict[str, str]:
    """What options of `docker build` give in the place of the Dockerfile's own arguments."""
    given = (after for word, after in pairwise(options) if word == "--build-arg")
    pairs = (one.partition("=") for one in given)
    return {name: value for name, _equals, value in pairs}


def build_options(build: Mapping[str, Any]) -> list[str]:
    """The options of `docker build` for what Compose's normal form of `build:` says beside.

    The engine's own frontend reads the Dockerfile, whichever is named.
    """
    options = ["--target", str(build["target"])] if build.get("target") else []
    for name, value in (build.get("args") or {}).items():
        if name != READ_BY:
            options += ["--build-arg", f"{name}={value}"]
    return options
