"""Files as they were handed in, made readable: names, encodings, line ends, paths."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from posixpath import normpath

from labkit.facts.notations import NOTED

Files = Mapping[str, bytes]
# Notepad puts .txt behind a name, and Explorer does not show it. Others are known by any name.
SAVED_AS_TEXT = re.compile(r"\.(ya?ml|php|py|json)\.txt$", re.I)
# Where people note what they typed; a name without a suffix may be of anything.
NOTES = re.compile(
    r"\.(md|markdown|txt|sh|bash|zsh|ksh|adoc|asciidoc|rst|org|mk|ps1|bat|cmd)$|(^|/)[^/.]+$"
    rf"|(^|/)(readme|makefile)[^/]*$|{NOTED.pattern}",
    re.I,
)
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
# BuildKit has a Dockerfile read by the program that this line names, anybody's image. None is
# fetched: the engine of the machines brings docker's own, which reads every Dockerfile here. Forms:
# docs.docker.com/build/buildkit/frontend and BuildKit's dockerfile/parser/directives.go.
FRONTEND = re.compile(
    rb"\A((?:[ \t]*(?:#[^\n]*)?\n)*?)[ \t]*(?:#|//)[ \t]*syntax[ \t]*=[ \t]*([^ \t\n]*)[^\n]*",
    re.I,
)
# The same as the field of a JSON object; a Dockerfile that is one is read by nothing else.
JSON_FRONTEND = re.compile(rb"\A(?:#![^\n]*\n)?\s*\{")


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def unixed(data: bytes) -> bytes:
    if data.startswith(UTF_16):
        try:
            data = data.decode("utf-16").encode()
        except UnicodeDecodeError:
            return data
    data = data.removeprefix(codecs.BOM_UTF8)
    return data if b"\0" in data else data.replace(b"\r\n", b"\n")


def inside(base: PurePosixPath, relative: str) -> str | None:
    """A path below the submission's root, or None if it leads out of it."""
    path = normpath(str(base / relative))
    return None if path.startswith(("..", "/")) else path


def there(files: Files, folder: PurePosixPath, name: str) -> str:
    """A file that another one names, "" if it was not submitted."""
    place = inside(folder, name)
    return place if place and files.get(place, b"").strip() else ""


def named_by(files: Files, path: str, names: Sequence[str]) -> list[str]:
    """Files as a file names them, all from its folder or all from the root; else none."""
    folders = (PurePosixPath(path).parent, PurePosixPath())
    places = ([there(files, folder, name) for name in names] for folder in folders)
    return next(filter(all, places), [])


def top_folder(files: Files) -> str:
    """The folders around all files (an archive's own), with a slash; "" if there is none."""
    usual = ("simple_api", "website", "haproxy", "api")
    top = ""
    while True:
        rest = [path.removeprefix(top) for path in files]
        name = rest[0].partition("/")[0] if rest else ""
        if name in usual or not all(path.startswith(f"{name}/") for path in rest) or not rest:
            return top
        top += f"{name}/"


def as_named(path: str, files: Files) -> str:
    """A file that an editor of Windows has saved as .txt, under the name that was meant."""
    meant = path[: -len(".txt")]
    return meant if SAVED_AS_TEXT.search(path) and meant not in files else path


def without_frontend(path: str, data: bytes) -> bytes:
    if named := FRONTEND.match(data):
        return named[1] + b"#" + data[named.end() :]
    if "dockerfile" in path.lower() and JSON_FRONTEND.match(data):
        return b"#\n" + data
    return data
