"""A compose file as a person writes it, brought into Compose's normal form without Compose.

For files that lie on no machine yet, and only as far as plain YAML tells: the keys by which the
roles of services are told, in their short and long forms. Compose's own word is `find_projects`.
"""

from __future__ import annotations

import copy
import functools
import itertools
import math
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath
from posixpath import normpath, relpath
from typing import Any

import yaml

from labkit.facts.compose.folders import folder_of
from labkit.facts.compose.project import PROJECT, Service
from labkit.facts.foreign import within

PORT = re.compile(r"[0-9]{1,5}")
DRIVE = re.compile(r"[A-Za-z]:(?=[\\/])")  # before an absolute path of Windows
# What a person writes has less; what was made to keep a reader busy has more.
LARGEST_FILE = 64 * 1024  # bytes
MOST_BRACKETS = 1000  # [ and { of a compose file
LARGEST_WRITTEN_OUT = 1_000_000  # characters of a compose file whose aliases are written out


# Compose specification, 12-interpolation.md; a variable that is not set is empty.
VARIABLE = re.compile(
    r"\$(?:\$|\{(?P<braced>[A-Za-z_]\w*)(?::?(?P<how>[-+?])(?P<other>[^{}]*))?\}"
    r"|(?P<bare>[A-Za-z_]\w*))"
)
# One that has another within it, and those that have none.
NESTED = re.compile(r"\$\{[^{}]*\$\{")
INNERMOST = re.compile(
    r"(?<!\$)\$\{(?P<braced>[A-Za-z_]\w*)(?::?(?P<how>[-+?])(?P<other>[^{}]*))?\}(?P<bare>)"
)
DEEPEST_VARIABLE = 3
# What a text of another kind than a compose file ends in, here or in the parser.
UNREADABLE = (yaml.YAMLError, ValueError, AttributeError, TypeError, RecursionError)
DOTENV = re.compile(
    r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*[=:]\s*(?:'([^'\n]*)'|\"([^\"\n]*)\"|([^\n]*?))(?:\s+#.*)?\s*"
)


def written(
    path: str, data: bytes, kind: type[PROJECT], values: Mapping[str, str] | None = None
) -> PROJECT:
    """The project of a compose file, on no machine; `error` if it cannot be read.

    `kind` is Project, or a course's own; `values` are the variables that Compose would know.
    """
    try:
        found = _plain(data)
        variables = {"PWD": ".", **(values or {})}
        services = _interpolated(found.get("services") or {}, variables)
        volumes = _interpolated(found.get("volumes") or {}, variables)
        folders = {
            str(name): folder.path for name, one in volumes.items() if (folder := folder_of(one))
        }
        read = {str(name): _service(str(name), raw, folders) for name, raw in services.items()}
    except UNREADABLE as error:
        return kind("", path, "", {}, str(error) or "?")
    return kind("", path, "", read)


def networks(data: bytes, *, external: bool = False) -> list[str]:
    """The names of the networks of a compose file: its own, by key and name, or `external` ones.

    `default` is among its own, whether it stands there or not. What a service names as its
    network_mode is made elsewhere, too.
    """
    read = as_yaml(data)
    found = read.get("networks") or {} if isinstance(read, dict) else None
    if not isinstance(found, dict):
        return []
    pairs = [(str(key), raw if isinstance(raw, dict) else {}) for key, raw in found.items()]
    if external:
        named = [str(raw.get("name") or key) for key, raw in pairs if raw.get("external")]
        services = within(read, "services")
        modes = [_word(within(one, "network_mode"))
                 for one in (services.values() if isinstance(services, dict) else ())]  # fmt: skip
        return list(dict.fromkeys([*named, *(one for one in modes if is_made(one))]))
    own = [(key, str(raw.get("name") or key)) for key, raw in pairs if not raw.get("external")]
    return list(dict.fromkeys(["default", *itertools.chain(*own)]))


def is_made(mode: str) -> bool:
    """Whether a network_mode, or --network, is a network that somebody has made."""
    return mode not in ("", "bridge", "default", "host", "none") and ":" not in mode


def dotenv(data: bytes) -> dict[str, str]:
    """The variables of a .env file, as far as they stand there in plain words."""
    lines = data[:LARGEST_FILE].decode("utf-8", "replace").splitlines()
    found = filter(None, map(DOTENV.fullmatch, lines))
    return {one[1]: next((value for value in one.groups()[1:] if value), "") for one in found}


