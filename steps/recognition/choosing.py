"""Which of several files counts: no copy, the last attempt, the one that lies nearest."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from steps.project import DEFAULT_NAMES
from steps.recognition.handed_in import Files

# What a person calls a file that is kept beside the one that counts.
COPY = re.compile(
    r"copi[ea]|copy|backup|sauvegarde|\barchives?\b|obsol[eè]te|deprecated|\bold\b|\bbak\b"
    r"|\borig(?:inal)?\b|\brpm(?:new|save)\b|ancien"
    r"|\(\d+\)",
    re.I,
)
# Where tools keep what they need to work on the files: .devcontainer, .github, .vscode.
OF_TOOLS = re.compile(r"(^|/)\.[^/]+/")
# Folders of several attempts; the last one counts.
ATTEMPT = re.compile(
    r"(?:^|/)(finale?|rendu|v|version|essai|tentative|attempt)[-_ ]?(\d{0,4})(?:\.(\d{1,3}))?"
    r"([-_ ]?finale?)?(?=/)",
    re.I,
)
LAST_ATTEMPT = 10_000


def least(path: str) -> tuple[bool, int, int, list[tuple[int, int]], str]:
    """What comes first of several.

    No copy and nothing of a tool's, the least deep, a name that Compose looks for; of several
    attempts the last.
    """
    name = PurePosixPath(path).name
    usual = DEFAULT_NAMES.index(name) if name in DEFAULT_NAMES else len(DEFAULT_NAMES)
    attempts = [
        (
            (LAST_ATTEMPT if last or said.lower().startswith("final") else 0) + int(number or 0),
            int(minor or 0),
        )
        for said, number, minor, last in ATTEMPT.findall(path)
    ]
    beside = bool(COPY.search(path) or OF_TOOLS.search(path))
    return beside, path.count("/"), usual, [(-one, -minor) for one, minor in attempts], path


def passed_over(chosen: Iterable[str], files: Files) -> dict[tuple[str, ...], list[str]]:
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


def are_attempts(path: str, other: str) -> bool:
    """Whether both lie in folders of attempts and are called the same."""
    alike = PurePosixPath(path).name.lower() == PurePosixPath(other).name.lower()
    return alike and bool(_attempt(path) and _attempt(other))


def _attempt(path: str) -> str:
    """The folder of an attempt in which a file lies; "" if it lies in none."""
    inside = ATTEMPT.search(path)
    return path[: inside.end()] if inside else ""
