"""The image of the API, and the website's where it is no public one: Dockerfile and context."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Any

from labkit.facts.compose.project import Service
from labkit.facts.dockerfile import (
    base_images,
    build_options,
    copied_sources,
    is_copied,
    is_dockerfile,
)
from steps.project import DOCKERFILE, GIVEN
from steps.recognition.choosing import COPY, least
from steps.recognition.handed_in import Files, inside, text_of
from subject.roles import OTHER_SOFTWARE, Project

SCRIPT = GIVEN[0]
# Images of websites that anybody can pull.
PUBLIC_PAGE = re.compile(r"^(docker\.io/)?(library/)?(php|httpd)(:|@|$)")
WEBSITE_BASE = re.compile(r"php|httpd|apache", re.I)
# What the website's Dockerfile says whose base is a distribution, and what the API's says.
COPIES_PAGE = re.compile(r"^[ \t]*(?:COPY|ADD)[ \t].*(?:\.php\b|/var/www|/nginx/html)", re.M | re.I)
OF_PYTHON = re.compile(r"python|flask|student_age|\bpip\b", re.I)


@dataclass
class Images:
    """What a submission builds: `project` is its stack, in the file `stack`, if there is one."""

    files: Files
    stack: str
    project: Project | None

    def __post_init__(self) -> None:
        self.dockerfile, self.context = self._dockerfile()

    def _dockerfile(self) -> tuple[str, str]:
        """The API's Dockerfile and its build context; "" for what is not there."""
        built = self._built_by_compose()
        if built:
            return built
        scripts = {PurePosixPath(path).parent for path in self.files if path.endswith("_age.py")}
        found = sorted(
            self.alike,
            key=lambda path: (
                bool(COPY.search(path)),
                not path.startswith("simple_api/"),
                PurePosixPath(path).parent not in scripts,
                not OF_PYTHON.search(text_of(self.files[path])),
                *least(path),
            ),
        )
        if not found:
            return "", str(PurePosixPath(DOCKERFILE.path).parent)
        return found[0], self._context_of(found[0])

    @cached_property
    def alike(self) -> list[str]:
        """Every Dockerfile that could be the API's."""
        return [
            path
            for path, data in self.files.items()
            if is_dockerfile(path) and data.strip() and not is_of_another(text_of(data))
        ]

    def _context_of(self, dockerfile: str) -> str:
        """The folder of which a Dockerfile copies the most: its own, or the root."""
        folder = str(PurePosixPath(dockerfile).parent)
        copied = copied_sources(text_of(self.files[dockerfile]))
        there, at_root = ([self._lies_in(one, name) for name in copied] for one in (folder, "."))
        return "." if sum(at_root) > sum(there) else folder

    def _built_by_compose(self) -> tuple[str, str] | None:
        build = self._build()
        if not build:
            return None
        context = inside(PurePosixPath(self.stack).parent, build["context"] or ".")
        if context is None:
            return None
        dockerfile = inside(PurePosixPath(context), build["dockerfile"] or "Dockerfile")
        if dockerfile is None or not self.files.get(dockerfile, b"").strip():
            return None
        return dockerfile, context

    def _build(self) -> dict[str, Any]:
        """What the compose file says of building the API; empty if it says nothing."""
        api = self.project.api if self.project else None
        return api.raw["build"] if api else {}

    def inline(self) -> dict[str, bytes]:
        """The API's Dockerfile where it stands in the compose file (dockerfile_inline)."""
        build = self._build()
        text = build.get("dockerfile_inline", "")
        place = inside(
            PurePosixPath(self.stack).parent, f"{build.get('context') or '.'}/Dockerfile"
        )
        return {place: text.encode()} if text.strip() and place and place not in self.files else {}

    def _lies_in(self, folder: str, name: str) -> bool:
        """Whether a folder has this file or folder; the given files count for the usual place."""
        path = normpath(f"{folder}/{name}")
        return path == "." or any(is_copied(one, path) for one in (*self.files, *GIVEN))

    def build_words(self) -> str:
        words = _named_unless_usual(self.dockerfile, self.context)
        return shlex.join([*words, *build_options(self._build()), self.context])

    def website_words(self) -> str:
        """How the website's image is built that Compose only names; "" for one that others have."""
        website = self.project.website if self.project else None
        if website is None or not only_names(website):
            return ""
        found = [
            path
            for path, data in self.files.items()
            if is_dockerfile(path) and _is_website(text_of(data))
        ]
        if not found:
            return ""
        path = min(found, key=least)
        context = self._context_of(path)
        return shlex.join([*_named_unless_usual(path, context), context])

    def script_folder(self) -> str:
        """Where the given script goes, if the student has not submitted it.

        To where the Dockerfile takes it from, if that is a folder that the student has.
        """
        usual = str(PurePosixPath(SCRIPT).parent) if self.context == "." else self.context
        copied = copied_sources(text_of(self.files[self.dockerfile])) if self.dockerfile else []
        for one in copied:
            folder = normpath(f"{self.context}/{PurePosixPath(one).parent}")
            known = folder == "." or any(path.startswith(f"{folder}/") for path in self.files)
            if fnmatchcase(PurePosixPath(SCRIPT).name, PurePosixPath(one).name) and known:
                return folder
        return usual


def only_names(website: Service) -> bool:
    """Whether a compose file only names the website's image, and nobody else has it."""
    return not website.raw["build"] and not PUBLIC_PAGE.search(website.image)


def _is_website(dockerfile: str) -> bool:
    """Whether a Dockerfile starts from PHP or Apache, or copies a page and nothing of Python's."""
    return any(map(WEBSITE_BASE.search, base_images(dockerfile))) or bool(
        COPIES_PAGE.search(dockerfile) and not OF_PYTHON.search(dockerfile)
    )


def is_of_another(dockerfile: str) -> bool:
    """Whether a Dockerfile is the website's, or of a balancer, a registry, a database."""
    bases = base_images(dockerfile)
    return _is_website(dockerfile) or (bool(bases) and all(map(OTHER_SOFTWARE.search, bases)))


def _named_unless_usual(dockerfile: str, context: str) -> list[str]:
    """How `docker build` is told of a Dockerfile that it would not find by itself."""
    return [] if dockerfile in ("", normpath(f"{context}/Dockerfile")) else ["-f", dockerfile]
