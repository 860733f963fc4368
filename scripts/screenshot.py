"""A picture of a command's real run in a terminal, as SVG.

    python scripts/screenshot.py docs/pictures/check.svg -- labkit check 11

The command runs in a pseudo-terminal of its own, so that it looks as it does to a person.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

COLUMNS, ROWS = 100, 40


def run_in_terminal(command: list[str]) -> str:
    """What the command prints to its terminal, escape sequences included."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)},
    )  # fmt: skip
    os.close(theirs)
    printed = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the terminal is closed: the command has ended
            break
        if not part:
            break
        printed += part
    process.wait()
    return printed.decode(errors="replace").replace("\r\n", "\n")


def main() -> None:
    """Run, draw, write."""
    path, _dashes, *command = sys.argv[1:]
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115, PTH123
    console.print(Text("$ " + " ".join(command), style="bold"))
    console.print(Text.from_ansi(run_in_terminal(command)))
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    # Without the fonts that Rich would have a reader's browser fetch from elsewhere.
    style = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    style = style.replace("Fira Code, monospace", "ui-monospace, DejaVu Sans Mono, monospace")
    picture = console.export_svg(title="labkit", code_format=style)
    target.write_text(re.sub(r"<!--.*?-->", "", picture), encoding="utf-8")


if __name__ == "__main__":
    main()
