"""The docker commands of a script, a Makefile or notes, as a shell would come to type them.

Assignments, functions, loops over words and conditions are followed as far as they stand there in
plain words; nothing is executed, and what is unknown stays as it is written. Of a condition both
branches are taken: a script that makes what is missing is read where nothing is there.

Shell: POSIX.1-2017, 2.2 to 2.9; just: its manual, "Strings" and "Variables and Substitution"; lines
that go on: `\\`, and ` or ^ of Windows' shells, whose variables are %NAME% and $Name. What is no
shell's text, a Makefile among them, is made its lines first (labkit.facts.notations).
"""

from __future__ import annotations

import itertools
import re
import shlex
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from labkit.facts.notations import IS_MAKE, LONGEST_VALUE, OF_A_SHELL, as_lines

# What a person writes has less; what was made to keep a reader busy has more.
LONGEST_TEXT = 100_000  # characters
LONGEST_COMMAND = 10_000
MOST_STATEMENTS = 2_000  # that are followed, loops and functions written out
DEEPEST = 5  # functions that call one another

# Longer than anybody indents; to look for what stands behind one takes the square of its length.
LONG_BLANK = re.compile(r"[ \t]{100,}")
GOES_ON = re.compile(r"[ \t]+[`^]\n|\\\n")
# In notes a blank behind the backslash is seen by nobody, and the shell's second prompt is copied.
GOES_ON_IN_NOTES = re.compile(r"(?:[ \t]+[`^]|\\[ \t]*)\n(?:[ \t]*>{1,2}[ \t]+)?")
# What a word processor makes of -d, --name and quotation marks; blanks and elements of a page.
TYPESET = ((re.compile("\u00a0"), " "),
           (re.compile(r"</?(?:code|pre|kbd|strong|b|em|i|p|li|td|span|br)\b[^<>\n]{0,200}>"), ""),
           (re.compile(r"(?<=[ \t])[\u2013\u2014](?=[a-zA-Z]\b)"), "-"),
           (re.compile(r"(?<=[ \t])[\u2013\u2014](?=[a-z])"), "--"),
           (re.compile(r"[\u201c\u201d\u201e]"), '"'))  # fmt: skip
