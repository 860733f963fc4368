"""haproxy.cfg read as HAProxy reads it: what in it is not known to be harmless.

Words, quotes and escapes: configuration manual 3.0, section 2.2 and 2.3. Sections and keywords:
sections 3 and 4. What is allowed is listed; what starts programs, loads code, or takes hold of
files and sockets beyond HAProxy's own is in no list, whatever it is called in the next release.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from labkit.facts.haproxy.file import Environment, UnreadableError

SECTIONS = ("global", "defaults", "frontend", "backend", "listen", "userlist", "resolvers",
            "peers", "cache", "http-errors", "mailers", "ring")  # fmt: skip
BRANCHES = (".if", ".elif", ".else", ".endif")
MESSAGES = (".notice", ".warning", ".diag", ".alert")  # of the parser's own (the manual, 2.4)
GLOBAL = re.compile(
    r"busy-polling|ca-base|chroot|close-spread-time|cluster-secret|cpu-map|crt-base|daemon|debug"
    r"|default-path|description|expose-experimental-directives|gid|grace|group|h1-case-adjust"
    r"|h2-workaround-bogus-websocket-clients|hard-stop-after|harden\.[\w.-]+|httpclient\.[\w.-]+|limited-quic|localpeer|log"
    r"|log-send-hostname"
    r"|log-tag|master-worker|max-spread-checks|maxcomprate|maxcompcpuusage|maxconn|maxconnrate"
    r"|maxpipes|maxsessrate|maxsslconn|maxsslrate|maxzlibmem|mworker-max-reloads|nbproc|nbthread"
    r"|no-memory-trimming|no-quic|node|noepoll|noevports|nogetaddrinfo|nokqueue|nopoll|noreuseport"
    r"|nosplice|presetenv|setenv|unsetenv|numa-cpu-mapping|pidfile|pp2-never-send-local"
    r"|prealloc-fd|profiling\.\w+|quiet|server-state-base|server-state-file|set-var|set-var-fmt|spread-checks|ssl-default-[\w-]+|ssl-dh-param-file|ssl-load-extra-[\w-]+"
    r"|ssl-security-level|ssl-server-verify|ssl-skip-self-issued-ca|stats|strict-limits|thread-group"
    r"|thread-groups|thread-hard-limit|tune\.(?!lua)[\w.-]+|uid|ulimit-n|user|warn-blocked-traffic-after"
    r"|zero-warning"
)
PROXY = re.compile(
    r"acl|backlog|balance|bind|capture|clitcpka-\w+|clitimeout|compression|contimeout|cookie"
    r"|declare|default-server|default_backend|description|disabled|dispatch|dynamic-cookie-key"
    r"|email-alert|enabled"
    r"|error-log-format|errorfile|errorfiles|errorloc|errorloc302|errorloc303|filter"
    r"|force-persist|fullconn|guid|hash-balance-factor|hash-preserve-affinity|hash-type"
    r"|http-after-response|http-check|http-error|http-request|http-response|http-reuse"
    r"|http-send-name-header|id|ignore-persist|load-server-state-from-file|log|log-format"
    r"|log-format-sd|log-steps|log-tag|max-keep-alive-queue|max-session-srv-conns|maxconn|mode"
    r"|monitor|monitor-uri|option|persist|rate-limit|redirect|retries|retry-on|server"
    r"|server-template|source|srvtcpka-\w+|srvtimeout|stats|stick|stick-table|tcp-check"
    r"|tcp-request|tcp-response|timeout|transparent|unique-id-format|unique-id-header|use-server"
    r"|use_backend"
)
OTHERS = {
    "userlist": re.compile("user|group"),
    "resolvers": re.compile(
        "nameserver|parse-resolv-conf|resolve_retries|timeout|hold|accepted_payload_size"
    ),
    "peers": re.compile(
        "bind|default-bind|default-server|disabled|enabled|log|peer|server|table|shards"
    ),
    "cache": re.compile(
        "total-max-size|max-object-size|max-age|process-vary|max-secondary-entries"
    ),
    "http-errors": re.compile("errorfile"),
    "mailers": re.compile("mailer|timeout"),
    "ring": re.compile("description|format|maxlen|size|server|timeout"),
}
OPTIONS = re.compile(
    r"abortonclose|accept-invalid-http-re\w+|accept-unsafe-violations-in-http-re\w+|allbackups"
    r"|checkcache|clitcpka|contstats|disable-h2-upgrade|dontlog-normal|dontlognull|forceclose"
    r"|forwarded|forwardfor|h1-case-adjust-bogus-\w+|http-[\w-]+|httpchk|httpclose|httplog|httpslog"
    r"|idle-close-on-response|independant-streams|independent-streams|ldap-check|log-health-checks"
    r"|log-separate-errors|logasap|mysql-check|nolinger|originalto|persist|pgsql-check"
    r"|prefer-last-server|redis-check|redispatch|smtpchk|socket-stats|splice-\w+|srvtcpka"
    r"|ssl-hello-chk|tcp-check|tcp-smart-\w+|tcpka|tcplog|transparent"
)
FILTERS = ("compression", "cache", "bwlim-in", "bwlim-out")
# HAProxy starts itself anew with these variables: not those that its loader or libraries heed, of
# which none begins or ends with what a person calls an address, a port or a name. A machine is
# often called by a letter or two: S1, S1_PORT.
VARIABLES = re.compile(
    r"(?:LABKIT_|WEB|SERV|SRV|BACK|FRONT|STAT|SITE|NODE|NOEUD|APP|API|PORT|IP|ADDR|ADRESSE|HOST\d*\Z"
    r"|MACHINE|MY|PAGE|LISTEN(?!_)|BIND|VIP|POOL|CLUSTER|DOMAIN|CHECK|INTER|BALANCE|ALGO)\w*"
    r"|[A-Z]{1,2}\d*(?:_(?:IP|ADDR\w*|HOST|NAME|PORT)\d*)?"
    r"|(?!LD_)\w+_(?:ADDR|ADDRESS|ADRESSE|BACKEND|BIND|HOST|IP|NAME|NOM|PASS|PASSWORD|PORT|SERVER|TIMEOUT"
    r"|URI|USER)\d*"
)
SETENV = re.compile(r"^[ \t]*(?:pre)?setenv[ \t]+[\"']?([A-Za-z_]\w*)", re.M)
USERS = ("haproxy", "nobody", "nogroup")
NUMBERED = re.compile(r"[1-9][0-9]{1,4}")  # a user or group that is not root
# The manual's own example is /var/run/haproxy.sock. What lies in /tmp is in the service's own.
OWN_SOCKET = re.compile(
    r"(?:unix@)?(?:(?:/var)?/(?:run|lib)|/tmp)/haproxy(?:[\w-]*\.(?:sock|socket|stat|stats)"
    r"|[\w-]*sock(?:et)?)"
    r"|(?:unix@)?(?:/var)?/(?:run|lib)/haproxy(?:/[\w-][\w.-]*)+"
)
OWN_FILE = re.compile(
    r"/(?:etc/(?:haproxy|ssl|pki|letsencrypt)|usr/share/haproxy|var/lib/haproxy|srv|dev/null)"
    r"(?:/[\w-][\w.-]*)*/?|(?!/)(?!.*\.\.).*"
)
OWN_PID = re.compile(
    r"(?:/var)?/run/(?:haproxy/)?[\w-]+\.pid|/var/lib/haproxy/[\w-]+\.pid|/tmp/[\w-]+\.pid"
)
OWN_ROOT = re.compile(r"/var/lib/haproxy/?|/run/haproxy/?|/var/empty/?|/usr/share/haproxy/?")
# Addresses of other families (the manual, section 11): sockets and descriptors of the machine.
LOCAL = re.compile(r"(?:\w+\+)*(?:unix|abns|abnsz|fd|sockpair|uxst|uxdg)@.*|/.*")
BY_NETWORK = re.compile(r"(?!/)(?!(?:\w+\+)*(?:unix|abnsz?|fd|sockpair|uxst|uxdg)@).*")
LOGS = re.compile(
    r"global|stdout|stderr|fd@[12]|ring@[\w.-]+|/dev/log|(?:/var/lib/haproxy)?/dev/log"
    r"|/var/log/(?:[\w-]+/)?[\w-][\w.-]*"  # no socket: whoever means a file has no log
)
FILE_OPTIONS = ("crt", "ca-file", "ca-verify-file", "ca-sign-file", "crl-file", "crt-list",
                "default-crt", "tls-ticket-keys", "file", "lf-file", "-f", "errorfile")  # fmt: skip


@dataclass(frozen=True)
class Refused:
    """A word of a file that is not known to be harmless, and the line that it stands in."""

    line: int
    word: str


def refused(text: str) -> list[Refused]:
    """What a configuration says that is not known to be harmless; nothing of a usual one."""
    standing = Standing()
    found = []
    known = Environment()
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        try:
            words = known.read(line)
        except UnreadableError as error:
            found.append(Refused(number, str(error)))
            continue
        while words[:1] in (["no"], ["default"]):
            words = words[1:]
        if not words:
            continue
        if words[0] in BRANCHES:
            standing.branch(words[0])
        elif words[0] in SECTIONS:
            standing.now = {words[0]}
        elif words[0] not in MESSAGES:
            said = (one for section in standing.now for one in _unknown(section, words))
            found += [Refused(number, word) for word in dict.fromkeys(said)]
    return found


@dataclass
class Standing:
    """The sections that a line may stand in, whichever branches of `.if` are in force."""

    now: set[str] = field(default_factory=lambda: {""})
    _outer: list[tuple[set[str], set[str]]] = field(
        default_factory=list
    )  # before; at branches' end

    def branch(self, word: str) -> None:
        """One of BRANCHES. Of none it is known whether it is in force."""
        if word == ".if":
            self._outer.append((self.now, set()))
        elif self._outer:
            before, ends = self._outer.pop()
            ends = ends | self.now
            if word == ".endif":
                self.now = before | ends
            else:
                self.now = before
                self._outer.append((before, ends))


def _unknown(section: str, words: Sequence[str]) -> Iterator[str]:
    """What of a line is not known to be harmless in a section."""
    if words[0].strip().isascii() and _known(section, words[0]):
        yield from _said(section, words)
    else:
        yield words[0]


def _known(section: str, word: str) -> bool:
    if section == "global":
        return bool(GLOBAL.fullmatch(word))
    if section in ("defaults", "frontend", "backend", "listen"):
        return bool(PROXY.fullmatch(word))
    return section in OTHERS and bool(OTHERS[section].fullmatch(word))


def _said(section: str, words: Sequence[str]) -> Iterator[str]:
    """Those of a keyword's arguments that are not known to be harmless."""
    keyword, first, second = (*words, "", "")[:3]
    rest = words[1:]
    if keyword == "option" and not OPTIONS.fullmatch(first):
        yield first
    if keyword == "filter" and first not in FILTERS:
        yield first
    if section == "global" and keyword in ("user", "group") and first not in USERS:
        yield f"{keyword} {first}"
    if keyword in ("uid", "gid") and not NUMBERED.fullmatch(first):
        yield f"{keyword} {first}"
    if section == "global" and keyword in ("presetenv", "setenv", "unsetenv"):
        names = rest if keyword == "unsetenv" else [first]
        yield from (name for name in names if not VARIABLES.fullmatch(name))
    if keyword == "chroot" and not OWN_ROOT.fullmatch(first):
        yield first
    if keyword == "pidfile" and not OWN_PID.fullmatch(first):
        yield first
    if keyword == "log" and not (LOGS.fullmatch(first) or BY_NETWORK.fullmatch(first)):
        yield first
    if keyword == "stats" and first in ("socket", "bind-process"):
        yield from _sockets(second)
    elif keyword in ("bind", "default-bind"):
        yield from _sockets(first)
    elif keyword in ("errorfile", "ca-base", "crt-base", "ssl-dh-param-file",
                     "server-state-base", "server-state-file"):  # fmt: skip
        yield from (path for path in rest[-1:] if not OWN_FILE.fullmatch(path))
    elif keyword not in ("log", "stats"):
        yield from _elsewhere(keyword, words)
    for word, following in itertools.pairwise(words):
        if word in FILE_OPTIONS and not OWN_FILE.fullmatch(following):
            yield following
        if word == "use-service" and following != "prometheus-exporter":
            yield following
    yield from (word for word in rest if word.startswith("lua."))


