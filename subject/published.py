"""Which image of the lab serves a tag that the lab does not have.

Only a tag that was published has somebody to stand in for. Others are left to the engine, which may
find them where there is a network; otherwise nobody can tell, unless no such version can be there
yet: `registry:99`.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from subject.releases import RELEASES, names, repository_and_tag

# Repository -> what the lab has of it; its slim Python can be made into Alpine's or a bare system.
SLIM = "python:3-slim"
STAND_INS = {
    "python": "python:3",
    **dict.fromkeys(RELEASES, SLIM),
    "php": "php:apache",
    "registry": "registry:2",
    "joxit/docker-registry-ui": "joxit/docker-registry-ui:latest",
}
TO_COME = 24  # releases of a line that is maintained, since this was written
_TAG = re.compile(r"(?P<version>[0-9]{1,9}(?:\.[0-9]{1,9}){0,2})?(?:(?:^|-)(?P<variant>[a-z].*))?")


@dataclass(frozen=True)
class Published:
    """The tags of a repository, as far as they are known."""

    # The newest release of each line; (1, 5) is all of 1.5, (11,) is all of 11.
    lines: tuple[tuple[int, ...], ...]
    variants: re.Pattern[str]  # what stands behind a version, or alone

    def has(self, tag: str) -> bool:
        """Whether this tag was published: a whole line, a release of it, a variant of either."""
        found = _TAG.fullmatch(tag)
        if not found:
            return False
        version, variant = found["version"] or "", found["variant"] or ""
        if variant and not self.variants.fullmatch(variant):
            return False
        asked = tuple(map(int, version.split("."))) if version else ()
        return any(_belongs(asked, newest) for newest in self.lines)


def is_unheard_of(image: str) -> bool:
    """Whether a tag is of a version that nobody can have published: two majors ahead of the newest.

    Of the next one, and of any tag of another repository, it cannot be told.
    """
    repository, tag = repository_and_tag(image)
    found = _TAG.fullmatch(tag)
    if repository not in PUBLISHED or not found or not found["version"]:
        return False
    newest = max(line[0] for line in PUBLISHED[repository].lines)
    return int(found["version"].partition(".")[0]) > newest + 1


def stand_in(image: str) -> str:
    """The image by which the lab serves another tag of the same repository; "" if there is none."""
    repository, tag = repository_and_tag(image)
    found = STAND_INS.get(repository, "")
    if repository == "python" and re.search("slim|alpine", tag):
        found = SLIM
    tag = tag or ("latest" if repository in RELEASES else "")
    if not tag or found in ("", f"{repository}:{tag}") or not PUBLISHED[repository].has(tag):
        return ""
    return "" if repository == "php" and "apache" not in tag else found


def _belongs(asked: tuple[int, ...], newest: tuple[int, ...]) -> bool:
    """Whether a version, whole or its beginning, is of the line that had this newest release."""
    line, patch = newest[:2], newest[2:]
    return asked[: len(line)] == line[: len(asked)] and (not patch or asked[2:] <= patch)


def _line(text: str) -> tuple[int, ...]:
    """A line by its newest release; with a plus it goes on, about monthly."""
    numbers = tuple(map(int, text.rstrip("+").split(".")))
    return (*numbers[:2], numbers[2] + TO_COME) if text.endswith("+") else numbers


def _load() -> dict[str, Published]:
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    for system, releases in RELEASES.items():
        text = text.replace(f"<{system}>", names(releases))
    return {
        repository: Published(
            tuple(map(_line, known.get("lines") or [one.version for one in RELEASES[repository]])),
            re.compile(known["variants"].replace("\n", "")),
        )
        for repository, known in tomllib.loads(text).items()
    }


PUBLISHED = _load()
