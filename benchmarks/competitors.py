"""What labkit is compared with, in an environment of its own: never among its dependencies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PINNED = Path(__file__).with_suffix(".txt")
ENVIRONMENT = Path(__file__).parents[1] / ".venv-competitors"


def installed(program: str) -> str:
    """The path of one of their programs; all are installed if they are not, or not these."""
    mark = ENVIRONMENT / PINNED.name
    if not mark.exists() or mark.read_text(encoding="utf-8") != PINNED.read_text(encoding="utf-8"):
        subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)
        pip = [str(ENVIRONMENT / "bin" / "pip"), "install", "--quiet", "-r", str(PINNED)]
        subprocess.run(pip, check=True)
        mark.write_text(PINNED.read_text(encoding="utf-8"), encoding="utf-8")
    return str(ENVIRONMENT / "bin" / program)


def versions(*names: str) -> dict[str, str]:
    """The pinned version of each."""
    lines = PINNED.read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line)
    return {name: pins[name] for name in names}
