"""Text from a machine, which is partly a learner's, made safe to show and to store."""

from __future__ import annotations

import re

# What drives a terminal instead of being shown, in its 7-bit and 8-bit forms: a string (OSC, DCS,
# SOS, PM, APC) to its end or to the line's, a control sequence (CSI), any other escape.
ESCAPES = re.compile(
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-Z\\^-~]?"
)
# C0 but for tab, newline and carriage return; DEL and C1; what turns the order of reading
# around; halves of characters, which no file can hold; what is no character at all.
CONTROLS = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def clean(text: str, limit: int = 400) -> str:
    """The text without what steers a terminal or hides what is written, cut to `limit` characters.

    Of a line that was written over after a carriage return, what stood last is kept.
    """
    if CONTROLS.search(text):  # every escape begins with one; a megabyte without any is quick
        text = CONTROLS.sub("", ESCAPES.sub("", text))
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n"))
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"[:limit]
