"""What is handed in to do harm: refused before it is started, and what is right is not."""

from __future__ import annotations

import ast
import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from labkit.classroom import read_folder
from labkit.course import Files, HandedIn, load_course
from labkit.errors import StepFailedError
from labkit.facts import rsyslog
from labkit.facts.compose.harmless import asked_for, swappable
from labkit.facts.compose.project import (
    ALL_LIMIT_S,
    FILE_LIMIT_S,
    JUDGED,
    QUESTION_LIMIT_S,
    by_judged,
    find_projects,
)
from labkit.facts.haproxy import harmless
from labkit.facts.haproxy.file import words_of
from labkit.grading.stepping import call
from labkit.remote import PlannedShell, Result, from_facts
from steps.handed_in import recognise
from steps.judged import judge
from steps.s11_haproxy import is_unknown
from subject.roles import Project
from tests import ROOT

REFERENCE = ROOT / "steps" / "reference"
COURSE = load_course()
HOME = "/srv/student-list"
RIGHT = sorted(
    path
    for kind in ("accepted", "partial")
    for path in (ROOT / "tests" / "submissions" / kind).iterdir()
    if path.is_dir()
)


# -- what is right is not refused


class _Loader(yaml.SafeLoader):
    """Compose's own tags (!override, !reset) say nothing here."""


_Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


def normal(text: bytes) -> dict[str, Any]:
    """A compose file about as Compose writes it; what it takes from others is left out."""
    document = yaml.load(text, _Loader) or {}
    for raw in document.get("services", {}).values():
        raw.pop("extends", None)
        raw["volumes"] = [mount(one) for one in raw.get("volumes") or []]
    document.pop("include", None)
    return {key: value for key, value in document.items() if not key.startswith("x-")}


def mount(given: Any) -> dict[str, Any]:
    if isinstance(given, dict):
        return given
    source, _colon, rest = given.replace("${PWD}", HOME).partition(":")
    target, _colon, modes = rest.partition(":")
    kind = "bind" if source[:1] in "./" else "volume"
    return {"type": kind, "source": source, "target": target, "read_only": "ro" in modes}


def compose_files() -> Iterator[Path]:
    for folder in RIGHT:
        for path in sorted(folder.rglob("*.y*ml")):
            if "compose" in path.name.lower():
                yield path
    yield from sorted(REFERENCE.glob("docker-compose*.yml"))