# What stands before a command that somebody shows: a prompt, number and time in a history, a
# bullet, and what make is told about a line.
SHOWN = re.compile(
    r"""\s*(?:
        (?:\[[^\]\n]{1,60}\]|[\w.-]{1,60}@[\w.-]{1,60}:?[^\s$\#>]{0,80}|[\w.-]{1,60}
            |PS[ ][^>\n]{0,80}|[A-Z]:[^>\n]{0,80})?
        [ ]?[$\#>%][ \t]+
      | \d{1,4}[.)]?[ \t]+(?:\d{1,4}[/-]\d{1,2}[/-]\d{1,4}[ T]\d{1,2}:\d{2}(?::\d{2})?[ \t]+)?
      | [-*+][ \t]+
      | [=-]?>[ \t]*(?=(?:sudo[ ])?docker[ ])
      | [*_]{1,3}(?=(?:sudo[ ])?docker[ ])
      | [@-]{1,2}(?=[a-z])
    )*""",
    re.X,
)
EMPHASIS_ENDS = re.compile(r"(?<=[^\s*_])(?:\*{1,3}|_{1,3})$")
# What notes say before a command on the same line, with a colon between.
SAYS = re.compile(
    r"[^`:$\n]{1,200}:[ \t]*(?=(?:sudo[ \t]+)?docker[ \t]+"
    r"(?:(?:container[ \t]+)?run[ \t]+-|(?:network|volume)[ \t]+(?:create|connect)[ \t]))"
)
IS_SCRIPT = re.compile(rf"\.(sh|bash|zsh|ksh)$|{IS_MAKE.pattern}", re.I)
# What begins a section of notes: in Markdown, AsciiDoc, LaTeX and HTML; a line in bold letters.
HEADING = re.compile(
    r" {0,3}(?:#{1,6}[ \t]|={1,6}[ \t]|\*\*(?=\S)|\\(?:sub)*section\*?\{"
    r"|</?(?:summary|details|h[1-6])\b[^>\n]{0,80}>)([^\n]{0,200})"
)
FAILED = re.compile(
    r"\b(?:a|ai|ont) pas (?:march|fonctionn|abouti)|\b(?:marche|fonctionne)(?:nt)? pas\b"
    r"|[ée]chou|[ée]checs?\b|\brat[ée]{1,2}s?\b|abandonn|failed|failures?\b|failing\b"
    r"|\b(?:did|does|do)(?:n't|n\u2019t| not) work",
    re.I,
)
SPAN = re.compile(r"`((?:sudo )?docker[ -][^`\n]+)`")
ASSIGNED = re.compile(
    r"(?:(?:export|readonly|local|declare|typeset|set)[ \t]+(?:-\w+[ \t]+)*)?"
    r"\$?([A-Za-z_]\w*)[ \t]*(?P<more>\+?):?\??=[ \t]*"
    r"(?P<value>\([^()]*\)|\"[^\"`]*\"|'[^']*'|[^\s\"'`;&|()]*)\s*$"
)
# A list of words over several lines, NAME=(.
ARRAY = re.compile(r"^[ \t]*(?:[a-z]+[ \t]+(?:-\w+[ \t]+)*)?\w+\+?=\([^()`]{0,2000}\)", re.M)
# Several in one statement.
ASSIGNMENT = re.compile(r"(?<!\S)[A-Za-z_]\w*\+?=(?:\"[^\"`]*\"|'[^']*'|[^\s\"'`;&|()])*+(?!\S)")
ONLY_ASSIGNMENTS = re.compile(
    rf"(?:(?:export|readonly|local|declare|typeset)\s+(?:-\w+\s+)*)?(?:{ASSIGNMENT.pattern}\s*)++"
)
NAMED = re.compile(
    r"'[^']*'|\"?\$\{(?P<array>\w+)\[[@*]\]\}\"?|\"?\$(?P<all>[@*])\"?"
    r"|\$(?:\{(?P<brace>\w+)(?::?-(?P<default>[^}]*))?\}|\((?P<make>\w+)\)|(?P<plain>[A-Za-z_]\w*|\d))"
    r"|\{\{[ \t]*(?P<just>\w+)[ \t]*\}\}|%(?P<batch>\w+)%"
)
POURED = re.compile(
    r"\\(?P<kept>[$`\\])|(?P<told>\$\([^()\n]*\)|`[^`\n]*`)"
    r"|\$(?:\{(?P<brace>\w+)(?::?-(?P<default>[^}]*))?\}|(?P<plain>[A-Za-z_]\w*))"
)
HERE = re.compile(
    r"\$[({]CURDIR[)}]|\"?\$\((?:pwd|dirname[^()\n]{0,200}|cd[^()\n]{0,200}(?:\([^()\n]{0,200}\)[^()\n]{0,200})?)\)\"?"
    r"|`pwd`|\$\{?PWD\}?|\$\{?HOME\}?"
    r"|(?<![\w/])~(?=/)"
)
FUNCTION = re.compile(
    r"(?:function[ \t]+([\w-]+)[ \t]*(?:\(\))?|([\w-]+)[ \t]*\(\))[ \t]*\{?(.*)", re.S
)
# What begins a function, or what is done in one case of several; a brace ends either.
BLOCK = re.compile(
    r"^(?:[ \t]*function[ \t]+([\w-]+)|[ \t]*([\w-]+)[ \t]*\(\)|[ \t]*([\w-]+)\)|\})", re.M
)
LOOP = re.compile(r"for[ \t]+(\w+)[ \t]+in[ \t]+(.+)", re.S)
# `cat > FILE <<EOF`, the same the other way round, by tee, and told to another machine or shell.
WRITING = re.compile(
    r"[ \t]*(?:(?:sudo|ssh|bash|sh|vagrant)\b[^#\n<]*?[ \t\"'])?(?:cat|tee)\b.*"
    r"<<(?P<tabs>-?)[ \t]*(?P<quote>[\"'\\]?)(?P<end>[A-Za-z_]\w*)"
)
# `echo "TEXT" > FILE`, over several lines as well, and its way by tee; without quotes on one line.
SAYING = re.compile(
    r"^[ \t]*(?:sudo[ \t]+)?(?P<word>echo|printf)[ \t]+(?P<options>(?:-[neE]+[ \t]+)*)"
    r"(?:\"(?P<loose>(?:[^\"\\]|\\.){0,20000})\"|'(?P<tight>[^']{0,20000})'"
    r"|(?P<bare>[^\"'`$|<>;&\n]{1,500}?))"
    r"[ \t]*(?P<way>\|[ \t]*(?:sudo[ \t]+)?tee\b[^\n]*|>[^\n]*)$",
    re.M | re.S,
)
SAID = re.compile(r"\.(?!log$|out$|pid$|tmp$|txt$)[a-z]{2,5}$|(?:^|/)dockerfile[^/]*$", re.I)
MOST_SAID = 200  # that are looked at
ADDS = re.compile(r">>|\btee[ \t]+(?:-a|--append)\b")
MOST_WRITTEN = 20  # files of a script
LOADS_DOTENV = re.compile(r"^set dotenv-load\b", re.M)  # a justfile's
WORDS_BEFORE = ("if", "elif", "then", "else", "while", "until", "do", "!", "{", "time", "exec",
                "sudo", "-E", "command", "nohup")  # fmt: skip
