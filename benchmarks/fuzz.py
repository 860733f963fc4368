"""Is there a text that breaks a reader? Random ones, made of what each reader looks for.

    python -m benchmarks.fuzz [--count 100000] [--seed 1] [--only READER] [--page FILE]

Each reader of what a student or their service writes is given so many texts: pieces that it knows,
repeated, cut and mixed with any bytes. Limits: each text gives an answer or *not met*, and none
takes longer than SLOWEST_S. `tests/unit/benchmarks/test_fuzz.py` gives the same readers fewer,
each time the same.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from benchmarks.result import Figure, Result, machine, markdown
from checks.pages import list_form, must_list
from checks.students import students_of
from labkit.course import CannotTellError, NotMetError
from labkit.facts import rsyslog
from labkit.facts.compose.harmless import harms
from labkit.facts.compose.project import parsed
from labkit.facts.docker import containers, images
from labkit.facts.dockerfile import copied_sources
from labkit.facts.haproxy import harmless
from labkit.facts.http.browser import Reply, finished, path_of
from labkit.facts.http.curl import Answer
from labkit.facts.http.pages import Page
from labkit.facts.registry import Registry, settings
from labkit.facts.reports import PARTS, text_of_report
from labkit.facts.scripts import docker_commands
from labkit.remote import Result as Said
from labkit.remote import Shell
from steps.recognition import recognise
from subject.balancer import haproxy_on
from subject.roles import Project, is_student_age

TAKES = "30 minutes"
SLOWEST_S = 5.0
LONGEST = 40  # pieces of a text
BROKEN, SLOWEST = "broken ", "slowest "  # figures, a reader's name behind
REFERENCE = Path(__file__).parents[1] / "steps" / "reference"


def _saying(text: str) -> Shell:
    """A machine of which every command says this."""
    result = Said("", text, "", 0)
    return cast(
        "Shell",
        SimpleNamespace(
            name="web1",
            ask=lambda *_words, **_options: result,
            ask_once=lambda *_words: result,
            read=lambda *_words, **_options: text,
        ),
    )


def read_page(data: bytes) -> None:
    """A page with its form, and what it leads to."""
    page = Page("http://web1/", 200, Reply(200, {}, data).text)
    finished(page.html)
    for judge in (list_form, lambda one: must_list(one, {"alice": "12", "bob": "13"})):
        try:
            judge(page)
        except NotMetError:
            continue


def read_link(data: bytes) -> None:
    """Where a link leads: to a path of the same place, or to none."""
    path = path_of(data.decode("utf-8", "replace"), "http://web1/", host="10.0.0.1:80")
    assert path is None or (path.startswith("/") and path.isascii() and " " not in path)


def read_engine(data: bytes) -> None:
    """What docker inspect says."""
    shell = _saying(data.decode("utf-8", "replace"))
    for ask in (images, containers):
        try:
            ask(shell)
        except NotMetError:
            continue


def read_registry(data: bytes) -> None:
    """What a registry answers."""
    shell = _saying(data.decode("utf-8", "replace") + "\n200")
    Registry("lb", 5000, "http", "lb:5000", shell, None, cast("Any", None)).pushed(is_student_age)


def read_students(data: bytes) -> None:
    """What an API lists."""
    stack = SimpleNamespace(api=SimpleNamespace(addresses=["10.0.0.1"]))
    shell = _saying(data.decode("utf-8", "replace") + "\n200")
    try:
        students_of(shell, cast("Any", stack))
    except CannotTellError:
        return  # a check of its own says that there is no list


def read_compose(data: bytes) -> None:
    """A compose file in Compose's normal form, and what it asks for."""
    try:
        project = parsed("web1", "/srv/x.yml", data.decode("utf-8", "replace"), Project)
    except ValueError:
        return
    harms(project)
    for one in (project.api, project.website, project.api_image, project.is_the_practical):
        str(one)


def read_dockerfile(data: bytes) -> None:
    """A Dockerfile's sources."""
    copied_sources(data.decode("utf-8", "replace"))


def read_haproxy(data: bytes) -> None:
    """HAProxy's file and what its socket says."""
    haproxy = haproxy_on(_saying(data.decode("utf-8", "replace")))
    for ask in (haproxy.servers, haproxy.backend, lambda: (haproxy.bound, haproxy.ports)):
        ask()


def read_submission(data: bytes) -> None:
    """A file of each kind, as it is submitted."""
    places = ("docker-compose.yml", "Dockerfile", "index.php", "haproxy/haproxy.cfg",
              "haproxy/rsyslog.conf", "README.md", ".env", "registry-compose.yml")  # fmt: skip
    recognise(dict.fromkeys(places, data), REFERENCE)


