"""The docker commands of a script, a Makefile or notes, as a shell would come to type them.

Assignments, functions, loops over words and conditions are followed as far as they stand there in
plain words; nothing is executed, and what is unknown stays as it is written. Of a condition both
branches are taken: a script that makes what is missing is read where nothing is there.

Shell: POSIX.1-2017, 2.2 to 2.9; make: the GNU manual, 6; lines that go on: `\\`, and ` or ^ of
Windows' shells.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

# What a person writes has less; what was made to keep a reader busy has more.
LONGEST_TEXT = 100_000  # characters
LONGEST_COMMAND = 10_000
LONGEST_VALUE = 500  # characters of a variable
MOST_STATEMENTS = 2_000  # that are followed, loops and functions written out
DEEPEST = 5  # functions that call one another

GOES_ON = re.compile(r"[ \t]+[`^]\n|\\\n")
# What stands before a command that somebody shows: a prompt, the number in a history, a bullet, and
# what make is told about a line.
SHOWN = re.compile(
    r"""\s*(?:
        (?:\[[^\]\n]{1,60}\]|[\w.-]{1,60}@[\w.-]{1,60}:?[^\s$\#>]{0,80}|[\w.-]{1,60}
            |PS[ ][^>\n]{0,80}|[A-Z]:[^>\n]{0,80})?
        [ ]?[$\#>%][ \t]+
      | \d{1,4}[.)]?[ \t]+
      | [-*+][ \t]+
      | [@-]{1,2}(?=[a-z])
    )*""",
    re.X,
)
IS_SCRIPT = re.compile(r"\.(sh|bash|zsh|ksh|mk)$|(^|/)(gnu)?makefile[^/]*$", re.I)
SPAN = re.compile(r"`((?:sudo )?docker[ -][^`\n]+)`")
ASSIGNED = re.compile(
    r"(?:(?:export|readonly|local|declare|typeset|set)[ \t]+(?:-\w+[ \t]+)*)?"
    r"([A-Za-z_]\w*)[ \t]*[:?+]?=[ \t]*(\([^()]*\)|\"[^\"`]*\"|'[^']*'|[^\s\"'`;&|()]*)\s*$"
)
NAMED = re.compile(
    r"'[^']*'|\"?\$\{(?P<array>\w+)\[[@*]\]\}\"?|\"?\$(?P<all>[@*])\"?"
    r"|\$(?:\{(?P<brace>\w+)(?::?-(?P<default>[^}]*))?\}|\((?P<make>\w+)\)|(?P<plain>[A-Za-z_]\w*|\d))"
)
POURED = re.compile(
    r"\\(?P<kept>[$`\\])|\$(?:\{(?P<brace>\w+)(?::?-(?P<default>[^}]*))?\}|(?P<plain>[A-Za-z_]\w*))"
)
HERE = re.compile(
    r"\"?\$\((?:pwd|dirname[^()\n]{0,200}|cd[^()\n]{0,200}(?:\([^()\n]{0,200}\)[^()\n]{0,200})?)\)\"?"
    r"|`pwd`|\$\{?PWD\}?|\$\{?HOME\}?"
    r"|(?<![\w/])~(?=/)"
)
FUNCTION = re.compile(
    r"(?:function[ \t]+([\w-]+)[ \t]*(?:\(\))?|([\w-]+)[ \t]*\(\))[ \t]*\{?(.*)", re.S
)
LOOP = re.compile(r"for[ \t]+(\w+)[ \t]+in[ \t]+(.+)", re.S)
# `cat > FILE <<EOF`, the same the other way round, and by tee.
WRITING = re.compile(
    r"[ \t]*(?:sudo[ \t]+)?(?:cat|tee)\b.*"
    r"<<(?P<tabs>-?)[ \t]*(?P<quote>[\"'\\]?)(?P<end>[A-Za-z_]\w*)"
)
MOST_WRITTEN = 20  # files of a script
WORDS_BEFORE = ("if", "elif", "then", "else", "while", "until", "do", "!", "{", "time", "exec",
                "sudo", "-E", "command", "nohup")  # fmt: skip
END = re.compile(r"[012&]?>")  # where the output goes is no argument


@dataclass
class _Reading:
    """What has been assigned and defined so far, and the commands that were come to."""

    values: dict[str, str] = field(default_factory=dict)
    functions: dict[str, list[str]] = field(default_factory=dict)
    called: set[str] = field(default_factory=set)
    found: list[list[str]] = field(default_factory=list)
    left: int = MOST_STATEMENTS

    def look_ahead(self, lines: Iterable[str]) -> None:
        """Know what is assigned further down, as make does."""
        for line in lines:
            assigned = ASSIGNED.fullmatch(line)
            if assigned and len(assigned[2]) <= LONGEST_VALUE:
                self.values.setdefault(assigned[1], assigned[2].strip("\"'"))

    def follow(self, statements: Sequence[str], given: Sequence[str] = (), depth: int = 0) -> None:
        """Follow statements; `given` are a function's arguments."""
        at = 0
        while at < len(statements) and self.left > 0:
            self.left -= 1
            text = _bare(statements[at])
            at += 1
            if defined := FUNCTION.fullmatch(text):
                body, at = _until("}", statements, at)
                begun = [defined[3].strip()] if defined[3].strip() else []
                self.functions[defined[1] or defined[2]] = [*begun, *body]
            elif loop := LOOP.fullmatch(text):
                body, at = _until("done", statements, at)
                for value in self.expanded(loop[2], given).split()[:10]:
                    self.values[loop[1]] = value.strip("\"'")
                    self.follow(body, given, depth)
            else:
                self._one(text, given, depth)

    def _one(self, text: str, given: Sequence[str], depth: int) -> None:
        if assigned := ASSIGNED.fullmatch(text):
            value = self.expanded(assigned[2], given)
            bare = value[1:-1] if value[:1] in ("(", "'", '"') else value
            if len(bare) <= LONGEST_VALUE:
                self.values[assigned[1]] = bare
            return
        try:
            words = shlex.split(self.expanded(text, given))
        except ValueError:
            return
        name = words[0] if words else ""
        if name in self.functions and depth < DEEPEST:
            self.called.add(name)
            self.follow(self.functions[name], words[1:], depth + 1)
        elif name in ("docker", "docker-compose"):
            self.found.append(_command(words))

    def poured(self, line: str) -> str:
        """A line of a here-document: its variables are put in, a backslash keeps a dollar."""

        def value(match: re.Match[str]) -> str:
            name = match["brace"] or match["plain"]
            if match["kept"]:
                return match["kept"]
            return self.values.get(name) or match["default"] or ""

        return POURED.sub(value, line) if len(line) <= LONGEST_COMMAND else line

    def expanded(self, text: str, given: Sequence[str]) -> str:
        """A text with what is known put in the place of its names."""

        def value(match: re.Match[str]) -> str:
            if match["all"]:
                return shlex.join(given)
            name = match["array"] or match["brace"] or match["make"] or match["plain"]
            if name is None:
                return match.group()
            if name.isdigit():
                at = int(name) - 1
                found = given[at] if 0 <= at < len(given) else match["default"]
            else:
                found = self.values.get(name, match["default"])
            return match.group() if found is None or len(found) > LONGEST_VALUE else found

        if len(text) > LONGEST_COMMAND:
            return text
        return NAMED.sub(value, text)


