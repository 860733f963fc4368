"""YAML read and written as Compose understands it, keys kept in order."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import yaml

from checks.mutations.planting import Mutate

Map = dict[str, Any]
Change = Callable[[Map], object]  # changes a document in place, or leaves it as it is

INT, BOOL, NULL, MERGE = (f"tag:yaml.org,2002:{name}" for name in ("int", "bool", "null", "merge"))


class _Loader(yaml.SafeLoader):
    """YAML 1.2's few types: `80:80` is a text and no number of base 60, `no` is no boolean."""

    yaml_implicit_resolvers: Any = {}  # noqa: RUF012 (PyYAML's own way)


_Loader.add_implicit_resolver(INT, re.compile(r"-?(0|[1-9][0-9]*)\Z"), list("-0123456789"))
_Loader.add_implicit_resolver(BOOL, re.compile(r"(true|false)\Z", re.IGNORECASE), list("tTfF"))
_Loader.add_implicit_resolver(NULL, re.compile(r"(~|null|)\Z"), ["~", "n", ""])
_Loader.add_implicit_resolver(MERGE, re.compile(r"<<\Z"), ["<"])


def load(text: str) -> Map:
    """A document whose parts belong to it alone (no aliases); {} if it is none."""
    plain = json.loads(_as_json(text))
    return plain if isinstance(plain, dict) else {}


@lru_cache(maxsize=256)  # each operator looks at the same few files
def _as_json(text: str) -> str:
    try:
        return json.dumps(yaml.load(text, _Loader))  # a SafeLoader, too
    except yaml.YAMLError:
        return "{}"


def dump(document: Map) -> str:
    """As text, quoted so that every reader of YAML takes it for what it is."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)


def edits(*changes: Change) -> Mutate:
    """An operator with one mutant for each change that finds something to change."""

    def mutate(text: str) -> Iterator[str]:
        original = dump(load(text))
        for change in changes:
            document = load(text)
            change(document)
            if dump(document) != original:
                yield dump(document)

    return mutate


# -- services


def services(document: Map) -> Map:
    """The services by name; those without anything are left out."""
    found = document.get("services")
    pairs = found.items() if isinstance(found, dict) else ()
    return {name: one for name, one in pairs if isinstance(one, dict)}


def first(document: Map, wanted: Callable[[Map], object]) -> Map:
    """The first service that is wanted, else a map that belongs to no document."""
    return next((one for one in services(document).values() if wanted(one)), {})


def remove(document: Map, service: Map) -> None:
    """Take a service out, and out of what depends on it."""
    for name in [name for name, one in services(document).items() if one is service]:
        del document["services"][name]
        for other in services(document).values():
            needed = other.get("depends_on") or []
            rest = [one for one in needed if one != name]
            if isinstance(needed, dict):
                other["depends_on"] = {one: needed[one] for one in rest}
            elif rest != needed:
                other["depends_on"] = rest
            if name in needed and not rest:
                del other["depends_on"]


def variables(service: Map) -> dict[str, str]:
    """The environment, given as a map or as a list."""
    given = service.get("environment") or {}
    if isinstance(given, dict):
        return {name: "" if value is None else str(value) for name, value in given.items()}
    pairs = (str(one).partition("=") for one in given)
    return {name: value for name, _equals, value in pairs}


def give(service: Map, environment: dict[str, str]) -> None:
    """Set the environment in the form that it had; none if it is empty."""
    if not environment:
        service.pop("environment", None)
    elif isinstance(service.get("environment"), list):
        service["environment"] = [f"{name}={value}" for name, value in environment.items()]
    else:
        service["environment"] = environment


def set_variable(service: Map, name: str, value: str) -> None:
    """Another value for a variable that is there."""
    given = variables(service)
    if name in given:
        give(service, given | {name: value})


def target(mount: Any) -> str:
    """Where a mount is in the container, short or long syntax."""
    if isinstance(mount, dict):
        return str(mount.get("target", "")).rstrip("/")
    parts = str(mount).split(":")
    return (parts[1] if len(parts) > 1 else parts[0]).rstrip("/")


def mounts(service: Map, change: Callable[[Any], Any]) -> None:
    """Replace each mount by what `change` makes of it; None takes it away."""
    _replace(service, "volumes", change)


def with_target(mount: Any, new: str) -> Any:
    """The same mount at another place."""
    if isinstance(mount, dict):
        return mount | {"target": new}
    parts = str(mount).split(":")
    return ":".join([parts[0], new, *parts[2:]])


def read_only(mount: Any) -> Any:
    """The same mount, not to be written to."""
    if isinstance(mount, dict):
        return mount | {"read_only": True}
    source, place, *options = str(mount).split(":")
    kept = [one for one in ",".join(options).split(",") if one not in ("", "rw", "ro")]
    return ":".join([source, place, ",".join(["ro", *kept])])


def inside(port: Any) -> str:
    """The container's side of a published port."""
    if isinstance(port, dict):
        return str(port.get("target", ""))
    return str(port).partition("/")[0].rpartition(":")[2]


def ports(service: Map, change: Callable[[Any], Any]) -> None:
    """Replace each published port by what `change` makes of it; None takes it away."""
    _replace(service, "ports", change)


def with_inside(port: Any, new: str) -> Any:
    """The same port of the machine, another one of the container."""
    if isinstance(port, dict):
        return port | {"target": int(new)}
    return re.sub(r"\d+(/\w+)?\Z", new, str(port))


def _replace(service: Map, key: str, change: Callable[[Any], Any]) -> None:
    if key not in service:
        return
    service[key] = [new for one in service[key] or [] if (new := change(one)) is not None]
    if not service[key]:
        del service[key]


def separate(document: Map, one: Map, other: Map) -> None:
    """Put two services on networks of their own."""
    if not one or not other or "network_mode" in one or "network_mode" in other:
        return
    document["networks"] = {**(document.get("networks") or {}), "front": None, "back": None}
    one["networks"], other["networks"] = ["front"], ["back"]


def reorder(document: Map) -> None:
    """The other way round: services, and the keys of each."""
    turned = {name: dict(reversed(one.items())) for name, one in services(document).items()}
    if turned and len(turned) == len(document["services"]):
        document["services"] = dict(reversed(turned.items()))


# -- broken texts


def tab(text: str) -> Iterator[str]:
    """A tab where the first key is indented."""
    yield re.sub(r"^ +(?=[\w-]+:)", "\t", text, count=1, flags=re.MULTILINE)


def unclosed_quote(text: str) -> Iterator[str]:
    """A quote that the last image's name begins with and does not end with."""
    lines = list(re.finditer(r"^(\s*image:\s*)[\"']?([^\"'\s#]+)[\"']?", text, re.MULTILINE))
    for found in lines[-1:]:
        mutant = f'{text[: found.start()]}{found[1]}"{found[2]}{text[found.end() :]}'
        if not load(mutant):
            yield mutant


def misspelt(*keys: tuple[str, str]) -> Mutate:
    """An operator that misspells keys of services, one at a time."""

    def respell(right: str, wrong: str) -> Change:
        def change(document: Map) -> None:
            for name, one in services(document).items():
                if right in one:
                    pairs = {wrong if key == right else key: one[key] for key in one}
                    document["services"][name] = pairs
                    return

        return change

    return edits(*(respell(right, wrong) for right, wrong in keys))
