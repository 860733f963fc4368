"""A submission, recognised: which of its files is which artefact, wherever the student put it.

Pure: files in, facts out. Nothing is executed, and what Compose itself would make of a file is
asked later, on a machine of the lab.
"""

from __future__ import annotations

import codecs
import functools
import itertools
import json
import re
import shlex
import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import Any

from labkit.course import AS_USUAL, ReadingRules, Submission
from labkit.facts import rsyslog
from labkit.facts.compose.written import (
    DRIVE,
    dotenv,
    extended,
    extending,
    includes,
    networks,
    together,
    written,
)
from labkit.facts.dockerfile import (
    base_images,
    build_options,
    copied_sources,
    is_copied,
    is_dockerfile,
)
from labkit.facts.haproxy.file import Section, bound_ports, sections, server_lines, site_backend
from labkit.facts.haproxy.passwords import PASSWORD, with_known
from labkit.facts.registry import is_registry
from labkit.facts.scripts import IS_SCRIPT, docker_commands, written_files
from labkit.locale import _
from labkit.remote import Shell, everywhere
from steps.beside_balancer import moved
from steps.documented import options, service_of
from steps.project import (
    COMPOSE,
    DEFAULT_NAMES,
    DOCKERFILE,
    GIVEN,
    HAPROXY_BACKEND,
    INDEX,
    REGISTRY_COMPOSE,
    REGISTRY_HOME,
    RSYSLOG,
    WEBS,
)
from subject.contract import AS_GIVEN, BACKEND, HTTP_PORT, OPTION, Application, found_in
from subject.roles import OTHER_SOFTWARE, Project

SCRIPT = GIVEN[0]
PAGE_PORT = 8080  # of the registry's page, in the reference
PAGE_FOLDER = "/var/www/html"
Files = Mapping[str, bytes]
# Images of websites that anybody can pull.
PUBLIC_PAGE = re.compile(r"^(docker\.io/)?(library/)?(php|httpd)(:|@|$)")
WEBSITE_BASE = re.compile(r"php|httpd|apache", re.I)
# What the website's Dockerfile says whose base is a distribution, and what the API's says.
COPIES_PAGE = re.compile(r"^[ \t]*(?:COPY|ADD)[ \t].*(?:\.php\b|/var/www|/nginx/html)", re.M | re.I)
OF_PYTHON = re.compile(r"python|flask|student_age|\bpip\b", re.I)
# What a person calls a file that is kept beside the one that counts.
COPY = re.compile(
    r"copi[ea]|copy|backup|sauvegarde|\bold\b|\bbak\b|\borig(?:inal)?\b|\brpm(?:new|save)\b|ancien"
    r"|\(\d+\)",
    re.I,
)
# Folders of several attempts; the last one counts.
ATTEMPT = re.compile(r"(?:^|/)(final|v|version|essai|tentative|attempt)[-_ ]?(\d{0,4})(?=/)", re.I)
LAST_ATTEMPT = 10_000
# Notepad puts .txt behind a name, and Explorer does not show it. Others are known by any name.
SAVED_AS_TEXT = re.compile(r"\.(ya?ml|php|py|json)\.txt$", re.I)
COMPOSE_NAME = re.compile(r"(compose|stack)[^/]*$", re.I)
COMPOSE_YAML = re.compile(r"(compose|stack)[^/]*\.ya?ml$", re.I)
DOTENV_EXAMPLE = re.compile(
    r"(^|/)(\.?env[.-](example|exemple|sample|dist|template|txt)|(example|sample|template)\.env"
    r"|env)$",
    re.I,
)
NETWORK_NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
PAGE_OF_REGISTRY = re.compile(r"registry-(ui|frontend|web|browser|admin)\b|(^|/)portus\b")
# An address that is asked by HTTP, and one of the machine's by which a port is published.
ASKED = re.compile(r"//(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})(?![\d.])")
PUBLISHED_BY = re.compile(
    r"^([ \t]*(?:-[ \t]*|ports:[ \t]*\[[ \t]*|host_ip:[ \t]*)[\"']?)"
    r"(?!127\.|0\.0\.0\.0)(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})(?=:\d+:\d+|[\"']?[ \t]*$)",
    re.M,
)
# What makes a YAML file with any other name one of Compose's.
SERVICES = re.compile(r"^services:[ \t]*(?:#.*)?\n(?:[ \t]*(?:#.*)?\n)*[ \t]+[\w.-]+:", re.M)
# BuildKit has a Dockerfile read by the program that this line names, anybody's image. None is
# fetched: the engine of the machines brings docker's own, which reads every Dockerfile here. Forms:
# docs.docker.com/build/buildkit/frontend and BuildKit's dockerfile/parser/directives.go.
FRONTEND = re.compile(
    rb"\A((?:[ \t]*(?:#[^\n]*)?\n)*?)[ \t]*(?:#|//)[ \t]*syntax[ \t]*=[ \t]*([^ \t\n]*)[^\n]*",
    re.I,
)
# The same as the field of a JSON object; a Dockerfile that is one is read by nothing else.
JSON_FRONTEND = re.compile(rb"\A(?:#![^\n]*\n)?\s*\{")
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
RSYSLOG_WORD = re.compile(
    r"^[ \t]*(\$ModLoad|\$UDPServer|module ?\(|input ?\(|local[0-7]\."
    r"|:\w+, ?|if[ \t]+\$|ruleset ?\()",
    re.M | re.I,
)
# Sections of which a file of HAProxy's has one; other software has caches and rings as well.
PIECES = ("global", "defaults", "frontend", "backend", "listen", "userlist", "resolvers")
OF_RSYSLOG = re.compile(r"\.conf(\.txt)?$|(^|/)[^/]*rsyslog[^/.]*$")
CALLED_RSYSLOG = re.compile(r"r?syslog[^/]*\.(txt|cfg)$|(^|/)rsyslog\.d/[^/]*$", re.I)
# Files of any other name that may be HAProxy's.
ANY_TEXT = re.compile(r"\.(conf|config|cnf|txt|ini)$|(^|/)[^/.]+$", re.I)
BEGINS_BALANCER = re.compile(
    r"(?:[ \t]*(?:#[^\n]*)?\n)*+[ \t]*"
    r"(?:global|defaults|frontend|backend|listen|userlist)\b[^\n:{]*\n"
)
# What another program makes the file of: nobody's configuration until then.
TEMPLATE = re.compile(r"\.(j2|jinja2?|erb|tmpl|tpl|template)$", re.I)
FILLED_IN = re.compile(r"\{\{|\{%|<%")
HAPROXY_LOG = re.compile(r"^(?>.*?haproxy).*\.log", re.M)
PORT = re.compile(r"[0-9]{1,5}")

# What a person writes has less; what was made to keep a reader busy has more.
LONGEST_DOCUMENT = 100_000