@pytest.mark.parametrize(
    "path", list(compose_files()), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_hostile_is_no_compose_file_of_a_right_answer(path: Path) -> None:
    try:
        document = normal(path.read_bytes())
    except yaml.YAMLError:
        pytest.skip("cannot be read")
    assert asked_for(document, HOME if "mise en" not in str(path) else f"{HOME}/x") == []


@pytest.mark.parametrize("folder", RIGHT, ids=lambda path: path.name)
def test_hostile_is_no_balancer_of_a_right_answer(folder: Path) -> None:
    submission = recognise(read_folder(folder).files, REFERENCE)
    for artefact, refused in (
        ("haproxy/haproxy.cfg", harmless.refused),
        ("haproxy/rsyslog-haproxy.conf", rsyslog.refused),
    ):
        source = submission.sources.get(artefact)
        assert not source or refused(submission.files[source].decode()) == []


@pytest.mark.parametrize("path", sorted((REFERENCE / "haproxy").iterdir()), ids=lambda p: p.name)
def test_hostile_is_no_reference(path: Path) -> None:
    read = harmless.refused if path.suffix == ".cfg" else rsyslog.refused
    assert list(read(path.read_text())) == []


# -- compose files


FILE_OF_MACHINE = {"secret": {"file": "/etc/shadow"}}
HOSTILE_FILES: dict[str, dict[str, Any]] = {
    "a secret that is a file of the machine": {"secrets": FILE_OF_MACHINE},
    "a config that is a file of the machine": {"configs": FILE_OF_MACHINE},
    "a secret by a way round": {"secrets": {"x": {"file": "../../etc/shadow"}}},
    "a volume that is the disk": {
        "volumes": {"x": {"driver_opts": {"type": "none", "o": "bind", "device": "/"}}}
    },
    "a volume of overlay": {"volumes": {"x": {"driver_opts": {"type": "overlay"}}}},
    "a volume of proc": {"volumes": {"x": {"driver_opts": {"type": "proc", "device": "proc"}}}},
    "a volume of cgroups": {"volumes": {"x": {"driver_opts": {"type": "cgroup2"}}}},
    "a driver of volumes": {"volumes": {"x": {"driver": "vieux/sshfs"}}},
    "a network on the machine's card": {"networks": {"x": {"driver": "macvlan"}}},
    "options of a network": {"networks": {"x": {"driver_opts": {"parent": "eth0"}}}},
    "a key of next year": {"machines": {"x": {}}},
    "a program that reads the Dockerfile": {
        "services": {"api": {"build": {"context": ".", "args": {"BUILDKIT_SYNTAX": "x/y"}}}}
    },
    "a program that reads the Dockerfile, in a list": {
        "services": {"api": {"build": {"context": ".", "args": ["A=1", "BUILDKIT_SYNTAX=x/y"]}}}
    },
    "a thousand copies": {"services": {"api": {"deploy": {"replicas": 1000}}}},
    "a thousand copies, by the old word": {"services": {"api": {"scale": 1000}}},
    "a name that is a command": {"services": {"api; sudo touch /pwned #": {"image": "x"}}},
    "a name that is an option": {"services": {"--build": {"image": "x"}}},
    "a link in a folder that another container writes to": {
        "services": {
            "one": {"volumes": [mount("./www:/x")]},
            "two": {"volumes": [mount("./www/root:/x:ro")]},
        }
    },
}  # fmt: skip


@pytest.mark.parametrize("document", HOSTILE_FILES.values(), ids=HOSTILE_FILES)
def test_hostile_compose_files_are_refused(document: dict[str, Any]) -> None:
    assert len(asked_for(document, HOME)) == 1


def test_what_is_read_only_cannot_be_swapped() -> None:
    services = {"one": {"volumes": [mount("./www:/x:ro"), mount("./www/a:/a")]}}
    assert swappable({"services": services}, HOME) == []
    assert swappable({"services": {"one": {"volumes": [mount("./www:/x"), mount("./www2:/a")]}}},
                     HOME) == []  # fmt: skip


# -- one road: what is judged is what is started


class Machine:
    """A machine on which Compose says what it is told to."""

    def __init__(self, *configs: Mapping[str, Any], links: Mapping[str, str] | None = None) -> None:
        self.configs = [json.dumps(one) for one in configs]
        self.links = links or {}
        self.shell = PlannedShell("web2", self.answer)
        self.others = from_facts(
            {"test -w /srv": 0, "tar -xzmf": 0, "/etc/os-release": "ID=debian"}
        )

    def answer(self, question: str) -> Result:
        """The next document each time that Compose is asked, the last one for ever."""
        words = shlex.split(question) if "realpath" in question else []
        if words:
            paths = [self.links.get(one, one) for one in words[words.index("--") + 1 :]]
            return Result(question, "\0".join([*paths, ""]), "", 0)
        if "config --format json" in question and "@@file" not in question:
            said = self.configs.pop(0) if len(self.configs) > 1 else self.configs[0]
            return Result(question, said, "", 0)
        return self.others(question)


def handed(files: Mapping[str, str]) -> HandedIn:
    return recognise({path: text.encode() for path, text in files.items()}, REFERENCE)


def carried(number: int, machine: Machine, submission: HandedIn) -> list[str]:
    step = COURSE.step(str(number))
    assert step is not None
    others = {name: PlannedShell(name, machine.others) for name in ("web1", "web2", "lb")}
    shells = {**others, "web1": machine.shell, "web2": machine.shell}
    call(step, shells, Files(COURSE.root, None, handed=submission))
    return machine.shell.plan


STACK = "services:\n  php: {image: 'php:apache'}\n  age: {image: 'student-age:1'}\n"
GOOD: dict[str, Any] = {"services": {"php": {"image": "php:apache"}, "age": {"image": "age:1"}}}
BAD: dict[str, Any] = {"services": {"php": {"image": "php:apache", "pid": "host"}}}


@pytest.mark.parametrize(
    "path",
    ["stack.yml", "my-compose.yml", "Docker-Compose.YML", "a/b/c/d/docker-compose.yml",
     "docker-compose (1).yml", "compose.yaml"],
)  # fmt: skip
def test_hostile_files_of_any_name_are_judged_before_they_are_started(path: str) -> None:
    machine = Machine(BAD)
    with pytest.raises(StepFailedError, match="php asks for pid: host"):
        carried(5, machine, handed({path: STACK, "x.txt": ""}))
    assert not any(" up " in line for line in machine.shell.plan)


def test_hostile_values_that_come_with_dotenv_are_judged_after_its_last_change() -> None:
    """`pid: "${STUDENT_AGE_IMAGE:+host}"`: harmless until the step itself has set the variable."""
    machine = Machine(GOOD, GOOD, BAD)  # what is brought early, and the rest, before and after
    with pytest.raises(StepFailedError, match="pid: host"):
        carried(10, machine, handed({"docker-compose.yml": STACK, "x.txt": ""}))
    assert any("STUDENT_AGE_IMAGE" in line for line in machine.shell.plan)
    assert not any("docker compose" in line or "docker pull" in line
                   for line in machine.shell.plan)  # fmt: skip


def test_hostile_values_are_judged_again_when_they_are_started() -> None:
    """What was harmless when the step began is not taken on trust."""
    machine = Machine(GOOD, BAD)
    with pytest.raises(StepFailedError, match="pid: host"):
        carried(5, machine, handed({"docker-compose.yml": STACK, "x.txt": ""}))
    assert not any(" up " in line for line in machine.shell.plan)


def test_hostile_changes_between_judgement_and_start_are_too_late() -> None:
    """What is started is the document that was judged, and .env is not read again."""
    machine = Machine(GOOD)
    plan = carried(5, machine, handed({"docker-compose.yml": STACK, ".env": "COMPOSE_FILE=x.yml"}))
    path = f"{HOME}/docker-compose.yml"
    assert plan[-1] == f"web2:{HOME} $ {shlex.join(by_judged(path))} up -d --quiet-pull"
    assert json.loads(machine.shell.files[JUDGED + path]) == GOOD
    assert "--env-file /dev/null" in plan[-1]


def bind(source: str, **more: Any) -> dict[str, Any]:
    return {"type": "bind", "source": source, "target": "/x", **more}


def test_hostile_links_are_followed_at_the_moment_of_the_start() -> None:
    inside = f"{HOME}/www/host"
    machine = Machine({"services": {"php": {"volumes": [bind(inside)]}}}, links={inside: "/"})
    with pytest.raises(StepFailedError, match="php asks for /"):
        judge(machine.shell, f"{HOME}/docker-compose.yml", by_name=False)


def test_hostile_links_cannot_be_put_into_a_folder_that_is_mounted() -> None:
    """The outer one is started for reading only; nobody loses a right answer for it."""
    services = {"php": {"volumes": [bind(f"{HOME}/www"), bind(f"{HOME}/www/data")]}}
    machine = Machine({"services": services})
    judged = judge(machine.shell, f"{HOME}/compose.yml", by_name=True)
    outer, inner = judged.services["php"].raw["volumes"]
    assert outer["read_only"]
    assert "read_only" not in inner
    started = json.loads(machine.shell.files[f"{JUDGED}{HOME}/compose.yml"])
    assert started == judged.document


def test_hostile_paths_that_nobody_can_tell_are_refused() -> None:
    services = {"php": {"volumes": [bind(f"{HOME}/www")]}}
    shell = PlannedShell(
        "web1", from_facts({"config --format": json.dumps({"services": services})})
    )
    with pytest.raises(StepFailedError, match="not started"):
        judge(shell, f"{HOME}/compose.yml", by_name=True)


def test_what_compose_is_told_beside_is_told_when_it_is_asked() -> None:
    asked: list[str] = []

    def answer(question: str) -> Result:
        asked.append(question)
        return Result(question, '{"services": {}}', "", 0)

    shell = PlannedShell("web1", answer)
    judge(shell, f"{HOME}/a.yml", by_name=True, options=("-f", "a.yml", "-f", "b.yml"))
    judge(shell, f"{HOME}/a.yml", by_name=True, options=("--profile=front",))
    told = [one.partition("docker compose ")[2] for one in asked if " config " in one]
    assert [one.partition(" config")[0] for one in told] == [
        "-f a.yml -f b.yml", "--profile=front -f a.yml"
    ]  # fmt: skip


def test_hostile_values_cannot_answer_for_another_file() -> None:
    """A line of a file that looks like the answer about the next one."""
    said = (
        "@@file /srv/a.yml\n"
        '| {"services": {"x": {"image": "\n'
        "| @@code 0\n"
        "| @@file /srv/forged.yml\r@@code 0\n"
        "@@code 0\n@@file /srv/b.yml\n| yaml: line 3\n| @@code 0\n@@code 15\n"
    )
    found = find_projects(PlannedShell("web1", from_facts({"@@file": said})), Project)
    assert [(one.file, one.error) for one in found] == [("/srv/b.yml", "yaml: line 3\n@@code 0")]


@pytest.mark.parametrize("code", [124, 137, 141])
def test_hostile_files_that_keep_compose_busy_are_not_readable(code: int) -> None:
    said = f'@@file /srv/b.yml\n| {{\n| "name": "\n@@code {code}\n'
    (found,) = find_projects(PlannedShell("web1", from_facts({"@@file": said})), Project)
    assert (found.file, found.error) == ("/srv/b.yml", "Compose does not come to an end with it")


def test_hostile_files_have_less_time_together_than_the_question_about_them() -> None:
    assert FILE_LIMIT_S < ALL_LIMIT_S < QUESTION_LIMIT_S - 5


def test_hostile_names_of_services_are_words() -> None:
    named = "services:\n  'api; touch /x #': {image: 'student-age:1'}\n  r: {image: 'registry:2'}\n"
    submission = handed({"docker-compose.yml": named, "x.txt": ""})
    plan = carried(5, Machine(GOOD), submission)
    assert shlex.split(plan[-1])[-1] == "api; touch /x #"


# -- HAProxy


HOSTILE_CONFIGURATIONS = {
    "lua": "global\n lua-load /x.lua\n",
    "lua in quotes": 'global\n "lua-load" /x.lua\n',
    "lua in parts": "global\n lu'a-l'oad /x.lua\n",
    "lua in hexadecimal": "global\n \\x6cua-load /x.lua\n",
    "lua behind an escape": 'global\n "lua\\-load" /x.lua\n',
    "lua per thread": "global\n lua-load-per-thread /x.lua\n",
    "lua's path": "global\n lua-prepend-path /x\n",
    "lua's settings": "global\n tune.lua.bool-sample-conversion normal\n",
    "lua by way of no": "global\n no lua-load /x\n",
    "lua behind a return": "global\r lua-load /x.lua\r",
    "lua behind a tab of another kind": "global\n lua-load\v/x.lua\n",
    "lua outside of a section": "lua-load /x.lua\n",
    "a variable": 'global\n "${X}" /x.lua\n',
    "a variable as a value": 'global\n log "$X" local0\n',
    "external-check": "global\n external-check\n",
    "external-check of a backend": "backend x\n option external-check\n",
    "external-check's command": "backend x\n external-check command /bin/sh\n",
    "a program": "program x\n command /bin/sh\n",
    "fork": "global\n insecure-fork-wanted\n",
    "setuid": "global\n insecure-setuid-wanted\n",
    "an engine": "global\n ssl-engine /x.so\n",
    "a provider": "global\n ssl-provider-path /x\n",
    "environment": "global\n setenv LD_PRELOAD /x.so\n",
    "environment by one letter": "global\n setenv A_PRELOAD /x.so\n",
    "capabilities": "global\n setcap cap_net_admin\n",
    "root behind a condition": "userlist x\n.if 1\nglobal\n.endif\n user root\n",
    "root in another branch":
        ".if 1\nglobal\n.elif 1\nuserlist x\n.else\nuserlist y\n.endif\n user root\n",
    "root when a condition may have ended": "global\n.if 0\nuserlist x\n.endif\n user root\n",
    "a program in a condition": "global\n.if 0\n external-check\n.endif\n",
    "a variable in a condition": "global\n.if 0\n setenv PORT 80\n.endif\n",
    "a variable of the loader that ends as a name does": "global\n setenv LD_BIND x\n",
    "root": "global\n user root\n",
    "docker's group": "global\n group docker\n",
    "a number in place of a user": "global\n uid 0\n",
    "the group of a number": "global\n gid 00\n",
    "a mail server that is a socket": "mailers x\n mailer a /run/docker.sock\n",
    "a state that is a file of the machine": "global\n server-state-file /etc/shadow\n",
    "a socket of somebody else's in /tmp": "global\n stats socket /tmp/labkit.sock\n",
    "another root": "global\n chroot /\n",
    "a pidfile elsewhere": "global\n pidfile /etc/cron.d/x\n",
    "docker's socket": "backend x\n server a /run/docker.sock\n",
    "docker's socket by its family": "backend x\n server a unix@/run/docker.sock\n",
    "docker's socket by its type": "backend x\n server a stream+unix@/run/docker.sock\n",
    "docker's socket for checks": "backend x\n server a web1:80 check addr /run/docker.sock\n",
    "docker's socket by a template": "backend x\n server-template a 1 unix@/run/docker.sock\n",
    "a socket in the place of a file": "global\n stats socket /etc/shadow level admin\n",
    "a way round": "global\n stats socket /run/haproxy/../docker.sock\n",
    "a bound socket": "frontend x\n bind unix@/etc/passwd\n",
    "a bound socket among ports": "frontend x\n bind :80,/etc/passwd\n",
    "a descriptor": "frontend x\n bind fd@3\n",
    "a log that is a socket": "global\n log /run/docker.sock local0\n",
    "a file of the machine as an error": "defaults\n errorfile 503 /etc/shadow\n",
    "a file of the machine as an answer":
        "frontend x\n http-request return file /etc/shadow content-type text/plain\n",
    "a filter": "frontend x\n filter spoe config /x\n",
    "a service in lua": "frontend x\n http-request use-service lua.x\n",
    "an action in lua": "frontend x\n http-request lua.x\n",
    "a ring in a file": "ring x\n backing-file /etc/x\n",
    "a log forwarder": "log-forward x\n dgram-bind :514\n",
    "a key of next year": "global\n exec-at-start /bin/sh\n",
    "an open quote": 'global\n log "127.0.0.1\n',
    "a NUL": "global\n log 127.0.0.1\0 local0\n",
    "a line without end": "global\n log " + "x" * 10_000 + "\n",
}  # fmt: skip
HARMLESS_CONFIGURATIONS = {
    "a rewriting rule": "backend x\n http-request replace-path ^/x(.*) /\\1\n",
    "an expression that ends": 'frontend x\n acl a path_reg "^/x$"\n acl b path_reg ^/x$\n',
    "a comment": "# lua-load /x\nglobal # external-check\n log 127.0.0.1 local0 # omprog\n",
    "a value that looks like a keyword": "backend lua-load\n balance roundrobin\n",
    "a format": 'defaults\n log-format "%ci:%cp [%tr] %ft %b/%s %{+Q}r"\n',
    "escaped blanks": "listen s\n stats realm HAProxy\\ Statistics\n stats auth a:b\n",
    "sockets of its own": "global\n stats socket /run/haproxy/admin.sock mode 660 level admin\n"
    " stats socket /var/lib/haproxy/stats\n stats socket ipv4@*:9999\n",
    "a path that is none of the machine's": "listen s\n stats uri /etc/shadow\n",
    "systemd's log": "global\n log /dev/log local0\n log stdout format raw local0\n",
    "a certificate": "frontend x\n bind :443 ssl crt /etc/haproxy/site.pem alpn h2\n",
    "variables": "global\n setenv LB1_IP 192.0.2.1\n setenv S2 192.0.2.2\n setenv WEB_PORT 80\n",
    "names": "backend x\n server-template web 1-2 web:80 check\n server a 192.0.2.1:80 backup\n",
    "the manual's own socket": "global\n stats socket /var/run/haproxy.sock mode 600\n"
    " stats socket /run/haproxy.stat\n stats socket /tmp/haproxy.sock level admin\n",
    "conditions": "global\n.if defined(X)\n log 127.0.0.1 local1\n.else\n log 127.0.0.1 local2\n"
    '.endif\n.if version_atleast(2.4)\nlisten s\n bind :8404\n.endif\n.notice "x"\n',
    "names of variables": "global\n setenv HOST1 web1\n setenv LISTEN_PORT 80\n"
    " setenv MY_BACKEND web1\n setenv LOG_ADDR 192.0.2.1\n setenv MACHINE_1 web1\n",
    "nobody by number": "global\n uid 99\n gid 99\n",
    "mail": "mailers m\n mailer a 192.0.2.1:25\nbackend x\n email-alert mailers m\n"
    " email-alert level alert\n",
    "states kept": "global\n server-state-base /var/lib/haproxy\n server-state-file state\n",
    "metrics": "frontend x\n http-request use-service prometheus-exporter if { path /metrics }\n",
}


@pytest.mark.parametrize("text", HOSTILE_CONFIGURATIONS.values(), ids=HOSTILE_CONFIGURATIONS)
def test_hostile_configurations_are_refused(text: str) -> None:
    assert harmless.refused(text)


@pytest.mark.parametrize("text", HARMLESS_CONFIGURATIONS.values(), ids=HARMLESS_CONFIGURATIONS)
def test_hostile_is_no_usual_configuration(text: str) -> None:
    assert harmless.refused(text) == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (r"a b\ c 'd e' \"f\" g#h", ["a", "b c", "d e", '"f"', "g"]),
        (r'"a\"b" ' + r"'a\b' a\\b", ['a"b', r"a\b", r"a\b"]),
        (r"\x41\#b  # c", ["A#b"]),
        ("''", [""]),
        ("   ", []),
    ],
)
def test_words_are_those_of_haproxy(line: str, words: list[str]) -> None:
    assert words_of(line) == words


