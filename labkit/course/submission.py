"""A submission: its files, and what the course recognised in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ReadingRules:
    """How the files of a submission are read, as whoever grades it has chosen."""

    fill: bool = True  # what is missing is done with the reference
    documented: bool = False  # the code blocks of a README count for what is no file
    as_found: bool = False  # the application's contract is what the submission's own code says


AS_USUAL = ReadingRules()


@dataclass(frozen=True)
class Submission:
    """A submission as the course understands it; made by `recognise` of the course's steps.

    Paths are relative and POSIX. Artefacts are named by their path in the reference layout.
    """

    files: Mapping[str, bytes]  # every file, as it goes to the machines
    sources: Mapping[str, str] = field(default_factory=dict)  # artefact -> the file that is it
    targets: Mapping[str, str] = field(default_factory=dict)  # path of the layout -> where it goes
    fitted: Mapping[str, bytes] = field(default_factory=dict)  # reference -> fitted to the rest
    options: Mapping[str, str] = field(default_factory=dict)  # `SLUG: NAME` -> for that step
    original: Mapping[str, bytes] = field(default_factory=dict)  # the bytes that were submitted
    notes: tuple[str, ...] = ()  # what was changed or left out, for the report
    executable: frozenset[str] = frozenset()  # those of the files that may be executed
    fill: bool = True  # what is missing is done with the reference
    # Artefacts that are missing and not filled: what was submitted does without them.
    spared: frozenset[str] = frozenset()

    def filled(self, artefact: str) -> bool:
        """Whether an artefact is missing and the reference stands in its place."""
        return self.fill and artefact not in self.sources and artefact not in self.spared
