"""Commands that stand in a text which is no shell's, as the lines that a shell would be given.

Makefiles, AsciiDoc, LaTeX, tables, notebooks, units of systemd, and YAML whose tasks are commands:
Taskfiles, workflows, playbooks. Nothing is executed; what is not understood stays as it is.

make: the GNU manual, 6 and 10.5.3; AsciiDoc: its manual, "Attributes" and "Callouts"; LaTeX: the
manuals of comment, fancyvrb, listings and minted; systemd.exec(5), systemd.unit(5), "Specifiers";
Ansible: community.docker's docker_container, docker_network and docker_volume; go-task: its schema.
"""

from __future__ import annotations

import csv
import io
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from labkit.facts.compose.written import as_yaml
from labkit.facts.foreign import as_json, texts, within

LONGEST_VALUE = 500  # characters of a variable
DEEPEST = 12  # of YAML

# A Makefile has a value to the end of its line, and `$@` for the target that a line belongs to.
IS_MAKE = re.compile(r"\.mk$|(^|/)(gnu)?makefile[^/]*$", re.I)
MAKES_VALUE = re.compile(r"([A-Za-z_]\w*[ \t]*[:?+]?=)[ \t]*([^\"'\n#]*[^\"'\s#])[ \t]*(?:#.*)?")
MAKES_TARGET = re.compile(r"([\w.-]+)[ \t]*::?(?!=)")
# AsciiDoc's attributes, and the numbers that it puts behind a line.
ATTRIBUTE = re.compile(r"^:([\w-]+):[ \t]+(\S.*?)[ \t]*$", re.M)
ATTRIBUTE_NAMED = re.compile(r"\{([\w-]+)\}")
CALLOUT = re.compile(r"[ \t]*(?:#[ \t]*)?<(?:\d+|\.)>[ \t]*$", re.M)
# LaTeX: what is left out, what is set as it is typed, and its signs for signs.
LEFT_OUT = re.compile(r"^[ \t]*%[^\n]*\n|\\begin\{comment\}.*?(?:\\end\{comment\}|\Z)", re.M | re.S)
VERBATIM = re.compile(
    r"\\(?:verb|lstinline|mintinline\{\w+\})\*?(?:\[[^]\n]{0,200}\])?([^\w\s{*])([^\n]*?)\1"
)
TYPEWRITER = re.compile(r"\\(?:texttt|code|cmd|command)\{((?:[^{}\n\\]|\\.|\{[^{}\n]*\})*+)\}")
LATEX_SIGN = re.compile(r"\\([_&%$#{}])|\\text(?:backslash|quotesingle)\b|-\{\}-|~")
# systemd: keys whose value is a command, and what may stand before it.
RUNS = re.compile(r"(?:ExecStartPre|ExecStart|ExecStartPost)=[-@:+!|]*\s*(.*)", re.S)
SPECIFIER = re.compile(r"%([pnNijt%])")
# Keys of YAML whose texts are typed at a shell, and those whose entries are variables there.
TYPED = {"cmd", "cmds", "command", "commands", "run", "script", "before_script", "after_script",
         "shell", "raw", "inline"}  # fmt: skip
SET = {"vars", "env", "variables", "environment"}
TEMPLATE = re.compile(r"\{\{-?[ \t]*\.?(\w+)[^{}\n]*\}\}")
# Options of `docker run` that a task of community.docker names otherwise.
OPTIONS = {"name": "--name", "hostname": "--hostname", "network_mode": "--network",
           "restart_policy": "--restart", "user": "--user", "entrypoint": "--entrypoint",
           "working_dir": "--workdir"}  # fmt: skip
LISTS = {"ports": "--publish", "published_ports": "--publish", "volumes": "--volume",
         "links": "--link", "mounts": "--mount", "networks": "--network"}  # fmt: skip


def as_lines(path: str, text: str) -> str:
    """A text with the commands in it as a shell's lines; as it is where its name says nothing."""
    return next((of(path, text) for name, of in NOTATIONS if name.search(path)), text)