SLIP = "[ALERT]    (7) : config : parsing [/var/lib/labkit/haproxy.cfg:2] : unknown keyword '{}'"


def test_a_slip_of_the_pen_is_left_to_haproxy() -> None:
    (found,) = harmless.refused("backend x\n balanse roundrobin\n")
    assert is_unknown(found, SLIP.format("balanse") + " in 'backend' section; did you mean ...")
    assert not is_unknown(found, "")
    assert not is_unknown(found, SLIP.format("balance"))


def test_what_a_former_release_knew_is_left_to_haproxy() -> None:
    (found,) = harmless.refused("frontend x\n reqadd X:\\ y\n")
    assert is_unknown(
        found, SLIP.partition(" unknown")[0] + " The 'reqadd' directive is not supported anymore"
    )


def test_hostile_scripts_cannot_say_that_haproxy_does_not_know_them() -> None:
    (found,) = harmless.refused("global\n lua-load /x\n")
    assert not is_unknown(found, SLIP.format("lua-load"))


@pytest.mark.parametrize("number", [11, 12])
def test_hostile_configurations_are_asked_about_as_nobody_and_not_put_in_place(number: int) -> None:
    """Two steps bring the same file; neither loads it."""
    asked: list[str] = []

    def answer(question: str) -> Result:
        asked.append(question)
        return Result(question, "", "", 1)

    shell = PlannedShell("lb", answer)
    cfg = "global\n lua-load /x\nbackend my-backend\n server a web1:80\n"
    files = Files(COURSE.root, None, handed=handed({"haproxy.cfg": cfg, "x.txt": ""}))
    step = COURSE.step(str(number))
    assert step is not None
    with pytest.raises(StepFailedError, match=r"not started: lua-load \(2\)"):
        call(step, {"lb": shell}, files)
    assert any("sudo -n -u nobody haproxy -c" in question for question in asked)
    assert "/etc/haproxy/haproxy.cfg" not in shell.files
    assert shell.plan[-1] == "lb $ sudo systemctl stop haproxy", "nor does another one run instead"