def _without_frontend(path: str, data: bytes) -> bytes:
    if named := FRONTEND.match(data):
        return named[1] + b"#" + data[named.end() :]
    if "dockerfile" in path.lower() and JSON_FRONTEND.match(data):
        return b"#\n" + data
    return data


def recognise(
    files: Files,
    reference: Path,
    reading: ReadingRules = AS_USUAL,
    *,
    executable: Collection[str] = (),
) -> Submission:
    """What the course finds in these files; `reference` is the folder of the reference artefacts.

    The contract of the application that may be as found is route, user and password of the API, as
    the submission's own script has them. The references that fill what is missing are fitted to
    what is there: the page to the name of the API's service, HAProxy to the port of the website.
    `executable` are the files that may be executed where they come from; archives made on Windows
    do not say it.
    """
    top = _top_folder(files)
    original = {path.removeprefix(top): data for path, data in files.items()}
    shown = [path for path in original if _as_named(path, original) != path]
    original = {_as_named(path, original): data for path, data in original.items()}
    unixed = {path: _unix(data) for path, data in original.items()}
    poured = _written_by_scripts(unixed)
    for path, (_script, data) in poured.items():
        unixed[path] = original[path] = data
    standing = _standing_for_dotenv(unixed)
    for path, example in standing.items():
        unixed[path] = original[path] = unixed[example]
    look = _Look(unixed)
    inline = look.inline()
    if inline:
        unixed |= inline
        original |= inline
        look = _Look(unixed)
    notes = [_("{file} was read without its .txt", file=path) for path in shown]
    notes += [_("{file} is what {script} writes", file=path, script=script)
              for path, (script, _data) in poured.items()]  # fmt: skip
    notes += [_("{file}: {there} stands for {here}", file=path, there=example, here=".env")
              for path, example in standing.items()]  # fmt: skip
    notes += [_("{file} is what {script} writes", file=path, script=look.stack) for path in inline]
    quoted = quotations(unixed, look.sources())
    if reading.documented and quoted:
        for path, (_document, data) in quoted.items():
            unixed[path] = original[path] = data
        look = _Look(unixed)
    sources = look.sources()
    targets = look.targets()
    notes += [
        _("of several attempts the last one counts: {files}, not those of the same name in "
          "{others}",
          files=", ".join(chosen), others=", ".join(others))
        for others, chosen in _passed_over(sources.values(), unixed).items()
    ]  # fmt: skip
    notes += [
        _("{file} was found in {document}, not handed in as a file", file=path, document=document)
        if reading.documented
        else _("{file} stands in {document} alone; --readme lets it count",
               file=path, document=document)
        for path, (document, _data) in quoted.items()
    ]  # fmt: skip
    if any(unixed[path] != original[path] for path in unixed):
        notes.append(_("Windows line endings were converted to those of Linux"))
    if any(data.startswith((*UTF_16, codecs.BOM_UTF8)) for data in original.values()):
        notes.append(
            _("texts in a Windows encoding were converted to UTF-8 without a byte order mark")
        )
    for path, data in unixed.items():
        unixed[path] = _without_frontend(path, data)
        if unixed[path] != data:
            notes.append(_("{file}: the engine's own frontend reads it (# syntax=)", file=path))
    if look.stack:
        unixed[look.stack], elsewhere = look.relocated()
        notes += [_("{file}: {there} stands for {here}", file=look.stack, there=there, here=here)
                  for there, here in elsewhere.items()]  # fmt: skip
    for path in filter(None, {look.stack: 1, look.registry: 1, look.page_of_registry: 1}):
        text, addresses = _published_by_all(_text(unixed[path]))
        unixed[path] = text.encode() if addresses else unixed[path]
        notes += [_("{file}: {there} stands for {here}", file=path, there=one, here="0.0.0.0")
                  for one in addresses]  # fmt: skip
    rules = sources.get(RSYSLOG.path, "")
    before = look.before_rules(rules) if rules else []
    for path in (*before, rules):
        if path and rsyslog.is_whole(_text(unixed[path])):
            unixed[path] = rsyslog.beside_the_systems(_text(unixed[path])).encode()
            notes.append(_("{file}: what the system's own says already is left out", file=path))
    for path in before:
        unixed[rules] = unixed[path].rstrip() + b"\n" + unixed[rules]
        notes.append(_("{first} and {second} are read as one file", first=path, second=rules))
    balancer = sources.get(HAPROXY_BACKEND.path)
    pieces = look.pieces(balancer) if balancer else []
    if balancer and len(pieces) > 1:
        unixed[balancer] = b"\n".join(unixed[path].rstrip() for path in pieces) + b"\n"
        others = ", ".join(path for path in pieces if path != balancer)
        notes.append(_("{first} and {second} are read as one file", first=others, second=balancer))
    if balancer:
        text, said = _readdressed(_text(unixed[balancer]))
        text, users = with_known(text)
        if users:
            notes.append(
                _("{file}: the password of {users} is {password} here", file=balancer,
                  users=", ".join(users), password=PASSWORD)
            )  # fmt: skip
        named = moved(text, unixed)
        unixed[balancer] = _with_paths(text, named).encode()
        notes += said
        notes += [_("{file}: {there} stands for {here}", file=balancer, there=there, here=here)
                  for there, here in named.items()]  # fmt: skip
    options = look.options()
    application = AS_GIVEN
    if reading.as_found and (script := look.script()):
        application = found_in(unixed[script])
        if application != AS_GIVEN:
            options[OPTION] = application.words
            notes.append(
                _("the application is that of {file}: {path}, user {user}", file=script,
                  path=application.path, user=application.user)
            )  # fmt: skip
    return Submission(
        files=unixed,
        sources=sources,
        targets=targets,
        fitted=_fitted(look, sources, reference, application) if reading.fill else {},
        options=options,
        original={name: original[path] for name, path in sources.items()},
        notes=tuple(notes),
        fill=reading.fill,
        spared=look.spared(),
        executable=frozenset(path.removeprefix(top) for path in executable)
        | {path for path, data in original.items() if data.startswith(b"#!")},
    )


