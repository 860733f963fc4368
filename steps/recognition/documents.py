"""What stands in another file: written by a script, shown in a document, kept as an example."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from posixpath import normpath

from labkit.facts.compose.written import written
from labkit.facts.scripts import IS_SCRIPT, written_files
from steps.project import COMPOSE, DOCKERFILE, HAPROXY_BACKEND, INDEX, REGISTRY_COMPOSE, RSYSLOG
from steps.recognition.balancer import is_balancers
from steps.recognition.choosing import least
from steps.recognition.composes import SERVICES, has_registry
from steps.recognition.handed_in import Files, inside, text_of
from steps.recognition.images import is_of_another
from steps.recognition.log import is_the_rule
from subject.roles import Project

COMPOSE_YAML = re.compile(r"(compose|stack)[^/]*\.ya?ml$", re.I)
DOTENV_EXAMPLE = re.compile(
    r"(^|/)(\.?env[.-](example|exemple|sample|dist|template|txt)|(example|sample|template)\.env"
    r"|env)$",
    re.I,
)
# A Vagrantfile has the scripts of its machines in it.
WRITER = re.compile(rf"{IS_SCRIPT.pattern}|(^|/)vagrantfile[^/]*$", re.I)
CALLED_WEB2 = re.compile(r"(?:web|serveur|server|srv)[-_]?0?2(?!\d)", re.I)
SETTINGS = re.compile(r"(^|/)\.(?!env)[^/]+$")
DOCUMENT = re.compile(r"\.(md|markdown|adoc|rst)$|(^|/)readme[^/]*$", re.I)
# What a person writes has less; what was made to keep a reader busy has more.
LONGEST_DOCUMENT = 100_000
# A block of code of Markdown (CommonMark, 4.5), as far as people write it: ends as it began.
FENCED = re.compile(r"^[ \t]*(```+|~~~+)[^\n`]*\n(.*?)^[ \t]*\1[ \t]*$", re.M | re.S)
# The other form (CommonMark, 4.4): lines that begin with four spaces, blank ones between them.
INDENTED = re.compile(r"^(?:(?: {4}|\t).*\n(?:[ \t]*\n)*+)++", re.M)
BEGINS_IMAGE = re.compile(r"\s*(?:#.*\n\s*|ARG .*\n\s*)*FROM[ \t]+\S", re.I)


def written_by_scripts(files: Files) -> dict[str, tuple[str, bytes]]:
    """Files that a script of a submission would write and that are not there.

    Beside the script, whatever the folder of the machine that it writes to. Settings of a shell or
    an editor are no part of anything.
    """
    found: dict[str, tuple[str, bytes]] = {}
    for script in filter(WRITER.search, files):
        folder = PurePosixPath(script).parent
        written_here = written_files(text_of(files[script]), ".", CALLED_WEB2.search)
        for name, content in written_here.items():
            beside = PurePosixPath(name).name if name.startswith("/") else name
            path = inside(folder, beside) if SETTINGS.search(name) is None else None
            taken = files.get(path, b"") if path and name.startswith("/") else b""
            if taken and _is_registrys_alone(content, taken):
                path = inside(folder, name.lstrip("/"))
            if path and path not in files and path not in found and content.strip():
                found[path] = script, content.encode()
    return found


def _is_registrys_alone(content: str, other: bytes) -> bool:
    """Whether a compose file is the registry's, and the other of the same name is not."""
    is_one, is_another = (
        bool(SERVICES.search(text)) and has_registry(written("", text.encode(), Project))
        for text in (content, text_of(other))
    )
    return is_one and not is_another


def standing_for_dotenv(files: Files) -> dict[str, str]:
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
    for document in sorted(filter(DOCUMENT.search, files), key=least, reverse=True):
        for block in _blocks_of_code(text_of(files[document])[:LONGEST_DOCUMENT]):
            text = textwrap.dedent(block).replace("\t", "  ")
            artefact = _shown_in(text)
            if artefact and artefact not in sources and not files.get(artefact, b"").strip():
                found[artefact] = document, text.encode()
    return found


def _blocks_of_code(text: str) -> Iterator[str]:
    """The blocks of code of a Markdown document, those between fences last: they say that they are
    code, while what is only indented may belong to a list.
    """
    fenced = list(FENCED.finditer(text))
    ends = [0, *(one.end() for one in fenced)]
    between = zip(ends, [*(one.start() for one in fenced), len(text)], strict=True)
    for start, end in between:
        yield from INDENTED.findall(text[start:end] + "\n")
    for one in fenced:
        yield one[2]


def _shown_in(text: str) -> str:
    """The artefact that a block of code is, "" if it is none."""
    if BEGINS_IMAGE.match(text):
        return "" if is_of_another(text) else DOCKERFILE.path
    if SERVICES.search(text):
        project = written(COMPOSE.path, text.encode(), Project)
        if has_registry(project) and project.website is None:
            return REGISTRY_COMPOSE.path
        return COMPOSE.path if project.is_the_practical else ""
    if is_balancers(text):
        return HAPROXY_BACKEND.path
    if is_the_rule(text):
        return RSYSLOG.path
    return INDEX.path if "<?php" in text and "get_student_ages" in text else ""
