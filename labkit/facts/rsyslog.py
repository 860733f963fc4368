"""A file of rsyslog.d read as rsyslog reads it: what in it is not known to be harmless.

Both of its languages: the old one (`$Directive value`, `selector action`) and RainerScript
(`object(name="value")`, `if ... then`). Sources: rsyslog's manual 8.2504, configuration/basic
structure, actions, modules. What receives HAProxy's log and writes files below /var/log is allowed;
programs, pipes, databases, other files, and what fetches further configuration are not.
"""

from __future__ import annotations

import posixpath
import re

LONGEST_SHOWN = 60
# Old directives -> what their value may be.
DIRECTIVES = {
    "actionfiledefaulttemplate": r"RSYSLOG_\w+",
    "actionfileenablesync": r"on|off",
    "createdirs": r"on|off",
    "allowedsender": r".*",
    "dircreatemode": r"[0-7]+",
    "dirgroup": r"[\w-]+",
    "dirowner": r"[\w-]+",
    "filecreatemode": r"0?[0-6]{3}",
    "filegroup": r"[\w-]+",
    "fileowner": r"[\w-]+",
    "escapecontrolcharactersonreceive": r"on|off",
    "imuxsockratelimitburst": r"\d+",
    "imuxsockratelimitinterval": r"\d+",
    "inputudpserverbindruleset": r"[\w.-]+",
    "inputtcpserverbindruleset": r"[\w.-]+",
    "inputtcpserverrun": r"\d+",
    "klogpermitnonkernelfacility": r"on|off",
    "maxmessagesize": r"\d+[km]?",
    "modload": r"im(udp|p?tcp|uxsock|klog)(\.so)?",
    "preservefqdn": r"on|off",
    "repeatedmsgreduction": r"on|off",
    "resetconfigvariables": r"",
    "ruleset": r"[\w.-]+",
    "systemlogratelimitburst": r"\d+",
    "systemlogratelimitinterval": r"\d+",
    "template": r'[\w.-]+\s*,\s*"(?:[^"\\]|\\[\\"nt])*"\s*',
    "udpserveraddress": r"[\w.:*-]+",
    "udpserverrun": r"\d+",
    "udpservertimerequery": r"\d+",
    "umask": r"0?[0-7]{3}",
    "addunixlistensocket": r"/var/lib/haproxy/dev/log|/run/haproxy/[\w-]+(/[\w-]+)*",
}
# Objects of RainerScript -> their parameters, and what each may be.
ANY = r"(?s).*"
WORD = r"[\w.:*-]*"
OBJECTS: dict[str, dict[str, str]] = {
    "module": {"load": r"im(udp|p?tcp|uxsock|klog)(\.so)?", "timerequery": r"\d+",
               "threads": r"\d+", "syssock.use": WORD,
               "syssock.name": r"/dev/log|/run/systemd/journal/syslog",
               "sysock.ratelimit.interval": WORD, "batchsize": r"\d+", "maxsessions": r"\d+",
               "keepalive": WORD},
    "input": {"type": r"im(udp|p?tcp|uxsock)", "address": WORD, "port": r"\d+", "ruleset": WORD,
              "name": ANY, "name.appendport": WORD, "rcvbufsize": r"\d+[kmg]?",
              "ratelimit.interval": WORD,
              "ratelimit.burst": WORD, "device": WORD, "ipfreebind": WORD, "createpath": WORD,
              "socket": r"/var/lib/haproxy/dev/log|/run/haproxy/[\w-]+(/[\w-]+)*",
              "usesyspidfile": WORD, "hostname": WORD, "unlink": WORD},
    "ruleset": {"name": ANY, "queue.type": WORD, "queue.size": r"\d+"},
    "action": {"type": "omfile", "file": ANY, "template": WORD, "name": ANY, "sync": WORD,
               "filecreatemode": r"0?[0-6]{3}", "dircreatemode": r"0?[0-7]{3}",
               "fileowner": r"[\w-]+", "filegroup": r"[\w-]+", "dirowner": r"[\w-]+",
               "dirgroup": r"[\w-]+", "createdirs": WORD, "asyncwriting": WORD,
               "flushontxend": WORD, "flushinterval": WORD, "iobuffersize": WORD,
               "failonchownfailure": WORD, "queue.type": WORD, "queue.size": r"\d+",
               "queue.workerthreads": r"\d+", "queue.dequeuebatchsize": r"\d+",
               "action.resumeretrycount": r"-?\d+", "action.resumeinterval": r"\d+"},
    "template": {"name": ANY, "type": "string|list", "string": ANY, "option.sql": WORD},
    "property": {"name": ANY, "position.from": WORD, "position.to": WORD, "dateformat": WORD,
                 "droplastlf": WORD, "spifno1stsp": WORD, "format": WORD, "controlcharacters": WORD,
                 "outname": WORD, "caseconversion": WORD},
    "constant": {"value": ANY, "outname": WORD},
}  # fmt: skip
INNER = ("property", "constant")  # of a template of type list
FUNCTIONS = ("re_match", "re_match_i", "re_extract", "tolower", "toupper", "cstr", "cnum", "strlen",
             "field", "ltrim", "rtrim", "prifilt", "not", "and", "or", "if")  # fmt: skip