def _of_make(_path: str, text: str) -> str:
    """A Makefile with its values in quotes, as a shell would have them, and its targets' names."""
    lines = []
    target = ""
    for line in text.replace("\\\n", " ").split("\n"):
        if line.startswith("\t"):
            lines.append(line.replace("$@", target).replace("$$", "$"))
        elif assigned := MAKES_VALUE.fullmatch(line):
            lines.append(f'{assigned[1]}"{assigned[2]}"')
        else:
            if named := MAKES_TARGET.match(line):
                target = named[1]
            lines.append(line)
    return "\n".join(lines)


def _of_asciidoc(_path: str, text: str) -> str:
    """AsciiDoc with the values of its attributes, without callouts and comments."""
    values = dict(ATTRIBUTE.findall(text))
    lines, is_comment = list[str](), False
    for line in text.split("\n"):
        if re.fullmatch(r"/{4,}[ \t]*", line):
            is_comment = not is_comment
        elif not is_comment and not line.startswith("//"):
            lines.append(line)
    return CALLOUT.sub("", _filled(ATTRIBUTE_NAMED, "\n".join(lines), values))


def _of_latex(_path: str, text: str) -> str:
    """LaTeX without its comments; what is set within a line, as typed, stands on one of its own."""
    text = VERBATIM.sub(lambda one: f"\n{one[2]}\n", LEFT_OUT.sub("", text))
    return TYPEWRITER.sub(lambda one: f"\n{LATEX_SIGN.sub(_latex_sign, one[1])}\n", text)


def _latex_sign(found: re.Match[str]) -> str:
    return found[1] or {"-{}-": "--", "~": " ", r"\textbackslash": "\\"}.get(found[0], "'")


def _of_table(_path: str, text: str) -> str:
    """The cells of a table, one after the other."""
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error:
        return ""
    return "\n".join(cell for row in rows for cell in row)


def _of_notebook(_path: str, text: str) -> str:
    """The cells of a notebook; of those of Python the lines that it hands over to a shell."""
    cells = within(as_json(text), "cells")
    lines = list[str]()
    for cell in cells if isinstance(cells, list) else ():
        source = within(cell, "source")
        whole = "".join(texts(source)) if isinstance(source, list) else str(source or "")
        is_code = within(cell, "cell_type") == "code" and not re.match(r"%%(?:bash|sh)\b", whole)
        lines += [
            line.lstrip("!") if is_code else line
            for line in whole.split("\n")
            if not is_code or line.startswith("!")
        ]
    return "\n".join(lines)


def _of_unit(path: str, text: str) -> str:
    """What a unit of systemd runs, with its specifiers and the files of its environment."""
    name = PurePosixPath(path).name
    values = {"n": name, "N": name.rpartition(".")[0], "%": "%", "t": "/run", "i": "",
              "p": re.split(r"[.@]", name)[0], "j": name.rpartition(".")[0]}  # fmt: skip
    lines = list[str]()
    for line in re.sub(r"\\\n[ \t]*", " ", text).split("\n"):
        key, equals, value = line.strip().partition("=")
        if equals and key == "EnvironmentFile":
            lines.append(f". {value.lstrip('-')}")
        elif equals and key == "Environment":
            lines.append(value)
        elif run := RUNS.fullmatch(line.strip()):
            lines.append(SPECIFIER.sub(lambda one: values[one[1]], run[1]))
    return "\n".join(lines)


def _of_tasks(_path: str, text: str) -> str:
    """What YAML says is to be typed, in its order; "" for what is no such list of tasks."""
    found = as_yaml(text.encode())
    if isinstance(within(found, "services"), dict):  # of a compose file: what containers run
        return ""
    return "\n".join(_Tasks().lines(found)) if isinstance(found, dict | list) else ""


