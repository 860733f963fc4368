"""Names of a package that are imported when somebody asks for them, not with the package.

A command that only prints a sentence must not wait for pytest, Fabric or Docker to be imported.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def on_first_use(package: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """A `__getattr__` (PEP 562) for a package: name -> the module of the package that has it.

    The package names them under TYPE_CHECKING as well, for those who read it without running it.
    """

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{names[name]}"), name)

    return find
