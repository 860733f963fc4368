"""The commands by which a submission sets up its registry, where no compose file does."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Sequence

from labkit.facts.registry import is_registry
from labkit.facts.scripts import IS_SCRIPT, docker_commands
from steps.documented import options, service_of
from steps.project import REGISTRY_HOME
from steps.recognition.composes import PAGE_OF_REGISTRY
from steps.recognition.handed_in import NOTES, Files, named_by, text_of

SET_UP = (["network", "create"], ["network", "connect"], ["volume", "create"])


def documented(files: Files) -> list[tuple[str, str]]:
    """(file, command) of each documented command that sets up the registry.

    What a script does and notes tell is done once; the script comes last.
    """
    found: list[tuple[str, list[str]]] = []
    pages: list[tuple[str, list[str]]] = []
    for path in sorted(filter(NOTES.search, files), key=_is_script):
        commands = [
            one
            for one in docker_commands(
                path,
                text_of(files[path]),
                REGISTRY_HOME,
                functools.partial(_read_in, files, path),
            )
            if _is_set_up(one) and (one[1] != "run" or _serves_registry(one))
        ]
        if any(_runs_registry(one) for one in commands):
            found += [(path, one) for one in commands]
        else:
            pages += [(path, one) for one in commands if _runs_page(one)]
    if found and not any(_runs_page(one) for _path, one in found):
        found += pages  # each has a file of its own, as services of systemd have
    kept = _last_of_each([words for _path, words in found])
    return [(found[at][0], shlex.join(found[at][1])) for at in kept]


def _read_in(files: Files, script: str, name: str) -> str:
    """A file that a script reads in, beside it or at the root; "" if it was not submitted.

    What lies at the machine's root may come in a folder that is laid out as the machine.
    """
    found = named_by(files, script, [name.removeprefix(f"{REGISTRY_HOME}/")])
    found = found or [path for path in files if name[:1] == "/" and f"/{path}".endswith(name)]
    return text_of(files[found[0]]) if found else ""


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


def _runs_page(words: list[str]) -> bool:
    return words[1:2] == ["run"] and any(map(PAGE_OF_REGISTRY.search, words[2:]))


def _runs_registry(words: list[str]) -> bool:
    return words[1:2] == ["run"] and any(is_registry(word) for word in words[2:])