# -- rsyslog


HOSTILE_RULES = {
    "a program": 'module(load="omprog")\n',
    "a program by its action": 'action(type="omprog" binary="/bin/sh")\n',
    "a program in octal": 'module(load="om\\160rog")\n',
    "a program in hexadecimal": 'module(load="om\\x70rog")\n',
    "a program by the old way": "local2.* ^/bin/sh\n",
    "a program behind a long selector": f"{';'.join(['local2.*'] * 60)} ^/bin/sh\n",
    "a program behind a property": ':msg, contains, "x" ^/bin/sh\n',
    "a program in a ruleset": 'ruleset(name="x") { action(type="omprog" binary="/x") }\n',
    "a program on the next line": "local2.* /var/log/x\n& ^/bin/sh\n",
    "a program in capitals": "$MODLOAD omprog\n",
    "a module by its path": "$ModLoad /tmp/x.so\n",
    "more configuration": "$IncludeConfig /srv/x.conf\n",
    "more configuration, anew": 'include(file="/srv/x.conf")\n',
    "a file elsewhere": "local2.* /etc/cron.d/x\n",
    "a file elsewhere, by a way round": "local2.* /var/log/../../etc/cron.d/x\n",
    "a file elsewhere, not synced": "local2.* -/home/student/.ssh/authorized_keys\n",
    "a file elsewhere, in an action": 'action(type="omfile" file="/etc/passwd")\n',
    "a file elsewhere, by an escape": 'action(type="omfile" file="/var/log/\\x2e\\x2e/x")\n',
    "a file that a template names": 'action(type="omfile" dynaFile="x")\n',
    "a file that a template names, by the old way": '$template t,"/etc/x"\nlocal2.* ?t\n',
    "a file said twice": 'action(type="omfile" file="/var/log/x" file="/etc/x")\n',
    "a pipe": "local2.* |/run/x\n",
    "a database": "local2.* >host,db,user,password\n",
    "another module's action": "local2.* :omprog:\n",
    "users' terminals": "local2.* *\n",
    "another machine": "local2.* @192.0.2.1\n",
    "settings of all": 'global(environment="LD_PRELOAD=/x.so")\n',
    "the working folder": "$WorkDirectory /etc\n",
    "a script that is asked": 'if http_request("http://x") == "1" then stop\n',
    "a backtick": "if `cat /etc/shadow` then stop\n",
    "a socket in the place of a file": "$AddUnixListenSocket /etc/passwd\n",
    "a continued line": "local2.* \\\n  ^/bin/sh\n",
    "behind a comment": "/* x */ local2.* ^/bin/sh # y\n",
    "a list of templates": 'template(name="x" type="plugin" plugin="/x")\n',
    "a queue in a file": 'action(type="omfile" file="/var/log/x" queue.filename="/etc/x")\n',
    "set-user-id": "$FileCreateMode 4755\n",
    "an object of next year": 'exec(command="/bin/sh")\n',
    "a parameter of next year": 'action(type="omfile" file="/var/log/x" exec="/bin/sh")\n',
}
HARMLESS_RULES = {
    "nothing": "",
    "a comment": "# ^/bin/sh\n/* omprog\n*/\n",
    "Debian's own": '$AddUnixListenSocket /var/lib/haproxy/dev/log\n'
                    ':programname, startswith, "haproxy" {\n  /var/log/haproxy.log\n  stop\n}\n',
    "old": "$ModLoad imudp\n$UDPServerAddress 127.0.0.1\n$UDPServerRun 514\n"
           "local2.=info -/var/log/haproxy.log;RSYSLOG_TraditionalFileFormat\n& ~\n",
    "new": 'module(load="imudp") input(type="imudp" port="514" address="127.0.0.1")\n'
           'if $syslogfacility-text == "local2" and not ($msg contains "x") then {\n'
           '  action(type="omfile" file="/var/log/haproxy/a.log" template="t")\n  stop\n}\n'
           'else /var/log/other.log\n',
    "priorities": 'if prifilt("local2.*") then { call hap stop }\n'
                  'ruleset(name="hap") { action(type="omfile" file="/var/log/haproxy.log"'
                  ' queue.workerThreads="1" action.resumeRetryCount="-1") }\n',
    "old settings": "$MaxMessageSize 64k\n$IMUXSockRateLimitInterval 0\n$PreserveFQDN on\n",
    "a template": 'template(name="t" type="list") {\n  constant(value="a\\n")\n'
                  '  property(name="msg" droplastlf="on")\n}\n$template u,"%msg%\\n"\n',
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE_RULES.values(), ids=HOSTILE_RULES)
def test_hostile_rules_are_refused(text: str) -> None:
    assert rsyslog.refused(text)


