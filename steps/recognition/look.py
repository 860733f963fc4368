"""What the files of a submission are taken for."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from posixpath import normpath, relpath

from labkit.facts.compose.written import DRIVE, networks
from steps.documented import name_of
from steps.project import (
    BUILT_ON_WEB2,
    COMPOSE,
    DOCKERFILE,
    GIVEN,
    HAPROXY_BACKEND,
    INDEX,
    OPTIONS_OF_WEB2,
    OWN_OF_WEB2,
    PUSHED_AS,
    REGISTRY_COMPOSE,
    RSYSLOG,
    WEBSITE_PUSHED_AS,
)
from steps.recognition import balancer, log, registry
from steps.recognition.addresses import ASKED
from steps.recognition.choosing import are_attempts, least
from steps.recognition.composes import (
    COMPOSE_NAME,
    OF_WEB2,
    PAGE_OF_REGISTRY,
    Composes,
    first,
    has_page,
    has_registry,
    publishes_registry,
)
from steps.recognition.handed_in import Files, inside, text_of
from steps.recognition.images import SCRIPT, Images, only_names
from subject.roles import Project, is_student_age

PAGE_FOLDER = "/var/www/html"
# An image of a registry with a name of its own: behind its host, and the port.
IN_REGISTRY = re.compile(r"[\w-]+(?:[.:][\w.:-]*)/([a-z0-9][a-z0-9._/-]*(?::[\w.-]+)?)", re.ASCII)
OUTSIDE = re.compile(r"(?<![\w./$}-])(?:\.\./)+([\w.-][\w./-]*)", re.ASCII)
NETWORK_NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)


@dataclass
class Look:
    """The files of a submission, and what they are taken for."""

    files: Files

    def __post_init__(self) -> None:
        self.composes = Composes(self.files)
        composes = self.composes.projects
        named = {path: one for path, one in composes.items() if COMPOSE_NAME.search(path)}
        rest = {path: one for path, one in composes.items() if path not in named}
        self.registry = first(
            named,
            lambda one: publishes_registry(one) and one.website is None,
            lambda one: has_registry(one) and one.website is None,
            has_registry,
            lambda one: "regist" in one.file.lower(),
        ) or first(rest, lambda one: has_registry(one) and one.website is None)
        self.page_of_registry = self._page_of_registry(composes)
        apart = (self.registry, self.page_of_registry)
        others = {path: one for path, one in named.items() if path not in apart}
        self.stack = (
            first(others, lambda one: one.is_the_practical)
            or (self.registry if self.registry and composes[self.registry].is_the_practical else "")
            or first(others, lambda one: not has_registry(one))
            or first(rest, lambda one: one.is_the_practical)
        )
        self.project = composes.get(self.stack)
        self.images = Images(self.files, self.stack, self.project)
        self.page = self._page()

    @cached_property
    def second(self) -> list[str]:
        """The compose files that web2 has of its own, where they are called after it."""
        composes = self.composes.projects
        apart = {self.registry, self.page_of_registry, self.stack}
        told = self.composes.of_web2()
        of_the_registry = any(has_registry(composes[one]) for one in told if one in composes)
        if not set(told) <= apart and not of_the_registry:
            return told
        alone = [
            path
            for path, one in composes.items()
            if path not in apart and OF_WEB2.search(path) and one.website and not has_registry(one)
        ]
        return [min(alone, key=least)] if alone and self.stack else []

    def _builds_on_web2(self) -> bool:
        """Whether web2 builds the API itself: nothing is there under the name of its image."""
        api = self.composes.merged(self.second).api if self.second else None
        if api is None or not api.build_context:
            return False
        return not api.image or self.composes.are_built(self.second)

    def _page_of_registry(self, composes: Mapping[str, Project]) -> str:
        """The file of a page for the registry, where it is not the registry's own."""
        if self.registry:
            is_elsewhere = not has_page(composes[self.registry])
        else:
            told = [command for _path, command in self.documented]
            is_elsewhere = bool(told) and not any(map(PAGE_OF_REGISTRY.search, told))
        if not is_elsewhere:
            return ""
        return first(
            {path: one for path, one in composes.items() if path != self.registry},
            lambda one: has_page(one) and not one.is_the_practical,
        )

    def _hidden(self) -> list[str]:
        """The profiles without which Compose would leave out the website or the API.

        Of the other services nobody has asked for any.
        """
        roles = (self.project.website, self.project.api) if self.project else ()
        if "COMPOSE_PROFILES" in self.composes.set_beside(self.stack):
            return []
        return [one.raw["profiles"][0] for one in roles if one and one.raw["profiles"]]

    def relocated(self, path: str) -> tuple[bytes, dict[str, str]]:
        """A stack's file with what lay elsewhere on the student's machine where it came along.

        Of `/home/me/student-list/website` the end is a folder of the submission. What stands at the
        root, `/website`, is no project's folder: the mistake stays one.
        """
        folder = str(PurePosixPath(path).parent)
        elsewhere: dict[str, str] = {}
        text = text_of(self.files[path])
        project = self.composes.projects.get(path)
        for service in project.services.values() if project else ():
            build = service.raw["build"]
            for there in (*service.mounts.values(), str(build["context"]) if build else ""):
                if there in service.mounts or there in elsewhere:
                    continue
                if end := self._end_of(there) or self._meant(there, folder):
                    elsewhere[there] = f"./{relpath(end, folder)}"
        data = with_paths(text, elsewhere).encode() if elsewhere else self.files[path]
        return data, elsewhere

    @cached_property
    def beside(self) -> dict[str, dict[str, str]]:
        """Of the registry's files and its page's: paths that lead out of their folder -> within it.

        Of such a file the folder alone is brought to its machine, and what these lead to.
        """
        files = dict.fromkeys(one for one in (self.registry, self.page_of_registry) if one)
        return {
            path: {
                found[0]: f"./{found[1]}"
                for found in OUTSIDE.finditer(text_of(self.files[path]))
                if inside(PurePosixPath(path).parent, found[0])
            }
            for path in files
            if path != self.stack
        }

    def _meant(self, path: str, folder: str) -> str:
        """What a relative path stands for on Windows and macOS, where Linux finds nothing.

        There .\\website and ./Website are the folder website.
        """
        place = inside(PurePosixPath(folder), path.replace("\\", "/"))
        if not path.startswith(".") or not place:
            return ""
        known = {parent.as_posix() for one in (*self.files, *GIVEN)
                 for parent in (PurePosixPath(one), *PurePosixPath(one).parents)}  # fmt: skip
        alike = [one for one in known if one.casefold() == place.casefold()]
        is_there = place in known and "\\" not in path
        return alike[0] if len(alike) == 1 and not is_there else ""

    def _end_of(self, path: str) -> str:
        """The longest end of an absolute path, a folder apart at least, that was submitted."""
        path = DRIVE.sub("", path).replace("\\", "/")
        parts = PurePosixPath(path).parts[1:] if path.startswith("/") else ()
        for begin in range(1, len(parts)):
            end = "/".join(parts[begin:])
            if any(one == end or one.startswith(f"{end}/") for one in (*self.files, *GIVEN)):
                return end
        return ""

    @cached_property
    def balancer(self) -> str:
        """HAProxy's file, "" if there is none."""
        return balancer.balancer(self.files)

    @cached_property
    def pieces(self) -> list[str]:
        """The files that are HAProxy's configuration together, in their order."""
        return balancer.pieces(self.files, self.balancer) if self.balancer else []

    @cached_property
    def log_rules(self) -> str:
        """rsyslog's file with the rule for HAProxy's log, "" if there is none."""
        return log.rules(self.files, self.balancer)

    @cached_property
    def documented(self) -> list[tuple[str, str]]:
        """(file, command) of each documented command that sets up the registry."""
        return registry.documented(self.files)

    def sources(self) -> dict[str, str]:
        """Artefact -> the file that is it."""
        found = {
            DOCKERFILE.path: self.images.dockerfile,
            COMPOSE.path: self.stack,
            INDEX.path: self.page,
            REGISTRY_COMPOSE.path: self.registry or next(iter(self.documented), ("",))[0],
            HAPROXY_BACKEND.path: self.balancer,
            RSYSLOG.path: self.log_rules,
        }
        return {artefact: path for artefact, path in found.items() if path}

    def rivals(self) -> dict[str, list[str]]:
        """A file that counts -> others that could have been in its place, by what they are."""
        composes = self.composes.projects
        alike = {
            self.images.dockerfile: self.images.alike,
            self.stack: [path for path, one in composes.items() if one.is_the_practical],
            self.page: self._pages(),
            self.registry: [path for path, one in composes.items() if has_registry(one)],
            self.balancer: balancer.alike(self.files),
        }
        counting = {*alike, self.page_of_registry, *self.second, *self.pieces}
        found = {
            path: [other for other in others
                   if other not in counting and not are_attempts(path, other)]
            for path, others in alike.items() if path
        }  # fmt: skip
        return {path: sorted(others) for path, others in found.items() if others}

    def targets(self) -> dict[str, str]:
        """Path of the layout -> where it goes in this student's project."""
        targets = {
            DOCKERFILE.path: self.images.dockerfile or DOCKERFILE.path,
            COMPOSE.path: self.stack or COMPOSE.path,
            INDEX.path: self.page or INDEX.path,
        }
        folder = self.images.script_folder()
        for given in GIVEN:
            targets[given] = normpath(f"{folder}/{PurePosixPath(given).name}")
        return targets

    def options(self) -> dict[str, str]:
        """What the steps want to know beside: `SLUG: NAME`, after the first step that uses it."""
        found = {"build: what": self.images.build_words()}
        if self.composes.by_itself and self.composes.by_itself == self.stack:
            found["compose: by itself"] = "yes"
        if page := self.images.website_words():
            found["deploy: website"] = page
        profiles = [f"--profile={one}" for one in dict.fromkeys(self._hidden())]
        folder = str(PurePosixPath(self.stack).parent)
        among = [*profiles, *self.composes.typed.get(self.stack, ())]
        if directory := self.composes.directory_of(self.stack) if self.stack else "":
            among.insert(0, f"--project-directory={relpath(directory, folder)}")
        told_values = {
            "compose: options": self.composes.values_of(self.stack),
            OPTIONS_OF_WEB2: self.composes.values_of_web2,
        }
        for option, told in told_values.items() if self.stack else ():
            values = [f"--env-file={relpath(one, folder)}" for one in told]
            if values or (among and option != OPTIONS_OF_WEB2):
                found[option] = shlex.join([*values, *among])
        if self.registry and self.registry == self.stack and self.project:
            names = [one.name for one in (self.project.website, self.project.api) if one]
            found["compose: services"] = shlex.join(names)
            rest = [name for name in self.project.services if name not in names]
            found["registry: services"] = shlex.join(rest)
        commands = "\n".join(command for _path, command in self.documented)
        if commands and not self.registry:
            found["registry: commands"] = commands
        if log.keeps_the_packages(self.files, self.balancer, self.log_rules):
            found["haproxy: packaged rule"] = "yes"
        if made := self._networks_made_by_hand():
            found["deploy: networks"] = " ".join(made)
        if self.second:
            found[OWN_OF_WEB2] = shlex.join(self.second)
        if pushed := self._pushed():
            found[PUSHED_AS] = shlex.join(pushed)
        if website := self._website_pushed():
            found[WEBSITE_PUSHED_AS] = website
        if self._builds_on_web2():
            found[BUILT_ON_WEB2] = "yes"
        if self.page_of_registry:
            found["registry: page"] = self.page_of_registry
            if self.composes.removes_others(self.page_of_registry):
                found["registry: page removes"] = "yes"
        if shared := self._networks_of_both():
            found["registry: networks"] = " ".join(shared)
        if notes := self.registry or next((path for path, _command in self.documented), ""):
            found["registry: folder"] = str(PurePosixPath(notes).parent)
            beside = [
                word
                for path, moved in self.beside.items()
                for there, here in moved.items()
                for word in (str(inside(PurePosixPath(path).parent, there)), here)
            ]
            if beside:
                found["registry: beside"] = shlex.join(beside)
            if told := self.composes.values_of(self.registry) if self.registry else []:
                found["registry: values"] = shlex.join(told)
            addresses = self._addresses_of_registry(commands)
            if addresses:
                found["registry: addresses"] = " ".join(addresses)
        return found

    def _networks_of_both(self) -> list[str]:
        """External networks of the registry's file that the stack's file makes.

        Compose puts the project's name before their own.
        """
        if not self.registry or not self.stack or self.registry == self.stack:
            return []
        own = networks(self.files[self.stack])
        files = [self.files[one] for one in (self.registry, self.page_of_registry) if one]
        named = dict.fromkeys(name for one in files for name in networks(one, external=True))
        return [
            name
            for name in named
            if NETWORK_NAME.fullmatch(name)
            and any(name == one or name.endswith(f"_{one}") for one in own)
        ]

    def _networks_made_by_hand(self) -> list[str]:
        """External networks of the stack's file that notes or a script make."""
        if not self.stack:
            return []
        wanted = dict.fromkeys(networks(self.files[self.stack], external=True))
        made = {
            name_of(words)
            for _path, words in self.composes.commands
            if words[1:3] == ["network", "create"]
        }
        return [one for one in wanted if one in made and NETWORK_NAME.fullmatch(one)]

    def _pushed(self) -> list[str]:
        """The names, without the registry's, by which the image of the API is in the registry.

        Those that notes push; where they push none that is known here, those that the compose files
        ask the registry for.
        """
        projects = [self.project, self._of_web2]
        asked = [one.api.image for one in projects if one and one.api]
        of_the_api = [match[1] for name in self._told_to_push if is_student_age(name)
                      if (match := IN_REGISTRY.fullmatch(name))]  # fmt: skip
        of_the_files = [match[1] for name in asked if (match := IN_REGISTRY.fullmatch(name))]
        return list(dict.fromkeys(of_the_api or of_the_files))

    def _website_pushed(self) -> str:
        """The name, without the registry's, by which web2 asks it for the website's image.

        "" where web2 builds it, where anybody has it, and where notes push another one beside the
        API's, and not this one.
        """
        website = self._of_web2.website if self._of_web2 else None
        if website is None or not only_names(website):
            return ""
        beside = [one for one in self._told_to_push if not is_student_age(one) and "$" not in one]
        match = IN_REGISTRY.fullmatch(website.image)
        return match[1] if match and (not beside or website.image in beside) else ""

    @cached_property
    def _of_web2(self) -> Project | None:
        """The stack of the compose files that web2 has of its own."""
        return self.composes.merged(self.second) if self.second else None

    @cached_property
    def _told_to_push(self) -> list[str]:
        """The names of images that notes push."""
        return [
            words[-1]
            for _path, words in self.composes.commands
            if words[1:2] == ["push"] or words[1:3] == ["image", "push"]
        ]

    def _addresses_of_registry(self, commands: str) -> list[str]:
        """Addresses by which the registry's machine is asked: it had others at the student's."""
        read = [self.files[one] for one in (self.registry, self.page_of_registry) if one]
        text = "\n".join([*map(text_of, read), "" if self.registry else commands])
        found = dict.fromkeys(ASKED.findall(text))
        return [one for one in found if not one.startswith("127.") and one != "0.0.0.0"]

    def script(self) -> str:
        """The API's own script, "" if it was not submitted."""
        given = self.targets()[SCRIPT]
        found = [path for path in self.files if path.endswith(".py") and path != given]
        serving = [path for path in found if b"get_student_ages" in self.files[path]]
        return given if given in self.files else min(serving, key=least, default="")

    def _page(self) -> str:
        website = self.project.website if self.project else None
        for target, source in (website.mounts if website else {}).items():
            place = inside(PurePosixPath(self.stack).parent, source)
            if place and target == PAGE_FOLDER and self.files.get(f"{place}/index.php"):
                return f"{place}/index.php"
        return min(self._pages(), key=lambda path: (path != INDEX.path, *least(path)), default="")

    def _pages(self) -> list[str]:
        return [
            path
            for path, data in self.files.items()
            if PurePosixPath(path).name == "index.php" and data.strip()
        ]


def with_paths(text: str, moved: Mapping[str, str]) -> str:
    """A text with other paths in the place of some, where they stand alone."""
    for there, here in moved.items():
        alone = rf"(?<![\w./~$}}:-]){re.escape(there)}(?![\w./-])"
        text = re.sub(alone, lambda _one, here=here: here, text)  # type: ignore[misc]
    return text
