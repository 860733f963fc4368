"""Documented `docker` commands, read as the compose file that they would be.

Options are those of the Docker CLI (docs.docker.com/reference/cli/docker/container/run and its
neighbours), read as its own parser does: up to the image, short ones in one word, a value after
`=`, in the same word or in the next. An option that is not known here ends the reading and stands
in the document under its own name, so that it is refused.
"""

from __future__ import annotations

import csv
import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Any

from labkit.facts.compose.written import is_made

Document = dict[str, dict[str, dict[str, Any]]]

SHORT = {
    "-a": "--attach", "-c": "--cpu-shares", "-d": "--detach", "-e": "--env", "-h": "--hostname",
    "-i": "--interactive", "-l": "--label", "-m": "--memory", "-o": "--opt", "-p": "--publish",
    "-P": "--publish-all", "-q": "--quiet", "-t": "--tty", "-u": "--user", "-v": "--volume",
    "-w": "--workdir",
}  # fmt: skip
SWITCHES = ("--detach", "--init", "--interactive", "--no-healthcheck", "--privileged",
            "--publish-all", "--quiet", "--read-only", "--rm", "--tty")  # fmt: skip
# Options with a value of which none gives a container what is the machine's.
HARMLESS = (
    "--add-host", "--cap-drop", "--cpu-shares", "--cpus", "--dns", "--entrypoint", "--env-file",
    "--expose", "--health-cmd", "--health-interval", "--health-retries", "--health-start-period",
    "--health-timeout", "--hostname", "--ip", "--label", "--link", "--memory",
    "--memory-reservation", "--memory-swap", "--name", "--net-alias", "--network-alias",
    "--pids-limit", "--platform", "--publish", "--pull", "--restart", "--shm-size",
    "--stop-signal", "--stop-timeout", "--tmpfs", "--ulimit", "--user", "--workdir",
)  # fmt: skip
# Option -> key of a compose file; those that may be given more than once make a list.
KEYS = {"--cgroupns": "cgroup", "--ipc": "ipc", "--net": "network_mode",
        "--network": "network_mode", "--pid": "pid", "--userns": "userns_mode",
        "--uts": "uts"}  # fmt: skip
LISTS = {"--cap-add": "cap_add", "--device": "devices", "--security-opt": "security_opt",
         "--volumes-from": "volumes_from"}  # fmt: skip
RUN = (*SWITCHES, *HARMLESS, *KEYS, *LISTS, "--env", "--log-driver", "--log-opt", "--mount",
       "--volume")  # fmt: skip
FALSE = ("0", "f", "false")  # strconv.ParseBool, in any case

CONNECT = ("--alias", "--ip", "--ip6", "--link")  # what joins a network may say of itself
OBJECT_SWITCHES = ("--attachable", "--internal", "--ipv6")
OBJECT = (*OBJECT_SWITCHES, "--driver", "--gateway", "--ip-range", "--ipam-driver", "--label",
          "--name", "--opt", "--subnet")  # fmt: skip
VOLUME_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
MOUNT_MODES = {"z", "Z", "ro", "rw", "nocopy", "cached", "consistent", "delegated", "private",
               "rprivate"}  # fmt: skip
MOUNT_KEYS = {"src": "source", "source": "source", "target": "target", "destination": "target",
              "dst": "target", "type": "type", "readonly": "read_only", "ro": "read_only",
              }  # fmt: skip


def document_of(commands: Sequence[Sequence[str]], folder: str) -> Document:
    """`docker run`, `docker network create` and `docker volume create`, as one compose file.

    They are typed in `folder`.
    """
    document: Document = {"services": {}, "networks": {}, "volumes": {}}
    for words in commands:
        if words[1:2] == ["run"]:
            raw = service_of(words, folder)
            name = raw.pop("container_name", "")
            known = document["services"]
            if not VOLUME_NAME.fullmatch(name) or name in known:
                name = "registry" if "registry" not in known else f"registry-{len(known) + 1}"
            known[name] = raw
        elif words[2:3] != ["connect"] or not _only_joins(words):
            kind = "networks" if words[1] == "network" else "volumes"
            document[kind][f"create {len(document[kind]) + 1}"] = _object(words)
    return document


def _only_joins(words: Sequence[str]) -> bool:
    """Whether a `docker network connect` says nothing of a container but how it is called there."""
    given, rest = _apart(words)
    return len(rest) == 2 and all(option in CONNECT for option, _value in options(given, CONNECT))


def networks_elsewhere(commands: Sequence[Sequence[str]]) -> list[str]:
    """The networks that containers are put in and that none of the commands makes.

    On the student's machine the stack's compose file had made them.
    """
    made = {name_of(words) for words in commands if list(words[1:3]) == ["network", "create"]}
    named = [
        value
        for words in commands
        if words[1:2] == ["run"]
        for option, value in options(words[2:])
        if option in ("--net", "--network")
    ]
    return [one for one in dict.fromkeys(named)
            if one not in made and is_made(one) and VOLUME_NAME.fullmatch(one)]  # fmt: skip