@dataclass
class _Look:
    """The files of a submission, and what they are taken for."""

    files: Files

    def __post_init__(self) -> None:
        self.values = self._told_values()
        composes = {
            path: self._written(path)
            for path, data in self.files.items()
            if re.search(r"\.ya?ml$", path.lower())
            and (COMPOSE_NAME.search(path) or SERVICES.search(_text(data)))
            and "override" not in path.lower()
            and data.strip()
        }
        self.by_itself = ""  # the first of the files that Compose finds by .env
        self.typed: dict[str, list[str]] = {}  # first of several files -> what Compose is told
        for base in self._extend(composes):
            composes.pop(base, None)
        for path, parts in self._gathered(composes):
            projects = [composes.get(one) or self._written(one) for one in parts]
            for one in parts:
                composes.pop(one, None)
            composes[path] = together(path, projects, Project)
        self.composes = composes
        named = {path: one for path, one in composes.items() if COMPOSE_NAME.search(path)}
        rest = {path: one for path, one in composes.items() if path not in named}
        self.registry = _first(
            named,
            lambda one: has_registry(one) and one.website is None,
            has_registry,
            lambda one: "regist" in one.file.lower(),
        ) or _first(rest, lambda one: has_registry(one) and one.website is None)
        self.page_of_registry = self._page_of_registry(composes)
        apart = (self.registry, self.page_of_registry)
        others = {path: one for path, one in named.items() if path not in apart}
        self.stack = (
            _first(others, lambda one: one.is_the_practical, lambda one: not has_registry(one))
            or (self.registry if self.registry and composes[self.registry].is_the_practical else "")
            or _first(rest, lambda one: one.is_the_practical)
        )
        self.project = composes.get(self.stack)
        self.dockerfile, self.context = self._dockerfile()
        self.page = self._page()

    def _page_of_registry(self, composes: Mapping[str, Project]) -> str:
        """The file of a page for the registry, where it is not the registry's own."""
        if not self.registry or has_page(composes[self.registry]):
            return ""
        return _first(
            {path: one for path, one in composes.items() if path != self.registry},
            lambda one: has_page(one) and not one.is_the_practical,
        )

    def _written(self, path: str) -> Project:
        """A compose file, with what the .env beside it sets."""
        return written(path, self.files[path], Project, self._set_beside(path))

    def _extend(self, composes: dict[str, Project]) -> set[str]:
        """Give services what they extend; the files that are there for that alone.

        Of what is extended in its turn nothing is followed.
        """
        taken: set[str] = set()
        for path, project in list(composes.items()):
            folder = PurePosixPath(path).parent
            bases: dict[str, Project] = {}
            for name, (file, service) in extended(self.files[path]).items():
                place = self._there(folder, file) if file else path
                read = self._written(place) if place else project
                if place and service in read.services:
                    bases[name] = Project("", place, "", {name: read.services[service]})
                    taken |= {place} - {path}
            if bases:
                composes[path] = extending(project, bases, Project)
        return taken

    def _set_beside(self, path: str) -> dict[str, str]:
        """The variables of the .env beside a compose file."""
        usual = normpath(f"{PurePosixPath(path).parent}/.env")
        given = [dotenv(self.files.get(one, b"")) for one in self.values or [usual]]
        return {name: value for one in given for name, value in one.items()}

    def _gathered(self, composes: Mapping[str, Project]) -> Iterator[tuple[str, list[str]]]:
        """Compose files that are one project: by COMPOSE_FILE of .env, or by `include`."""
        for path, data in self.files.items():
            folder = PurePosixPath(path).parent
            if PurePosixPath(path).name == ".env":
                named = re.search(r"^COMPOSE_FILE=[\"']?([^\s\"']+)", _text(data), re.M)
                parts = named.group(1).split(":") if named else []
                found = [place for one in parts if (place := self._there(folder, one))]
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
            names = _named_files(words)
            if not names:
                return []  # it is what Compose finds by itself
            parts = self._named_by(path, names)
            alike = {has_registry(composes[one]) for one in parts if one in composes}
            if len(parts) > 1 and len(alike) == 1:
                found.append(parts)
        return found[:1]

    def _told_values(self) -> list[str]:
        """Files of variables that the last documented `docker compose --env-file A up` names."""
        found: list[str] = []
        for path, words in self._started:
            found = self._named_by(path, _named_files(words, ("--env-file",)))
        return found

    @cached_property
    def _started(self) -> list[tuple[str, list[str]]]:
        """Each documented `docker compose … up`: which file tells it, and the words before `up`."""
        return [
            (path, words[2 : words.index("up")])
            for path in filter(NOTES.search, self.files)
            for words in docker_commands(path, _text(self.files[path]), ".")
            if words[:2] == ["docker", "compose"] and "up" in words
        ]

    def _named_by(self, path: str, names: Sequence[str]) -> list[str]:
        """Files as a file names them, all from its folder or all from the root; else none."""
        folders = (PurePosixPath(path).parent, PurePosixPath())
        places = ([self._there(folder, name) for name in names] for folder in folders)
        return next(filter(all, places), [])

    def _hidden(self) -> list[str]:
        """The profiles without which Compose would leave out the website or the API.

        Of the other services nobody has asked for any.
        """
        roles = (self.project.website, self.project.api) if self.project else ()
        if "COMPOSE_PROFILES" in self._set_beside(self.stack):
            return []
        return [one.raw["profiles"][0] for one in roles if one and one.raw["profiles"]]

    def _included(self, path: str) -> list[str]:
        """A compose file and those that it includes, and they in turn."""
        found = [path]
        for one in found:  # grows meanwhile
            folder = PurePosixPath(one).parent
            for name in includes(self.files[one]):
                place = self._there(folder, name)
                if place and place not in found:
                    found.append(place)
        return found

    def _there(self, folder: PurePosixPath, name: str) -> str:
        """A file that another one names, "" if it was not submitted."""
        place = _inside(folder, name)
        return place if place and self.files.get(place, b"").strip() else ""

    def relocated(self) -> tuple[bytes, dict[str, str]]:
        """The stack's file with what lay elsewhere on the student's machine where it came along.

        Of `/home/me/student-list/website` the end is a folder of the submission. What stands at the
        root, `/website`, is no project's folder: the mistake stays one.
        """
        folder = str(PurePosixPath(self.stack).parent)
        elsewhere: dict[str, str] = {}
        text = _text(self.files[self.stack])
        for service in self.project.services.values() if self.project else ():
            build = service.raw["build"]
            for there in (*service.mounts.values(), str(build["context"]) if build else ""):
                end = "" if there in service.mounts else self._end_of(there) or self._meant(there)
                if end and there not in elsewhere:
                    elsewhere[there] = f"./{relpath(end, folder)}"
        data = _with_paths(text, elsewhere).encode() if elsewhere else self.files[self.stack]
        return data, elsewhere

    def _meant(self, path: str) -> str:
        """What a relative path stands for on Windows and macOS, where Linux finds nothing.

        There .\\website and ./Website are the folder website.
        """
        place = _inside(PurePosixPath(self.stack).parent, path.replace("\\", "/"))
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

    def sources(self) -> dict[str, str]:
        """Artefact -> the file that is it."""
        found = {
            DOCKERFILE.path: self.dockerfile,
            COMPOSE.path: self.stack,
            INDEX.path: self.page,
            REGISTRY_COMPOSE.path: self.registry or next(iter(self._documented), ("",))[0],
            HAPROXY_BACKEND.path: self.balancer,
            RSYSLOG.path: self._rules(),
        }
        return {artefact: path for artefact, path in found.items() if path}

    def targets(self) -> dict[str, str]:
        """Path of the layout -> where it goes in this student's project."""
        targets = {
            DOCKERFILE.path: self.dockerfile or DOCKERFILE.path,
            COMPOSE.path: self.stack or COMPOSE.path,
            INDEX.path: self.page or INDEX.path,
        }
        folder = self._script_folder()
        for given in GIVEN:
            targets[given] = normpath(f"{folder}/{PurePosixPath(given).name}")
        return targets

    def options(self) -> dict[str, str]:
        """What the steps want to know beside: `SLUG: NAME`, after the first step that uses it."""
        found = {"build: what": self._build_words()}
        if self.by_itself and self.by_itself == self.stack:
            found["compose: by itself"] = "yes"
        if page := self._website_words():
            found["deploy: website"] = page
        profiles = [f"--profile={one}" for one in dict.fromkeys(self._hidden())]
        folder = str(PurePosixPath(self.stack).parent)
        values = [f"--env-file={relpath(one, folder)}" for one in self.values if self.stack]
        if told := [*values, *profiles, *self.typed.get(self.stack, ())]:
            found["compose: options"] = shlex.join(told)
        if self.registry and self.registry == self.stack and self.project:
            names = [one.name for one in (self.project.website, self.project.api) if one]
            found["compose: services"] = shlex.join(names)
            rest = [name for name in self.project.services if name not in names]
            found["registry: services"] = shlex.join(rest)
        documented = self._documented
        commands = "\n".join(command for _path, command in documented)
        if commands and not self.registry:
            found["registry: commands"] = commands
        if self.page_of_registry:
            found["registry: page"] = self.page_of_registry
        if shared := self._networks_of_both():
            found["registry: networks"] = " ".join(shared)
        if notes := self.registry or next((path for path, _command in documented), ""):
            found["registry: folder"] = str(PurePosixPath(notes).parent)
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

    def _addresses_of_registry(self, commands: str) -> list[str]:
        """Addresses by which the registry's machine is asked: it had others at the student's."""
        read = [self.files[one] for one in (self.registry, self.page_of_registry) if one]
        text = "\n".join([*map(_text, read), "" if self.registry else commands])
        found = dict.fromkeys(ASKED.findall(text))
        return [one for one in found if not one.startswith("127.") and one != "0.0.0.0"]

    # -- the API's image

    def _dockerfile(self) -> tuple[str, str]:
        """The API's Dockerfile and its build context; "" for what is not there."""
        built = self._built_by_compose()
        if built:
            return built
        found = [
            path
            for path, data in self.files.items()
            if is_dockerfile(path) and data.strip() and not _is_of_another(_text(data))
        ]
        scripts = {PurePosixPath(path).parent for path in self.files if path.endswith("_age.py")}
        found.sort(
            key=lambda path: (
                bool(COPY.search(path)),
                not path.startswith("simple_api/"),
                PurePosixPath(path).parent not in scripts,
                not OF_PYTHON.search(_text(self.files[path])),
                *_least(path),
            )
        )
        if not found:
            return "", str(PurePosixPath(DOCKERFILE.path).parent)
        return found[0], self._context_of(found[0])

    def _context_of(self, dockerfile: str) -> str:
        """The folder of which a Dockerfile copies the most: its own, or the root."""
        folder = str(PurePosixPath(dockerfile).parent)
        copied = copied_sources(_text(self.files[dockerfile]))
        there, at_root = ([self._lies_in(one, name) for name in copied] for one in (folder, "."))
        return "." if sum(at_root) > sum(there) else folder

    def _built_by_compose(self) -> tuple[str, str] | None:
        build = self._build()
        if not build:
            return None
        context = _inside(PurePosixPath(self.stack).parent, build["context"] or ".")
        if context is None:
            return None
        dockerfile = _inside(PurePosixPath(context), build["dockerfile"] or "Dockerfile")
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
        place = _inside(
            PurePosixPath(self.stack).parent, f"{build.get('context') or '.'}/Dockerfile"
        )
        return {place: text.encode()} if text.strip() and place and place not in self.files else {}

    def _lies_in(self, folder: str, name: str) -> bool:
        """Whether a folder has this file or folder; the given files count for the usual place."""
        path = normpath(f"{folder}/{name}")
        return path == "." or any(is_copied(one, path) for one in (*self.files, *GIVEN))

    def _build_words(self) -> str:
        words = _named_unless_usual(self.dockerfile, self.context)
        return shlex.join([*words, *build_options(self._build()), self.context])

    def _website_words(self) -> str:
        """How the website's image is built that Compose only names; "" for one that others have."""
        website = self.project.website if self.project else None
        if website is None or website.raw["build"] or PUBLIC_PAGE.search(website.image):
            return ""
        found = [
            path
            for path, data in self.files.items()
            if is_dockerfile(path) and _is_website(_text(data))
        ]
        if not found:
            return ""
        path = min(found, key=_least)
        context = self._context_of(path)
        return shlex.join([*_named_unless_usual(path, context), context])

    def _script_folder(self) -> str:
        """Where the given script goes, if the student has not submitted it.

        To where the Dockerfile takes it from, if that is a folder that the student has.
        """
        usual = str(PurePosixPath(SCRIPT).parent) if self.context == "." else self.context
        copied = copied_sources(_text(self.files[self.dockerfile])) if self.dockerfile else []
        for one in copied:
            folder = normpath(f"{self.context}/{PurePosixPath(one).parent}")
            known = folder == "." or any(path.startswith(f"{folder}/") for path in self.files)
            if fnmatchcase(PurePosixPath(SCRIPT).name, PurePosixPath(one).name) and known:
                return folder
        return usual

    def script(self) -> str:
        """The API's own script, "" if it was not submitted."""
        given = self.targets()[SCRIPT]
        found = [path for path in self.files if path.endswith(".py") and path != given]
        serving = [path for path in found if b"get_student_ages" in self.files[path]]
        return given if given in self.files else min(serving, key=_least, default="")

    def _page(self) -> str:
        website = self.project.website if self.project else None
        for target, source in (website.mounts if website else {}).items():
            place = _inside(PurePosixPath(self.stack).parent, source)
            if place and target == PAGE_FOLDER and self.files.get(f"{place}/index.php"):
                return f"{place}/index.php"
        pages = [
            path
            for path, data in self.files.items()
            if PurePosixPath(path).name == "index.php" and data.strip()
        ]
        return min(pages, key=lambda path: (path != INDEX.path, *_least(path)), default="")

    # -- registry and balancer

    @cached_property
    def _documented(self) -> list[tuple[str, str]]:
        """(file, command) of each documented command that sets up the registry.

        What a script does and notes tell is done once; the script comes last.
        """
        found: list[tuple[str, list[str]]] = []
        for path in sorted(filter(NOTES.search, self.files), key=_is_script):
            commands = [
                one
                for one in docker_commands(
                    path,
                    _text(self.files[path]),
                    REGISTRY_HOME,
                    functools.partial(self._read_in, path),
                )
                if _is_set_up(one) and (one[1] != "run" or _serves_registry(one))
            ]
            if any(_runs_registry(one) for one in commands):
                found += [(path, one) for one in commands]
        kept = _last_of_each([words for _path, words in found])
        return [(found[at][0], shlex.join(found[at][1])) for at in kept]

    def _read_in(self, script: str, name: str) -> str:
        """A file that a script reads in, beside it or at the root; "" if it was not submitted."""
        found = self._named_by(script, [name.removeprefix(f"{REGISTRY_HOME}/")])
        return _text(self.files[found[0]]) if found else ""

    @cached_property
    def balancer(self) -> str:
        """HAProxy's file, "" if there is none; a copy only if there is no other."""
        found = (
            self._serving(),
            self._text_with(r"\.cfg$", r"^[ \t]*(backend|listen)\s"),
            self._text_with(
                r"haproxy[^/]*\.(conf|cfg)[^/]*$",
                r"^[ \t]*(backend|listen|frontend|global|defaults)",
            ),
            self._by_its_first_line(),
            self._text_with(r"haproxy\.cfg$", r"\S"),
        )
        return min(filter(None, found), key=lambda path: bool(COPY.search(path)), default="")

    def _serving(self) -> str:
        """The .cfg with servers, and of several the one called haproxy.cfg, or with statistics."""
        read = {
            path: sections(_text(data))
            for path, data in self.files.items()
            if path.lower().endswith(".cfg")
        }

        def worth(path: str) -> tuple[Any, ...]:
            copy, *rest = _least(path)
            usual = PurePosixPath(path).name.lower() == "haproxy.cfg"
            return copy, not usual, not any(map(_shows_statistics, read[path])), *rest

        serving = [path for path, found in read.items() if any(map(_has_servers, found))]
        return min(serving, key=worth, default="")

    def _by_its_first_line(self) -> str:
        """A file of any other name that begins with a section of HAProxy's and has servers.

        lb.conf, haproxy.txt, haproxy: notes that show a configuration begin with something else.
        """
        found = [
            path
            for path, data in self.files.items()
            if ANY_TEXT.search(path) and _is_balancers(_text(data))
        ]
        return min(found, key=_least, default="")

    def pieces(self, balancer: str) -> list[str]:
        """The files that are one configuration of HAProxy with this one, in their order.

        HAProxy reads those of a folder by their names (management guide, 3: -f). Files beside one
        that leads no visitor to any server are told to it by several -f, and whoever does that
        begins with `global` and `defaults`. Two that define the same section are two attempts.
        """
        folder = PurePosixPath(balancer).parent
        home = folder.parent if folder.suffix == ".d" else folder
        read = {
            path: sections(_text(data))
            for path, data in self.files.items()
            if path == balancer
            or (
                path.lower().endswith((".cfg", ".conf"))
                and not COPY.search(path)
                and (PurePosixPath(path).parent in (home, folder) or _is_below(path, home))
            )
        }
        kinds = {one.kind for one in read[balancer]}
        if {"frontend", "backend"} <= kinds or "listen" in kinds:
            read = {
                path: found
                for path, found in read.items()
                if path == balancer
                or ".d" in map(_suffix, (path, balancer))
                or (_is_page(found) and not any(map(_shows_statistics, read[balancer])))
            }
        taken = {balancer: _names_of(read[balancer])}
        for path, found in sorted(read.items()):
            names = _names_of(found)
            is_piece = any(one.kind in PIECES for one in found)
            if is_piece and not any(names & others for others in taken.values()):
                taken[path] = names
        return sorted(
            taken,
            key=lambda path: (
                _suffix(path) == ".d",
                _suffix(path) != ".d" and _begins_late(read[path]),
                path,
            ),
        )

    def _rules(self) -> str:
        """rsyslog's file with the rule for HAProxy's log: words of rsyslog's, comments apart."""
        found = [
            path
            for path in self._of_rsyslog()
            if HAPROXY_LOG.search(_without_comments(_text(self.files[path])))
        ]
        return min(found, key=_least, default="")

    def spared(self) -> frozenset[str]:
        """What another file does without: rsyslog's, where HAProxy logs to a socket.

        Debian's package brings a rule of its own for the socket that its configuration names
        (/etc/rsyslog.d/49-haproxy.conf); by UDP nobody listens unless a student says so.
        """
        balancer = self.balancer
        read = sections(_text(self.files[balancer])) if balancer else []
        targets = [words[0] for one in read for words in one.said("log") if words]
        return frozenset({RSYSLOG.path} if any(one.endswith("/dev/log") for one in targets) else ())

    def before_rules(self, rules: str) -> list[str]:
        """Files of rsyslog's beside that with the rule, which open what it needs, last first.

        Beside rsyslog.d stands rsyslog.conf, which is read before.
        """
        folder = PurePosixPath(rules).parent
        home = folder.parent if folder.suffix == ".d" else folder
        return sorted(
            (
                path
                for path in self._of_rsyslog()
                if (PurePosixPath(path).parent in (home, folder) or _is_below(path, home))
                and path != rules
                and re.search(r"imudp|imuxsock|UDPServerRun", _text(self.files[path]))
                and not HAPROXY_LOG.search(_without_comments(_text(self.files[path])))
            ),
            key=lambda path: (_suffix(path) == ".d", path),
            reverse=True,
        )

    def _of_rsyslog(self) -> list[str]:
        return [
            path
            for path, data in self.files.items()
            if path != self.balancer
            and (
                (OF_RSYSLOG.search(path.lower()) and RSYSLOG_WORD.search(_uncommented(data)))
                or (CALLED_RSYSLOG.search(path) and RSYSLOG_WORD.match(_uncommented(data).lstrip()))
            )
        ]

    def _text_with(self, name: str, pattern: str) -> str:
        matching = [
            path
            for path, data in self.files.items()
            if re.search(name, path.lower())
            and re.search(pattern, _text(data), re.M)
            and not (TEMPLATE.search(path) and FILLED_IN.search(_text(data)))
        ]
        return min(matching, key=_least, default="")


