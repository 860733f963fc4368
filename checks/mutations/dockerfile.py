"""Faults in the API's Dockerfile."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from checks.mutations.planting import Artefact, Mutate, either, ended, sub

planted = Artefact("dockerfile", "simple_api/Dockerfile")

COMMANDS = ("CMD", "ENTRYPOINT")
COPIES = ("COPY", "ADD")
# An instruction with its continued lines, or a line that is none.
LOGICAL_LINE = re.compile(r"(?:[^\n]*\\[ \t]*\n(?:[ \t]*(?:#[^\n]*)?\n)*)*[^\n]*(?:\n|\Z)")


def instructions(text: str) -> list[str]:
    """The text in logical lines; joined, they are the text."""
    return [line for line in LOGICAL_LINE.findall(text) if line]


def word(line: str) -> str:
    """The instruction's name, upper case; "" for a comment or a blank line."""
    found = re.match(r"\s*([A-Za-z]+)\b", line)
    return found.group(1).upper() if found else ""


def every(words: tuple[str, ...], change: Callable[[str], str]) -> Mutate:
    """An operator that changes all instructions of these names."""
    return lambda text: [
        "".join(change(line) if word(line) in words else line for line in instructions(text))
    ]


def each(words: tuple[str, ...], change: Callable[[str], str]) -> Mutate:
    """An operator that changes one instruction of these names at a time."""

    def mutate(text: str) -> Iterator[str]:
        lines = instructions(text)
        for at, line in enumerate(lines):
            if word(line) in words:
                yield "".join([*lines[:at], change(line), *lines[at + 1 :]])

    return mutate


def gone(_line: str) -> str:
    """No instruction."""
    return ""


def new(line: str) -> Callable[[str], str]:
    """Another instruction in its place."""
    return lambda _old: f"{line}\n"


def swap(old: str, new: str) -> Callable[[str], str]:
    """The same instruction with one word changed."""
    return lambda line: line.replace(old, new)


def unless(pattern: str, mutate: Mutate) -> Mutate:
    """The operator for texts in which this does not occur."""
    return lambda text: [] if re.search(pattern, text, re.IGNORECASE) else mutate(text)


def only_script(change: Callable[[str], str]) -> Callable[[str], str]:
    """Change what copies the script and nothing else."""
    alone = r"\s*\w+\s+(--\S+\s+)*[\[\"]*\S*student_age\.py[\",]*\s+\S+\s*\Z"
    return lambda line: change(line) if re.match(alone, line) else line


def in_background(line: str) -> str:
    """A command in the shell's form, sent to the background: the shell, and all with it, ends."""
    name, _blank, rest = line.strip().partition(" ")
    try:
        words = json.loads(rest)
    except ValueError:
        words = [rest]
    return f"{name} {' '.join(words)} &\n"


def install_first(text: str) -> Iterator[str]:
    """The packages are installed before the file that lists them is copied."""
    lines = instructions(text)
    installs = [at for at, line in enumerate(lines) if _installs(line) and "-r" in line.split()]
    copies = [at for at, line in enumerate(lines) if word(line) in COPIES and "--from" not in line]
    if installs and copies and copies[0] < installs[0]:
        install = lines.pop(installs[0])
        yield "".join([*lines[: copies[0]], install, *lines[copies[0] :]])


def _installs(line: str) -> bool:
    return word(line) == "RUN" and bool(re.search(r"\bpip3?\s+install\b", line))


def not_installed(line: str) -> str:
    """No packages."""
    return "" if _installs(line) else line


def flask_alone(line: str) -> str:
    """One of the packages, and not those that requirements.txt lists."""
    return re.sub(r"-r\s+\S+", "flask", line) if _installs(line) else line


STAGES = r"--from\b"  # several stages: what one of them lacks fails in another

MUTATIONS = (
    planted("expose-removed", "dockerfile.exposes", every(("EXPOSE",), gone),
            "The port of the API is not documented."),
    planted("expose-wrong-port", "dockerfile.exposes", every(("EXPOSE",), new("EXPOSE 8080")),
            "A port that the API does not listen on is documented."),
    planted("volume-removed", "dockerfile.volume", every(("VOLUME",), gone),
            "No place for the data is declared."),
    planted("volume-elsewhere", "dockerfile.volume", every(("VOLUME",), new("VOLUME /app/data")),
            "A place where the API does not look is declared."),
    planted("command-removed", "dockerfile.command", every(COMMANDS, gone),
            "Nothing is started but what the base image starts."),
    planted("command-other-script", "dockerfile.command",
            unless("flask run|gunicorn", every(COMMANDS, swap("student_age", "app"))),
            "A script of another tutorial's name is started."),
    planted("command-misspelt", "build.runs", every(COMMANDS, swap("student_age", "student_ages")),
            "The script's name is misspelt in the command."),
    planted("command-in-background", "build.runs",
            unless(r"^\s*ENTRYPOINT|(?s:.)\n\s*ENTRYPOINT", every(("CMD",), in_background)),
            "The server is started in the background, so that the container ends at once."),
    planted("copy-missing-file", "dockerfile.builds",
            either(each(COPIES, swap("student_age.py", "student-age.py")),
                   each(COPIES, swap("requirements.txt", "requirement.txt"))),
            "A file that does not exist is copied."),
    planted("script-not-copied", "build.runs", every(COPIES, only_script(gone)),
            "The script does not get into the image."),
    planted("packages-not-installed", "build.runs", unless(STAGES, every(("RUN",), not_installed)),
            "requirements.txt is copied, but nothing is installed."),
    planted("package-forgotten", "build.runs", unless(STAGES, every(("RUN",), flask_alone)),
            "Flask is installed by hand, what it needs beside is not."),
    planted("install-before-copy", "dockerfile.builds", install_first,
            "The packages are installed before the file that lists them is there."),
    planted("instruction-misspelt", "dockerfile.builds",
            either(sub(r"^\s*RUN\b", "RNU", count=1), sub(r"^\s*EXPOSE\b", "EXPORT", count=1)),
            "An instruction that does not exist."),
    planted.same("add", sub(r"^COPY\b(?! --)", "ADD"), "ADD in place of COPY.",
                 "ADD does what COPY does with a plain file of the context."),
    planted.same("comment", ended("# The end."), "A comment at the end.",
                 "A comment is not an instruction."),
    planted.same("expose-protocol", sub(r"^(\s*EXPOSE\s+5000)[ \t]*$", r"\1/tcp"),
                 "The protocol is written out.", "tcp is the protocol that is meant without one."),
    planted.same("lower-case", every(("FROM", "RUN", "EXPOSE"),
                                     lambda line: re.sub(r"[A-Z]+", lambda m: m[0].lower(), line,
                                                         count=1)),
                 "Instructions in lower case.", "Their case means nothing to Docker."),
)  # fmt: skip