END = re.compile(r"[012&]?>")  # where the output goes is no argument
# A file whose assignments count here, too: by a shell, by make, as `export $(cat .env | xargs)`.
READ_IN = re.compile(
    r"(?:source|\.|-?include)[ \t]+[\"']?(?P<name>[^\s\"']+)[\"']?(?:[ \t].*)?"
    r"|export[ \t]+\$\([^)]*?(?P<listed>[\w./-]*\.env[\w.-]*)[^)]*\)"
)
QUOTES = ("'", '"')
SHELLS = ("sh", "bash", "dash", "zsh")
SSH_WITH_VALUE = "BbcDEeFIiJLlmOopQRSWw"  # its options that have one (ssh(1))


def _nothing(_name: str) -> str:
    return ""


@dataclass
class _Reading:
    """What has been assigned and defined so far, and the commands that were come to."""

    values: dict[str, str] = field(default_factory=dict)
    functions: dict[str, list[str]] = field(default_factory=dict)
    called: set[str] = field(default_factory=set)
    found: list[list[str]] = field(default_factory=list)
    left: int = MOST_STATEMENTS
    beside: Callable[[str], str] = _nothing  # the text of a file that a script reads in

    def look_ahead(self, lines: Iterable[str]) -> None:
        """Know what is assigned further down, as make does."""
        for line in lines:
            assigned = ASSIGNED.fullmatch(line)
            if assigned and not assigned["more"] and len(assigned["value"]) <= LONGEST_VALUE:
                self.values.setdefault(assigned[1], assigned["value"].strip("\"'"))

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
            self._assign(assigned, given)
            return
        if several := _assignments(text):
            for one in several:
                self._assign(one, given)
            return
        if (read := READ_IN.fullmatch(text)) and depth < DEEPEST:
            named = self.expanded(read["name"] or read["listed"], given)
            self.follow(list(_lines(self.beside(named))), given, depth + 1)
            return
        try:
            words = shlex.split(self.expanded(text, given))
        except ValueError:
            return
        while words and words[0] in WORDS_BEFORE:  # by a variable: $SUDO
            words.pop(0)
        name = words[0] if words else ""
        if name in self.functions and depth < DEEPEST:
            self.called.add(name)
            self.follow(self.functions[name], words[1:], depth + 1)
        elif name.rpartition("/")[2] in ("docker", "docker-compose"):
            self.found.append(_command(words))
        elif (told := _told_to_another(words)) and depth < DEEPEST:
            self.follow(list(_lines(told)), given, depth + 1)

    def _assign(self, assigned: re.Match[str], given: Sequence[str]) -> None:
        value = self.expanded(assigned["value"], given)
        bare = value[1:-1] if value[:1] in ("(", "'", '"') else value
        if assigned["more"] and (before := self.values.get(assigned[1])):
            bare = f"{before}{'' if value[:1] in QUOTES else ' '}{bare}"
        if len(bare) <= LONGEST_VALUE:
            self.values[assigned[1]] = bare

    def poured(self, line: str) -> str:
        """A line of a here-document: its variables are put in, a backslash keeps a dollar."""

        def value(match: re.Match[str]) -> str:
            name = match["brace"] or match["plain"]
            if match["kept"]:
                return match["kept"]
            if match["told"]:  # what a command says, nobody knows here
                return ""
            return self.values.get(name) or match["default"] or ""

        return POURED.sub(value, line) if len(line) <= LONGEST_COMMAND else line

    def expanded(self, text: str, given: Sequence[str]) -> str:
        """A text with what is known put in the place of its names."""

        def value(match: re.Match[str]) -> str:
            if match["all"]:
                return shlex.join(given)
            kinds = ("array", "brace", "make", "plain", "just", "batch")
            name = next(filter(None, map(match.group, kinds)), None)
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