def _least(path: str) -> tuple[bool, int, int, list[int], str]:
    """What comes first of several.

    No copy, the least deep, a name that Compose looks for; of several attempts the last.
    """
    name = PurePosixPath(path).name
    usual = DEFAULT_NAMES.index(name) if name in DEFAULT_NAMES else len(DEFAULT_NAMES)
    attempts = [
        (LAST_ATTEMPT if said.lower() == "final" else 0) + int(number or 0)
        for said, number in ATTEMPT.findall(path)
    ]
    return bool(COPY.search(path)), path.count("/"), usual, [-one for one in attempts], path


def _with_paths(text: str, moved: Mapping[str, str]) -> str:
    """A text with other paths in the place of some, where they stand alone."""
    for there, here in moved.items():
        alone = rf"(?<![\w./~$}}:-]){re.escape(there)}(?![\w./-])"
        text = re.sub(alone, lambda _one, here=here: here, text)  # type: ignore[misc]
    return text


def _published_by_all(text: str) -> tuple[str, list[str]]:
    """A compose file whose ports are published by every address of a machine, not by one's own.

    The addresses of the student's machines, which no machine here has. By 127.0.0.1 is on purpose.
    """
    found = dict.fromkeys(address for _before, address in PUBLISHED_BY.findall(text))
    return PUBLISHED_BY.sub(lambda one: f"{one.group(1)}0.0.0.0", text), list(found)