def _sockets(addresses: str) -> Iterator[str]:
    for address in addresses.split(","):
        if LOCAL.fullmatch(address) and not OWN_SOCKET.fullmatch(address):
            yield address


def _elsewhere(keyword: str, words: Sequence[str]) -> Iterator[str]:
    """Addresses that are sockets or descriptors of the machine: whoever asks them is its root."""
    place = {"server": 2, "peer": 2, "nameserver": 2, "server-template": 3, "dispatch": 1,
             "source": 1, "mailer": 2}  # fmt: skip
    at = place.get(keyword, 0)
    named = [words[at]] if 0 < at < len(words) else []
    named += [
        following
        for word, following in itertools.pairwise(words)
        if word in ("addr", "agent-addr", "socks4") and keyword not in ("acl", "stick-table")
    ]
    named += [word for word in words if re.match(r"(?:\w+\+)*(?:unix|fd|sockpair|uxst)@", word)]
    yield from dict.fromkeys(word for word in named if not BY_NETWORK.fullmatch(word))


def with_own_variables(text: str) -> str:
    """A configuration whose variables have names that nothing heeds but itself.

    Those that it sets and asks for, and whose names are not known to be such already, begin with
    LABKIT_ here, wherever it speaks of them (configuration manual, 2.3 and 2.4).
    """
    for name in dict.fromkeys(SETENV.findall(text)):
        if not VARIABLES.fullmatch(name) and re.search(rf"\$\{{?{name}\b", text):
            said = rf"(\$\{{?|\b(?:pre|un)?setenv[ \t]+[\"']?|\bdefined\(|\benv\()({name})\b"
            text = re.sub(said, r"\1LABKIT_\2", text)
    return text