def written_files(text: str, here: str) -> dict[str, str]:
    """The files that a script writes from here-documents: path -> content (POSIX, 2.7.4).

    Variables are put in where the end is not quoted; what is not set is empty.
    """
    reading = _Reading()
    lines = text[:LONGEST_TEXT].replace("\r\n", "\n").split("\n")
    reading.look_ahead(line.strip() for line in lines)
    found: dict[str, str] = {}
    left = iter(lines)
    for line in left:
        begun = WRITING.match(line) if len(line) <= LONGEST_COMMAND else None
        if not begun or len(found) >= MOST_WRITTEN:
            continue
        content: list[str] = []
        for one in left:
            if one.strip("\t ") == begun["end"]:
                break
            content.append(one)
        path = _written_to(HERE.sub(lambda _one: here, reading.expanded(line, ())))
        if path:
            plain = [one.lstrip("\t") if begun["tabs"] else one for one in content]
            poured = plain if begun["quote"] else [reading.poured(one) for one in plain]
            found[path] = "".join(f"{one}\n" for one in poured)
    return found


def _written_to(line: str) -> str:
    """The file that `cat` or `tee` of a line writes to, "" for none."""
    rest = re.sub(r"<<-?[ \t]*[\"'\\]?\w+[\"']?|/dev/null", " ", line)
    behind = re.search(r"\btee\b(?:[ \t]+-a)?(.*)", rest) or re.search(r">>?[ \t]*(.*)", rest)
    names = re.findall(r"[\w./~${}-]*\w", behind[1]) if behind else []
    return names[0] if names else ""


