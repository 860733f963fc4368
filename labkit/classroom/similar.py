"""Which submissions share what hardly anybody else has: traces for a person to look at, no verdict.

Passages are found by winnowing (Schleimer, Wilkerson, Aiken: Winnowing: Local Algorithms for
Document Fingerprinting, SIGMOD 2003), on words and signs instead of characters, since spaces
mean little in these files. JPlag and Dolos have no grammar for compose files, Dockerfiles and
HAProxy's; copydetect brings numpy and matplotlib for the same forty lines.

What the course itself gives (its reference, its starter, its pages, its hints) is nobody's trace,
and neither is what many have: the solution of a practical is short, and right answers are alike.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import combinations
from pathlib import Path
from typing import TypeVar

from labkit.text import clean

K = 8  # tokens of a fingerprint: shorter matches are noise
SHORTEST = 16  # tokens, some three lines: whatever is shared and as long is found (the paper's t)
WINDOW = SHORTEST - K + 1
RARE_SHARE = 0.1  # of the class, or two people: what more than these have is common
AT_LEAST = 3  # traces of a pair that is shown: one or two are chance, or one page of the web
WORD = re.compile(r"[^\W\d_]{5,}")  # shorter ones are abbreviations, and shared by accident
TOKEN = re.compile(r"\w+|[^\w\s]")
GIVEN = ("steps/reference", "steps/starter", "docs", "checks")  # folders of a course

Token = tuple[str, int]  # the text, its line from 1
Spot = tuple[str, int]  # of a file, the token's number or the line
Run = tuple[str, Sequence[Token]]  # a part of a file
Mark = TypeVar("Mark", str, bytes)


@dataclass(frozen=True)
class Place:
    """Lines of a file of one learner."""

    file: str
    first: int
    last: int
    text: str


@dataclass(frozen=True)
class Trace:
    """What two share: a passage, or a single word (`word` is then not empty)."""

    left: Place
    right: Place
    word: str = ""


@dataclass(frozen=True)
class Pair:
    """Two submissions by their keys, and all that they share."""

    left: str
    right: str
    traces: tuple[Trace, ...]


Texts = Mapping[str, str]  # path -> content


def similar_pairs(
    class_texts: Mapping[str, Texts], given: Iterable[str], *, at_least: int = AT_LEAST
) -> list[Pair]:
    """Pairs with `at_least` traces or more, those with the most first.

    `class_texts` is key of a learner -> files; `given` are the texts that everybody has from the
    course.
    """
    rare = max(2, math.ceil(RARE_SHARE * len(class_texts)))
    common_prints: set[bytes] = set()
    common_words: set[str] = set()
    for text in given:
        common_prints.update(grams(tokens(text)))
        common_words.update(map(str.casefold, WORD.findall(text)))
    read = {
        key: {path: tokens(text) for path, text in texts.items()}
        for key, texts in class_texts.items()
    }
    prints = _holders(
        (mark, key, (path, at))
        for key, files in read.items()
        for path, found in files.items()
        for mark, at in fingerprints(found)
        if mark not in common_prints
    )
    words = _holders(
        (word.casefold(), key, (path, line))
        for key, texts in class_texts.items()
        for path, text in texts.items()
        for line, content in enumerate(text.splitlines(), start=1)
        for word in WORD.findall(content)
        if word.casefold() not in common_words
    )
    shared: dict[tuple[str, str], list[Trace]] = defaultdict(list)
    for names, runs in _runs(prints, read, rare).items():
        left, right = (class_texts[name] for name in names)
        for run in runs:
            one, two = (
                _lines(texts, path, found[0][1], found[-1][1])
                for texts, (path, found) in zip((left, right), run, strict=True)
            )
            if not any(
                _meet(one, trace.left) or _meet(two, trace.right) for trace in shared[names]
            ):
                shared[names].append(Trace(one, two))
    for word, holders in words.items():
        for names in _pairs(holders, rare):
            one, two = (
                _lines(class_texts[name], path, line, line)
                for name in names
                for path, line in [holders[name]]
            )
            if not any(_meet(one, trace.left) for trace in shared[names] if not trace.word):
                shared[names].append(Trace(one, two, word))
    pairs = [Pair(*names, tuple(traces)) for names, traces in shared.items()]
    return sorted(
        (pair for pair in pairs if len(pair.traces) >= at_least),
        key=lambda pair: (-len(pair.traces), pair.left, pair.right),
    )


def tokens(text: str) -> list[Token]:
    """Words and signs with their lines."""
    return [
        (found, line)
        for line, content in enumerate(text.splitlines(), start=1)
        for found in TOKEN.findall(content)
    ]


def grams(found: Sequence[Token]) -> list[bytes]:
    """A digest of each K tokens in a row."""
    words = [word for word, _line in found]
    return [
        blake2b("\0".join(words[at : at + K]).encode("utf-8", "replace"), digest_size=8).digest()
        for at in range(len(words) - K + 1)
    ]


def fingerprints(found: Sequence[Token]) -> Iterator[tuple[bytes, int]]:
    """The least digest of each window, the rightmost of equals, and where it stands."""
    marks = grams(found)
    last = -1
    for begin in range(max(len(marks) - WINDOW, -1) + 1 if marks else 0):
        window = range(begin, min(begin + WINDOW, len(marks)))
        at = min(window, key=lambda place: (marks[place], -place))
        if at != last:
            yield marks[at], at
            last = at


def given_texts(root: Path) -> Iterator[str]:
    """What a course gives to everybody."""
    for part in GIVEN:
        for path in sorted((root / part).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                text = readable(path.read_bytes())
                if text is not None:
                    yield text


def readable(data: bytes) -> str | None:
    """A text, or None for what is none."""
    return None if b"\0" in data else data.decode("utf-8", "replace")


def _holders(found: Iterable[tuple[Mark, str, Spot]]) -> dict[Mark, dict[str, Spot]]:
    """Mark -> learner -> the first place where it stands."""
    holders: dict[Mark, dict[str, Spot]] = defaultdict(dict)
    for mark, key, spot in found:
        holders[mark].setdefault(key, spot)
    return holders


def _pairs(holders: Iterable[str], rare: int) -> Iterator[tuple[str, str]]:
    """Those who have a mark, two by two; nobody if it is not rare."""
    names = sorted(holders)
    return combinations(names, 2) if len(names) <= rare else iter(())


def _runs(
    prints: Mapping[bytes, Mapping[str, Spot]],
    read: Mapping[str, Mapping[str, Sequence[Token]]],
    rare: int,
) -> dict[tuple[str, str], list[tuple[Run, Run]]]:
    """Pair -> the passages that grow out of their rare fingerprints, the longest first."""
    found: dict[tuple[str, str], dict[tuple[str, int, str, int], int]] = defaultdict(dict)
    for holders in prints.values():
        for left, right in _pairs(holders, rare):
            (path, at), (other, there) = holders[left], holders[right]
            one, two = read[left][path], read[right][other]
            back, length = _grown(one, at, two, there)
            if length >= SHORTEST:
                found[left, right][path, at - back, other, there - back] = length
    return {
        (left, right): [
            ((path, read[left][path][begin:begin + length]),
             (other, read[right][other][start:start + length]))
            for (path, begin, other, start), length in sorted(
                runs.items(), key=lambda one: (-one[1], one[0])
            )
        ]
        for (left, right), runs in found.items()
    }  # fmt: skip


def _grown(one: Sequence[Token], at: int, two: Sequence[Token], there: int) -> tuple[int, int]:
    """How far equal tokens go back from a shared place, and how many there are in all."""
    back = on = 0
    while min(at, there) > back and one[at - back - 1][0] == two[there - back - 1][0]:
        back += 1
    while max(at - len(one), there - len(two)) + on < 0 and one[at + on][0] == two[there + on][0]:
        on += 1
    return back, back + on


def _lines(texts: Texts, path: str, first: int, last: int) -> Place:
    lines = texts[path].splitlines()[first - 1 : last]
    return Place(path, first, last, clean("\n".join(lines), 600))


def _meet(one: Place, other: Place) -> bool:
    return one.file == other.file and one.first <= other.last and other.first <= one.last
