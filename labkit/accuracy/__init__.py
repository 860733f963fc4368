"""How often is the grader wrong? Right, wrong and mutated solutions, graded and compared.

`corpus` reads the entries that were written one by one, `mutants` makes more of them, `bench`
grades one after the other on a lab that is used again, `campaign` does so on several labs at once,
`matrix` compares what was found with what was expected, and `page` writes it down.
"""

from __future__ import annotations

from labkit.accuracy.campaign import Campaign, run_campaign
from labkit.accuracy.corpus import Case, Expected, load_corpus
from labkit.accuracy.matrix import Outcome, Tally
from labkit.accuracy.mutants import make_mutants

__all__ = [
    "Campaign",
    "Case",
    "Expected",
    "Outcome",
    "Tally",
    "load_corpus",
    "make_mutants",
    "run_campaign",
]