def written_files(
    text: str, here: str, is_elsewhere: Callable[[str], object] = _nothing
) -> dict[str, str]:
    """The files that a script writes from here-documents: path -> content (POSIX, 2.7.4).

    From `echo` and `printf`, too, where the name is that of a file that somebody hands in.
    Variables are put in where the end is not quoted; what is not set is empty. What is added to a
    file that the script has not written stands alone. `is_elsewhere` tells by the name of a
    function or of a `case` that what it writes is another machine's, if there is such a file.
    """
    reading = _Reading()
    text = LONG_BLANK.sub(" ", text[:LONGEST_TEXT].replace("\r\n", "\n"))
    lines = text.split("\n")
    reading.look_ahead(line.strip() for line in lines)
    written = sorted([*_poured(lines, reading), *_said(text, reading)])
    found: dict[str, str] = {}
    begun = list(BLOCK.finditer(text))
    places = [one.start() for one in begun]
    for at, line, content in written:
        path = _written_to(HERE.sub(lambda _one: here, reading.expanded(line, ())))
        if path in found and (behind := bisect_left(places, at)):
            around = begun[behind - 1]
            if is_elsewhere(around[1] or around[2] or around[3] or ""):
                continue
        if path and (path in found or len(found) < MOST_WRITTEN):
            adds = ADDS.search(line)
            found[path] = (found.get(path, "") if adds else "") + content
    return found


def _poured(lines: Sequence[str], reading: _Reading) -> Iterator[tuple[int, str, str]]:
    """Each here-document that is written: its place in the text, its command and its content."""
    left = iter(lines)
    at = 0
    for line in left:
        place, at = at, at + len(line) + 1
        begun = WRITING.match(line) if len(line) <= LONGEST_COMMAND else None
        if not begun:
            continue
        content: list[str] = []
        for one in left:
            at += len(one) + 1
            if one.strip("\t ").rstrip("\"'") == begun["end"]:
                break
            content.append(one.lstrip("\t") if begun["tabs"] else one)
        poured = content if begun["quote"] else map(reading.poured, content)
        yield place, line, "".join(f"{one}\n" for one in poured)


def _said(text: str, reading: _Reading) -> Iterator[tuple[int, str, str]]:
    """The same of what `echo` and `printf` write to files."""
    for said in itertools.islice(SAYING.finditer(text), MOST_SAID):
        if not SAID.search(_written_to(said["way"])):
            continue
        content = said["tight"] or said["bare"] or ""
        if said["loose"] is not None:
            content = "\n".join(map(reading.poured, said["loose"].replace('\\"', '"').split("\n")))
        if said["word"] == "printf" or "e" in said["options"]:
            content = content.replace("\\n", "\n").replace("\\t", "\t")
        ends = "" if said["word"] == "printf" or "n" in said["options"] else "\n"
        if said["word"] == "echo" or "%" not in content:
            yield said.start(), said["way"], content + ends


def _written_to(line: str) -> str:
    """The file that `cat` or `tee` of a line writes to, "" for none."""
    rest = re.sub(r"<<-?[ \t]*[\"'\\]?\w+[\"']?|/dev/null", " ", line)
    behind = re.search(r"\btee\b(?:[ \t]+(?:-a|--append))?(.*)", rest) or re.search(
        r">>?[ \t]*(.*)", rest
    )
    names = re.findall(r"[\w./~${}-]*\w", behind[1]) if behind else []
    return names[0] if names else ""