def _is_website(dockerfile: str) -> bool:
    """Whether a Dockerfile starts from PHP or Apache, or copies a page and nothing of Python's."""
    return any(map(WEBSITE_BASE.search, base_images(dockerfile))) or bool(
        COPIES_PAGE.search(dockerfile) and not OF_PYTHON.search(dockerfile)
    )


def _is_of_another(dockerfile: str) -> bool:
    """Whether a Dockerfile is the website's, or of a balancer, a registry, a database."""
    bases = base_images(dockerfile)
    return _is_website(dockerfile) or (bool(bases) and all(map(OTHER_SOFTWARE.search, bases)))


def _suffix(path: str) -> str:
    """What the name of a file's folder ends with: .d of conf.d."""
    return PurePosixPath(path).parent.suffix


def _is_below(path: str, home: PurePosixPath) -> bool:
    """Whether a file lies in a folder as conf.d is one, of this one."""
    folder = PurePosixPath(path).parent
    return folder.suffix == ".d" and folder.parent == home


def _has_servers(section: Section) -> bool:
    return section.kind in ("backend", "listen") and any(server_lines(section))


def _is_page(read: Collection[Section]) -> bool:
    """Whether it is HAProxy's statistics page alone, kept in a file of its own."""
    kinds = {one.kind for one in read}
    return kinds == {"listen"} and any(map(_shows_statistics, read))


