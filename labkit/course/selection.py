"""Steps as people name them."""

from __future__ import annotations

from labkit.course.model import Course, Step
from labkit.errors import UsageError
from labkit.locale import _


def select(course: Course, wanted: str) -> list[Step]:
    """The steps named by a number, letter, slug, a range `A-B`, or `all`, in their order.

    UsageError if one of the names is unknown or the range is empty.
    """
    if wanted.strip().lower() == "all":
        return list(course.steps)
    step = course.step(wanted)
    if step:
        return [step]
    parts = wanted.split("-")  # a slug may have hyphens of its own
    for cut in range(1, len(parts)):
        first = course.step("-".join(parts[:cut]))
        last = course.step("-".join(parts[cut:]))
        if first and last and first.number <= last.number:
            return [step for step in course.steps if first.number <= step.number <= last.number]
    slugs = ", ".join(f"{step.number} {step.letter} {step.slug}" for step in course.steps)
    raise UsageError(_("there is no step {name!r}", name=wanted), where=slugs, then="labkit step 1")