def _interpolated(value: Any, values: Mapping[str, str]) -> Any:
    """A value with variables put in, in its texts but not in its keys."""

    def known(match: re.Match[str]) -> str:
        name = match["braced"] or match["bare"]
        if not name:
            return "$"
        if match["how"] == "+":
            return match["other"] if values.get(name) else ""
        return values.get(name) or (match["other"] if match["how"] == "-" else "")

    if isinstance(value, str):
        for _level in range(DEEPEST_VARIABLE):  # the innermost first: ${A:-${B:-x}}
            if not NESTED.search(value):
                break
            value = INNERMOST.sub(known, value)
        return VARIABLE.sub(known, value)
    if isinstance(value, dict):
        return {key: _interpolated(one, values) for key, one in value.items()}
    return [_interpolated(one, values) for one in value] if isinstance(value, list) else value


def together(path: str, projects: Sequence[PROJECT], kind: type[PROJECT]) -> PROJECT:
    """Compose files that are one project, their paths as seen from the first one's folder."""
    base = PurePosixPath(path).parent
    services: dict[str, Service] = {}
    for project in projects:
        folder = PurePosixPath(project.file).parent
        for name, service in project.services.items():
            raw = dict(service.raw)
            raw["volumes"] = [
                {**volume, "source": _seen_from(base, folder, volume["source"])}
                for volume in raw["volumes"]
            ]
            if raw["build"]:
                context = raw["build"]["context"] or "."
                raw["build"] = {**raw["build"], "context": _seen_from(base, folder, f"./{context}")}
            former = services[name].raw if name in services else {}
            kept = {key: value for key, value in raw.items() if value or key not in former}
            services[name] = Service(name, {**former, **kept})
    error = next((project.error for project in projects if project.error), "")
    return kind("", path, "", services, error)


def _seen_from(base: PurePosixPath, folder: PurePosixPath, path: str) -> str:
    """A relative path of one folder as a path of another; what is none stays."""
    if not path.startswith("."):
        return path
    return f"./{relpath(normpath(str(folder / path)), str(base))}"


def includes(data: bytes) -> list[str]:
    """The paths that a compose file includes (Compose specification, include)."""
    given = within(as_yaml(data), "include")
    paths: list[str] = []
    for entry in given if isinstance(given, list) else []:
        several = entry.get("path") if isinstance(entry, dict) else entry
        paths += [_word(path) for path in (several if isinstance(several, list) else [several])]
    return [path for path in paths if path]


def extended(data: bytes) -> dict[str, tuple[str, str]]:
    """Service -> the file and the service that it extends; "" for the same file (extends)."""
    found = within(as_yaml(data), "services")
    services = found.items() if isinstance(found, dict) else ()
    given = {str(name): within(raw, "extends") for name, raw in services}
    return {
        name: (_word(how.get("file")), _word(how.get("service")))
        if isinstance(how, dict)
        else ("", _word(how))
        for name, how in given.items()
        if how
    }


def extending(project: PROJECT, bases: Mapping[str, PROJECT], kind: type[PROJECT]) -> PROJECT:
    """A project whose services have what those have that they extend; service -> a project of it.

    Lists are added to each other, mappings merged, and what the service says itself counts.
    """
    services = dict(project.services)
    for name, base in bases.items():
        under = together(project.file, [base], kind).services.get(name)
        if under is None or name not in services:
            continue
        own = {key: value for key, value in services[name].raw.items() if value}
        lists = {key: [*under.raw[key], *own.get(key, [])] for key in ("volumes", "ports")}
        values = {**under.raw["environment"], **own.get("environment", {})}
        raw = {**under.raw, **own, **lists, "environment": values}
        services[name] = Service(name, {**raw, "depends_on": own.get("depends_on")})
    return kind("", project.file, "", services, project.error)


class _Loader(yaml.SafeLoader):
    """YAML with Compose's own tags (specification, 13-merge.md)."""