def _shows_statistics(section: Section) -> bool:
    return section.kind != "global" and bool(section.said("stats"))


def _names_of(read: Iterable[Section]) -> set[tuple[str, str]]:
    """The sections of a configuration that may be there once only; the backend's ends are one."""
    return {(one.kind, one.name) for one in read if one.kind != "defaults" or one.name}


def _begins_late(read: Iterable[Section]) -> int:
    """Where a piece of a configuration stands: what is for all of it comes first."""
    kinds = {one.kind for one in read}
    return 0 if "global" in kinds else 1 if "defaults" in kinds else 2


def _passed_over(chosen: Iterable[str], files: Files) -> dict[tuple[str, ...], list[str]]:
    """Folders of attempts that do not count -> the files that do, which are called the same."""
    found: dict[tuple[str, ...], list[str]] = {}
    for path in sorted(set(chosen)):
        name = PurePosixPath(path).name.lower()
        rivals = {
            _attempt(other) for other in files if PurePosixPath(other).name.lower() == name
        } - {_attempt(path), ""}
        if rivals and _attempt(path):
            found.setdefault(tuple(sorted(rivals)), []).append(path)
    return found


def _attempt(path: str) -> str:
    """The folder of an attempt in which a file lies; "" if it lies in none."""
    inside = ATTEMPT.search(path)
    return path[: inside.end()] if inside else ""


def _as_named(path: str, files: Files) -> str:
    """A file that an editor of Windows has saved as .txt, under the name that was meant."""
    meant = path[: -len(".txt")]
    return meant if SAVED_AS_TEXT.search(path) and meant not in files else path


def _is_balancers(text: str) -> bool:
    """Whether a text begins as HAProxy's file does, and has servers."""
    return bool(BEGINS_BALANCER.match(text)) and any(map(_has_servers, sections(text)))


def _uncommented(data: bytes) -> str:
    return _without_comments(_text(data))


def _without_comments(text: str) -> str:
    return re.sub(r"(^|\s)#.*", r"\1", text)


def has_registry(project: Project) -> bool:
    """Whether one of its services is a registry."""
    return any(is_registry(service.image) for service in project.services.values())


def _named_unless_usual(dockerfile: str, context: str) -> list[str]:
    """How `docker build` is told of a Dockerfile that it would not find by itself."""
    return [] if dockerfile in ("", normpath(f"{context}/Dockerfile")) else ["-f", dockerfile]


def has_page(project: Project) -> bool:
    """Whether one of its services is a page for a registry."""
    return any(PAGE_OF_REGISTRY.search(service.image) for service in project.services.values())


def _first(projects: Mapping[str, Project], *conditions: Callable[[Project], object]) -> str:
    """The path of the best project: by the first condition that any meets, then the least deep."""
    for condition in conditions:
        meeting = [path for path, project in projects.items() if condition(project)]
        if meeting:
            return min(meeting, key=_least)
    return ""


# -- texts

# Where people note what they typed; a name without a suffix may be of anything.
NOTES = re.compile(
    r"\.(md|markdown|txt|sh|bash|zsh|ksh|adoc|asciidoc|rst|org|mk|ps1|bat|cmd)$|(^|/)[^/.]+$"
    r"|(^|/)(readme|makefile)[^/]*$",
    re.I,
)

DOCUMENT = re.compile(r"\.(md|markdown|adoc|rst)$|(^|/)readme[^/]*$", re.I)
# A block of code of Markdown (CommonMark, 4.5), as far as people write it: ends as it began.
FENCED = re.compile(r"^[ \t]*(```+|~~~+)[^\n`]*\n(.*?)^[ \t]*\1[ \t]*$", re.M | re.S)
BEGINS_IMAGE = re.compile(r"\s*(?:#.*\n\s*|ARG .*\n\s*)*FROM[ \t]+\S", re.I)


def _written_by_scripts(files: Files) -> dict[str, tuple[str, bytes]]:
    """Files that a script of a submission would write and that are not there.

    Beside the script, whatever the folder of the machine that it writes to.
    """
    found: dict[str, tuple[str, bytes]] = {}
    for script in filter(IS_SCRIPT.search, files):
        folder = PurePosixPath(script).parent
        for name, content in written_files(_text(files[script]), ".").items():
            beside = PurePosixPath(name).name if name.startswith("/") else name
            path = _inside(folder, beside)
            if path and path not in files and path not in found and content.strip():
                found[path] = script, content.encode()
    return found