def docker_commands(
    path: str, text: str, here: str, beside: Callable[[str], str] = _nothing
) -> list[list[str]]:
    """Each docker command of a file that a shell would come to, as words.

    `here` stands for the folder that it is typed in. `beside` gives the text of a file that a
    script reads in (`. ./.env`), "" for none. `docker-compose` is `docker compose`, and `docker
    container run` is `docker run`.
    """
    text = LONG_BLANK.sub(" ", text[:LONGEST_TEXT].replace("\r\n", "\n"))
    is_script = bool(IS_SCRIPT.search(path) or OF_A_SHELL.search(path)) or text.startswith("#!")
    if not is_script:
        for typeset, typed in TYPESET:
            text = typeset.sub(typed, text)
    goes_on = GOES_ON if is_script else GOES_ON_IN_NOTES
    text = HERE.sub(lambda _one: here, goes_on.sub(" ", as_lines(path, text)))
    if is_script:
        text = ARRAY.sub(lambda one: re.sub(r"[ \t]*(?:#.*)?\n[ \t]*", " ", one[0]), text)
    else:
        text = _without_failures(text)
    lines = [one for one in text.split("\n") if len(one) <= LONGEST_COMMAND and one.strip()]
    statements = [one for line in lines for one in _statements(_shown(line, is_script))]
    reading = _Reading(beside=beside)
    reading.look_ahead(statements)
    if LOADS_DOTENV.search(text):
        reading.follow(list(_lines(beside(".env"))))
    reading.follow(statements)
    for name, body in list(reading.functions.items()):
        if name not in reading.called:  # it is what somebody is to type
            reading.follow(body)
    return reading.found


def _without_failures(text: str) -> str:
    """Notes without the sections that say of themselves that it did not work."""
    kept, is_left_out, fence = list[str](), False, ""
    for line in text.split("\n"):
        if mark := re.match(r"[ \t]*(```|~~~)", line):
            fence = "" if fence == mark[1] else fence or mark[1]
        elif not fence and (heading := HEADING.match(line)):
            is_left_out = FAILED.search(heading[1]) is not None
        if not is_left_out:
            kept.append(line)
    return "\n".join(kept)


def _lines(text: str) -> Iterator[str]:
    """The statements of a text that is a shell's."""
    for line in text[:LONGEST_TEXT].replace("\r\n", "\n").split("\n"):
        if len(line) <= LONGEST_COMMAND:
            yield from _statements(line)


def _assignments(statement: str) -> list[re.Match[str]]:
    """Those of a statement that is nothing but several of them: `readonly HOST=there PORT=80`."""
    words = ASSIGNMENT.findall(statement) if len(statement) <= LONGEST_COMMAND else []
    if len(words) < 2 or ONLY_ASSIGNMENTS.fullmatch(statement) is None:
        return []
    return [one for word in words if (one := ASSIGNED.fullmatch(word))]


def _told_to_another(words: Sequence[str]) -> str:
    """What ssh, `vagrant ssh` or a shell is told to do, as one text; "" for none."""
    if words[:1] == ["ssh"]:
        left = list(words[1:])
        while left and left[0].startswith("-"):
            option = left.pop(0)
            if option[1:2] in SSH_WITH_VALUE and len(option) == 2:
                del left[:1]
        return " ".join(left[1:])
    by_command = ("-c", "--command") if words[:2] == ["vagrant", "ssh"] else ("-c", "-lc", "-ec")
    if words[:2] != ["vagrant", "ssh"] and words[:1] not in [[shell] for shell in SHELLS]:
        return ""
    told = (after for word, after in itertools.pairwise(words) if word in by_command)
    return next(told, "")


def _shown(line: str, is_script: bool) -> str:
    """A line without what notes show before it; in a script a # begins a comment."""
    if is_script and line.lstrip("\t @-").startswith("#"):
        return ""
    spans = SPAN.findall(line)
    if spans:
        said = "; ".join(spans)  # in a table \\| stands for | (GitHub's Markdown, 4.10)
        return said.replace("\\|", "|") if line.lstrip().startswith("|") else said
    before = SAYS if not is_script and SAYS.match(line) else SHOWN
    shown = line[_match_end(before, line) :].strip()
    return shown if is_script else EMPHASIS_ENDS.sub("", shown)


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
    kept = [words[0].rpartition("/")[2]]
    for word in words[1:]:
        if END.match(word):
            break
        kept.append(word)
    if kept[:1] == ["docker-compose"]:
        kept[:1] = ["docker", "compose"]
    if kept[1:2] == ["container"]:
        del kept[1]
    return kept