def needed_folders(commands: Sequence[Sequence[str]], folder: str) -> list[str]:
    """The folders of the machine that must be there before: --volume makes them, --mount does not.

    What ends in a suffix, or is a password file, is a file.
    """
    mounts = [
        _mount(value, folder)
        for words in commands
        if words[1:2] == ["run"]
        for option, value in options(words[2:])
        if option == "--mount"
    ]
    paths = [posixpath.normpath(str(one["source"])) for one in mounts if one.get("type") == "bind"]
    return [one for one in paths if not re.search(r"\.\w+$|htpasswd$", one)]


def service_of(words: Sequence[str], folder: str) -> dict[str, Any]:
    """A `docker run`, typed in a folder, as the service that it would be."""
    raw: dict[str, Any] = {"environment": {}, "volumes": []}
    for option, value in options(words[2:], RUN, SWITCHES):
        name, _equals, rest = value.partition("=")
        if option == "--env":
            raw["environment"][name] = rest
        elif option == "--volume":
            raw["volumes"] += _volume(value, folder)
        elif option == "--mount":
            raw["volumes"].append(_mount(value, folder))
        elif option == "--name":
            raw["container_name"] = value
        elif option == "--privileged":
            raw["privileged"] = value.lower() not in FALSE
        elif option == "--log-driver":
            raw.setdefault("logging", {})["driver"] = value
        elif option == "--log-opt":
            raw.setdefault("logging", {}).setdefault("options", {})[name] = rest
        elif option in KEYS:
            raw[KEYS[option]] = value
        elif option in LISTS:
            raw.setdefault(LISTS[option], []).append(value)
        elif option not in RUN:
            raw[option] = value or True
    return raw


def name_of(words: Sequence[str]) -> str:
    """The name that a `docker network create` or `docker volume create` gives; "" for none."""
    return next(iter(_apart(words)[1]), "")


def _apart(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The options of a `docker network …` or `docker volume …`, each with its value, and the rest.

    Options may stand before what they are for, and behind it.
    """
    given: list[str] = []
    rest: list[str] = []
    left = list(words[3:])
    while left:
        word = left.pop(0)
        if not word.startswith("-"):
            rest.append(word)
            continue
        given.append("--driver" if word == "-d" else word)  # here it is the driver, and no switch
        if "=" not in word and word not in OBJECT_SWITCHES:
            given += left[:1]
            left = left[1:]
    return given, rest


def _object(words: Sequence[str]) -> dict[str, Any]:
    """A `docker network create` or `docker volume create` as its entry would be."""
    raw: dict[str, Any] = {}
    for option, value in options(_apart(words)[0], OBJECT, OBJECT_SWITCHES):
        name, _equals, rest = value.partition("=")
        if option == "--driver":
            raw["driver"] = value
        elif option == "--ipam-driver":
            raw["ipam"] = {"driver": value}
        elif option == "--opt":
            raw.setdefault("driver_opts", {})[name] = rest
        elif option not in OBJECT:
            raw[option] = value or True
    return raw


def options(
    words: Sequence[str], known: Sequence[str] = RUN, switches: Sequence[str] = SWITCHES
) -> Iterator[tuple[str, str]]:
    """Each option, by its long name, with its value; the first that is not known is the last.

    They end at the first word that is neither an option nor the value of one.
    """
    left = list(words)
    while left and left[0].startswith("-"):
        word = left.pop(0)
        if word.startswith("--"):
            option, equals, value = word.partition("=")
            rest = ""
        else:
            option, rest = SHORT.get(word[:2], word[:2]), word[2:]
            equals, value = rest[:1], rest.removeprefix("=")
        if option not in known:
            yield option, value
            return
        if option in switches:
            if rest and not rest.startswith("="):
                left.insert(0, f"-{rest}")
                equals = value = ""
            yield option, value if equals else "true"
        elif equals:
            yield option, value
        else:
            yield option, left.pop(0) if left else ""


def _volume(value: str, folder: str) -> list[dict[str, Any]]:
    """SOURCE:TARGET[:MODES] as a mount; none for a volume without a name."""
    source, colon, rest = value.partition(":")
    if not colon:
        return []
    target, _colon, modes = rest.partition(":")
    given = set(filter(None, modes.split(",")))
    mount: dict[str, Any] = {"type": "volume", "source": source, "target": target}
    if not VOLUME_NAME.fullmatch(source):
        mount |= {"type": "bind", "source": posixpath.join(folder, source)}
    if "ro" in given:
        mount["read_only"] = True
    if given - MOUNT_MODES:
        mount["--volume"] = value
    return [mount]


def _mount(value: str, folder: str) -> dict[str, Any]:
    """KEY=VALUE,... as a mount. What is said twice, or is not known, stays, to be refused."""
    mount: dict[str, Any] = {}
    for part in next(csv.reader([value]), []):
        name, equals, rest = part.partition("=")
        key = MOUNT_KEYS.get(name.lower(), "")
        if not key or key in mount:
            mount["--mount"] = value
        elif key == "read_only":
            mount[key] = not equals or rest.lower() not in FALSE
        else:
            mount[key] = rest.lower() if key == "type" else rest
    if mount:
        mount.setdefault("type", "volume")
    if mount.get("type") == "bind":
        mount["source"] = posixpath.join(folder, str(mount.get("source", "")))
    return mount