def _standing_for_dotenv(files: Files) -> dict[str, str]:
    """.env beside a compose file, which it lacks -> what was handed in to be copied there.

    Compose's variables are kept out of repositories, and uploads refuse names that begin with a
    dot: what comes along is an example, or another name.
    """
    found: dict[str, str] = {}
    for path in sorted(files):
        folder = PurePosixPath(path).parent
        meant = normpath(f"{folder}/.env")
        beside = any(COMPOSE_YAML.search(one) for one in files
                     if PurePosixPath(one).parent == folder)  # fmt: skip
        if DOTENV_EXAMPLE.search(path) and beside and meant not in files and files[path].strip():
            found.setdefault(meant, path)
    return found


def quotations(files: Files, sources: Mapping[str, str]) -> dict[str, tuple[str, bytes]]:
    """Artefacts that no file is, and that a document shows: path -> (document, content).

    The last such block of the first document: before it stand those that were tried out.
    """
    found: dict[str, tuple[str, bytes]] = {}
    for document in sorted(filter(DOCUMENT.search, files), key=_least, reverse=True):
        for _fence, block in FENCED.findall(_text(files[document])[:LONGEST_DOCUMENT]):
            text = textwrap.dedent(block).replace("\t", "  ")
            artefact = _shown_in(text)
            if artefact and artefact not in sources and not files.get(artefact, b"").strip():
                found[artefact] = document, text.encode()
    return found


def _shown_in(text: str) -> str:
    """The artefact that a block of code is, "" if it is none."""
    if BEGINS_IMAGE.match(text):
        return "" if _is_of_another(text) else DOCKERFILE.path
    if SERVICES.search(text):
        project = written(COMPOSE.path, text.encode(), Project)
        if has_registry(project) and project.website is None:
            return REGISTRY_COMPOSE.path
        return COMPOSE.path if project.is_the_practical else ""
    if _is_balancers(text):
        return HAPROXY_BACKEND.path
    bare = _without_comments(text)
    if RSYSLOG_WORD.match(bare.lstrip()) and HAPROXY_LOG.search(bare):
        return RSYSLOG.path
    return INDEX.path if "<?php" in text and "get_student_ages" in text else ""


def _named_files(words: Sequence[str], options: tuple[str, ...] = ("-f", "--file")) -> list[str]:
    """The files that Compose is told by an option, in their order."""
    found = []
    for word, following in itertools.pairwise([*words, ""]):
        if word in options:
            found.append(following)
        elif word.startswith(tuple(f"{one}=" for one in options)):
            found.append(word.partition("=")[2])
    return found


def _is_set_up(words: list[str]) -> bool:
    made_a_password = any(
        option == "--entrypoint" and value.endswith("htpasswd")
        for option, value in options(words[2:])
    )
    return (words[1:2] == ["run"] and not made_a_password) or words[1:3] in SET_UP


def _is_script(path: str) -> bool:
    return bool(IS_SCRIPT.search(path))


def _last_of_each(commands: Sequence[list[str]]) -> list[int]:
    """Which commands count: no container whose name or port a later one takes, for it was removed
    meanwhile; of what is made before them, the first that is the same.
    """
    later: set[str] = set()
    kept: list[int] = []
    firsts = {tuple(words): at for at, words in reversed(list(enumerate(commands)))}
    for at, words in reversed(list(enumerate(commands))):
        taken = _taken(words)
        if not taken & later if words[1] == "run" else firsts[tuple(words)] == at:
            kept.append(at)
        later |= taken
    return kept[::-1]


def _taken(words: Sequence[str]) -> set[str]:
    """The name and the ports of the machine that a container takes."""
    raw = service_of(words, REGISTRY_HOME) if words[1] == "run" else {}
    return {raw.get("container_name", ""), *_published(words)} - {""}


def _published(words: Sequence[str]) -> list[str]:
    """The machine's ports that a `docker run` publishes, each with a colon before it."""
    return [
        f":{value.rpartition(':')[0].rpartition(':')[2]}"
        for option, value in options(words[2:])
        if option == "--publish" and ":" in value
    ]


def _serves_registry(words: list[str]) -> bool:
    """Whether a container is the registry or has to do with one: the API is tried out beside."""
    own = (word.replace(REGISTRY_HOME, "") for word in words[2:])
    return any("registry" in word.lower() for word in own)


def _runs_registry(words: list[str]) -> bool:
    return words[1:2] == ["run"] and any(is_registry(word) for word in words[2:])


SET_UP = (["network", "create"], ["network", "connect"], ["volume", "create"])
OWN_HOSTS = ("web1", "web2", "lb", "localhost")
# A server's name is no host; a variable may hold one.
HOSTED = re.compile(r"^([ \t]*(?:(?:server|(?:pre)?setenv)[ \t]+\S+|http-check)[ \t])(.*)$", re.M)
# Addresses of the balancer's own: what it binds, where its log goes, by which it asks.
OWN = re.compile(
    r"^([ \t]*(?P<word>bind|log|source|peer[ \t]+lb|stats[ \t]+socket)[ \t]+"
    r"(?:.*,)?\"?(?:ipv4@|udp@)?)"
    r"(?P<address>\d+\.\d+\.\d+\.\d+)(?=[:\s\",]|$)",
    re.M,
)
INSTEAD = {"bind": "*", "log": "127.0.0.1", "source": "0.0.0.0", "peer": "127.0.0.1",
           "stats": "127.0.0.1"}  # fmt: skip
# What is bound to, or asked by, one of the network interfaces of the student's machine: here they
# have other names, and HAProxy does not start.
BY_INTERFACE = re.compile(
    r"^([ \t]*(?:bind|server|server-template|source)[ \t][^#\n]*?)"
    r"(?<![ \t])[ \t]++interface[ \t]+(?!lo\b)([\w.:@-]+)",
    re.M,
)
LOGS_HERE = re.compile(r"^[ \t]*log[ \t]+\"?(?:udp@|ipv4@)?(?:127\.|localhost\b|/)", re.M)


def _readdressed(config: str) -> tuple[str, list[str]]:
    """HAProxy's file with the names of this lab, where the student's machines had addresses.

    The two hosts of the backend that visitors are led to become web1 and web2, if none of the lab's
    own names is there; an address of the balancer's own becomes all of lb's, and an interface of
    its is any. A log goes to another machine where the file says by `bind` that it has another
    address itself, or logs to lb as well.
    """
    hosts = _hosts(config)
    known = [host for host in hosts if host in OWN_HOSTS or host.startswith("127.")]
    names = {} if known or len(hosts) > 2 else dict(zip(hosts, WEBS, strict=False))
    text = HOSTED.sub(lambda line: line.group(1) + _renamed(line.group(2), names), config)
    said = [_("haproxy.cfg: {host} stands for {name}", host=host, name=name)
            for host, name in names.items()]  # fmt: skip
    own = {f"interface {name}": None for _before, name in BY_INTERFACE.findall(text)}
    text = BY_INTERFACE.sub(r"\1", text)
    anywhere = ("0.0.0.0", *hosts)
    bound = {match["address"] for match in OWN.finditer(text) if match["word"] == "bind"}
    bound = {one for one in bound if one not in anywhere and not one.startswith("127.")}
    logs_here = bool(LOGS_HERE.search(text))

    def instead(match: re.Match[str]) -> str:
        address, word = match["address"], match["word"].split()[0]
        if address.startswith("127.") or address in anywhere:
            return match.group()
        if word == "log" and (logs_here or (bound and address not in bound)):
            return match.group()
        own[address] = None
        return match.group(1) + INSTEAD[word]

    before = ""
    while text != before:  # of several addresses on one line the last is seen first
        before, text = text, OWN.sub(instead, text)
    said += [_("haproxy.cfg: {host} stands for {name}", host=host, name="lb")
             for host in sorted(own)]  # fmt: skip
    return text, said


