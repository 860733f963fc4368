"""The corpus: what stands beside each entry, and that no program of a student's is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from course import COURSE
from labkit.accuracy.corpus import Case, load_corpus
from labkit.course import Mutation, load_checks
from labkit.facts.haproxy import harmless
from steps import keepalived_grammar

CORPUS = load_corpus(Path(__file__).parent / "submissions", COURSE, load_checks(COURSE))
REFUSED = ("haproxy-loads-a-script", "notify-script")


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_only_what_asks_for_a_program_is_refused(case: Case) -> None:
    found = [
        *(one for path, data in case.files.items() if path.endswith("haproxy.cfg")
          for one in harmless.refused(data.decode())),
        *(one for path, data in case.files.items() if path.startswith("keepalived")
          for one in keepalived_grammar.refused(data.decode())),
    ]  # fmt: skip
    assert bool(found) is (case.name in REFUSED)


@pytest.mark.parametrize("mutation", COURSE.mutations, ids=lambda one: one.name)
def test_every_operator_changes_the_reference(mutation: Mutation) -> None:
    text = (COURSE.root / "steps" / "reference" / mutation.artefact).read_text()
    changed = list(mutation.mutate(text))
    assert changed
    assert text not in changed