def read_rules(data: bytes) -> None:
    """HAProxy's file and rsyslog's, as they are judged before they are loaded."""
    text = data.decode("utf-8", "replace")
    harmless.refused(text)
    rsyslog.refused(text)


def read_report(data: bytes) -> None:
    """A saved page, and the text of a document, whole and cut."""
    text_of_report("a.html", data)
    for name, part in PARTS.items():
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(part, data)
        packed = made.getvalue()
        for known in (packed, packed[: len(packed) // 2], packed[7:], data):
            text_of_report(f"a{name}", known)


def read_notations(data: bytes) -> None:
    """Commands in texts that are no shell's."""
    for name in ("a.tex", "a.csv", "a.ipynb", "a.service", "a.yml", "a.adoc", "a.mk", "a.md"):
        docker_commands(name, data.decode("utf-8", "replace"), "/srv")


def read_settings(data: bytes) -> None:
    """A registry's own configuration."""
    assert all(map(str.isascii, settings(data.decode("ascii", "replace").replace("\ufffd", "?"))))


def read_answer(data: bytes) -> None:
    """JSON from anywhere."""
    Answer(200, data.decode("utf-8", "replace"), "", "").json()


JSON = ('{"', '":', "[", "{", "]", "}", ",", "null", "1e999", "9" * 5000, '"', "true", "[" * 2000,
        "NaN", '"\\ud800"', "-1", '""')  # fmt: skip
READERS: dict[str, tuple[Callable[[bytes], None], tuple[str, ...]]] = {
    "page": (read_page, (
        "<a ", "<form", "<form action='", ">", "</form>", "<button", "<input name=x ", "<style",
        "<script>", "</script", "<!--", "-->", "<!", "<?", "<![CDATA[", "&#", "9" * 5000,
        "&", "'", '"', "=", "/", "<select>", "<option>", "<textarea>", "<base href='", "alice",
        "12", "http://[", " formaction=", "<title>", "\0", "&#xD800;",
    )),
    "link": (read_link, (
        "http://", "//", "web1", ":", "@", "[", "]", "/", "?", "#", "\\", "10.0.0.1", ".evil", "%",
        "http:", "99999999", "\t", "\n", "\u20ac", "javascript:", "..", ";", "80",
    )),
    "engine": (read_engine, (*JSON, *(f'"{name}":' for name in (
        "Id", "Name", "Config", "State", "HostConfig", "NetworkSettings", "Ports", "Networks",
        "Labels", "Image", "Env", "RepoTags", "RestartPolicy", "Pid",
    )))),
    "registry": (read_registry, (*JSON, *(f'"{name}":' for name in (
        "repositories", "tags", "config", "digest", "manifests")), '["student-age"]')),
    "students": (read_students, (*JSON, '{"student_ages":', '"alice":"12"')),
    "compose": (read_compose, (*JSON, '{"services":', *(f'"{name}":' for name in (
        "image", "build", "volumes", "environment", "ports", "networks", "target", "source",
        "secrets", "configs", "name", "privileged", "context", "published")))),
    "Dockerfile": (read_dockerfile, (
        "COPY ", "ADD ", "--from=", "[", "\\\n", "\n", '"', ",", "FROM ", "RUN ", "<<EOF\n", "../",
    )),
    "haproxy": (read_haproxy, (
        "# pxname,svname,stot,status\n", "my-backend,", "web1,", '"', "\n", ",", "# be_id be_name ",
        "srv_name srv_addr srv_op_state srv_check_state srv_port", " ", "stats socket /x",
        "9" * 5000, "\u0663", "x" * 140_000, 'LISTEN 0 0 *:80 *:* "haproxy"', "\r", "bind *:",
    )),
    "submission": (read_submission, (
        "services:\n", "  a:\n", "    image: ", "student-age:1", "php:apache", "registry:2", "\n",
        "  ", ": ", "- ", "!!int ", "!!bool ", "!!float ", "!!timestamp ", "!!python/object:x ",
        "!!binary ", '""', "1e999", "0x", "0b", "1:99:99", "2001-99-99", "&a ", "*a", "<<: ", "{",
        "[", "}", "]", "? ", "|\n", ">\n", "include:\n", "build: ", "volumes:\n", "./x:/x", "FROM ",
        "COPY ", "docker run ", "-p ", "$(", "`", "'", "global\n", "backend my-backend\n",
        "server a ", "web1:80", "log ", "module(load=", "local2.* ", "COMPOSE_FILE=", "\t", "\0",
    )),
    "rules": (read_rules, (
        "global\n", "defaults\n", "frontend x\n", "log ", "server a ", "lua-load ", "\\x", "\\1",
        '"', "'", "\\", "#", "${", "}", ".if ", ".endif", "\n", "\r", " ", "module(", "action(",
        "template(", "if ", "then ", "{", "local2.*", "& ", "^/x", ":msg, ", "$ModLoad ", "/*",
        "*/", "=", ")", "type=", "stop\n", "x" * 10_000, "\0", "/var/log/x", "..",
    )),
    "report": (read_report, (
        "<w:p>", "</w:p>", "<w:t>", "<w:br/>", "<w:tab/>", "<text:s text:c='9'/>", "</text:p>",
        "<pre>", "</pre>", "<script>", "</style", "<!--", "-->", "<br", "<", ">", "&#", "&amp", ";",
        "docker run ", "\n", "\u00a0", "x" * 10_000, "\0",
    )),
    "notations": (read_notations, (
        "docker run ", "\\verb|", "\\texttt{", "}", "\\begin{comment}", "\\end{comment}", "%", "\n",
        "ExecStart=", "EnvironmentFile=", "\\\n", '"', ",", ";", '{"cells": [', '{"source": ["',
        "]", "cmds:\n", "- ", "run: |\n", "vars: {", "{{ ", " }}", "{{.", "name: ",
        "docker_container: {", "command: ", "image: x", "it's", "argv: [",
        "&a ", "*a", "  ", "# ", "## failed\n", "```\n", "A=(", ")", "a=b ", "\t", "\0", "| ", "`",
    )),
    "settings": (read_settings, (
        "auth:\n", "  htpasswd:\n", "    path: ", "/auth/htpasswd\n", "http: {", "tls: {", "}", "[",
        "]", "&a ", "*a", "<<: ", "!!int ", "!!binary ", "? ", "- ", "|\n", "\t", "\0", "1e999",
        '"',
    )),
    "JSON": (read_answer, JSON),
}  # fmt: skip


def made(chance: random.Random, pieces: tuple[str, ...]) -> bytes:
    """A text of known pieces, some of them many times, and of any bytes."""
    text = bytearray()
    for _piece in range(chance.randrange(LONGEST)):
        kind = chance.random()
        piece = chance.choice(pieces).encode()
        if kind < 0.08:
            piece = chance.randbytes(chance.randrange(8))
        elif kind < 0.12:
            piece *= chance.choice((2, 100, 3000)) if len(piece) < 20 else 2
        text += piece
    return bytes(text)


def measure(count: int = 100_000, *, seed: int = 1, only: str = "") -> Result:
    """Give each reader, or `only` one, so many texts; what breaks one is printed and counted."""
    figures = []
    for name, (read, pieces) in READERS.items():
        if only not in ("", name):
            continue
        chance = random.Random(f"{seed} {name}")
        broken, worst = 0, 0.0
        for _turn in range(count):
            text = made(chance, pieces)
            began = time.perf_counter()
            try:
                read(text)
            except Exception as error:  # any is a find
                broken += 1
                print(f"{name}: {error!r} by {text[:300]!r}", file=sys.stderr)
            worst = max(worst, time.perf_counter() - began)
        figures += [Figure(f"{BROKEN}{name}", (broken,)), Figure(f"{SLOWEST}{name}", (worst,), "s")]
    return report(figures)


def report(figures: Sequence[Figure]) -> Result:
    """Held where no text broke a reader, and none took too long."""
    limits = {BROKEN: 0, SLOWEST: SLOWEST_S}
    held = all(
        one.median <= limit
        for one in figures
        for what, limit in limits.items()
        if one.name.startswith(what)
    )
    return Result(tuple(figures), held=held)


def table(result: Result, count: int) -> str:
    """A row for each reader, for the documentation."""
    rows = [("reader", "texts", "that broke it", "slowest, s")]
    for one in result.figures:
        if one.name.startswith(BROKEN):
            name = one.name.removeprefix(BROKEN)
            slowest = result.figure(f"{SLOWEST}{name}").median
            rows.append((name, str(count), f"{one.median:.0f}", f"{slowest:.2f}"))
    return f"{markdown(rows)}\n\n{machine()}\n"


def main() -> None:
    """Measure, and say whether anything breaks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=100_000, help="texts for each reader")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", choices=[*READERS], help="this reader alone")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the table there, too")
    options = parser.parse_args()
    result = measure(options.count, seed=options.seed, only=options.only)
    if options.page:
        options.page.write_text(table(result, options.count), encoding="utf-8")
    result.finish()


if __name__ == "__main__":
    main()