@pytest.mark.parametrize("text", HARMLESS_RULES.values(), ids=HARMLESS_RULES)
def test_hostile_are_no_usual_rules(text: str) -> None:
    assert rsyslog.refused(text) == []


# -- commands: a word that comes from elsewhere is quoted


TYPING = {"run", "ask", "start", "run_twice", "schedule", "strike"}
# What gives quoted words: functions, and properties that are made of them.
QUOTING = {"quote", "join", "quoted", "compose", "command_line", "add_user", "can_be_had",
           "_same", "_command", "website", "api_of", "command", "len"}  # fmt: skip
Assigned = dict[str, list[ast.expr]]


def functions() -> Iterator[Any]:
    for folder in ("labkit/facts", "subject", "steps", "checks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for function in ast.walk(ast.parse(path.read_text())):
                if isinstance(function, ast.FunctionDef):
                    yield pytest.param(function, id=f"{path.stem}.{function.name}")


def foreign(function: ast.FunctionDef) -> list[str]:
    """What stands unquoted in the commands that a function types."""
    assigned = assignments(function)
    found: list[str] = []
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and called(node) in TYPING:
            unless = [one.value for one in node.keywords if one.arg == "unless"]
            for argument in [*node.args, *unless]:
                found += unquoted(argument, assigned)
    return list(dict.fromkeys(found))


def assignments(function: ast.FunctionDef) -> Assigned:
    assigned: Assigned = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                for name, value in pairs(target, node.value):
                    assigned.setdefault(name, []).append(value)
    return assigned


def pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Each name with what it is given; of a call that gives several, the call."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple):
        values = value.elts if isinstance(value, ast.Tuple) else [value] * len(target.elts)
        for one, given in zip(target.elts, values, strict=False):
            yield from pairs(one, given)


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)