SELECTOR = re.compile(
    r"(?P<selector>[!=*\w,]+\.[!=*\w]+(?:;[!=*\w,]+\.[!=*\w]+)*|&|"
    r':[\w!.$-]+[ \t]*,[ \t]*!?\w+[ \t]*,[ \t]*"(?:[^"\\\n]|\\[\\"])*")[ \t]*'
)
OBJECT = re.compile(r"([A-Za-z_]+)\s*\(")
PARAMETER = re.compile(r'\s*,?\s*([\w.]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\')')
# Several ports in an array; no other parameter of ours is one.
PORTS = re.compile(r'\s*,?\s*port\s*=\s*\[(?:\s*"\d+"\s*,?)+\s*\]', re.I)
ESCAPE = re.compile(r"\\(.)", re.S)
FILE = re.compile(r"(-?)(/[^\s;{}()]*)(?:;([\w.-]+))?(?=[\s}]|$)")
CONDITION = re.compile(r'(?:"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|[^"\'])*?\bthen\b')
CONTINUED = re.compile(r"\\\n\s*")
IN_SELECTOR = re.compile(r"(?<=[;,])\\\n[ \t]*")  # Debian's own is written so
STOP = re.compile(r"(?:stop|~|continue|call[ \t]+[\w.-]+)(?=[\s}]|$)")
# What a whole rsyslog.conf says beside: Debian's own and el9's, which are on the machine already.
# Read once more from rsyslog.d, its include would have no end.
INCLUDES = re.compile(
    r"^[ \t]*(?:\$IncludeConfig[ \t]+|include\s*\(\s*file\s*=\s*[\"'])/etc/rsyslog\.d/",
    re.M | re.I,
)
OF_THE_SYSTEM = re.compile(
    r"""^[ \t]*(?:
        (?:global|main_queue|include)\s*\([^)]*\)
      | module\s*\(\s*load\s*=\s*["'](?:builtin:\w+|im(?:journal|klog|mark|uxsock))["'][^)]*\)
      | \$(?:IncludeConfig|WorkDirectory|PrivDrop\w+|ActionFileDefaultTemplate|OmitLocalLogging
            |IMJournal\w+|MarkMessagePeriod|ModLoad[ \t]+im(?:journal|klog|mark|uxsock))\b[^\n]*
      | [^\n#]*[ \t]:omusrmsg:[^\n]*
    )""",
    re.M | re.I | re.X,
)


# $outchannel NAME,FILE,SIZE,COMMAND: a file, and what is run when it is as large as that
# (configuration/output_channels).
CHANNEL = re.compile(r"^[ \t]*\$outchannel[ \t]+([\w-]+)[ \t]*,[ \t]*([^\s,]+)[^\n]*$", re.M | re.I)


class RefusedError(ValueError):
    """What is not known to be harmless; nothing behind it is read."""


def refused(text: str) -> list[str]:
    """The first thing that a file says and that is not known to be harmless; nothing if all is."""
    try:
        _statements(CONTINUED.sub(" ", IN_SELECTOR.sub("", text.replace("\r\n", "\n"))))
    except RefusedError as refusal:
        return [str(refusal)]
    return []


def is_whole(text: str) -> bool:
    """Whether it is the system's own rsyslog.conf, changed, and not a file of rsyslog.d."""
    return bool(INCLUDES.search(text))


def beside_the_systems(text: str) -> str:
    """A whole rsyslog.conf as a file of rsyslog.d: without what the system's own says already.

    Nor comments: el9's own stand within its modules' parentheses, and have some themselves.
    """
    return OF_THE_SYSTEM.sub("", without_comments(text))


def without_channels(text: str) -> str:
    """The text with the files of its output channels in their place; no command is run for them."""
    channels = dict(CHANNEL.findall(text))
    for name, file in channels.items():
        action = rf"(?<=\s)(?::omfile:)?\${re.escape(name)}(?=[\s;]|$)"
        text = re.sub(action, lambda _one, file=file: file, text)  # type: ignore[misc]
    return CHANNEL.sub("", text)


def without_comments(text: str) -> str:
    """The text without what stands behind a # that begins a word."""
    return re.sub(r"(^|\s)#.*", r"\1", text)


def may_be_written(path: str) -> bool:
    """Whether it is a file below /var/log, whatever the message."""
    plain = re.fullmatch(r"/var/log/[\w][\w./-]*", path)
    return bool(plain) and posixpath.normpath(path) == path


