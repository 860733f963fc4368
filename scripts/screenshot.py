"""A picture of a command's real run in a terminal, as SVG.

The command runs in a pseudo-terminal of its own, so that it looks as it does to a person.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from io import StringIO

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

COLUMNS, ROWS = 100, 40
ALIVE = re.compile(r"^[\u2801-\u28ff] .*$\n?", re.M)  # a line that was only there while it ran
# Without the fonts that Rich would have a reader's browser fetch from elsewhere.
FORMAT = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "Fira Code, monospace", "ui-monospace, DejaVu Sans Mono, monospace"
)


def still(command: Sequence[str], shown: str, variables: Mapping[str, str]) -> tuple[str, str]:
    """Run a command; the picture of it under what a person would have typed, and its text."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    console.print(Text(f"$ {shown}", style="bold"))
    printed = Text.from_ansi(run_in_terminal(command, variables))
    for line in printed.split("\n"):
        if not ALIVE.match(line.plain):
            console.print(line)
    text = console.export_text(clear=False)
    picture = console.export_svg(title="labkit", code_format=FORMAT)
    picture = re.sub(r"<!--.*?-->", "", picture)
    return "\n".join(line.rstrip() for line in picture.splitlines()) + "\n", text


def run_in_terminal(command: Sequence[str], variables: Mapping[str, str]) -> str:
    """What the command prints to its terminal, escape sequences included.

    CalledProcessError unless it ends well: a drill without a verdict is no picture of one.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True,
        env={**os.environ, **variables, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)},
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
    text = printed.decode(errors="replace").replace("\r\n", "\n")
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, command, text)
    return text