def _renamed(text: str, names: Mapping[str, str]) -> str:
    for host, name in names.items():
        text = re.sub(rf"(?<![\w.:-]){re.escape(host)}(?![\w.-])", name, text)
    return text


def _hosts(config: str) -> list[str]:
    """The hosts of the servers that visitors are led to."""
    addresses = _addresses(config)
    return list(dict.fromkeys(one.partition(":")[0] for one in addresses if one.count(":") <= 1))


@lru_cache(maxsize=1)
def _addresses(config: str) -> tuple[str, ...]:
    """Of the servers of the backend that visitors are led to; of all, where that cannot be told."""
    read = sections(config)
    main = site_backend(config, BACKEND)
    serving = [one for one in read if one.kind in ("backend", "listen") and one.name == main]
    lines = [words for one in serving or read for _number, words in server_lines(one)]
    return tuple(words[2] for words in lines if words[0] == "server" and not _says_sorry(words))


def _says_sorry(words: Sequence[str]) -> bool:
    """Whether a server is one of the balancer's own, for when nobody else is up."""
    return "backup" in words[3:] and words[2].startswith(("127.", "localhost"))


def _fitted(
    look: _Look, sources: Mapping[str, str], reference: Path, application: Application
) -> dict[str, bytes]:
    """References, changed so that they fit what the student has written."""
    website = look.project.website if look.project else None
    api = look.project.api if look.project else None
    port = website.published.get(HTTP_PORT, "") if website else ""
    balancer = _text(look.files[sources[HAPROXY_BACKEND.path]]) if (
        HAPROXY_BACKEND.path in sources) else ""  # fmt: skip
    ports = (one.partition(":")[2] for one in _addresses(balancer) if one.count(":") == 1)
    asked = next(filter(PORT.fullmatch, ports), str(HTTP_PORT))
    page = _text(look.files[look.page]) if look.page else ""
    host = re.search(r"http://([A-Za-z][\w.-]*):\d+/", page)
    facility = re.search(r"^[ \t]*log[ \t]+\S+[ \t](?:.*[ \t])?(local\d)\b", balancer, re.M)
    changes: dict[str, list[tuple[str, str]]] = {}
    if api:
        changes[INDEX.path] = [("http://api:5000", f"http://{api.name}:5000")]
    if port and port != str(HTTP_PORT):
        for name in (HAPROXY_BACKEND.reference, HAPROXY_BACKEND.later, HAPROXY_BACKEND.distinction):
            changes[name] = [(f"{web}:80", f"{web}:{port}") for web in ("web1", "web2")]
    stack = changes.setdefault(COMPOSE.path, [])
    if asked != str(HTTP_PORT):
        stack.append(('"80:80"', f'"{asked}:80"'))
    if host and host.group(1) not in ("api", "localhost"):
        stack.append(("  api:\n", f"  {host.group(1)}:\n"))
        stack.append(("- api\n", f"- {host.group(1)}\n"))
    if application != AS_GIVEN:
        changes.setdefault(INDEX.path, []).append((AS_GIVEN.path, application.path))
        stack.append((f"USERNAME: {AS_GIVEN.user}", f"USERNAME: {json.dumps(application.user)}"))
        password = json.dumps(application.password)
        stack.append((f"PASSWORD: {AS_GIVEN.password}", f"PASSWORD: {password}"))
    taken = bound_ports(balancer)
    if PAGE_PORT in taken:  # the reference's page for the registry lives on the same machine
        free = next(port for port in itertools.count(PAGE_PORT + 1) if port not in taken)
        changes[REGISTRY_COMPOSE.path] = [(f'"{PAGE_PORT}:80"', f'"{free}:80"')]
    if facility:
        changes[RSYSLOG.path] = [("local2", facility.group(1))]
    return {
        name: _replaced((reference / name).read_text(encoding="utf-8"), pairs).encode()
        for name, pairs in changes.items()
    }


def _replaced(text: str, pairs: Iterable[tuple[str, str]]) -> str:
    for old, new in pairs:
        text = text.replace(old, new)
    return text


def _inside(base: PurePosixPath, relative: str) -> str | None:
    """A path below the submission's root, or None if it leads out of it."""
    path = normpath(str(base / relative))
    return None if path.startswith(("..", "/")) else path


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _unix(data: bytes) -> bytes:
    if data.startswith(UTF_16):
        try:
            data = data.decode("utf-16").encode()
        except UnicodeDecodeError:
            return data
    data = data.removeprefix(codecs.BOM_UTF8)
    return data if b"\0" in data else data.replace(b"\r\n", b"\n")


def _top_folder(files: Files) -> str:
    """The folders around all files (an archive's own), with a slash; "" if there is none."""
    usual = ("simple_api", "website", "haproxy", "api")
    top = ""
    while True:
        rest = [path.removeprefix(top) for path in files]
        name = rest[0].partition("/")[0] if rest else ""
        if name in usual or not all(path.startswith(f"{name}/") for path in rest) or not rest:
            return top
        top += f"{name}/"


# Of each running container: its address and the ports that its image exposes.
LISTENERS = (
    "docker ps -q | xargs -r docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}} "
    "{{end}}|{{range $port, $_ := .Config.ExposedPorts}}{{$port}} {{end}}'"
)
WAIT = """
import socket, sys, time
end = time.monotonic() + 4
wanted = []
for line in sys.stdin:
    addresses, _, ports = line.partition("|")
    wanted += [(one, int(port.split("/")[0])) for one in addresses.split()[:1]
               for port in ports.split() or ["5000"] if port.endswith("tcp") or port == "5000"]
while wanted and time.monotonic() < end:
    try:
        socket.create_connection(wanted[0], 0.5).close()
        wanted.pop(0)
    except OSError:
        time.sleep(0.05)
"""


def settle(shells: Mapping[str, Shell]) -> None:
    """Wait until each running container takes connections on its ports, 4 s at most."""
    command = f"{LISTENERS} | python3 -c {shlex.quote(WAIT)}"
    everywhere(lambda shell: shell.ask(command), list(shells.values()))