class _Tasks:
    """Reads YAML from the top, and keeps what has been set for the templates further down."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {"playbook_dir": ".", "TASKFILE_DIR": ".", "ROOT_DIR": "."}

    def lines(self, node: Any, depth: int = 0) -> Iterator[str]:
        """The lines of a node: of its variables first, then of what it has typed."""
        if depth > DEEPEST:
            return
        if isinstance(node, list):
            for one in node:
                yield from self.lines(one, depth + 1)
        if not isinstance(node, dict):
            return
        for key, value in node.items():
            if key in SET and isinstance(value, dict):
                yield from self._assignments(value)
        for key, value in node.items():
            module = str(key).rpartition(".")[2]
            if module in MODULES and isinstance(value, dict):
                yield shlex.join(["docker", *map(self._filled, MODULES[module](value))])
            elif module in TYPED:
                yield from self._typed(value, depth)
            elif key not in SET:
                yield from self.lines(value, depth + 1)

    def _assignments(self, given: Mapping[Any, Any]) -> Iterator[str]:
        for name, value in given.items():
            text = self._filled(str(value))
            if isinstance(value, str | int | float) and len(text) <= LONGEST_VALUE:
                self._values[str(name)] = text
                if re.fullmatch(r"[A-Za-z_]\w*", str(name)):
                    yield f"{name}={shlex.quote(text)}"

    def _typed(self, value: Any, depth: int) -> Iterator[str]:
        if isinstance(value, str):
            yield self._filled(value)
        elif isinstance(value, dict) and texts(value.get("argv")):
            yield shlex.join(map(self._filled, texts(value["argv"])))
        elif isinstance(value, list):
            for one in value:
                yield from self._typed(one, depth + 1) if depth < DEEPEST else ()
        else:
            yield from self.lines(value, depth + 1)

    def _filled(self, text: str) -> str:
        return _filled(TEMPLATE, text, self._values)


def _filled(named: re.Pattern[str], text: str, values: Mapping[str, str]) -> str:
    """A text with the values of what it names; what is not known stays."""

    def value(match: re.Match[str]) -> str:
        found = values.get(match[1], "")
        return found if 0 < len(found) <= LONGEST_VALUE else match[0]

    return named.sub(value, text)


def _run(task: Mapping[str, Any]) -> list[str]:
    """`docker_container` as the words of `docker run`; a container that is to go is removed."""
    if task.get("state") in ("absent", "stopped"):
        return ["rm", "-f", str(task.get("name", ""))]
    words = ["run", "-d"]
    for key, option in OPTIONS.items():
        if isinstance(value := task.get(key), str):
            words += [option, value]
    for key, option in LISTS.items():
        values = task.get(key)
        for one in values if isinstance(values, list) else ():
            words += [option, str(one.get("name", "")) if isinstance(one, dict) else str(one)]
    variables = task.get("env")
    for name, value in variables.items() if isinstance(variables, dict) else ():
        words += ["-e", f"{name}={str(value).lower() if isinstance(value, bool) else value}"]
    command = task.get("command")
    after = texts(command) if isinstance(command, list) else _words(str(command or ""))
    return [*words, str(task.get("image", "")), *after]


def _words(text: str) -> list[str]:
    """The words of a command; as they stand where a quote has no end."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _named(kind: str) -> Callable[[Mapping[str, Any]], list[str]]:
    def words(task: Mapping[str, Any]) -> list[str]:
        verb = "rm" if task.get("state") == "absent" else "create"
        return [kind, verb, str(task.get("name") or task.get("volume_name") or "")]

    return words


# Modules of Ansible's collection community.docker -> the words of docker's that they stand for.
MODULES: dict[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "docker_container": _run,
    "docker_network": _named("network"),
    "docker_volume": _named("volume"),
}
NOTATIONS: tuple[tuple[re.Pattern[str], Callable[[str, str], str]], ...] = (
    (IS_MAKE, _of_make),
    (re.compile(r"\.a(?:scii)?doc$", re.I), _of_asciidoc),
    (re.compile(r"\.(?:la)?tex$", re.I), _of_latex),
    (re.compile(r"\.[ct]sv$", re.I), _of_table),
    (re.compile(r"\.ipynb$", re.I), _of_notebook),
    (re.compile(r"\.service$", re.I), _of_unit),
    (re.compile(r"\.ya?ml$", re.I), _of_tasks),
)
# Names of files that hold commands in one of these notations, and of those, scripts apart, whose
# lines are then a shell's, where a # begins a comment and no prompt.
NOTED = re.compile("|".join(name.pattern for name, _of in NOTATIONS), re.I)
OF_A_SHELL = re.compile(r"\.(?:service|ya?ml)$", re.I)
