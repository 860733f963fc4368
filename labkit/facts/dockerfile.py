"""Dockerfiles and `build:` as texts: what is copied, and what a build is told."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

# The argument that names the program by which BuildKit reads a Dockerfile, in its place.
READ_BY = "BUILDKIT_SYNTAX"
MOST_COPIED = 100  # sources of a Dockerfile's instructions that are looked at
LONGEST_VALUE = 500  # characters of a variable
# Podman's name for the same file is Containerfile.
NAME = re.compile(r"(^|/)(docker|container)file[^/]*$|\.(docker|container)file$", re.I)
# What lies beside one under its name: what its build leaves out, a picture, an editor's copy.
BESIDE = re.compile(
    r"(\.(dockerignore|md|markdown|html?|png|jpe?g|gif|webp|pdf|docx?|odt|swp|orig)|~)$", re.I
)
ESCAPE = re.compile(r"\A(?:[ \t]*#[^\n]*\n)*?[ \t]*#[ \t]*escape[ \t]*=[ \t]*`", re.I)
# A word of its own, as in BuildKit's parser (parser.go, reHeredoc): neither 1<<n nor <<<text.
HERE_DOCUMENT = re.compile(r"\d*<<-?([\"']?)([A-Za-z_]\w*)\1")
LONGEST_LINE = 10_000  # characters of an instruction that is looked through for here-documents
ARGUMENT = re.compile(r"\$(?:\{(\w+)(?::?-([^{}]*))?\}|(\w+))")


def is_dockerfile(path: str) -> bool:
    """Whether a file is a Dockerfile by its name."""
    return bool(NAME.search(path)) and not BESIDE.search(path)


def instructions(dockerfile: str) -> Iterator[list[str]]:
    """The instructions as words, continued lines joined; comments and here-documents are left out.

    Dockerfile reference: parser directives (escape), here-documents.
    """
    sign = "`" if ESCAPE.match(dockerfile) else "\\"
    whole, until = "", list[str]()
    for line in dockerfile.splitlines():
        bare = line.strip()
        if until:
            until = until[1:] if line.strip("\t") == until[0] else until
        elif not bare or bare.startswith("#"):
            continue
        elif bare.endswith(sign):
            whole += line.rstrip()[:-1] + " "
        else:
            whole_line, whole = whole + line, ""
            words = whole_line.split()
            if words and words[0].upper() in ("ADD", "COPY", "RUN"):
                until = _ends(whole_line)
            if words:
                yield words
    if words := whole.split():
        yield words


def _ends(line: str) -> list[str]:
    """The words that end the here-documents which begin on a line."""
    if "<<" not in line or len(line) > LONGEST_LINE:
        return []
    try:
        words = shlex.split(line, posix=False)
    except ValueError:
        words = line.split()
    return [begun[2] for begun in map(HERE_DOCUMENT.fullmatch, words) if begun]


def copied_sources(dockerfile: str, given: Mapping[str, str] | None = None) -> list[str]:
    """The sources of its COPY and ADD instructions that lie in the context, as patterns.

    Variables are those of ARG, `given` to the build or by itself, and of ENV.
    """
    found: list[str] = []
    known: dict[str, str] = {}
    for name, *rest in instructions(dockerfile):
        word = name.upper()
        if word in ("ARG", "ENV"):
            known |= _assigned(rest, known, given if word == "ARG" else None)
        elif word in ("COPY", "ADD"):
            flags = [one for one in rest if one.startswith("--")]
            if not any(flag.startswith("--from") for flag in flags):
                words = _arguments([one for one in rest if one not in flags])
                found += [_valued(one, known).lstrip("/") for one in words[:-1]]
        if len(found) >= MOST_COPIED:
            break
    elsewhere = ("<<", "http://", "https://", "git@")
    return [one for one in found if not one.startswith(elsewhere)][:MOST_COPIED]


def _arguments(words: list[str]) -> list[str]:
    """The arguments of an instruction, in either of its forms."""
    text = " ".join(words)
    if text.startswith("["):
        try:
            return [str(one) for one in json.loads(text)]
        except (ValueError, RecursionError):
            return text.strip("[]").replace(",", " ").split()
    return [one.strip("\"'") for one in words]


def is_copied(path: str, source: str) -> bool:
    """Whether a file lies at a source of COPY or below it; patterns are Go's (filepath.Match)."""
    there, parts = PurePosixPath(path).parts, PurePosixPath(source).parts
    return len(there) >= len(parts) and all(map(fnmatchcase, there, parts))


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
            known |= _assigned(rest, known, given)
        elif word.upper() == "FROM":
            images = [one for one in rest if not one.startswith("--")]
            names += images[:1] if images[:1] and images[0].lower() not in stages else []
            if len(images) > 2 and images[1].upper() == "AS":
                stages.add(images[2].lower())
        elif word.upper() == "COPY":
            sources = [one.removeprefix("--from=") for one in rest if one.startswith("--from=")]
            names += [one for one in sources if not one.isdigit() and one.lower() not in stages]
    named = (_valued(name, known) for name in names)
    return list(dict.fromkeys(one for one in named if "$" not in one))[:MOST_COPIED]


def _assigned(
    words: list[str], known: Mapping[str, str], given: Mapping[str, str] | None
) -> dict[str, str]:
    """What ARG or ENV assigns: NAME=VALUE, several of them, or ENV's old form NAME VALUE.

    An argument without a value leaves what is known already, as that of before the first FROM.
    """
    if len(words) > 1 and "=" not in words[0]:
        words = [f"{words[0]}={' '.join(words[1:])}"]
    found = {}
    for name, equals, value in (one.partition("=") for one in words):
        if given and name in given:
            found[name] = given[name]
        elif equals or name not in known:
            found[name] = _valued(value.strip("\"'"), known)
    return {name: value for name, value in found.items() if len(value) <= LONGEST_VALUE}


def _valued(text: str, known: Mapping[str, str]) -> str:
    """A text with what is known in the place of its variables; a dollar stands for the others."""

    def value(match: re.Match[str]) -> str:
        return known.get(match[1] or match[3], "") or match[2] or "$"

    return ARGUMENT.sub(value, text)


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