def _statements(text: str, at: int = 0) -> None:
    """Read statements to the end; blocks are read where they stand, as their statements."""
    depth = 0
    while True:
        at = _blank(text, at)
        if at >= len(text):
            return
        sign = text[at]
        if sign == "{":
            depth, at = depth + 1, at + 1
        elif sign == "}":
            if depth == 0:
                _refuse(text, at)
            depth, at = depth - 1, at + 1
        else:
            at = _statement(text, at)


def _statement(text: str, at: int) -> int:
    """Read one statement, and return where the next one may begin."""
    if text[at] == "$":
        return _directive(text, at)
    if found := STOP.match(text, at):
        return found.end()
    if re.compile(r"else\b").match(text, at):
        return at + len("else")
    if re.compile(r"if\b").match(text, at):
        return _condition(text, at)
    if found := SELECTOR.match(text, at):
        return _action_behind(text, found.end())
    if found := FILE.match(text, at):
        return _file(found)
    if found := OBJECT.match(text, at):
        return _object(text, found)
    return _refuse(text, at)


def _action_behind(text: str, at: int) -> int:
    """What stands behind a selector: a file, a stop, an object, or a block on the same line."""
    if text[at : at + 1] == "{":
        return at
    if found := STOP.match(text, at) or FILE.match(text, at):
        return found.end() if found.re is STOP else _file(found)
    if found := OBJECT.match(text, at):
        return _object(text, found)
    return _refuse(text, at)


def _file(found: re.Match[str]) -> int:
    if not may_be_written(found.group(2)):
        raise RefusedError(found.group().strip()[:LONGEST_SHOWN])
    return found.end()


def _directive(text: str, at: int) -> int:
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    line = text[at:end]
    name, value = (*line[1:].strip().split(None, 1), "", "")[:2]
    value = value.strip()
    if name.lower() != "template":
        value = re.sub(r"\s+#.*", "", value)
    allowed = DIRECTIVES.get(name.lower())
    if allowed is None or not re.fullmatch(allowed, value, re.I):
        _refuse(text, at)
    return end


def _condition(text: str, at: int) -> int:
    found = CONDITION.match(text, at)
    if not found:
        return _refuse(text, at)
    bare = re.sub(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'', '""', found.group())
    for name in re.findall(r"([A-Za-z_]\w*)\s*\(", bare):
        if name.lower() not in FUNCTIONS:
            raise RefusedError(name)
    if "`" in bare or re.search(r"[{};]", bare):
        _refuse(text, at)
    return found.end()


def _object(text: str, found: re.Match[str], *, inner: bool = False) -> int:
    """Read an object with its parameters; the block behind a list template is read with it."""
    name = found.group(1).lower()
    rules = OBJECTS.get(name)
    if rules is None or (name in INNER) is not inner:
        raise RefusedError(found.group(1))
    at = found.end()
    given: dict[str, str] = {}
    while True:
        if name == "input" and "port" not in given and (ports := PORTS.match(text, at)):
            given["port"], at = ports.group(), ports.end()
            continue
        parameter = PARAMETER.match(text, at)
        if not parameter:
            break
        key = parameter.group(1).lower()
        value = parameter.group(2) if parameter.group(2) is not None else parameter.group(3)
        if key not in rules or key in given or not re.fullmatch(rules[key], value, re.I):
            raise RefusedError(f"{found.group(1)}({parameter.group().strip(' ,')[:LONGEST_SHOWN]})")
        for escaped in ESCAPE.findall(value):
            if escaped not in "\\\"'nt$":
                raise RefusedError(parameter.group().strip(" ,")[:LONGEST_SHOWN])
        given[key] = value
        at = parameter.end()
    at = _blank(text, at)
    if text[at : at + 1] != ")":
        _refuse(text, found.start())
    at += 1
    if name == "action" and not ("type" in given and may_be_written(given.get("file", ""))):
        raise RefusedError(f"action(file={given.get('file', '')!r})"[:LONGEST_SHOWN])
    if name in ("module", "input") and not {"load", "type"} & set(given):
        _refuse(text, found.start())
    if name == "template" and given.get("type") == "list":
        return _list(text, at)
    return at


def _list(text: str, at: int) -> int:
    """The block of properties and constants of a template of type list."""
    at = _blank(text, at)
    if text[at : at + 1] != "{":
        return _refuse(text, at)
    at = _blank(text, at + 1)
    while found := OBJECT.match(text, at):
        at = _blank(text, _object(text, found, inner=True))
    return at + 1 if text[at : at + 1] == "}" else _refuse(text, at)


COMMENT = re.compile(r"(?:\s+|#[^\n]*|/\*.*?\*/)*", re.S)


def _blank(text: str, at: int) -> int:
    """Where the next thing begins that is neither blank nor a comment."""
    found = COMMENT.match(text, at)
    return found.end() if found else at


def _refuse(text: str, at: int) -> int:
    raise RefusedError(text[at:].partition("\n")[0].strip()[:LONGEST_SHOWN] or "}")
