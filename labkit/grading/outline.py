"""A course as it is described, without what it does: enough to explain it, and quick to load.

Reading a course imports all of it, and what its checks use: a second's work for a sentence. What
the course declares is therefore kept in the cache, keyed by the digest of every source file of
the engine and the course.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import labkit
from labkit.cache import digest_of, remembered
from labkit.course import PARTS, Course, course_root, load_course
from labkit.grading.explain import Declared, read_checks

DECLARING = ("labkit.course", "labkit.grading.explain", "pathlib")  # the modules of its classes


def load_outline() -> tuple[Course, Mapping[str, Declared]]:
    """The course and its checks by id, as `load_course` and `read_checks` give them.

    What a step, a drill or a mutation does is left out: calling it raises RuntimeError.
    """
    root = course_root()
    engine = Path(labkit.__file__).parent
    sources = [*engine.rglob("*.py")]
    for folder in PARTS:
        sources += [path for path in (root / folder).rglob("*.py") if path.is_file()]
    digest = digest_of(sources, sys.version)
    kept = io.BytesIO(remembered("outline", digest, _made))
    try:
        return cast("tuple[Course, Mapping[str, Declared]]", _Unpickler(kept).load())
    except pickle.UnpicklingError:  # a course that declares by classes of its own
        course = load_course()
        return course, read_checks(course)


def _made() -> bytes:
    course = load_course()
    file = io.BytesIO()
    _Pickler(file).dump((course, read_checks(course)))
    return file.getvalue()


class _Pickler(pickle.Pickler):
    """Leaves out whatever acts."""

    def persistent_id(self, value: Any) -> str | None:
        """A mark in the place of each function."""
        return "action" if callable(value) and not isinstance(value, type) else None


class _Unpickler(pickle.Unpickler):
    """Makes again what `_Pickler` wrote, of the classes that declare a course and no others."""

    def persistent_load(self, _mark: str) -> Any:
        """What stands in the place of a function."""
        return _left_out

    def find_class(self, module: str, name: str) -> Any:
        """A class by its name."""
        if not module.startswith(DECLARING):
            raise pickle.UnpicklingError(f"{module}.{name} declares nothing of a course")
        return super().find_class(module, name)


def _left_out(*_values: object, **_named: object) -> Any:
    raise RuntimeError("only the outline of the course was loaded: use load_course")
