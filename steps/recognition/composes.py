"""The compose files of a submission: which there are, and which of them are one project."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePosixPath
from posixpath import normpath, relpath

from labkit.facts.compose.written import dotenv, extended, extending, includes, together, written
from labkit.facts.registry import is_registry
from labkit.facts.scripts import docker_commands
from steps.recognition.choosing import least
from steps.recognition.handed_in import NOTES, Files, inside, named_by, text_of, there
from subject.roles import Project

COMPOSE_NAME = re.compile(r"(compose|stack)[^/]*$", re.I)
# What people call the second server in the name of its file, or of the folder around it.
OF_WEB2 = re.compile(
    r"(?:^|[/._-])(?:web|serveurs?|servers?|srv|machine|vm|node|noeud)[-_]?0?2(?=[/._-])"
    r"|(?:^|[/._-])second[a-z]*(?=[/._-])",
    re.I,
)
# What makes a YAML file with any other name one of Compose's.
SERVICES = re.compile(r"^services:[ \t]*(?:#.*)?\n(?:[ \t]*(?:#.*)?\n)*[ \t]+[\w.-]+:", re.M)
PAGE_OF_REGISTRY = re.compile(r"registry-(ui|frontend|web|browser|admin)\b|(^|/)portus\b")


@dataclass
class Composes:
    """The compose files among some files, each with what belongs to it."""

    files: Files

    def __post_init__(self) -> None:
        self.values, self.values_of_web2 = self._told_values()
        found = {
            path: self._written(path)
            for path, data in self.files.items()
            if re.search(r"\.ya?ml$|compose[^/]*\.json$", path.lower())
            and (COMPOSE_NAME.search(path) or SERVICES.search(text_of(data)))
            and "override" not in path.lower()
            and data.strip()
        }
        self.by_itself = ""  # the first of the files that Compose finds by .env
        self.typed: dict[str, list[str]] = {}  # first of several files -> what Compose is told
        for base in self._extend(found):
            found.pop(base, None)
        for path, parts in self._gathered(found):
            projects = [found.get(one) or self._written(one) for one in parts]
            for one in parts:
                found.pop(one, None)
            found[path] = together(path, projects, Project)
        self.projects: Mapping[str, Project] = found

    def _written(self, path: str) -> Project:
        """A compose file, with what the .env beside it sets.

        Its paths are as seen from its folder, whichever Compose is told to take them from.
        """
        project = written(path, self.files[path], Project, self.set_beside(path))
        if folder := self.directory_of(path):
            seen = replace(project, file=normpath(f"{folder}/{PurePosixPath(path).name}"))
            return together(path, [seen], Project)
        return project

    def directory_of(self, path: str) -> str:
        """The project's folder that a documented command gives a compose file, "" for its own."""
        for told, words in reversed(self._started):
            if self._files_of(told, words) == [path]:
                given = _named_files(words, ("--project-directory",))
                return (inside(PurePosixPath(told).parent, given[-1]) or "") if given else ""
        return ""

    def _extend(self, composes: dict[str, Project]) -> set[str]:
        """Give services what they extend; the files that are there for that alone.

        Of what is extended in its turn nothing is followed.
        """
        taken: set[str] = set()
        for path, project in list(composes.items()):
            folder = PurePosixPath(path).parent
            bases: dict[str, Project] = {}
            for name, (file, service) in extended(self.files[path]).items():
                place = there(self.files, folder, file) if file else path
                read = self._written(place) if place else project
                if place and service in read.services:
                    bases[name] = Project("", place, "", {name: read.services[service]})
                    taken |= {place} - {path}
            if bases:
                composes[path] = extending(project, bases, Project)
        return taken

    def set_beside(self, path: str) -> dict[str, str]:
        """The variables of the .env beside a compose file."""
        usual = normpath(f"{PurePosixPath(path).parent}/.env")
        named = self.values_of(path) or [usual]
        given = [dotenv(self.files.get(one, b"")) for one in named]
        return {name: value for one in given for name, value in one.items()}

    def values_of(self, path: str) -> list[str]:
        """The files of variables that Compose is told for one of its files."""
        return self.values.get(path) or self.values.get("", [])

    def _gathered(self, composes: Mapping[str, Project]) -> Iterator[tuple[str, list[str]]]:
        """Compose files that are one project: by COMPOSE_FILE of .env, or by `include`."""
        for path, data in self.files.items():
            folder = PurePosixPath(path).parent
            if PurePosixPath(path).name == ".env":
                values = dotenv(data)
                parts = values.get("COMPOSE_FILE", "").split(
                    values.get("COMPOSE_PATH_SEPARATOR") or ":"
                )
                found = [place for one in filter(None, parts)
                         if (place := there(self.files, folder, one))]  # fmt: skip
                if found:
                    self.by_itself = found[0]
                    yield found[0], found
        for parts in self._told(composes):
            folder = PurePosixPath(parts[0]).parent
            self.typed[parts[0]] = [
                word for one in parts for word in ("-f", relpath(one, str(folder)))
            ]
            yield parts[0], parts
        for path in list(composes):
            if composes.get(path):
                included = self._included(path)
                if len(included) > 1:
                    yield path, included

    def _told(self, composes: Mapping[str, Project]) -> list[list[str]]:
        """Files that a documented `docker compose -f A -f B up` names together, if none is typed
        without.
        """
        found = []
        for path, words in self._started:
            if not _named_files(words):
                return []  # it is what Compose finds by itself
            parts = self._files_of(path, words)
            if any(map(OF_WEB2.search, parts)):
                continue
            alike = {has_registry(composes[one]) for one in parts if one in composes}
            if len(parts) > 1 and len(alike) == 1:
                found.append(parts)
        return found[:1]

    def of_web2(self) -> list[str]:
        """The files that a documented `docker compose -f A -f B up` names for web2, the last time.

        One of them is called after it.
        """
        named = [self._files_of(path, words) for path, words in self._started]
        return next((one for one in reversed(named) if any(map(OF_WEB2.search, one))), [])

    def merged(self, paths: Sequence[str]) -> Project:
        """Compose files as one project, as `-f A -f B` makes them."""
        return together(paths[0], [self._written(one) for one in paths], Project)

    def are_built(self, paths: Sequence[str]) -> bool:
        """Whether a documented command builds what these files describe."""
        return any(
            {"build", "--build"} & set(words) and self._files_of(path, words) == [*paths]
            for path, words in self._typed
            if _named_files(words)
        )

    def removes_others(self, path: str) -> bool:
        """Whether a documented `up` of a file removes what its project has beside."""
        return any(
            "--remove-orphans" in words and self._files_of(told, words) == [path]
            for told, words in self._typed
        )

    def _told_values(self) -> tuple[dict[str, list[str]], list[str]]:
        """Files of variables that the last documented `docker compose --env-file A up` names.

        For each compose file, "" for the one that Compose finds by itself; those for web2 apart.
        """
        found: dict[str, list[str]] = {}
        of_web2: list[str] = []
        for path, words in self._started:
            values = named_by(self.files, path, _named_files(words, ("--env-file",)))
            if any(map(OF_WEB2.search, values)):
                of_web2 = values
            else:
                found[next(iter(self._files_of(path, words)), "")] = values
        return found, of_web2

    def _files_of(self, told: str, words: Sequence[str]) -> list[str]:
        """The compose files that a documented command names, where they are; none if one is not."""
        return named_by(self.files, told, _named_files(words))

    @cached_property
    def _started(self) -> list[tuple[str, list[str]]]:
        """Each documented `docker compose … up`: which file tells it, and the words before `up`."""
        return [
            (path, words[2 : words.index("up")]) for path, words in self._typed if "up" in words
        ]

    @property
    def _typed(self) -> list[tuple[str, list[str]]]:
        """Each documented `docker compose`: which file tells it, and its words."""
        return [one for one in self.commands if one[1][:2] == ["docker", "compose"]]

    @cached_property
    def commands(self) -> list[tuple[str, list[str]]]:
        """Each docker command of notes and scripts: which file tells it, and its words."""
        return [
            (path, words)
            for path in filter(NOTES.search, self.files)
            for words in docker_commands(path, text_of(self.files[path]), ".")
        ]

    def _included(self, path: str) -> list[str]:
        """A compose file and those that it includes, and they in turn."""
        found = [path]
        for one in found:  # grows meanwhile
            folder = PurePosixPath(one).parent
            for name in includes(self.files[one]):
                place = there(self.files, folder, name)
                if place and place not in found:
                    found.append(place)
        return found


def has_registry(project: Project) -> bool:
    """Whether one of its services is a registry."""
    return any(is_registry(service.image) for service in project.services.values())


def publishes_registry(project: Project) -> bool:
    """Whether one of its services is a registry, and has a port of the machine."""
    return any(one.published and is_registry(one.image) for one in project.services.values())


def has_page(project: Project) -> bool:
    """Whether one of its services is a page for a registry."""
    return any(PAGE_OF_REGISTRY.search(service.image) for service in project.services.values())


def first(projects: Mapping[str, Project], *conditions: Callable[[Project], object]) -> str:
    """The path of the best project: by the first condition that any meets, then the least deep."""
    for condition in conditions:
        meeting = [path for path, project in projects.items() if condition(project)]
        if meeting:
            return min(meeting, key=least)
    return ""


def _named_files(words: Sequence[str], options: tuple[str, ...] = ("-f", "--file")) -> list[str]:
    """The files that Compose is told by an option, in their order."""
    found = []
    for word, following in itertools.pairwise([*words, ""]):
        if word in options:
            found.append(following)
        elif word.startswith(tuple(f"{one}=" for one in options)):
            found.append(word.partition("=")[2])
    return found
