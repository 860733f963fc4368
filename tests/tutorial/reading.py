"""The blocks of a page of the tutorial: where each is typed, and what is not typed at all.

A block's title is where its lines are typed: machines (`web1, web2, lb`), or the workspace
(`~/student-list`, or no title). A title with a dot or a slash is a file that the block holds:
`PATH` in the workspace, `MACHINES: PATH` on machines, with `(+)` behind it when the block is added
to what is there. A block in `diff` is a change of its file, hunks apart by `@@`. A block without a
title in one of `PRINTED` is among the output of the commands before it; `…` in it stands for
anything. What is left are lines of a file, shown as such.

A block in a tab of another system is not run, nor one below `<!-- not run: REASON -->`.
`<!-- exit N -->` says how the commands below it end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from labkit.course import find_blueprint

ROOT = Path(__file__).parents[2]
MACHINES = find_blueprint().names
WORKSPACE = "~/student-list"
PRINTED = ("", "text", "json", "html")  # what commands print
# Those that are carried out, in order: a reader's, and the one for authors of practicals.
PAGES = (
    "getting-started.md",
    "01-machines.md",
    "02-dockerfile.md",
    "03-build.md",
    "04-compose.md",
    "05-deploy.md",
    "06-index.md",
    "07-verify.md",
    "08-registry.md",
    "09-registry-ui.md",
    "10-second-server.md",
    "11-haproxy.md",
    "12-stats.md",
    "13-failover.md",
    "instructors.md",
    "measuring.md",
    "hardening.md",
)
AUTHORS = "authors.md"
SYSTEM = "Debian"  # of the machines on which the pages are carried out

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=indent)```$", re.M | re.S
)
_TITLE = re.compile(r'title="([^"]*)"')
_TAB = re.compile(r'^=== "([^"]+)"$')
_COMMENT = re.compile(r"<!-- (?:not run: (?P<why>.+)|exit (?P<code>\d+)) -->\s*\Z")
_POINTS = re.compile(r"^## .*\(([\d.,]+) points?\) \{ #checked \}$", re.M)


@dataclass(frozen=True)
class Block:
    """A fenced block, freed from the indentation of what surrounds it."""

    line: int = field(compare=False)  # of its fence, in the page
    info: str  # all of what stands behind the fence
    body: str
    skipped: str = ""  # why it is not run, "" if it is
    code: int = 0  # with which the commands end

    @property
    def language(self) -> str:
        return self.info.split(" ")[0]

    @property
    def title(self) -> str:
        """Where it is typed, or the file that it is; "" without one."""
        found = _TITLE.search(self.info)
        return found[1] if found else ""

    @property
    def is_commands(self) -> bool:
        return self.language == "console"

    @property
    def is_file(self) -> bool:
        return not self.is_commands and bool(self.title)

    @property
    def is_output(self) -> bool:
        return not self.title and self.language in PRINTED

    @property
    def machines(self) -> tuple[str, ...]:
        """The machines that the title names; none means the workspace."""
        names = self.title.partition(":")[0].split(", ")
        return tuple(name for name in names if name in MACHINES)

    @property
    def path(self) -> str:
        """Of a file."""
        named = self.title.partition(": ")[2] if self.machines else self.title
        return named.removesuffix(" (+)")

    @property
    def is_change(self) -> bool:
        """Whether the block of a file says what becomes another in it."""
        return self.language == "diff"

    def changed(self, text: str) -> str:
        """The text of the file after the change. AssertionError unless each hunk fits once."""
        for hunk in self.body.split("@@\n"):
            lines = hunk.splitlines()
            before = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
            after = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
            assert text.count(before) == 1, f"{self.path} has not once:\n{before}"
            text = text.replace(before, after)
        return text

    @property
    def is_added(self) -> bool:
        """Whether the block of a file is added to what the file holds."""
        return self.title.endswith(" (+)")


def page(language: str, name: str) -> str:
    """The text of a page."""
    return (ROOT / "docs" / language / name).read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    """The blocks of a page, in order."""
    return list(_blocks(text))


def _blocks(text: str) -> Iterator[Block]:
    for found in FENCE.finditer(text):
        before = text[: found.start()]
        indent = found["indent"]
        lines = [line.removeprefix(indent) for line in found["body"].splitlines()]
        said = _COMMENT.search(before)
        tab = _tab(before) if indent else ""
        skipped = f"for {tab}" if tab not in ("", SYSTEM) else ""
        if said and said["why"]:
            skipped = said["why"]
        yield Block(
            line=before.count("\n") + 1,
            info=found["info"],
            body="\n".join(lines) + "\n",
            skipped=skipped,
            code=int(said["code"]) if said and said["code"] else 0,
        )


def _tab(before: str) -> str:
    """The tab in which the text ends, "" in none. Machines are no systems."""
    for line in reversed(before.splitlines()):
        found = _TAB.match(line)
        if found:
            return "" if found[1] in MACHINES else found[1]
        if line and not line.startswith(" "):
            return ""
    return ""


def points(text: str) -> float | None:
    """What a page promises for its step, None if it promises nothing."""
    found = _POINTS.search(text)
    return float(found[1].replace(",", ".")) if found else None


def is_among(expected: str, output: str) -> str:
    """ "" if each line of `expected` is one of the output, in order; else the first that is not."""
    left = iter([line.strip() for line in output.splitlines()])
    for line in expected.splitlines():
        if not line.strip():
            continue
        pattern = ".*".join(re.escape(part) for part in line.strip().split("…"))
        if not any(re.fullmatch(pattern, one) for one in left):
            return line
    return ""