def unquoted(node: ast.AST, assigned: Assigned) -> list[str]:
    """The foreign parts of the texts of an expression; what is quoted as a whole has none."""
    if isinstance(node, ast.Call) and called(node) in QUOTING:
        return []
    if isinstance(node, ast.Name):
        texts = [one for one in assigned.get(node.id, []) if isinstance(one, ast.JoinedStr)]
        rest = {name: values for name, values in assigned.items() if name != node.id}
        return [said for text in texts for said in unquoted(text, rest)]
    if isinstance(node, ast.JoinedStr):
        first = node.values[0]
        if isinstance(first, ast.Constant) and str(first.value).startswith("/"):
            return []  # the path of a page, and no command
        parts = [one for one in node.values if isinstance(one, ast.FormattedValue)]
        return [ast.unparse(one.value) for one in parts if not is_safe(one, assigned)]
    return [said for inner in ast.iter_child_nodes(node) for said in unquoted(inner, assigned)]


def is_safe(value: ast.expr, assigned: Assigned) -> bool:
    """A constant of ours, a number, or what went through something that quotes."""
    match value:
        case ast.FormattedValue(format_spec=ast.JoinedStr() as spec):
            return ast.unparse(spec).strip("'\"f")[-1:] in ("d", "")
        case ast.FormattedValue():
            return is_safe(value.value, assigned)
        case ast.Constant():
            return True
        case ast.IfExp():
            return is_safe(value.body, assigned) and is_safe(value.orelse, assigned)
        case ast.JoinedStr():
            return all(is_safe(one, assigned) for one in value.values)
        case ast.Call():
            return called(value) in QUOTING
        case ast.Subscript():
            return is_safe(value.value, assigned)
        case ast.Attribute():
            return value.attr.isupper() or value.attr in {*QUOTING, "hex"}
        case ast.Name():
            given = assigned.get(value.id, [])
            rest = {name: values for name, values in assigned.items() if name != value.id}
            return value.id.isupper() or (bool(given) and all(is_safe(one, rest) for one in given))
        case ast.BinOp():
            return is_safe(value.left, assigned) and is_safe(value.right, assigned)
    return False


@pytest.mark.parametrize("function", list(functions()))
def test_hostile_words_are_quoted_in_every_command(function: ast.FunctionDef) -> None:
    assert foreign(function) == []


def test_hostile_words_are_found_by_the_rule() -> None:
    function = ast.parse('def f(shell, a):\n c = f"x {a}"\n shell.run(c)\n shell.ask(f"y {a.b}")')
    assert foreign(function.body[0]) == ["a", "a.b"]  # type: ignore[arg-type]
