"""What HAProxy 2.4, which el9 has, still takes, and what later versions refuse: in today's words.

Sources: the configuration manuals of 2.4 and 3.0 (`option httpchk`, `http-check send`, `nbproc`,
`bind-process`, `process`), and what 3.0 says when it refuses them.
"""

from __future__ import annotations

import re
import shlex

# Headers behind the version of `option httpchk`: each begins with \r\n, a blank within is escaped,
# or all of it is quoted.
HIDDEN = re.compile(
    r"^(?P<indent>[ \t]*)option[ \t]+httpchk[ \t]+(?P<method>[A-Z]+)[ \t]+(?P<uri>[^\s\"']+)[ \t]+"
    r"(?:(?P<quote>[\"'])(?P<quoted>HTTP/[\d.]+(?:\\r\\n[^\"'\n]*))(?P=quote)"
    r"|(?P<bare>HTTP/[\d.]+\\r\\n(?:\\[ \t]|[^\s\"'#])*))[ \t]*(?:#[^\n]*)?$",
    re.M,
)
# Of processes there is one since 2.5: whoever asked for some asks for nothing now.
PROCESSES = re.compile(r"^[ \t]*(?:nbproc|bind-process|stats[ \t]+bind-process)\b[^\n]*\n?", re.M)
BIND = re.compile(r"^[ \t]*(?:bind|stats[ \t]+socket)\b[^\n#]*", re.M)
PROCESS = re.compile(r"[ \t]process[ \t]+[^\s#]+")


def in_todays_words(text: str) -> tuple[str, dict[str, str]]:
    """A configuration as later versions take it, and what stands in it now: former -> today's."""
    said: dict[str, str] = {}

    def sent(found: re.Match[str]) -> str:
        version, *headers = (found["quoted"] or found["bare"]).replace("\\ ", " ").split("\\r\\n")
        words = ["meth", found["method"], "uri", found["uri"], "ver", version]
        for header in filter(None, headers):
            name, _colon, value = header.partition(":")
            words += ["hdr", name.strip(), value.strip()]
        send = f"http-check send {shlex.join(words)}"
        said[found[0].strip()] = send
        return f"{found['indent']}option httpchk\n{found['indent']}{send}"

    def gone(found: re.Match[str]) -> str:
        said[found[0].strip()] = "#"
        return ""

    def on_bind(found: re.Match[str]) -> str:
        line = PROCESS.sub("", found[0])
        if line != found[0]:
            said[found[0].strip()] = line.strip()
        return line

    text = HIDDEN.sub(sent, text)
    return BIND.sub(on_bind, PROCESSES.sub(gone, text)), said
