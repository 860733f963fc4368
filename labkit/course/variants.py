"""A learner's own variant of a course: the same key and number always give the same values."""

from __future__ import annotations

import hashlib
import hmac

from labkit.course.model import Course
from labkit.errors import UsageError
from labkit.locale import _


def variant(course: Course, key: str, number: str) -> dict[str, str]:
    """Trait -> the value of whoever has this number, in the order of the course's traits.

    By HMAC-SHA256: nobody who has not the key can tell another's values, nor the key from them.
    UsageError for an empty key or number; a course whose answers are all alike gives {}.
    """
    who = number.strip().casefold()
    if not key or not who:
        raise UsageError(_("a variant needs a key and a number"), then="labkit variant KEY NUMBER")

    def chosen(trait: str, count: int) -> int:
        said = "\0".join((course.name, who, trait)).encode()
        return int.from_bytes(hmac.digest(key.encode(), said, hashlib.sha256)) % count

    return {
        trait.name: trait.values[chosen(trait.name, len(trait.values))] for trait in course.traits
    }
