"""labkit's own modules as on Windows: what its Python lacks cannot be imported by them.

    pytest -p tests.without_posix tests/unit

Libraries ask for the platform first and import these on this one; ours are not to ask.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from types import ModuleType
from typing import Any

MISSING = frozenset({"fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"})
OURS = ("labkit", "course", "subject", "steps", "checks")

_import = builtins.__import__


def _importing(
    name: str, scope: Mapping[str, Any] | None = None, /, *more: Any, **named: Any
) -> ModuleType:
    who = str((scope or {}).get("__name__", "")).partition(".")[0]
    if name in MISSING and who in OURS:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return _import(name, scope, *more, **named)


builtins.__import__ = _importing