def docker_commands(path: str, text: str, here: str) -> list[list[str]]:
    """Each docker command of a file that a shell would come to, as words.

    `here` stands for the folder that it is typed in. `docker-compose` is `docker compose`, and
    `docker container run` is `docker run`.
    """
    text = HERE.sub(lambda _one: here, GOES_ON.sub(" ", text[:LONGEST_TEXT].replace("\r\n", "\n")))
    is_script = bool(IS_SCRIPT.search(path)) or text.startswith("#!")
    lines = [line for line in text.split("\n") if len(line) <= LONGEST_COMMAND]
    statements = [one for line in lines for one in _statements(_shown(line, is_script))]
    reading = _Reading()
    reading.look_ahead(statements)
    reading.follow(statements)
    for name, body in list(reading.functions.items()):
        if name not in reading.called:  # it is what somebody is to type
            reading.follow(body)
    return reading.found


def _shown(line: str, is_script: bool) -> str:
    """A line without what notes show before it; in a script a # begins a comment."""
    if is_script and line.lstrip("\t @-").startswith("#"):
        return ""
    spans = SPAN.findall(line)
    return "; ".join(spans) if spans else line[_match_end(SHOWN, line) :].strip()


def _match_end(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.match(text)
    return found.end() if found else 0


def _statements(line: str) -> Iterator[str]:
    """The statements of a line: at ; & and | outside of quotes and of $( ); comments are cut."""
    begin, quote, depth = 0, "", 0
    for at, sign in enumerate(line):
        before = line[at - 1 : at]
        if quote:
            quote = "" if sign == quote and before != "\\" else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "(" and (before == "$" or depth):
            depth += 1
        elif sign == ")" and depth:
            depth -= 1
        elif sign == "#" and before in ("", " ", "\t") and not depth:
            line = line[:at]
            break
        elif sign in ";&|" and not depth and before != ">" and line[at + 1 : at + 2] != ">":
            yield line[begin:at].strip()
            begin = at + 1
    if line[begin:].strip():
        yield line[begin:].strip()


def _bare(statement: str) -> str:
    """A statement without the words of the shell's that may stand before a command."""
    words = statement.split(None, 1)
    while len(words) == 2 and words[0] in WORDS_BEFORE:
        statement = words[1]
        words = statement.split(None, 1)
    return statement


def _until(end: str, statements: Sequence[str], at: int) -> tuple[list[str], int]:
    """The statements from a place on up to that which ends a function or loop, the place behind."""
    depth = 0
    for place in range(at, len(statements)):
        first = (statements[place].split(None, 1) or [""])[0]
        if first == end and depth == 0:
            return list(statements[at:place]), place + 1
        depth += (end == "done" and first == "for") - (first == end)
    return list(statements[at:]), len(statements)


def _command(words: Sequence[str]) -> list[str]:
    """The words of a docker command in the form that is usual now, without its redirections."""
    kept: list[str] = []
    for word in words:
        if END.match(word):
            break
        kept.append(word)
    if kept[:1] == ["docker-compose"]:
        kept[:1] = ["docker", "compose"]
    if kept[1:2] == ["container"]:
        del kept[1]
    return kept