def _overriding(loader: _Loader, node: yaml.Node) -> Any:
    """What stands behind !override, which says only how files are merged."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return node.value


_Loader.add_constructor("!override", _overriding)
_Loader.add_constructor("!reset", lambda _loader, _node: None)


def as_yaml(data: bytes) -> Any:
    """What a YAML text says; None if it cannot be read."""
    try:
        return _plain(data)
    except UNREADABLE:
        return None


def _plain(data: bytes) -> Any:
    """What a YAML text says. ValueError or YAMLError if it is not such as a person would write.

    Each of the questions that a submission is asked reads its files anew.
    """
    return copy.deepcopy(_read(data))


@functools.lru_cache(maxsize=64)
def _read(data: bytes) -> Any:
    if len(data) > LARGEST_FILE or sum(map(data.count, (b"[", b"{"))) > MOST_BRACKETS:
        raise ValueError("too large")
    loader = _Loader(data)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        if _written_out(root, {}) > LARGEST_WRITTEN_OUT:
            raise ValueError("too many aliases")
        return loader.construct_document(root)
    except (IndexError, KeyError, OverflowError) as error:  # `!!int ""`, `!!bool maybe`, `1e999`
        raise ValueError(f"no value of its kind: {error}") from error
    finally:
        loader.dispose()


def _written_out(node: yaml.Node, known: dict[int, float]) -> float:
    """How long a node is once its aliases are written out; what holds itself has no end."""
    if isinstance(node, yaml.ScalarNode):
        return 1 + len(node.value)
    if id(node) not in known:
        known[id(node)] = math.inf  # until it is known
        is_map = isinstance(node, yaml.MappingNode)
        inner = itertools.chain.from_iterable(node.value) if is_map else node.value
        known[id(node)] = 1 + sum(_written_out(child, known) for child in inner)
    return known[id(node)]


def _service(name: str, raw: dict[str, Any], folders: Mapping[str, str]) -> Service:
    """A service with the few keys that roles are told by, in Compose's normal form.

    `folders` are those of the machine that volumes of the file are.
    """
    normal: dict[str, Any] = {"image": _word(raw.get("image")), "build": _build(raw.get("build"))}
    normal["environment"] = _pairs(raw.get("environment"))
    mounts = [_mount(volume) for volume in raw.get("volumes") or []]
    normal["volumes"] = [
        {**mount, "source": folders.get(mount["source"]) or mount["source"]} for mount in mounts
    ]
    normal["ports"] = [port for entry in raw.get("ports") or [] if (port := _port(entry))]
    normal["depends_on"] = raw.get("depends_on")
    given = raw.get("profiles")
    normal["profiles"] = [_word(one) for one in given] if isinstance(given, list) else []
    return Service(name, normal)


def _build(given: Any) -> dict[str, Any]:
    if not given:
        return {}
    whole = given if isinstance(given, dict) else {"context": given}
    words = {
        key: _word(whole.get(key))
        for key in ("context", "dockerfile", "dockerfile_inline", "target")
    }
    return {**words, "args": _pairs(whole.get("args"))}


def _mount(given: Any) -> dict[str, str]:
    if isinstance(given, dict):
        return {key: _word(given.get(key)) for key in ("source", "target")}
    word = _word(given)
    drive = DRIVE.match(word)
    begin = drive.end() if drive else 0
    source, _colon, rest = word[begin:].partition(":")
    source = word[:begin] + source
    return {"source": source, "target": rest.partition(":")[0] or source}


def _port(given: Any) -> dict[str, str] | None:
    if isinstance(given, dict):
        inside, out = _word(given.get("target")), _word(given.get("published"))
    else:
        out, _colon, inside = _word(given).partition("/")[0].rpartition(":")
        out = out.rpartition(":")[2]
    if not PORT.fullmatch(out):
        out = ""  # a range, of which the engine takes one
    return {"target": inside, "published": out} if PORT.fullmatch(inside) else None


def _pairs(given: Any) -> dict[str, str]:
    """A map or a list of NAME=VALUE; names without a value are left out."""
    if isinstance(given, dict):
        return {_word(name): _word(value) for name, value in given.items() if value is not None}
    pairs = (_word(pair).partition("=") for pair in given or [])
    return {name: value for name, equals, value in pairs if equals}


def _word(given: Any) -> str:
    """A scalar as text; "" for nothing, and for what is none."""
    if isinstance(given, str):
        return given
    return "" if given is None or isinstance(given, Collection) else str(given)
