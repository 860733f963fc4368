"""f) index.php reaches the API by the name of its service."""

from __future__ import annotations

import ipaddress
import re
import shlex

from checks.rehearsal import Rehearsed
from labkit.course import check, expect, not_met
from labkit.facts.docker import Container, exported_by, quoted
from labkit.locale import _
from labkit.remote import Shell
from subject.contract import GIVEN_BY
from subject.roles import Stack

PAGE = "/var/www/html/index.php"
ADDRESS = re.compile(r"""https?://([^/'"\s]*)/[^'"\s]*""")
# An address that can be asked as it stands: no variable, no user before the host.
PLAIN = re.compile(r"https?://[\w.-]+(:\d+)?/[\w./-]*")
PHP = re.compile(r"(<\?(?!xml).*?(?:\?>|\Z))", re.S)
# What PHP and browsers pass over; what is never closed goes on to the end. Strings are kept.
PHP_COMMENT = re.compile(
    r"""(?P<kept>'(?:\\.|[^'\\])*(?:'|\\?\Z)|"(?:\\.|[^"\\])*(?:"|\\?\Z)"""
    r"""|<<<[ \t]*(?P<quote>["']?)(?P<end>\w+)(?P=quote)\n.*?(?:\n[ \t]*(?P=end)\b|\Z))"""
    r"""|/\*.*?(?:\*/|\Z)|(?://|\#(?!\[))[^\n]*?(?=\?>|\n|\Z)""",
    re.S,
)
HTML_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
# Asks what the page asks, as the page does: from its container, with its environment.
ASK_API = (
    '$c=stream_context_create(["http"=>["timeout"=>4,"ignore_errors"=>true,"header"=>'
    '"Authorization: Basic ".base64_encode(getenv("USERNAME").":".getenv("PASSWORD"))]]);'
    '$b=@file_get_contents("{url}",false,$c);'
    'echo $http_response_header[0] ?? "no answer","\\n",$b;'
)


def _website(stack: Stack) -> Container:
    if stack.website is None or not stack.website.running:
        not_met(expected=_("a running website"), seen=_("none"), where="web1")
    return stack.website


def _url(web1: Shell, website: Container) -> re.Match[str] | None:
    """The address of the API as the page has it, comments apart; group 1 is HOST:PORT."""
    text = without_comments(web1.ask(f"docker exec {quoted(website)} cat {PAGE}").stdout)
    found = list(ADDRESS.finditer(text))
    return next((one for one in found if "/pozos/" in one.group()), next(iter(found), None))


def without_comments(page: str) -> str:
    """A page of PHP without the comments of its code and of its HTML, where no code is."""
    parts = PHP.split(page)  # HTML, code, HTML, ...
    parts[::2] = [HTML_COMMENT.sub("", html) for html in parts[::2]]
    parts[1::2] = [PHP_COMMENT.sub(lambda one: one["kept"] or "", code) for code in parts[1::2]]
    return "".join(parts)


@check(
    points=0.25,
    needs="deploy.running",
    probes=(
        "php -l is run on /var/www/html/index.php in the website's container on web1; it must find "
        "no error."
    ),
    why="One missing semicolon, and every visitor gets a blank page or an error 500.",
    hints=[
        "What does PHP itself say of the file?",
        "php -l checks the syntax; inside the container it is the same PHP that serves the page.",
        (
            "docker compose exec website php -l /var/www/html/index.php   names the line; that of "
            "the address is: const API = 'http://api:5000/pozos/api/v1.0/get_student_ages';"
        ),
    ],
)
def test_valid(web1: Shell, stack: Stack) -> None:
    """PHP can read index.php."""
    answer = web1.ask(f"docker exec {quoted(_website(stack))} php -l {PAGE}")
    wrong = [line for line in answer.said.splitlines() if "rror" in line]
    expect(
        answer.ok,
        expected=_("no syntax error"),
        seen=wrong[0] if wrong else answer.said,
        where=f"web1:{PAGE}",
    )


@check(
    points=0.5,
    needs=["index.valid", "compose.network"],
    probes=(
        "The page is tried out before a second API that has the first one's names alone; one that "
        "gets the list there is right. Else the API's address is read from index.php in the "
        "website's container: it must be a name, neither the placeholder nor an IP address, and "
        "getent hosts must find the API's container under that name."
    ),
    why=(
        "A container may get another address each time it is made anew: a page that holds an "
        "address works until the next docker compose up."
    ),
    hints=[
        "Under which name does the website's container know the API's?",
        "Compose gives each service its name on their network; only addresses change.",
        "In index.php: http://api:5000/pozos/api/v1.0/get_student_ages (api: your service)",
    ],
)
def test_service_name(web1: Shell, stack: Stack, rehearsed: Rehearsed) -> None:
    """The page names the API by its service."""
    if rehearsed.reached:
        return  # it was known by no other name there
    website = _website(stack)
    found = _url(web1, website)
    if not found:
        not_met(
            expected=_("the address of the API in index.php"),
            seen=_("no line with http://.../pozos/"),
            where=f"web1:{PAGE}",
        )
    address = found.group(1)
    expect(
        "<" not in address and "api_ip_or_name" not in address,
        expected=_("the name and port of the API's service"),
        seen=_("the placeholder http://{address}", address=address),
        where=f"web1:{PAGE}",
    )
    name = address.partition(":")[0]
    expect(
        not _is_address(name),
        expected=_("a name, which stays when addresses change"),
        seen=name,
        where=f"web1:{PAGE}",
    )
    resolved = web1.ask(f"docker exec {quoted(website)} getent hosts {shlex.quote(name)}").stdout
    found_at = resolved.split()
    addresses = stack.api.addresses if stack.api else []
    expect(
        set(found_at[:1]) & set(addresses),
        expected=_(
            "{name} is the container of the API ({addresses})",
            name=name,
            addresses=", ".join(addresses),
        ),
        seen=found_at[0] if found_at else _("the name is unknown"),
        where=f"web1 $ docker compose exec website getent hosts {name}",
    )


@check(
    points=0.75,
    needs=["index.service_name", "compose.credentials"],
    probes=(
        "PHP in the website's container on web1 asks the address that stands in index.php, with "
        "USERNAME and PASSWORD from its environment and 4 s of patience; the answer must be 200 "
        "and hold the list."
    ),
    why=(
        "Name, port, network and password must be right together, and as seen from the website: "
        "what answers on your own screen may be out of its reach."
    ),
    hints=[
        "Ask the API from inside the website's container: what does it answer?",
        "The name, the port (5000 inside the network) and the credentials must all be right.",
        (
            "http://api:5000/pozos/api/v1.0/get_student_ages in index.php; USERNAME: toto, "
            "PASSWORD: python in docker-compose.yml; then docker compose up -d"
        ),
    ],
)
def test_reaches(web1: Shell, stack: Stack, rehearsed: Rehearsed) -> None:
    """From its container, the page reaches the API and is let in."""
    website = _website(stack)
    found = _url(web1, website)
    if rehearsed.reached and not (found and is_asked_as_it_stands(found.group())):
        return  # the address is put together by the page itself, and it works
    url = found.group() if found else ""
    script = ASK_API.replace("{url}", re.sub(r"[^\w:/.?&=%-]", "", url))
    # What is run in a container beside its command does not have what that has set.
    given = {} if website.environment.keys() >= GIVEN_BY else exported_by(web1, website)
    told = shlex.join(word for one in given.items() for word in ("-e", "=".join(one)))
    answer = web1.ask(f"docker exec {told} {quoted(website)} php -r {shlex.quote(script)}")
    status, _newline, body = answer.stdout.partition("\n")
    expect(
        " 200" in status and "student_ages" in body,
        expected=_("the list of students from {url}", url=url),
        seen=status if " 200" not in status else body[:160],
        where="web1, " + _("in the website's container"),
    )


def is_asked_as_it_stands(url: str) -> bool:
    """Whether an address in a page is the whole one of the list, with nothing for PHP to put in."""
    return "/pozos/" in url and PLAIN.fullmatch(url) is not None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
